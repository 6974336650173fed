//! From one schema to the next: what has to happen to triggers and view, before and after the
//! application's own migration.
//!
//! Expand and contract: what goes leaves the triggers and the view first, so that neither stops
//! the application's DDL or its writes; what comes enters them afterwards.

mod between;
mod compare;
mod rename;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use compare::{Difference, DifferenceKind};
pub use rename::Renames;

use super::{Cascade, Error, Plan, TablePlan, plan, plan_store};
use crate::config::{Config, TableChoice};
use crate::dialect::Brand;
use crate::model::{Schema, TableName};

/// A schema, and whose types it has.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The application's tables.
    pub schema: &'a Schema,
    /// The brand that its native types are of.
    pub brand: Brand,
}

/// The tables whose capture is known to be installed, each with the policy of its columns where
/// that is known too.
pub type Captured = BTreeMap<String, Option<BTreeMap<String, String>>>;

/// What has to be decided between two schemas.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is followed in the end.
    pub config: &'a Config,
    /// The schema as it is.
    pub old: Side<'a>,
    /// The schema as it shall be.
    pub new: Side<'a>,
    /// What is installed; without, what the configuration makes of the old schema.
    pub captured: Option<&'a Captured>,
    /// What got another name.
    pub renames: &'a Renames,
    /// The brand of the nodes.
    pub brand: Brand,
    /// Whether the nodes only store and forward.
    pub is_store: bool,
}

/// What holds the application's writes off while triggers and tables do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nothing has to: at every moment each write is captured and none fails.
    Nothing,
    /// One transaction can hold everything, and then no moment is between.
    May,
    /// One transaction has to hold everything.
    Must,
    /// The brand has no such transaction: the application has to rest.
    Rest,
}

/// What happens between two schemas on the nodes of one brand.
#[derive(Debug, Clone)]
pub struct Evolution {
    /// What differs, table by table.
    pub differences: Vec<Difference>,
    /// What has to hold the application off.
    pub hold: Hold,
    /// What is there before, as far as the configuration tells.
    pub old: Plan,
    /// What stands while the application's DDL runs: what it has in common with `new`.
    pub between: Plan,
    /// The tables of `between` that the view may name meanwhile.
    pub viewed: BTreeSet<String>,
    /// What stands in the end.
    pub new: Plan,
    /// Tables whose triggers are replaced before the application's DDL.
    pub leaving: BTreeSet<String>,
    /// Tables whose triggers are removed before it, since they can be in no form that fits both.
    pub removed: BTreeSet<String>,
    /// Whether the view is replaced before it.
    pub view_leaves: bool,
    /// Tables whose triggers go with the table, which is made anew.
    pub rebuilt: BTreeSet<String>,
}

/// Decides what happens to triggers and view between two schemas.
///
/// # Errors
/// As [`plan`], for what the configuration follows in the new schema.
pub fn evolve(question: &Question<'_>) -> Result<Evolution, Error> {
    let Question { config, old, new, brand, .. } = *question;
    let new_plan = plan_of(config, new.schema, question)?;
    let old_config = between::config_for(config, old.schema, question.renames);
    let old_plan = plan_of_what_can_be(old_config, old.schema, question);
    let followed = Followed::new(question, &old_plan, &new_plan);
    let differences = compare::differences(question, &followed);
    let sets = Sets::new(question, &differences, &old_plan);
    let common = between::schema(old.schema, &sets.gone, &sets.absent());
    let between_config = between::config_for(config, &common, question.renames);
    let mut between = plan_of_what_can_be(between_config, &common, question);
    between.schema_hash.clone_from(&new_plan.schema_hash);
    let stays = |table: &&TablePlan| !sets.unsettled.contains(&table.object_table);
    let viewed = between.tables.iter().filter(stays).map(|table| table.object_table.clone());
    Ok(Evolution {
        hold: hold(brand, &differences, &sets),
        viewed: viewed.collect(),
        leaving: sets.leaving(&old_plan),
        view_leaves: sets.concern_the_view(),
        differences,
        old: old_plan,
        between,
        new: new_plan,
        removed: sets.removed,
        rebuilt: sets.rebuilt,
    })
}

fn plan_of(config: &Config, schema: &Schema, question: &Question<'_>) -> Result<Plan, Error> {
    if question.is_store {
        return Ok(plan_store(config, schema, question.brand));
    }
    plan(config, schema, question.brand)
}

/// The plan of an older schema: a table that could not be followed was not, and what is wrong with
/// the new one is said elsewhere.
fn plan_of_what_can_be(mut config: Config, schema: &Schema, question: &Question<'_>) -> Plan {
    loop {
        let error = match plan_of(&config, schema, question) {
            Ok(plan) => return plan,
            Err(error) => error,
        };
        let name = error.table().map(ToString::to_string);
        let rule = config
            .tables
            .iter_mut()
            .find(|rule| Some(&rule.pattern) == name.as_ref() && rule.choice != TableChoice::Skip);
        match rule {
            Some(rule) => rule.choice = TableChoice::Skip,
            None => return plan_store(&config, schema, question.brand),
        }
    }
}

/// The followed tables of both sides.
struct Followed<'a> {
    old: BTreeSet<String>,
    new: BTreeMap<&'a str, &'a TablePlan>,
}

impl<'a> Followed<'a> {
    fn new(question: &Question<'_>, old: &Plan, new: &'a Plan) -> Self {
        let planned = old.tables.iter().map(|table| table.object_table.clone());
        Self {
            old: match question.captured {
                Some(captured) => captured.keys().cloned().collect(),
                None => planned.collect(),
            },
            new: new.tables.iter().map(|table| (table.object_table.as_str(), table)).collect(),
        }
    }
}

/// What the differences mean for the objects that are there, by the tables' old names.
#[derive(Debug, Default)]
struct Sets {
    /// Columns that are gone in the end, under their old names.
    gone: BTreeMap<String, BTreeSet<String>>,
    /// Tables that are gone in the end, under their old names.
    dropped: BTreeSet<String>,
    removed: BTreeSet<String>,
    rebuilt: BTreeSet<String>,
    /// Tables that the view may not name meanwhile.
    unsettled: BTreeSet<String>,
}

impl Sets {
    fn new(question: &Question<'_>, differences: &[Difference], old: &Plan) -> Self {
        use DifferenceKind as Kind;
        let can = &question.brand.dialect().can;
        let mut sets = Self::default();
        for one in differences {
            let table = one.old_table.clone().unwrap_or_else(|| one.table.clone());
            if one.is_alteration() && !can.alter_columns {
                sets.rebuilt.insert(table.clone());
                sets.unsettled.insert(table.clone());
            }
            match one.kind {
                Kind::TableDropped => {
                    sets.dropped.insert(table);
                }
                Kind::TableRenamed => {
                    // Its triggers go along with it, under names that its successors do not have.
                    if can.roll_back_ddl {
                        sets.removed.insert(table.clone());
                    }
                    sets.dropped.insert(table);
                }
                Kind::ColumnDropped | Kind::ColumnRenamed => {
                    let name = one.old_column.clone().or_else(|| one.column.clone());
                    sets.gone.entry(table).or_default().extend(name);
                }
                Kind::TypeChanged | Kind::KeyChanged => {
                    sets.unsettled.insert(table);
                }
                _ => {}
            }
        }
        // Without its key a table cannot be captured in any form.
        for table in &old.tables {
            let gone = sets.gone.get(&table.object_table);
            let is_keyless =
                table.key.iter().any(|key| gone.is_some_and(|g| g.contains(&key.name)));
            if is_keyless {
                sets.removed.insert(table.object_table.clone());
                sets.unsettled.insert(table.object_table.clone());
            }
        }
        sets
    }

    /// Tables that have no triggers of ours while the application's DDL runs.
    fn absent(&self) -> BTreeSet<String> {
        self.dropped.union(&self.removed).cloned().collect()
    }

    /// Tables whose triggers name what goes: their own columns, or rows that they record for
    /// others.
    fn leaving(&self, old: &Plan) -> BTreeSet<String> {
        let has_gone = |name: &str| self.gone.contains_key(name) || self.dropped.contains(name);
        let names_gone = |cascade: &Cascade| has_gone(&cascade.table.object_table);
        let is_leaving = |table: &&TablePlan| {
            self.gone.contains_key(&table.object_table)
                || table.delete_cascades.iter().chain(&table.update_cascades).any(names_gone)
        };
        let tables = old.tables.iter().filter(is_leaving).map(|table| table.object_table.clone());
        tables.filter(|table| !self.absent().contains(table)).collect()
    }

    fn concern_the_view(&self) -> bool {
        !(self.gone.is_empty() && self.dropped.is_empty() && self.unsettled.is_empty())
    }
}

fn hold(brand: Brand, differences: &[Difference], sets: &Sets) -> Hold {
    let can_hold = brand.dialect().can.roll_back_ddl;
    let is_torn = !sets.rebuilt.is_empty() || differences.iter().any(Difference::tears);
    match (can_hold, is_torn) {
        (true, true) => Hold::Must,
        (true, false) => Hold::May,
        (false, true) => Hold::Rest,
        (false, false) => Hold::Nothing,
    }
}

/// A table's name as [`TablePlan::object_table`] has it, in two parts again.
fn named<'a>(schema: &'a Schema, object_table: &str) -> Option<&'a TableName> {
    let is_it = |name: &&TableName| name.to_string() == object_table;
    schema.tables.iter().map(|table| &table.name).find(is_it)
}
