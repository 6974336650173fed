//! How long the SQL of a large schema takes: 1,000 tables of 20 columns, four dialects.
//!
//! `cargo bench --bench generate`

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

#[path = "support/memory.rs"]
mod memory;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use outrigger::config;
use outrigger::dialect::Brand;
use outrigger::plan;
use outrigger::render::{Templates, scripts};
use outrigger::schema::{self, Source};

const TABLES: usize = 1_000;
const COLUMNS: usize = 20;

const CONFIG: &str = "database: bench
schema: { dialect: postgres, files: [schema.sql] }
nodes: { one: { url: 'sqlite:one.db' } }
tables: { '*': { last_update: changed_at } }
";

fn main() {
    let ddl = ddl();
    let start = Instant::now();
    let source = Source { path: "schema.sql", text: &ddl };
    let schema = schema::parse(&[source], Brand::Postgres).expect("the DDL is right").schema;
    println!("read {} bytes of DDL: {:?}", ddl.len(), start.elapsed());
    let config = config::parse("c.yaml", CONFIG, &BTreeMap::new()).expect("it is right");

    let all = Instant::now();
    for brand in Brand::ALL {
        if !Templates::names(brand).iter().any(|name| name == "install/node") {
            continue;
        }
        let start = Instant::now();
        let plan = plan::plan(&config, &schema, brand).expect("it can be planned");
        let scripts = scripts(&plan, &Templates::embedded(brand)).expect("it can be rendered");
        let bytes: usize = scripts.iter().map(|script| script.text.len()).sum();
        println!("{brand:<10} {} scripts, {bytes} bytes: {:?}", scripts.len(), start.elapsed());
    }
    println!("generated for all dialects: {:?}", all.elapsed());
    println!("peak memory: {} MB", memory::peak_mb());
}

fn ddl() -> String {
    let mut ddl = String::new();
    for table in 0..TABLES {
        let _ = write!(
            ddl,
            "CREATE TABLE table_{table} (id bigint PRIMARY KEY, changed_at timestamptz"
        );
        for column in 2..COLUMNS {
            let kind = ["text", "integer", "numeric(12,2)", "boolean", "date"][column % 5];
            let _ = write!(ddl, ", column_{column} {kind}");
        }
        ddl.push_str(");\n");
    }
    ddl
}
