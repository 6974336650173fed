//! What the tests share: the servers that are there, and a database of its own for each test.

pub mod case;
pub mod document;
pub mod flaky;
pub mod network;
pub mod oracle;
#[path = "values.rs"]
pub mod samples;
pub mod tsql;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use outrigger::db::{self, Session};
use outrigger::dialect::Brand;

/// A running server, or SQLite.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its brand.
    pub brand: Brand,
    /// The brand's name, or `oracle_mysql` where the second server of a brand runs.
    pub name: &'static str,
    /// The URL of an administrator; of no use for SQLite.
    pub admin_url: String,
}

/// The variable of each server and its name. SQLite needs no variable and is always there.
const SERVERS: [(Brand, &str, &str); 4] = [
    (Brand::Postgres, "postgres", "OUTRIGGER_TEST_POSTGRES"),
    (Brand::SqlServer, "sqlserver", "OUTRIGGER_TEST_SQLSERVER"),
    (Brand::Mysql, "mysql", "OUTRIGGER_TEST_MYSQL"),
    (Brand::Mysql, "oracle_mysql", "OUTRIGGER_TEST_ORACLE_MYSQL"),
];

/// Brands, separated by commas, whose absence is a failure.
const REQUIRE: &str = "OUTRIGGER_TEST_REQUIRE";

/// How long one test may take on one server.
const TEST_WAIT: Duration = Duration::from_mins(5);

/// Names of databases end here: PostgreSQL cuts at 63 bytes.
const NAME_LENGTH: usize = 63;

/// Every server that is there. The others are named on the output, and a required one that is
/// missing is a failure.
pub fn servers() -> &'static [Server] {
    static FOUND: LazyLock<Vec<Server>> = LazyLock::new(|| {
        let required = std::env::var(REQUIRE).unwrap_or_default();
        let mut found =
            vec![Server { brand: Brand::Sqlite, name: "sqlite", admin_url: String::new() }];
        for (brand, name, variable) in SERVERS {
            match std::env::var(variable) {
                Ok(url) if !url.is_empty() => {
                    assert_eq!(Brand::from_url(&url), Some(brand), "{variable} is another brand's");
                    found.push(Server { brand, name, admin_url: url });
                }
                _ if required.split(',').any(|word| word.trim() == name) => {
                    panic!("{REQUIRE} lists {name}, but {variable} is not set")
                }
                _ => println!("skipped: no {name}"),
            }
        }
        found
    });
    &FOUND
}

/// The servers of one brand: two of MySQL, when both flavours run.
pub fn servers_of(brand: Brand) -> impl Iterator<Item = &'static Server> {
    servers().iter().filter(move |server| server.brand == brand)
}

/// Runs a future to its end on the calling thread, whose name is the test's path.
///
/// A test that hangs would hold up the whole run and name nobody, so it ends after a while.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    block_on_within(TEST_WAIT, future)
}

/// [`block_on`] for a test that may take longer.
pub fn block_on_within<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = runtime.block_on(async { tokio::time::timeout(limit, future).await });
    bounded.expect("a test ends in time")
}

/// Runs a test on every server that is there, each time with a new database.
pub fn on_each_server(test: impl AsyncFn(&TestDatabase)) {
    on_servers(servers().iter(), test);
}

/// Runs a test on every server of one brand, each time with a new database.
pub fn on_each_server_of(brand: Brand, test: impl AsyncFn(&TestDatabase)) {
    on_servers(servers_of(brand), test);
}

fn on_servers(servers: impl Iterator<Item = &'static Server>, test: impl AsyncFn(&TestDatabase)) {
    for server in servers {
        // Shown when the test fails, so that one sees where.
        println!("on {}", server.name);
        block_on(async {
            let database = TestDatabase::create(server, "").await;
            test(&database).await;
        });
    }
}

/// A database that belongs to one test. It stays after the test, so that a failed one can be
/// looked at, and is made anew at the next run.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    /// Where it is.
    pub server: Server,
    /// For [`db::connect`].
    pub url: String,
}

impl TestDatabase {
    /// Makes the database, empty. Its name is the running test's path and `suffix`, which tells
    /// several databases of one test apart.
    pub async fn create(server: &Server, suffix: &str) -> Self {
        let name = database_name(suffix);
        let url = if server.brand == Brand::Sqlite {
            create_file(&name)
        } else {
            create_on_server(server, &name).await
        };
        Self { server: server.clone(), url }
    }

    /// The same database, empty again.
    pub async fn create_again(database: &Self) -> Self {
        let name = database.url.rsplit('/').next().unwrap_or_default();
        let url = create_on_server(&database.server, name).await;
        Self { server: database.server.clone(), url }
    }

    /// The brand.
    pub fn brand(&self) -> Brand {
        self.server.brand
    }

    /// A new session with the database.
    pub async fn connect(&self) -> Box<dyn Session> {
        db::connect(&self.url).await.expect("the test's own database answers")
    }
}

fn create_file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("databases");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.db"));
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = std::fs::remove_file(folder.join(format!("{name}.db{suffix}")));
    }
    // Where sqitch notes what is deployed: of an earlier run that was cut off.
    let _ = std::fs::remove_file(folder.join(format!("sqitch_{name}.db")));
    std::fs::File::create(&path).unwrap();
    format!("sqlite:{}", path.display())
}

async fn create_on_server(server: &Server, name: &str) -> String {
    let mut admin = db::connect(&server.admin_url).await.expect("the administrator's URL works");
    let dropped = match server.brand {
        Brand::Postgres => format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        Brand::SqlServer => format!(
            "IF DB_ID('{name}') IS NOT NULL BEGIN \
             ALTER DATABASE {name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE; \
             DROP DATABASE {name} END"
        ),
        Brand::Mysql | Brand::Sqlite => format!("DROP DATABASE IF EXISTS {name}"),
    };
    let mut statements = vec![dropped, format!("CREATE DATABASE {name}")];
    if server.brand == Brand::SqlServer {
        statements.push(format!("ALTER DATABASE {name} SET ALLOW_SNAPSHOT_ISOLATION ON"));
    }
    for statement in statements {
        admin.raw(&statement).await.expect("the administrator may create databases");
    }
    admin.close().await.expect("the administrator's session ends");
    with_path(&server.admin_url, name)
}

/// A URL with another database in it.
pub fn with_path(url: &str, name: &str) -> String {
    let mut url = url::Url::parse(url).expect("the administrator's URL is one");
    url.set_path(name);
    url.into()
}

/// `db::nulls_travel` with the suffix `a` becomes `ot_db__nulls_travel_a`.
fn database_name(suffix: &str) -> String {
    let thread = std::thread::current();
    let path = thread.name().expect("a test runs on a thread of its name").to_lowercase();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let mut name: String = format!("ot_{path}").chars().map(plain).collect();
    if !suffix.is_empty() {
        name = format!("{name}_{suffix}");
    }
    if name.len() > NAME_LENGTH {
        // FNV-1a: what is cut off still tells two names apart.
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
        let hash = name.bytes().fold(2_166_136_261, fold);
        name.truncate(NAME_LENGTH - 9);
        name = format!("{name}_{hash:08x}");
    }
    name
}

/// The schema of a live database.
pub async fn introspect(session: &mut dyn Session) -> outrigger::model::Schema {
    let templates = outrigger::render::Templates::embedded(session.brand());
    let mut answers = Vec::new();
    for name in ["columns", "keys", "foreign_keys"] {
        let statement = templates
            .statement(
                &format!("introspect/{name}"),
                &std::collections::BTreeMap::<String, String>::new(),
            )
            .unwrap();
        answers.push(session.fetch(&statement.sql, &[]).await.unwrap());
    }
    outrigger::schema::understand(session.brand(), &answers[0], &answers[1], &answers[2])
}
