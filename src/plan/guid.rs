//! The column by which a table is followed instead of the application's key.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Error;
use super::capture::CapturedColumn;
use super::names::{hex, object_name};
use crate::config::{Config, GuidFill, TableOptions};
use crate::dialect::Brand;
use crate::model::{LogicalType, Table};

/// A column that Outrigger adds, with what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuidPlan {
    /// The column.
    pub column: CapturedColumn,
    /// Its unique index.
    pub index: String,
    /// Its default, on a brand where defaults have names.
    pub default: String,
    /// The application's key, by which a trigger finds the row again; empty where there is none.
    pub primary_key: Vec<String>,
    /// What rows that are there already get; `None`: something random.
    pub fill: Option<KeyFill>,
    /// Columns with times, which a brand may set by itself whenever a row is written.
    pub moments: Vec<String>,
}

/// A GUID of version 8 that is made of a table and a key of 64 bits, and of nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyFill {
    /// The key's only column.
    pub column: String,
    /// What the table gives: `xxxxxxxx-xxxx-8xx`. The 16 hexadecimal digits of the key follow, the
    /// variant between the first one and the others.
    pub start: String,
}

/// The column that is added to a table, `None` where the application has it or nothing asks for
/// one.
pub(super) fn guid(
    config: &Config,
    table: &Table,
    (options, key): (&TableOptions, &[CapturedColumn]),
    brand: Brand,
) -> Result<Option<GuidPlan>, Error> {
    let (Some(guid), [column]) = (&options.guid, key) else { return Ok(None) };
    if column.logical_type != LogicalType::Uuid {
        return Err(Error::BadGuid {
            table: table.name.clone(),
            column: column.name.clone(),
            native_type: column.native_type.clone(),
        });
    }
    let fill = match (guid.fill, key_fill(&config.database, table)) {
        (Some(GuidFill::Key), None) => {
            return Err(Error::BadFill { table: table.name.clone() });
        }
        (Some(GuidFill::Random), _) => None,
        (Some(GuidFill::Key) | None, fill) => fill,
    };
    if !guid.is_ours() {
        return Ok(None);
    }
    let is_moment = |logical_type: Option<LogicalType>| {
        matches!(logical_type, Some(LogicalType::Timestamp | LogicalType::TimestampTz))
    };
    let moments = table.columns.iter().filter(|one| !one.is_generated);
    let moments = moments.filter(|one| is_moment(one.logical_type));
    Ok(Some(GuidPlan {
        column: column.clone(),
        index: object_name(brand, "guid", &table.name),
        default: object_name(brand, "guid_default", &table.name),
        primary_key: table.primary_key.clone(),
        fill,
        moments: moments.map(|one| one.name.clone()).collect(),
    }))
}

/// A whole number is the only key of which all brands make the same text without a hash.
fn key_fill(database: &str, table: &Table) -> Option<KeyFill> {
    let [column] = table.primary_key.as_slice() else { return None };
    if table.column(column)?.logical_type != Some(LogicalType::Integer) {
        return None;
    }
    let named = format!("{database}\0{}", table.name);
    let digits = hex(&Sha256::digest(named.as_bytes()));
    Some(KeyFill {
        column: column.clone(),
        start: format!("{}-{}-8{}", &digits[..8], &digits[8..12], &digits[12..14]),
    })
}
