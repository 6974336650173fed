//! The examples, each run as its README says.

use outrigger::dialect::Brand;

use crate::support::document::{Document, has_programs};
use crate::support::{self, Server, TestDatabase};

/// The first server of a brand; without one the test is skipped by name.
fn server(brand: Brand) -> Option<&'static Server> {
    support::servers_of(brand).next()
}

fn database(server: &Server, suffix: &str) -> TestDatabase {
    support::block_on(TestDatabase::create(server, suffix))
}

/// The client's command line for a MySQL database.
fn client(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let password = url.password().map_or_else(String::new, |word| format!(" -p{word}"));
    format!(
        "mariadb -h {} -P {} -u {}{password} {}",
        url.host_str().unwrap_or("localhost"),
        url.port().unwrap_or(3306),
        url.username(),
        url.path().trim_start_matches('/')
    )
}

#[test]
fn a_centre_and_a_laptop_keep_in_step() {
    let Some(postgres) = server(Brand::Postgres) else { return };
    if has_programs(&["psql", "sqlite3"]) {
        Document::read("examples/sales_order/README.md", None)
            .with_file("outrigger.yaml")
            .with_file("schema.sql")
            .variable("CENTRE_URL", &database(postgres, "").url)
            .run();
    }
}

#[test]
fn a_hub_forwards_between_three_brands() {
    let (Some(postgres), Some(mysql)) = (server(Brand::Postgres), server(Brand::Mysql)) else {
        return;
    };
    if has_programs(&["psql", "sqlite3", "mariadb"]) {
        let market = database(mysql, "market").url;
        Document::read("examples/hub/README.md", None)
            .with_file("outrigger.yaml")
            .with_file("schema.sql")
            .with_file("schema.mysql.sql")
            .variable("HUB_URL", &database(postgres, "hub").url)
            .variable("OFFICE_URL", &database(postgres, "office").url)
            .variable("MARKET", &client(&market))
            .variable("MARKET_URL", &market)
            .run();
    }
}

#[test]
fn branches_exchange_through_a_store_without_tables() {
    if has_programs(&["sqlite3"]) {
        Document::read("examples/store/README.md", None)
            .with_file("outrigger.yaml")
            .with_file("schema.sql")
            .run();
    }
}

#[test]
fn an_application_writes_its_own_outbox_rows() {
    if has_programs(&["sqlite3"]) {
        Document::read("examples/application_outbox/README.md", None)
            .with_file("outrigger.yaml")
            .with_file("schema.sql")
            .run();
    }
}
