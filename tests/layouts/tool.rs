//! Each layout run by its real tool: up, a changed trigger, one step back, and all the way down.

use std::path::{Path, PathBuf};
use std::process::Command;

use outrigger::db::{self, Session};
use outrigger::dialect::Brand;
use outrigger::layout::Layout;

use super::case;
use crate::cli_support::{Outcome, outrigger};
use crate::support::{self, TestDatabase, document};

/// How a tool is called. `$TOOL` is the program, `$DIR` the folder, `$URL` the database; sh runs it.
struct Tool {
    layout: Layout,
    /// The program, and the variable that says where it is when it is not in PATH.
    program: (&'static str, &'static str),
    brands: &'static [Brand],
    up: &'static str,
    back: &'static str,
    down: &'static str,
}

const SQLX: Tool = Tool {
    layout: Layout::Sqlx,
    program: ("sqlx", "OUTRIGGER_SQLX"),
    brands: &[Brand::Postgres, Brand::Sqlite, Brand::Mysql],
    up: "\"$TOOL\" migrate run --source \"$DIR\" --database-url \"$URL\"",
    back: "\"$TOOL\" migrate revert --source \"$DIR\" --database-url \"$URL\"",
    down: "\"$TOOL\" migrate revert --source \"$DIR\" --database-url \"$URL\" --target-version 0",
};

const DBMATE: Tool = Tool {
    layout: Layout::Dbmate,
    program: ("dbmate", "OUTRIGGER_DBMATE"),
    brands: &[Brand::Postgres, Brand::Sqlite, Brand::Mysql],
    up: "\"$TOOL\" --url \"$URL$SSL\" -d \"$DIR\" --no-dump-schema migrate",
    back: "\"$TOOL\" --url \"$URL$SSL\" -d \"$DIR\" --no-dump-schema rollback",
    down: "for file in \"$DIR\"/*.sql; do \
           \"$TOOL\" --url \"$URL$SSL\" -d \"$DIR\" --no-dump-schema rollback || break; done; \
           \"$TOOL\" --url \"$URL$SSL\" -d \"$DIR\" status | grep 'Applied: 0'",
};

const SQITCH: Tool = Tool {
    layout: Layout::Sqitch,
    program: ("sqitch", "OUTRIGGER_SQITCH"),
    brands: &[Brand::Postgres, Brand::Sqlite],
    up: "cd \"$DIR\" && \"$TOOL\" deploy --registry \"$REGISTRY\" --verify \"db:$URI\" && \
         \"$TOOL\" verify --registry \"$REGISTRY\" \"db:$URI\"",
    back: "cd \"$DIR\" && \"$TOOL\" revert --registry \"$REGISTRY\" -y --to '@HEAD^' \"db:$URI\"",
    down: "cd \"$DIR\" && \"$TOOL\" revert --registry \"$REGISTRY\" -y \"db:$URI\"",
};

const LIQUIBASE: Tool = Tool {
    layout: Layout::Liquibase,
    program: ("liquibase", "OUTRIGGER_LIQUIBASE"),
    brands: &[Brand::Postgres],
    up: "cd \"$DIR/..\" && printf '%s\\n' 'databaseChangeLog:' '  - includeAll:' \
         '      { path: postgres, relativeToChangelogFile: true, endsWithFilter: .sql }' \
         >root.yaml && \"$TOOL\" --search-path=. --changelog-file=root.yaml \
         --url=\"jdbc:$JDBC\" --username=postgres update",
    back: "cd \"$DIR/..\" && \"$TOOL\" --search-path=. --changelog-file=root.yaml \
           --url=\"jdbc:$JDBC\" --username=postgres rollback-count 1",
    down: "cd \"$DIR/..\" && \"$TOOL\" --search-path=. --changelog-file=root.yaml \
           --url=\"jdbc:$JDBC\" --username=postgres rollback-count 1000",
};

const CLIENT: Tool = Tool {
    layout: Layout::Native,
    program: ("sh", "OUTRIGGER_SH"),
    brands: &[Brand::Postgres, Brand::Sqlite, Brand::Mysql],
    up: "for file in \"$DIR\"/*.sql; do case $file in *.down.sql) ;; \
         *) [ -e \"$file.done\" ] || { $CLIENT <\"$file\" && touch \"$file.done\"; } || exit 1; \
         esac; done",
    back: "$CLIENT <\"$(ls \"$DIR\"/*.down.sql | tail -n 1)\" && \
           mv \"$(ls \"$DIR\"/*.down.sql | tail -n 1)\" \"$DIR/undone\"",
    down: "for file in $(ls -r \"$DIR\"/*.down.sql); do $CLIENT <\"$file\" || exit 1; done",
};

#[test]
fn sqlx_runs_its_files() {
    run(&SQLX);
}

#[test]
fn dbmate_runs_its_files() {
    run(&DBMATE);
}

#[test]
fn sqitch_deploys_verifies_and_reverts_its_files() {
    run(&SQITCH);
}

#[test]
fn liquibase_runs_its_files() {
    run(&LIQUIBASE);
}

#[test]
fn the_clients_run_their_files() {
    let clients = ["psql", "sqlite3", "mariadb"];
    if document::has_programs(&clients) {
        run(&CLIENT);
    }
}

/// Where the tool is; a missing one is named, and a required one is a failure.
fn find(tool: &Tool) -> Option<PathBuf> {
    let (name, variable) = tool.program;
    if let Some(path) = std::env::var_os(variable) {
        return Some(PathBuf::from(path));
    }
    document::has_programs(&[name]).then(|| PathBuf::from(name))
}

fn run(tool: &Tool) {
    each(tool, async |stage: Stage<'_>| stage.play().await);
}

fn each(tool: &Tool, play: impl AsyncFn(Stage<'_>)) {
    let Some(program) = find(tool) else { return };
    for brand in tool.brands {
        support::on_each_server_of(*brand, async |database: &TestDatabase| {
            play(Stage { tool, program: &program, database }).await;
        });
    }
}

/// Names that end statements, remarks and bodies, or look like commands, are names to the tools.
#[test]
fn tools_execute_nothing_of_a_name() {
    if document::has_programs(&["psql", "sqlite3", "mariadb"]) {
        each(&CLIENT, async |stage: Stage<'_>| stage.play_with_hostile_names().await);
    }
    each(&SQITCH, async |stage: Stage<'_>| stage.play_with_hostile_names().await);
}

struct Stage<'a> {
    tool: &'a Tool,
    program: &'a Path,
    database: &'a TestDatabase,
}

impl Stage<'_> {
    async fn play(&self) {
        let case = case("sales_order");
        let brand = self.database.brand();
        let mut session = db::connect(&self.database.url).await.unwrap();
        for statement in case.tables(brand) {
            session.raw(&statement).await.unwrap();
        }
        let config = std::fs::read_to_string(case.folder.join("outrigger.yaml")).unwrap();
        let ignoring = format!("{config}    columns: {{ description: ignore }}\n");

        let generate = format!("generate --layout {} --dialect {brand} --out db", self.tool.layout);
        let outcome = outrigger(&generate)
            .file("schema.sql", &case.ddl)
            .file("outrigger.yaml", &config)
            .exits_with(0);
        self.shell(&outcome, self.tool.up);
        let insert = "INSERT INTO sales_order (order_id, description) VALUES ('1', 'a')";
        session.raw(insert).await.unwrap();
        assert_eq!(captured(session.as_mut()).await, 1, "{brand}: the insert");
        self.describe(session.as_mut(), "b", 2).await;

        let outcome = outcome.then(&generate).file("outrigger.yaml", &ignoring).exits_with(0);
        self.shell(&outcome, self.tool.up);
        self.describe(session.as_mut(), "c", 2).await;
        self.shell(&outcome, self.tool.back);
        self.describe(session.as_mut(), "d", 3).await;
        self.shell(&outcome, self.tool.down);
        self.describe_without(session.as_mut()).await;
    }

    async fn play_with_hostile_names(&self) {
        let case = case("hostile_names");
        let brand = self.database.brand();
        let mut session = db::connect(&self.database.url).await.unwrap();
        for statement in case.tables(brand) {
            session.raw(&statement).await.unwrap();
        }
        session.raw("INSERT INTO innocent VALUES (1)").await.unwrap();
        let config = std::fs::read_to_string(case.folder.join("outrigger.yaml")).unwrap();
        let generate = format!("generate --layout {} --dialect {brand} --out db", self.tool.layout);
        let outcome = outrigger(&generate)
            .file("schema.sql", &case.ddl)
            .file("outrigger.yaml", &config)
            .exits_with(0);
        self.shell(&outcome, self.tool.up);
        let plan = case.plan(brand).unwrap();
        let table = plan.tables.iter().find(|table| table.key.len() == 1).unwrap();
        let (table, key) =
            [&table.name, &table.key[0].name].map(|name| brand.dialect().ident(name)).into();
        session.raw(&format!("INSERT INTO {table} ({key}) VALUES (7)")).await.unwrap();
        assert_eq!(captured(session.as_mut()).await, 1, "{brand}: the insert");
        self.shell(&outcome, self.tool.down);
        assert!(session.fetch("SELECT COUNT(*) FROM ds_change_outbox", &[]).await.is_err());
        let left = session.fetch("SELECT COUNT(*) AS n FROM innocent", &[]).await.unwrap();
        assert_eq!(left[0].integer("n").unwrap(), 1, "{brand}");
    }

    async fn describe(&self, session: &mut dyn Session, text: &str, outbox_rows: i64) {
        let update = format!("UPDATE sales_order SET description = '{text}' WHERE order_id = '1'");
        session.raw(&update).await.unwrap();
        assert_eq!(captured(session).await, outbox_rows, "{}: {text}", self.database.brand());
    }

    /// The application goes on, and the outbox is gone.
    async fn describe_without(&self, session: &mut dyn Session) {
        session.raw("UPDATE sales_order SET description = 'e'").await.unwrap();
        for table in ["ds_change_outbox", "ds_node", "ds_purge", "view_recordlevel_update_datetime"]
        {
            let count = format!("SELECT COUNT(*) FROM {table}");
            assert!(session.fetch(&count, &[]).await.is_err(), "{table} is still there");
        }
    }

    fn shell(&self, outcome: &Outcome, command: &str) {
        let brand = self.database.brand();
        let url = &self.database.url;
        let parsed = url::Url::parse(url).unwrap();
        let (host, port) = (parsed.host_str().unwrap_or(""), parsed.port().unwrap_or(0));
        let name = parsed.path().trim_start_matches('/');
        let file_stem = Path::new(name).file_stem().unwrap();
        let (uri, client, ssl) = match brand {
            Brand::Postgres => {
                let uri = url.replacen("postgres://", "pg://", 1);
                (uri, format!("psql -Xqv ON_ERROR_STOP=1 -d {url}"), "?sslmode=disable")
            }
            Brand::Sqlite => {
                (format!("sqlite:{}", parsed.path()), format!("sqlite3 {}", parsed.path()), "")
            }
            Brand::Mysql => {
                let user = parsed.username();
                let client = format!("mariadb --protocol=tcp -h {host} -P {port} -u {user} {name}");
                (url.clone(), client, "")
            }
            Brand::SqlServer => unreachable!("no tool here runs it"),
        };
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(outcome.folder())
            .env("TOOL", self.program)
            .env("DIR", outcome.folder().join("db").join(brand.name()))
            .env("URL", url)
            .env("URI", uri)
            .env("JDBC", format!("postgresql://{host}:{port}/{name}"))
            .env("CLIENT", client)
            .env("SSL", ssl)
            // In the folder of SQLite's file, which all tests share.
            .env("REGISTRY", format!("sqitch_{}", file_stem.to_string_lossy()))
            .env("SQITCH_FULLNAME", "A Test")
            .env("SQITCH_EMAIL", "test@localhost")
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {brand}: {command}\n{said}", self.tool.layout);
    }
}

async fn captured(session: &mut dyn Session) -> i64 {
    let rows = session.fetch("SELECT COUNT(*) AS n FROM ds_change_outbox", &[]).await.unwrap();
    rows[0].integer("n").unwrap()
}
