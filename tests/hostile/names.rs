//! Names, comments and defaults that end statements, remarks, bodies and templates: they are
//! installed, written, carried, imported and removed, and nothing in them is executed.

use outrigger::dialect::Brand;
use outrigger::model::Table;
use outrigger::{plan, render, schema};

use crate::cli_support::outrigger;
use crate::support::case::{Case, cases};
use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, document};

/// What an application writes.
const HOSTILE: &str = "'); DROP TABLE innocent; --\n-- next --\n$outrigger$ {{ 1 }} */ :{x} \\";

fn case() -> Case {
    cases().into_iter().find(|case| case.name == "hostile_names").unwrap()
}

/// The rules of the case, as they stand below `tables:`.
fn rules(case: &Case) -> String {
    let text = std::fs::read_to_string(case.folder.join("outrigger.yaml")).unwrap();
    text.split_once("\ntables:\n").unwrap().1.trim_end().to_owned()
}

/// A table on a brand: its name and its columns' names, quoted; the key first.
struct Written {
    name: String,
    key: Vec<String>,
    others: Vec<(String, bool)>,
}

impl Written {
    fn of(table: &Table, brand: Brand) -> Self {
        let ident = |name: &String| brand.dialect().ident(name);
        let is_other = |name: &String| !table.primary_key.contains(name);
        let others = table.columns.iter().filter(|column| is_other(&column.name));
        Self {
            name: ident(&plan::physical_name(&table.name, brand).1),
            key: table.primary_key.iter().map(ident).collect(),
            others: others
                .map(|column| (ident(&column.name), column.native_type.starts_with("timestamp")))
                .collect(),
        }
    }

    fn values(&self, brand: Brand, text: &str) -> Vec<String> {
        let value = |is_time: bool| {
            let text = if is_time { "2026-01-02 03:04:05" } else { text };
            brand.dialect().text_literal(text)
        };
        self.others.iter().map(|(_, is_time)| value(*is_time)).collect()
    }

    fn insert(&self, brand: Brand, id: i64) -> String {
        let names: Vec<&str> = self
            .key
            .iter()
            .chain(self.others.iter().map(|(name, _)| name))
            .map(String::as_str)
            .collect();
        let mut values = vec![id.to_string()];
        values.extend(self.key.iter().skip(1).map(|_| "'k'".to_owned()));
        values.extend(self.values(brand, HOSTILE));
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, names.join(", "), values.join(", "))
    }

    fn update(&self, brand: Brand, id: i64) -> String {
        let sets: Vec<String> = self
            .others
            .iter()
            .zip(self.values(brand, "it's new"))
            .map(|((name, _), value)| format!("{name} = {value}"))
            .collect();
        format!("UPDATE {} SET {} WHERE {} = {id}", self.name, sets.join(", "), self.key[0])
    }

    fn rows(&self) -> String {
        let texts = self.others.iter().filter(|(_, is_time)| !is_time).map(|(name, _)| name);
        let names: Vec<&str> = self.key.iter().chain(texts).map(String::as_str).collect();
        format!("SELECT {} FROM {} ORDER BY {}", names.join(", "), self.name, self.key[0])
    }
}

#[test]
fn rows_of_tables_with_hostile_names_travel_and_nothing_of_them_is_executed() {
    let case = case();
    let servers = ready_servers();
    for (at, one) in servers.iter().enumerate() {
        let two = servers[(at + 1) % servers.len()];
        println!("{} and {}", one.name, two.name);
        support::block_on(async {
            let blueprint = Blueprint {
                name: &format!("names_{}_{}", one.name, two.name),
                nodes: &[("a", one), ("b", two)],
                routes: &[("a", "b"), ("b", "a")],
                tables: &rules(&case),
                schema: &case.ddl,
                batch_rows: 100,
            };
            let ddl = |_: &str, brand| case.tables(brand).join(";\n");
            let mut network = Network::set_up(&blueprint, ddl).await;
            for node in ["a", "b"] {
                network.run(node, "INSERT INTO innocent VALUES (1)").await;
            }
            let followed: Vec<&Table> =
                case.schema.tables.iter().filter(|table| table.name.name != "innocent").collect();
            assert_eq!(followed.len(), 2);
            for (node, id) in [("a", 1), ("b", 11)] {
                let brand = network.brand(node);
                for table in &followed {
                    let table = Written::of(table, brand);
                    for id in id..id + 3 {
                        network.run(node, &table.insert(brand, id)).await;
                    }
                    network.run(node, &table.update(brand, id + 1)).await;
                    let delete =
                        format!("DELETE FROM {} WHERE {} = {}", table.name, table.key[0], id + 2);
                    network.run(node, &delete).await;
                }
            }
            network.drain().await;
            for table in &followed {
                let mut seen = Vec::new();
                for node in ["a", "b"] {
                    let query = Written::of(table, network.brand(node)).rows();
                    seen.push(network.rows(node, &query).await);
                }
                assert_eq!(seen[0], seen[1], "{}", table.name);
                assert_eq!(seen[0].len(), 4, "{:?}", seen[0]);
                assert!(
                    seen[0][0].contains(HOSTILE) && seen[0][1].contains("it's new"),
                    "{:?}",
                    seen[0]
                );
            }
            for node in ["a", "b"] {
                assert!(network.quarantine(node).await.is_empty(), "{node}");
                assert_eq!(network.count(node, "innocent").await, 1, "{node}");
            }
        });
    }
}

#[test]
fn the_command_installs_verifies_and_removes_hostile_names() {
    if !document::has_programs(&["sqlite3"]) {
        return;
    }
    let case = case();
    let config = std::fs::read_to_string(case.folder.join("outrigger.yaml")).unwrap();
    let tables = case.tables(Brand::Sqlite).join(";\n") + ";\n";
    let run = outrigger("check").file("schema.sql", &case.ddl).file("outrigger.yaml", &config);
    let run = run.exits_with_any();
    std::fs::write(run.folder().join("tables.sql"), tables).unwrap();
    let sqlite = |sql: &str| {
        let output = std::process::Command::new("sqlite3")
            .args(["testapp.db", sql])
            .current_dir(run.folder())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    sqlite(".read tables.sql");
    // SQLite keeps its own list of numbers that were given.
    let objects =
        "SELECT name, sql FROM sqlite_master WHERE name <> 'sqlite_sequence' ORDER BY name";
    let before = sqlite(objects);
    let folder = run.folder().to_owned();
    let outrigger = |verb: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_outrigger"))
            .args(verb.split(' '))
            .current_dir(&folder)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for verb in ["apply", "apply", "verify", "remove --yes"] {
        let (code, said) = outrigger(&format!("{verb} --node laptop"));
        assert_eq!(code, Some(0), "{verb}: {said}");
    }
    assert_eq!(sqlite(objects), before);
}

/// Defaults and labels become literals of the other brand, and run there as nothing else.
#[test]
fn defaults_that_look_like_statements_are_texts_in_a_translation() {
    let text = "CREATE TABLE innocent (id integer PRIMARY KEY);\n\
        CREATE TABLE t (id integer PRIMARY KEY, a varchar(90) DEFAULT '''); DROP TABLE innocent; --', \
        b varchar(90) DEFAULT 'x\n-- next --\n$outrigger$ {{ 1 }} */ \\');";
    let source = schema::Source { path: "schema.sql", text };
    let schema = schema::parse(&[source], Brand::Postgres).unwrap().schema;
    let tables: Vec<_> = schema.tables.iter().map(|table| table.name.clone()).collect();
    for server in support::servers() {
        let translated = plan::translate(&schema, &tables, Brand::Postgres, server.brand);
        let templates = render::Templates::embedded(server.brand);
        let statements = render::translation(&translated, &templates).unwrap();
        support::block_on(async {
            let database = support::TestDatabase::create(server, "defaults").await;
            let mut session = database.connect().await;
            for statement in &statements {
                session.raw(statement).await.unwrap_or_else(|fault| panic!("{fault}\n{statement}"));
            }
            session.raw("INSERT INTO t (id) VALUES (1)").await.unwrap();
            let rows = session.fetch("SELECT a, b FROM t", &[]).await.unwrap();
            assert_eq!(rows[0].text("a").unwrap(), "'); DROP TABLE innocent; --");
            assert_eq!(rows[0].text("b").unwrap(), "x\n-- next --\n$outrigger$ {{ 1 }} */ \\");
            session.fetch("SELECT id FROM innocent", &[]).await.unwrap();
        });
    }
}
