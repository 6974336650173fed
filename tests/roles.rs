//! Owner, runner and application as three users, each with the rights that are emitted and no
//! others.

use outrigger::db::{self, FaultKind, Session};
use outrigger::dialect::Brand;
use outrigger::render::{self, Templates};

use crate::cli_support::{Outcome, outrigger};
use crate::support::{self, TestDatabase};

const USERS: [&str; 3] = ["outrigger_owner", "outrigger_runner", "outrigger_app"];

const SCHEMA: &str =
    "CREATE TABLE sales_order (order_id varchar(40) PRIMARY KEY, note varchar(40));";

fn config(brand: Brand) -> String {
    format!(
        "database: app\nschema: {{ dialect: {brand}, files: [schema.sql] }}\n\
         nodes:\n  here: {{ url: '${{HERE_URL}}' }}\n  there: {{ url: 'sqlite:there.db' }}\n\
         tables: {{ sales_order: follow }}\n\
         routes:\n  - {{ id: 1, from: here, to: there }}\n  - {{ id: 3, from: there, to: here }}\n\
         roles: {{ owner: outrigger_owner, runner: outrigger_runner, application: outrigger_app }}\n"
    )
}

#[test]
fn each_role_has_what_it_needs_and_no_more_on_postgres() {
    support::on_each_server_of(Brand::Postgres, play);
}

#[test]
fn each_role_has_what_it_needs_and_no_more_on_mysql() {
    support::on_each_server_of(Brand::Mysql, play);
}

/// The database as one of the users.
fn url(database: &TestDatabase, user: &str) -> String {
    let mut url = url::Url::parse(&database.url).unwrap();
    url.set_username(user).unwrap();
    url.set_password(None).unwrap();
    url.to_string()
}

async fn connect(database: &TestDatabase, user: &str) -> Box<dyn Session> {
    db::connect(&url(database, user)).await.unwrap()
}

async fn play(database: &TestDatabase) {
    let brand = database.brand();
    let mut admin = database.connect().await;
    for user in USERS {
        let create = match brand {
            Brand::Mysql => format!("CREATE USER IF NOT EXISTS '{user}'@'%'"),
            _ => format!("CREATE ROLE {user} LOGIN"),
        };
        // On PostgreSQL it may be there from an earlier run; its rights went with the database.
        let made = admin.raw(&create).await;
        assert!(made.is_ok() || brand == Brand::Postgres, "{made:?}");
    }
    let grants = grants(brand);
    admin.raw(&grants[0]).await.unwrap();
    connect(database, "outrigger_owner").await.raw(SCHEMA).await.unwrap();

    let run = |run: crate::cli_support::Run, user: &str| {
        run.file("schema.sql", SCHEMA)
            .file("outrigger.yaml", config(brand))
            .variable("HERE_URL", &url(database, user))
            .exits_with(0)
    };
    let made = outrigger("apply --node here").file("there.db", "");
    let outcome = run(made, "outrigger_owner");
    let there = format!("sqlite:{}", outcome.folder().join("there.db").display());
    let mut there = db::connect(&there).await.unwrap();
    there.raw(SCHEMA).await.unwrap();
    let outcome = run(outcome.then("apply --node there"), "outrigger_owner");
    let outcome = run(outcome.then("generate"), "outrigger_owner");
    let file = outcome.text(&format!("sql/{brand}/grants.sql"));
    for statement in &grants {
        assert!(file.contains(statement), "{statement} is in the file");
        admin.raw(statement).await.unwrap_or_else(|fault| panic!("{statement}: {fault}"));
    }

    let mut app = connect(database, "outrigger_app").await;
    app.raw("INSERT INTO sales_order VALUES ('1', 'a')").await.unwrap();
    refused(app.as_mut(), "SELECT * FROM ds_change_outbox").await;
    refused(app.as_mut(), "DELETE FROM ds_change_outbox").await;
    refused(app.as_mut(), "UPDATE ds_node SET node_id = 'x'").await;

    let outcome = round(outcome, &run);
    assert_eq!(note(there.as_mut()).await, "a", "captured, carried and imported");
    there.raw("UPDATE sales_order SET note = 'b'").await.unwrap();
    let outcome = round(outcome, &run);
    assert_eq!(note(app.as_mut()).await, "b", "imported with the runner's rights");
    run(outcome.then("status"), "outrigger_runner");

    let mut runner = connect(database, "outrigger_runner").await;
    refused(runner.as_mut(), "DROP TABLE sales_order").await;
    refused(runner.as_mut(), "DROP TABLE ds_change_outbox").await;
}

/// One iteration of both programs, as the runner.
fn round(outcome: Outcome, run: &impl Fn(crate::cli_support::Run, &str) -> Outcome) -> Outcome {
    let outcome = run(outcome.then("transport"), "outrigger_runner");
    run(outcome.then("import"), "outrigger_runner")
}

fn grants(brand: Brand) -> Vec<String> {
    let variables = std::collections::BTreeMap::new();
    let config = config(brand).replace("${HERE_URL}", &format!("{brand}://app@localhost/app"));
    let config = outrigger::config::parse("outrigger.yaml", &config, &variables).unwrap();
    let source = outrigger::schema::Source { path: "schema.sql", text: SCHEMA };
    let reading = outrigger::schema::parse(&[source], brand).unwrap();
    let plan = outrigger::plan::plan(&config, &reading.schema, brand).unwrap();
    render::grants(&plan, &Templates::embedded(brand)).unwrap()
}

async fn note(session: &mut dyn Session) -> String {
    let rows = session.fetch("SELECT note FROM sales_order", &[]).await.unwrap();
    rows[0].text("note").unwrap()
}

async fn refused(session: &mut dyn Session, sql: &str) {
    let fault = session.raw(sql).await.expect_err(sql);
    assert_eq!(fault.kind, FaultKind::Denied, "{sql}: {fault}");
}
