//! Installing, comparing and removing: what is there afterwards, and what is left alone.

pub(crate) mod case;
mod many;
mod replace;
mod statements;
mod trouble;

use std::collections::BTreeMap;

use outrigger::apply::{self, Action, Reason};
use outrigger::dialect::Brand;
use outrigger::model::NodeId;
use outrigger::render::Templates;

use case::{Case, FOLLOW, on_each, on_each_of};

/// The scripts that were replaced, each with its reason.
fn replaced(migration: &apply::Migration) -> Vec<(String, Reason)> {
    let one = |action: &Action| match action {
        Action::Replace(change, reason) => Some((change.script.name.clone(), *reason)),
        _ => None,
    };
    migration.actions.iter().filter_map(one).collect()
}

fn removed(migration: &apply::Migration) -> Vec<String> {
    let one = |action: &Action| match action {
        Action::Remove { installed, .. } => Some(installed.name.clone()),
        _ => None,
    };
    migration.actions.iter().filter_map(one).collect()
}

async fn outbox(case: &mut Case) -> i64 {
    case.number("SELECT COUNT(*) AS n FROM ds_change_outbox").await
}

/// A table whose capture stands in `100_capture_customer`.
const CUSTOMER: &str = "100_capture_customer";

#[test]
fn a_second_installation_does_nothing_and_a_removal_leaves_nothing() {
    on_each(async |case| {
        let before = case.catalogue().await;
        let first = case.apply().await;
        assert_eq!(first.actions.len(), 14, "ten control scripts, three tables, the view");
        assert_eq!(first.names, Some(NodeId::from("server2")));
        assert_ne!(case.catalogue().await, before);
        case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one')").await;
        assert_eq!(outbox(case).await, 1);

        let installed = case.catalogue().await;
        let history = "SELECT name, checksum, CAST(update_datetime AS char(40)) AS at \
                       FROM ds_migration_history ORDER BY name";
        let recorded = case.rows(history).await;
        assert_eq!(recorded.len(), 14);
        assert!(case.apply().await.is_empty());
        assert_eq!(case.catalogue().await, installed);
        assert_eq!(case.rows(history).await, recorded, "nothing is written again");
        assert_eq!(outbox(case).await, 1, "nor is the outbox made anew");
        assert_eq!(case.drift().await, [""; 0]);

        case.run("DELETE FROM ds_change_outbox").await;
        let removal = case.try_remove(false).await.unwrap();
        assert_eq!(removal.scripts.len(), 14);
        assert_eq!(case.catalogue().await, before);
        assert!(case.try_remove(false).await.unwrap().scripts.is_empty());
        assert_eq!(case.drift().await, ["not-installed server2"]);
        case.apply().await;
        assert_eq!(case.catalogue().await, installed, "and it can be installed again");
    });
}

#[test]
fn own_tables_are_no_part_of_the_applications_schema() {
    on_each(async |case| {
        let before = apply::inspect(case.session.as_mut(), &case.templates).await.unwrap();
        assert_eq!(before.tables.len(), 3);
        case.apply().await;
        let after = apply::inspect(case.session.as_mut(), &case.templates).await.unwrap();
        assert_eq!(after, before);
    });
}

#[test]
fn the_node_gets_its_id_and_the_programs_of_the_routes_that_end_there() {
    on_each(async |case| {
        case.apply().await;
        assert_eq!(case.rows("SELECT node_id FROM ds_node").await, ["server2"]);
        let programs = case
            .rows(
                "SELECT id, programtype, description, active_flag, fromserver, fromdb, fromtable, \
                 fromconnectionstring, fromoutboxpointer, toserver, todb, totable, \
                 toconnectionstring FROM ds_program_parameter ORDER BY id",
            )
            .await;
        let (one, two) = ("node server1 of outrigger.yaml", "node server2 of outrigger.yaml");
        assert_eq!(
            programs,
            [
                format!(
                    "1000|outbox to inbox transport|server1:testapp outbox transport to \
                     server2:testapp inbox|Y|server1|testapp|ds_change_outbox|{one}|0|server2|\
                     testapp|ds_change_inbox|{two}"
                ),
                format!(
                    "1001|inbox to apptable import|server2:testapp import from inbox to apptable|\
                     Y|server2|testapp|ds_change_inbox|{two}|0|server2|testapp|apptable|{two}"
                ),
            ]
        );
        case.run("UPDATE ds_program_parameter SET fromoutboxpointer = 7 WHERE id = 1000").await;
        case.run("DELETE FROM ds_program_parameter WHERE id = 1001").await;
        assert_eq!(case.drift().await, ["program-missing 1001"]);
        assert_eq!(case.apply().await.programs.len(), 1);
        let pointer = "SELECT fromoutboxpointer FROM ds_program_parameter WHERE id = 1000";
        assert_eq!(case.number(pointer).await, 7, "a program that is known is left alone");

        case.config.routes.retain(|route| route.id.0 != 1000);
        let drift = case.drift().await;
        assert_eq!(drift, ["program-unknown 1000", "program-unknown 1001"]);
        assert!(case.apply().await.is_empty());
        case.run("UPDATE ds_program_parameter SET fromserver = 'x' WHERE id = 1000").await;
        case.config = case::config(case.brand(), FOLLOW);
        let refusal = case.refuses().await;
        assert!(refusal.starts_with("program `1000` carries from `x` to `server2`"), "{refusal}");
    });
}

#[test]
fn a_changed_table_is_named_and_its_capture_replaced() {
    on_each(async |case| {
        case.apply().await;
        let add = if case.brand() == Brand::SqlServer { "ADD" } else { "ADD COLUMN" };
        case.run(&format!("ALTER TABLE customer {add} email varchar(50)")).await;
        let findings = case.verify().await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].id, findings[0].object.as_str()), ("table-changed", "customer"));
        assert_eq!(findings[0].message, "table `customer` has the new column `email`");

        case.ddl = case.ddl.replace("name varchar(60) NOT NULL", "$&, email varchar(50)");
        case.ddl = case.ddl.replace("$&", "name varchar(60) NOT NULL");
        assert_eq!(case.drift().await, [&format!("outdated {CUSTOMER}"), "table-changed customer"]);
        let migration = case.apply().await;
        assert_eq!(replaced(&migration), [(CUSTOMER.to_owned(), Reason::Changed)]);
        assert_eq!(case.drift().await, [""; 0]);
        case.run("INSERT INTO customer (customer_id, name, email) VALUES (1, 'a', 'b')").await;
        let change = case.rows("SELECT object_value FROM ds_change_outbox").await.concat();
        assert!(change.contains("email"), "{change}");
        assert!(case.apply().await.is_empty());
    });
}

#[test]
fn a_column_that_is_dropped_is_noted_while_it_is_there_and_when_it_is_gone() {
    on_each(async |case| {
        case.apply().await;
        case.follow("  sales_order: { columns: { description: dropped } }\n  '*': follow\n");
        case.apply().await;
        let findings = case.verify().await;
        let leaving = "column `description` of table `sales_order` is `dropped` and still there: \
                       nothing of it is captured";
        let said: Vec<_> =
            findings.iter().map(|one| (one.id, one.message.as_str(), one.is_note())).collect();
        assert_eq!(said, [("column-leaving", leaving, true)]);
        case.run("ALTER TABLE sales_order DROP COLUMN description").await;
        let dropped = "column-dropped sales_order.description";
        // The triggers do not name it, so that only the column's going is to be noted for good.
        assert_eq!(case.drift().await, ["table-changed sales_order", dropped]);
        case.apply().await;
        assert_eq!(case.drift().await, [dropped]);
        // The schema has lost it too: `dropped` may stay, and it is said that it stands there.
        case.ddl = case.ddl.replace("description varchar(200),", "");
        case.apply().await;
        assert_eq!(case.drift().await, [dropped]);
        case.follow(FOLLOW);
        case.apply().await;
        assert_eq!(case.drift().await, [""; 0]);
    });
}

#[test]
fn a_column_that_nobody_follows_replaces_the_capture_of_its_table_all_the_same() {
    on_each(async |case| {
        case.apply().await;
        let add = if case.brand() == Brand::SqlServer { "ADD" } else { "ADD COLUMN" };
        case.run(&format!("ALTER TABLE customer {add} email varchar(50)")).await;
        let migration = case.apply().await;
        assert_eq!(replaced(&migration), [(CUSTOMER.to_owned(), Reason::TableChanged)]);
        assert_eq!(case.drift().await, [""; 0]);
    });
}

#[test]
fn a_trigger_that_is_gone_is_found_and_made_again() {
    on_each(async |case| {
        case.apply().await;
        let name = "ds_capture_update_customer";
        let on = if case.brand() == Brand::Postgres { " ON customer" } else { "" };
        case.run(&format!("DROP TRIGGER {name}{on}")).await;
        assert_eq!(case.drift().await, [format!("trigger-missing {name}")]);
        let migration = case.apply().await;
        assert_eq!(replaced(&migration), [(CUSTOMER.to_owned(), Reason::Missing)]);
        assert_eq!(case.drift().await, [""; 0]);
        case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one')").await;
        case.run("UPDATE customer SET name = 'two'").await;
        assert_eq!(outbox(case).await, 2);
    });
}

#[test]
fn an_altered_trigger_is_found_and_made_again() {
    on_each(async |case| {
        case.apply().await;
        let name = "ds_capture_delete_customer";
        let statements: &[&str] = match case.brand() {
            Brand::Postgres => {
                &["CREATE OR REPLACE FUNCTION ds_capture_delete_customer() RETURNS trigger \
                 LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"]
            }
            Brand::Sqlite => &[
                "DROP TRIGGER ds_capture_delete_customer",
                "CREATE TRIGGER ds_capture_delete_customer AFTER DELETE ON customer BEGIN \
                 SELECT 1; END",
            ],
            Brand::Mysql => &[
                "DROP TRIGGER ds_capture_delete_customer",
                "CREATE TRIGGER ds_capture_delete_customer AFTER DELETE ON customer FOR EACH ROW \
                 SET @a = 1",
            ],
            Brand::SqlServer => {
                &["CREATE OR ALTER TRIGGER ds_capture_delete_customer ON customer AFTER DELETE AS \
                 BEGIN SET NOCOUNT ON; END"]
            }
        };
        for statement in statements {
            case.run(statement).await;
        }
        assert_eq!(case.drift().await, [format!("trigger-changed {name}")]);
        let migration = case.apply().await;
        assert_eq!(replaced(&migration), [(CUSTOMER.to_owned(), Reason::Altered)]);
        assert_eq!(case.drift().await, [""; 0]);
    });
}

#[test]
fn a_disabled_trigger_is_found_and_enabled() {
    on_each_of(Brand::Postgres, async |case| {
        case.apply().await;
        case.run("ALTER TABLE customer DISABLE TRIGGER ds_capture_insert_customer").await;
        assert_eq!(case.drift().await, ["trigger-disabled ds_capture_insert_customer"]);
        let migration = case.apply().await;
        assert_eq!(replaced(&migration), [(CUSTOMER.to_owned(), Reason::Disabled)]);
        assert_eq!(case.drift().await, [""; 0]);
    });
}

#[test]
fn a_table_that_took_anothers_name_has_no_triggers() {
    on_each_of(Brand::Postgres, async |case| {
        case.apply().await;
        case.run("ALTER TABLE customer RENAME TO customer_old").await;
        case.run("CREATE TABLE customer (LIKE customer_old INCLUDING ALL)").await;
        let drift = case.drift().await;
        assert_eq!(drift.len(), 4, "all four triggers: {drift:?}");
        assert!(drift.iter().all(|one| one.starts_with("trigger-missing ")), "{drift:?}");
    });
}

#[test]
fn what_an_older_version_made_besides_goes() {
    on_each_of(Brand::Sqlite, async |case| {
        case.apply().await;
        let plain = case.catalogue().await;
        let more = "CREATE TRIGGER {{ table.names.truncate | ident }} AFTER DELETE ON \
                    {{ table.name | ident }} BEGIN SELECT 1; END;\n-- removal --\n\
                    DROP TRIGGER {{ table.names.truncate | ident }};\n";
        let overrides = BTreeMap::from([("capture/truncate".to_owned(), more.to_owned())]);
        case.templates = Templates::with_overrides(Brand::Sqlite, &overrides).unwrap();
        assert_eq!(replaced(&case.apply().await).len(), 3);
        assert_ne!(case.catalogue().await, plain);
        case.templates = Templates::embedded(Brand::Sqlite);
        assert_eq!(replaced(&case.apply().await).len(), 3);
        assert_eq!(case.catalogue().await, plain);
        assert_eq!(case.drift().await, [""; 0]);
    });
}

#[test]
fn a_control_table_is_never_made_anew_while_it_holds_data() {
    on_each(async |case| {
        case.apply().await;
        case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one')").await;
        case.run("UPDATE ds_migration_history SET checksum = 'x' WHERE name = '002_outbox'").await;
        assert_eq!(case.drift().await, ["outdated 002_outbox"]);
        let refusal = case.refuses().await;
        assert!(refusal.starts_with("`002_outbox` was installed by outrigger 0."), "{refusal}");
        assert_eq!(outbox(case).await, 1);
    });
}

#[test]
fn a_control_table_that_is_gone_is_found_and_made_again() {
    on_each(async |case| {
        let before = case.catalogue().await;
        case.apply().await;
        case.run("DROP TABLE ds_quarantine").await;
        assert_eq!(case.drift().await, ["missing-object ds_quarantine"]);
        let migration = case.apply().await;
        assert_eq!(replaced(&migration), [("006_quarantine".to_owned(), Reason::Missing)]);
        assert_eq!(case.drift().await, [""; 0]);
        case.run("DROP TABLE ds_quarantine").await;
        case.try_remove(false).await.expect("what is gone already is no hindrance");
        assert_eq!(case.catalogue().await, before);
    });
}

#[test]
fn what_the_configuration_no_longer_explains_goes_only_when_allowed() {
    on_each(async |case| {
        case.apply().await;
        case.follow("  customer: follow\n  'x*': skip\n");
        assert_eq!(
            case.refuses().await,
            "the configuration no longer follows `order`, `sales_order`, whose capture is \
             installed"
        );
        let drift = case.drift().await;
        assert_eq!(drift.iter().filter(|one| one.starts_with("obsolete ")).count(), 2, "{drift:?}");

        case.follow("  customer: follow\n  sales_order: skip\n");
        assert!(case.refuses().await.contains("`order`"));
        case.follow("  customer: follow\n  sales_order: skip\n  order: skip\n");
        let migration = case.apply().await;
        assert_eq!(removed(&migration).len(), 2, "`skip` explains it");
        assert_eq!(case.drift().await, [""; 0]);
        case.run("INSERT INTO sales_order (order_id) VALUES ('a')").await;
        assert_eq!(outbox(case).await, 0);

        case.follow("  'x*': skip\n");
        assert!(case.refuses().await.contains("`customer`"));
        let migration = case.try_apply(true).await.unwrap();
        assert_eq!(removed(&migration), [CUSTOMER]);
        assert_eq!(case.drift().await, [""; 0]);
    });
}

#[test]
fn a_removal_does_not_lose_changes_unasked() {
    on_each(async |case| {
        let before = case.catalogue().await;
        case.apply().await;
        case.run("INSERT INTO customer (customer_id, name) VALUES (1, 'one')").await;
        let installed = case.catalogue().await;
        let error = case.try_remove(false).await.unwrap_err().to_string();
        assert!(error.starts_with("the outbox holds 1 changes"), "{error}");
        assert_eq!(case.catalogue().await, installed);
        assert_eq!(case.try_remove(true).await.unwrap().outbox_rows, 1);
        assert_eq!(case.catalogue().await, before);
    });
}

#[test]
fn what_would_be_run_can_be_run_by_hand_and_is_not_run_by_itself() {
    on_each(async |case| {
        let before = case.catalogue().await;
        let live = case.observe().await;
        let migration = apply::prepare(&case.wanted(), &live, false).unwrap();
        let text = apply::migration_text(&migration, &case.statements).unwrap();
        assert_eq!(case.catalogue().await, before);
        case.by_hand(&text).await;
        assert_eq!(case.drift().await, [""; 0]);
        assert!(case.apply().await.is_empty());

        let node = NodeId::from("server2");
        let removal = apply::prepare_removal(case.session.as_mut(), &case.statements, &node).await;
        let text = apply::removal_text(&removal.unwrap(), &case.statements).unwrap();
        assert_eq!(case.drift().await, [""; 0]);
        case.by_hand(&text).await;
        assert_eq!(case.catalogue().await, before);
    });
}
