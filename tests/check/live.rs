//! What running servers say of themselves.

use super::*;

/// The ids that are found on a database, with the node's configuration for it.
async fn found(database: &TestDatabase, url: &str) -> Vec<String> {
    let text = format!(
        "database: app\nschema: {{ node: here }}\nnodes:\n  here: {{ url: '{url}' }}\n\
         tables: {{ '*': follow }}\n"
    );
    let config = read(&text);
    let mut session = outrigger::db::connect(url).await.unwrap();
    let templates = Templates::embedded(database.brand());
    let surroundings = apply::surroundings(session.as_mut(), &templates).await.unwrap();
    let findings: Vec<Finding> =
        check_server(&config, &NodeId::from("here"), &surroundings.facts, surroundings.can_write);
    let brief = |one: &Finding| match &one.table {
        Some(table) => format!("{} {table}", one.id),
        None => one.id.to_owned(),
    };
    session.close().await.unwrap();
    findings.iter().map(brief).collect()
}

async fn run(database: &TestDatabase, statements: &[&str]) {
    let mut session = database.connect().await;
    for statement in statements {
        session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
    }
}

/// The URL with another user.
fn url_as(database: &TestDatabase, user: &str) -> String {
    let (scheme, rest) = database.url.split_once("://").unwrap();
    let (_, place) = rest.rsplit_once('@').unwrap();
    format!("{scheme}://{user}@{place}")
}

#[test]
fn a_server_that_is_set_up_well_gives_nothing_to_say() {
    for brand in [Brand::Postgres, Brand::Mysql] {
        on_each_server_of(brand, async |database| {
            run(database, &["CREATE TABLE a (id bigint PRIMARY KEY)"]).await;
            assert_eq!(found(database, &database.url).await, [""; 0], "{brand}");
        });
    }
}

#[test]
fn postgres_tells_what_a_role_lacks_and_what_keeps_triggers_still() {
    on_each_server_of(Brand::Postgres, async |database| {
        let name = database.url.rsplit('/').next().unwrap();
        run(
            database,
            &[
                "DROP ROLE IF EXISTS outrigger_check",
                "CREATE ROLE outrigger_check LOGIN",
                "CREATE TABLE a (id bigint PRIMARY KEY)",
                "CREATE TABLE b (id bigint PRIMARY KEY)",
                "GRANT TRIGGER ON b TO outrigger_check",
            ],
        )
        .await;
        let url = url_as(database, "outrigger_check");
        assert_eq!(found(database, &url).await, ["right-missing", "right-missing a"]);
        let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
        let replica = format!("ALTER DATABASE {name} SET session_replication_role = replica");
        run(database, &[&replica]).await;
        run(database, &[&read_only]).await;
        assert_eq!(found(database, &database.url).await, ["read-only-server", "triggers-off"]);
    });
}

#[test]
fn mysql_tells_what_a_user_lacks_and_which_tables_know_no_transactions() {
    on_each_server_of(Brand::Mysql, async |database| {
        let name = database.url.rsplit('/').next().unwrap();
        let grant = format!("GRANT SELECT, INSERT ON {name}.* TO outrigger_check@'%'");
        let trigger = format!("GRANT TRIGGER ON {name}.b TO outrigger_check@'%'");
        let latin = format!("ALTER DATABASE {name} CHARACTER SET latin1");
        run(
            database,
            &[
                "DROP USER IF EXISTS outrigger_check@'%'",
                "CREATE USER outrigger_check@'%'",
                "CREATE TABLE a (id bigint PRIMARY KEY) ENGINE = MyISAM",
                "CREATE TABLE b (id bigint PRIMARY KEY)",
                &latin,
                &grant,
                &trigger,
            ],
        )
        .await;
        let url = url_as(database, "outrigger_check");
        let wanted = ["right-missing", "not-transactional a", "right-missing a", "not-utf8"];
        assert_eq!(found(database, &url).await, wanted);
        run(database, &["DROP USER outrigger_check@'%'"]).await;
    });
}

#[test]
fn sqlite_tells_its_journal_and_whether_it_can_be_written() {
    on_each_server_of(Brand::Sqlite, async |database| {
        run(database, &["CREATE TABLE a (id bigint PRIMARY KEY)"]).await;
        assert_eq!(found(database, &database.url).await, ["journal-mode"]);
        let read_only = format!("{}?mode=ro", database.url);
        assert_eq!(found(database, &read_only).await, ["read-only-server", "journal-mode"]);
        run(database, &["PRAGMA journal_mode = WAL"]).await;
        assert_eq!(found(database, &database.url).await, [""; 0]);
    });
}

#[test]
fn the_command_looks_at_the_nodes_that_are_named() {
    support::block_on(async {
        let server = support::servers_of(Brand::Sqlite).next().unwrap();
        let database = TestDatabase::create(server, "").await;
        run(&database, &["CREATE TABLE person (id bigint PRIMARY KEY)"]).await;
        let config = format!(
            "database: app\nschema: {{ node: here }}\nnodes:\n  here: {{ url: '{}' }}\n\
             tables: {{ '*': follow }}\n",
            database.url
        );
        let live = outrigger("check --node here").file("outrigger.yaml", &config).exits_with(0);
        assert!(
            live.stdout.contains("info[journal-mode]: node `here`: the journal mode"),
            "{live}"
        );
        let still = outrigger("check").file("outrigger.yaml", &config).exits_with(0);
        assert!(!still.stdout.contains("journal-mode"), "{still}");
        outrigger("check --node nowhere").file("outrigger.yaml", &config).exits_with(2);
    });
}
