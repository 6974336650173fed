//! How long the SQL of a large schema takes: tables of 20 columns, four dialects.
//!
//! `cargo bench --bench generate` has 1,000, 3,000 and 10,000 tables; `-- 500` has as many.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

#[path = "support/memory.rs"]
mod memory;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use outrigger::config;
use outrigger::dialect::Brand;
use outrigger::plan;
use outrigger::render::{Templates, each_script};
use outrigger::schema::{self, Source};

const TABLES: [usize; 3] = [1_000, 3_000, 10_000];
const COLUMNS: usize = 20;

const CONFIG: &str = "database: bench
schema: { dialect: postgres, files: [schema.sql] }
nodes: { one: { url: 'sqlite:one.db' } }
tables: { '*': { last_update: changed_at } }
";

fn main() {
    let asked: Vec<usize> =
        std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { TABLES.to_vec() } else { asked };
    for tables in sizes {
        println!("{tables} tables");
        generate(tables);
    }
}

fn generate(tables: usize) {
    let ddl = ddl(tables);
    let start = Instant::now();
    let source = Source { path: "schema.sql", text: &ddl };
    let schema = schema::parse(&[source], Brand::Postgres).expect("the DDL is right").schema;
    assert_eq!(schema.tables.len(), tables, "all tables are read");
    println!("  read {} bytes of DDL: {:?}", ddl.len(), start.elapsed());
    drop(ddl);
    let config = config::parse("c.yaml", CONFIG, &BTreeMap::new()).expect("it is right");
    let all = Instant::now();
    for brand in Brand::ALL {
        let start = Instant::now();
        let plan = plan::plan(&config, &schema, brand).expect("it can be planned");
        // As the command does: the files of one dialect at a time, whole.
        let mut files = Vec::new();
        each_script(&plan, &Templates::embedded(brand), |script| {
            files.push((script.text, script.removal_text));
        })
        .expect("it can be rendered");
        let bytes: usize = files.iter().map(|(text, removal)| text.len() + removal.len()).sum();
        println!("  {brand:<10} {} scripts, {bytes} bytes: {:?}", files.len(), start.elapsed());
    }
    println!("  generated for all dialects: {:?}", all.elapsed());
    println!("  peak memory so far: {} MB", memory::peak_mb());
}

/// What `pg_dump` writes of such tables, roughly: keys and indexes come behind them.
fn ddl(tables: usize) -> String {
    let mut ddl = String::new();
    for table in 0..tables {
        let _ = write!(
            ddl,
            "CREATE TABLE public.table_{table} (\n    id bigint NOT NULL,\n    changed_at timestamptz"
        );
        for column in 2..COLUMNS {
            let kind = ["text", "integer", "numeric(12,2)", "boolean", "date"][column % 5];
            let _ = write!(ddl, ",\n    column_{column} {kind}");
        }
        let _ = write!(
            ddl,
            "\n);\n\nALTER TABLE public.table_{table} OWNER TO app;\n\n\
             ALTER TABLE ONLY public.table_{table}\n    \
             ADD CONSTRAINT table_{table}_pkey PRIMARY KEY (id);\n\n\
             CREATE INDEX table_{table}_changed ON public.table_{table} USING btree (changed_at);\n\n"
        );
    }
    ddl
}
