//! What foreign keys do by themselves when a row is deleted or its key changes.

use crate::model::{Action, ForeignKey, Schema, Table};

/// From the row that is written to rows that go or change with it.
#[derive(Debug, Clone)]
pub struct Reached<'a> {
    /// The foreign keys on the way, each with its table; the last one belongs to the rows.
    pub path: Vec<(&'a Table, &'a ForeignKey)>,
    /// What becomes of the rows.
    pub action: Action,
}

/// What cannot be followed from the row that is written.
#[derive(Debug, Clone)]
pub struct Blind<'a> {
    /// The table whose rows go or change.
    pub table: &'a Table,
    /// The foreign key by which they do.
    pub key: &'a ForeignKey,
    /// Completes the sentence "the cascade cannot be captured: …".
    pub why: &'static str,
}

/// Everything that the foreign keys of a schema do when a row of one table is written.
#[derive(Debug, Clone, Default)]
pub struct Cascades<'a> {
    /// When the row is deleted.
    pub on_delete: Vec<Reached<'a>>,
    /// When its key changes.
    pub on_update: Vec<Reached<'a>>,
    /// What cannot be told from the row.
    pub blind: Vec<Blind<'a>>,
}

/// What happens to other rows when a row of `table` is deleted or its key changes. `key_of` gives
/// the columns by which a table's rows are followed.
#[must_use]
pub fn cascades<'a>(
    schema: &'a Schema,
    table: &'a Table,
    key_of: &dyn Fn(&Table) -> Vec<String>,
) -> Cascades<'a> {
    let mut found = Cascades::default();
    follow_deletes(schema, table, table, &mut Vec::new(), &mut found);
    for (child, key) in referring(schema, table) {
        if key.on_update == Action::NoAction {
            continue;
        }
        let is_own_key = key_of(child).iter().any(|column| key.columns.contains(column));
        let is_referred = referring(schema, child).any(|(_, further)| {
            let carries = further.on_update != Action::NoAction;
            carries && further.referenced_columns.iter().any(|one| key.columns.contains(one))
        });
        if is_own_key || is_referred || child.name == table.name {
            let why = "it changes the key of the rows that refer";
            found.blind.push(Blind { table: child, key, why });
        } else {
            found.on_update.push(Reached { path: vec![(child, key)], action: key.on_update });
        }
    }
    found
}

fn follow_deletes<'a>(
    schema: &'a Schema,
    first: &'a Table,
    table: &'a Table,
    path: &mut Vec<(&'a Table, &'a ForeignKey)>,
    found: &mut Cascades<'a>,
) {
    for (child, key) in referring(schema, table) {
        let is_cyclic =
            child.name == first.name || path.iter().any(|(on, _)| on.name == child.name);
        match key.on_delete {
            Action::NoAction => {}
            _ if is_cyclic => {
                let why = "the tables refer to each other in a circle";
                found.blind.push(Blind { table: child, key, why });
            }
            action => {
                path.push((child, key));
                found.on_delete.push(Reached { path: path.clone(), action });
                if action == Action::Cascade {
                    follow_deletes(schema, first, child, path, found);
                }
                path.pop();
            }
        }
    }
}

/// The foreign keys that refer to a table.
fn referring<'a>(
    schema: &'a Schema,
    table: &'a Table,
) -> impl Iterator<Item = (&'a Table, &'a ForeignKey)> {
    schema.tables.iter().flat_map(move |child| {
        let keys = child.foreign_keys.iter().filter(move |key| key.references == table.name);
        keys.map(move |key| (child, key))
    })
}
