//! Which tables, columns and operations are captured.

use serde::Serialize;

use super::{Error, Plan};
use crate::config::Config;
use crate::dialect::Brand;
use crate::model::Schema;

/// One followed table on one brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TablePlan {}

/// One captured column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapturedColumn {}

pub(super) fn plan(_config: &Config, _schema: &Schema, _brand: Brand) -> Result<Plan, Error> {
    todo!()
}
