//! A node with an application's tables, and a session that breaks on demand.

use std::collections::BTreeMap;

use outrigger::apply::{self, Finding, Live, Migration, Removal, Statements, Wanted};
use outrigger::config::{self, Config};
use outrigger::db::{Fault, Mode, Reply, Session};
use outrigger::dialect::Brand;
use outrigger::model::{NodeId, Row, Value};
use outrigger::plan;
use outrigger::render::Templates;
use outrigger::schema::{self, Source};

use crate::support::{self, Server, TestDatabase};

/// How long a lock is waited for; long, because a machine that tests is busy.
const WAIT_SECONDS: u64 = 30;

/// What the configuration says of the tables, unless a test says otherwise.
pub const FOLLOW: &str = "  sales_order: { last_update: update_datetime }\n  '*': follow\n";

/// A test's database with the application's tables, and what it is meant to be.
pub struct Case {
    pub database: TestDatabase,
    pub session: Box<dyn Session>,
    pub templates: Templates,
    pub statements: Statements,
    pub config: Config,
    pub ddl: String,
}

/// Runs a test on every server whose brand can be installed on, each time with a new database.
pub fn on_each(test: impl AsyncFn(&mut Case)) {
    for server in support::servers() {
        on_server(server, &test);
    }
}

/// As [`on_each`], on servers of one brand.
pub fn on_each_of(brand: Brand, test: impl AsyncFn(&mut Case)) {
    for server in support::servers_of(brand) {
        on_server(server, &test);
    }
}

fn on_server(server: &Server, test: &impl AsyncFn(&mut Case)) {
    let names = Templates::names(server.brand);
    let needed = ["install/node", "capture/insert", "run/name_node"];
    if !needed.iter().all(|name| names.iter().any(|known| known == name)) {
        println!("skipped: no templates of {} yet", server.name);
        return;
    }
    println!("on {}", server.name);
    support::block_on(async { test(&mut Case::create(server, "").await).await });
}

impl Case {
    pub async fn create(server: &Server, suffix: &str) -> Self {
        let database = TestDatabase::create(server, suffix).await;
        let ddl = ddl(server.brand);
        let mut session = database.connect().await;
        for statement in ddl.split(';').filter(|text| !text.trim().is_empty()) {
            session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}: {statement}"));
        }
        let templates = Templates::embedded(server.brand);
        let statements = Statements::new(&templates, WAIT_SECONDS).unwrap();
        let config = config(server.brand, FOLLOW);
        Self { database, session, templates, statements, config, ddl }
    }

    pub fn brand(&self) -> Brand {
        self.database.brand()
    }

    /// Waits for locks as shortly as can be, in a test that waits for the end of it.
    pub fn wait_shortly(&mut self) {
        self.statements = Statements::new(&self.templates, 1).unwrap();
    }

    /// Changes what the configuration says of the tables.
    pub fn follow(&mut self, tables: &str) {
        self.config = config(self.brand(), tables);
    }

    pub fn wanted(&self) -> Wanted<'_> {
        self.wanted_as("server2")
    }

    pub fn wanted_as(&self, node: &str) -> Wanted<'_> {
        let source = Source { path: "schema.sql", text: &self.ddl };
        let schema = schema::parse(&[source], self.brand()).unwrap().schema;
        let plan = plan::plan(&self.config, &schema, self.brand()).unwrap();
        Wanted::new(&self.config, &NodeId::from(node), plan, &self.templates).unwrap()
    }

    pub async fn try_apply(&mut self, is_drop_allowed: bool) -> Result<Migration, apply::Error> {
        let mut session = self.database.connect().await;
        let wanted = self.wanted();
        let progress = &mut |_, _| {};
        let statements = &self.statements;
        let done =
            apply::apply(session.as_mut(), statements, &wanted, is_drop_allowed, progress).await;
        session.close().await.unwrap();
        done
    }

    pub async fn apply(&mut self) -> Migration {
        self.try_apply(false).await.unwrap()
    }

    /// An installation that fails, and changes nothing.
    pub async fn refuses(&mut self) -> String {
        let before = self.catalogue().await;
        let error = self.try_apply(false).await.expect_err("it is refused");
        assert_eq!(self.catalogue().await, before, "nothing is done after: {error}");
        error.to_string()
    }

    pub async fn try_remove(&mut self, is_discarding: bool) -> Result<Removal, apply::Error> {
        let (node, progress) = (NodeId::from("server2"), &mut |_, _| {});
        let session = self.session.as_mut();
        apply::remove(session, &self.statements, &node, is_discarding, progress).await
    }

    pub async fn observe(&mut self) -> Live {
        let scripts = self.wanted().scripts;
        apply::observe(self.session.as_mut(), &self.statements, &scripts).await.unwrap()
    }

    pub async fn verify(&mut self) -> Vec<Finding> {
        let live = self.observe().await;
        let findings = apply::compare(&self.wanted(), &live);
        assert!(findings.iter().all(|finding| apply::IDS.contains(&finding.id)), "{findings:?}");
        findings
    }

    /// The ids of what differs, each with its object.
    pub async fn drift(&mut self) -> Vec<String> {
        let findings = self.verify().await;
        findings.iter().map(|finding| format!("{} {}", finding.id, finding.object)).collect()
    }

    /// Runs a text of many statements as a person would, with the brand's own separator.
    pub async fn by_hand(&mut self, text: &str) {
        let separator = &self.brand().dialect().client.separator;
        if separator.is_empty() {
            return self.run(text).await;
        }
        let line = format!("\n{separator}\n");
        for batch in text.split(line.as_str()).filter(|batch| !batch.trim().is_empty()) {
            self.run(batch).await;
        }
    }

    pub async fn run(&mut self, sql: &str) {
        self.session.raw(sql).await.unwrap_or_else(|fault| panic!("{fault}: {sql}"));
    }

    pub async fn rows(&mut self, sql: &str) -> Vec<String> {
        rows(self.session.as_mut(), sql).await
    }

    pub async fn number(&mut self, sql: &str) -> i64 {
        let rows = self.session.fetch(sql, &[]).await.unwrap();
        rows[0].integer(&rows[0].columns()[0].clone()).expect("a number")
    }

    /// Everything that has a name in the database, with what the brand knows of its making.
    pub async fn catalogue(&mut self) -> Vec<String> {
        catalogue(self.session.as_mut()).await
    }
}

pub fn config(brand: Brand, tables: &str) -> Config {
    let url = |number: u8| match brand {
        Brand::Sqlite => format!("sqlite:{number}.db"),
        brand => format!("{}://app:secret@localhost/app{number}", brand.name()),
    };
    let text = format!(
        "database: testapp\nschema: {{ dialect: {brand}, files: [schema.sql] }}\n\
         nodes:\n  server1: {{ url: '{}' }}\n  server2: {{ url: '{}' }}\n\
         tables:\n{tables}\
         routes:\n  - {{ id: 1000, from: server1, to: server2 }}\n  \
         - {{ id: 1002, from: server2, to: server1 }}\n",
        url(1),
        url(2)
    );
    config::parse("conf/outrigger.yaml", &text, &BTreeMap::new()).unwrap()
}

/// The application's tables, one of them with names that need quotes.
pub fn ddl(brand: Brand) -> String {
    let stamp = match brand {
        Brand::Postgres | Brand::Sqlite => "timestamp",
        Brand::SqlServer => "datetime2(6)",
        Brand::Mysql => "datetime(6)",
    };
    let name = |name| brand.dialect().ident(name);
    let (order, user, size) = (name("order"), name("user name"), name("größe"));
    format!(
        "CREATE TABLE customer (customer_id integer PRIMARY KEY, name varchar(60) NOT NULL);\n\
         CREATE TABLE sales_order (\n    order_id varchar(40) PRIMARY KEY,\n    \
         description varchar(200),\n    quantity integer,\n    update_datetime {stamp}\n);\n\
         CREATE TABLE {order} ({order} varchar(20) NOT NULL, {user} integer NOT NULL, \
         {size} varchar(10), PRIMARY KEY ({order}, {user}));\n"
    )
}

pub async fn rows(session: &mut dyn Session, sql: &str) -> Vec<String> {
    let rows = session.fetch(sql, &[]).await.unwrap_or_else(|fault| panic!("{fault}: {sql}"));
    let cell = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Invalid(bytes) => format!("{bytes:?}"),
    };
    let line = |row: &Row| row.values().iter().map(cell).collect::<Vec<_>>().join("|");
    rows.iter().map(line).collect()
}

async fn catalogue(session: &mut dyn Session) -> Vec<String> {
    let queries: &[&str] = match session.brand() {
        Brand::Postgres => &[
            "SELECT relkind::text, relname::text FROM pg_class WHERE relnamespace NOT IN \
             (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_%' OR nspname = \
             'information_schema') ORDER BY 1, 2",
            "SELECT proname::text, md5(prosrc) FROM pg_proc WHERE pronamespace = \
             'public'::regnamespace ORDER BY 1",
            "SELECT tgname::text, tgrelid::regclass::text, tgenabled::text FROM pg_trigger \
             ORDER BY 1, 2",
            "SELECT attrelid::regclass::text, attname::text, atttypid::regtype::text FROM \
             pg_attribute WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE \
             relnamespace = 'public'::regnamespace) ORDER BY attrelid::regclass::text, attnum",
            "SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace \
             ORDER BY 1",
        ],
        Brand::Sqlite => {
            &["SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE \
             'sqlite\\_%' ESCAPE '\\' ORDER BY 1, 2"]
        }
        Brand::Mysql => &[
            "SELECT CAST(table_type AS CHAR), CAST(table_name AS CHAR) FROM \
             information_schema.tables WHERE table_schema = DATABASE() ORDER BY 2",
            "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR), CAST(column_type AS \
             CHAR) FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 2",
            "SELECT CAST(trigger_name AS CHAR), CAST(event_object_table AS CHAR), \
             SHA2(action_statement, 256) FROM information_schema.triggers WHERE trigger_schema = \
             DATABASE() ORDER BY 1",
            "SELECT CAST(routine_name AS CHAR) FROM information_schema.routines WHERE \
             routine_schema = DATABASE() ORDER BY 1",
        ],
        Brand::SqlServer => &[
            "SELECT CAST(type AS nvarchar(4)), CAST(name AS nvarchar(128)) FROM sys.objects WHERE \
             is_ms_shipped = 0 ORDER BY 1, 2",
            "SELECT CAST(OBJECT_NAME(object_id) AS nvarchar(128)), CAST(name AS nvarchar(128)) \
             FROM sys.columns WHERE OBJECTPROPERTY(object_id, 'IsMSShipped') = 0 ORDER BY 1, 2",
        ],
    };
    let mut found = Vec::new();
    for query in queries {
        found.extend(rows(session, query).await);
    }
    found
}

/// A session that is lost after so many statements.
pub struct Flaky {
    inner: Box<dyn Session>,
    left: usize,
    /// Whether it has been lost.
    pub is_lost: bool,
}

impl Flaky {
    pub fn new(inner: Box<dyn Session>, statements: usize) -> Self {
        Self { inner, left: statements, is_lost: false }
    }

    fn next(&mut self) -> Result<(), Fault> {
        self.is_lost = self.left == 0;
        self.left = self.left.saturating_sub(1);
        if self.is_lost { Err(Fault::gone("the test has cut the line")) } else { Ok(()) }
    }
}

impl Session for Flaky {
    fn brand(&self) -> Brand {
        self.inner.brand()
    }

    fn raw<'a>(&'a mut self, sql: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            self.next()?;
            self.inner.raw(sql).await
        })
    }

    fn execute<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, u64> {
        Box::pin(async move {
            self.next()?;
            self.inner.execute(sql, values).await
        })
    }

    fn fetch<'a>(&'a mut self, sql: &'a str, values: &'a [Value]) -> Reply<'a, Vec<Row>> {
        Box::pin(async move {
            self.next()?;
            self.inner.fetch(sql, values).await
        })
    }

    fn begin(&mut self, mode: Mode) -> Reply<'_, ()> {
        Box::pin(async move {
            self.next()?;
            self.inner.begin(mode).await
        })
    }

    fn commit(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.next()?;
            self.inner.commit().await
        })
    }

    fn rollback(&mut self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.next()?;
            self.inner.rollback().await
        })
    }

    fn close(self: Box<Self>) -> Reply<'static, ()> {
        self.inner.close()
    }
}
