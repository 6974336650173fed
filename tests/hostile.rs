//! Outbox rows as applications write them, right and wrong: no row stops a route, and no row that
//! is wrong is lost without a reason.

#[path = "hostile/database.rs"]
mod database;
#[path = "hostile/garbage.rs"]
mod garbage;
#[path = "hostile/names.rs"]
mod names;
#[path = "hostile/quarantine.rs"]
mod quarantine;
#[path = "hostile/sets.rs"]
mod sets;

use outrigger::dialect::Brand;

use crate::support::Server;
use crate::support::network::{Blueprint, Network};

const SCHEMA: &str = "
CREATE TABLE customer (
    customer_id integer PRIMARY KEY,
    email varchar(60) UNIQUE,
    name varchar(60) NOT NULL
);
CREATE TABLE sales_order (
    order_id varchar(40) PRIMARY KEY,
    order_type varchar(30),
    description varchar(200),
    product_type_name varchar(30),
    customer_id varchar(30),
    quantity integer CHECK (quantity < 1000000),
    order_date date,
    update_datetime timestamp,
    updated_by_user varchar(30),
    updated_by_server varchar(30)
);
CREATE TABLE order_line (
    order_id varchar(40),
    line integer,
    customer_id integer REFERENCES customer (customer_id),
    price numeric(10, 2),
    note text,
    card_number text,
    PRIMARY KEY (order_id, line)
);
CREATE TABLE victim (
    id integer PRIMARY KEY
);
";

/// A generated column is written differently by nobody, but the schema above has to be the
/// configuration's too.
const GENERATED: &str = "
CREATE TABLE computed (
    id integer PRIMARY KEY,
    net integer,
    gross integer GENERATED ALWAYS AS (net * 2) STORED
);
";

const TABLES: &str = "  sales_order:
    last_update: update_datetime
    updated_by_user: updated_by_user
    updated_by_server: updated_by_server
  order_line: { columns: { card_number: forbid } }
  customer: { collisions: quarantine }
  computed: follow
  victim: skip";

/// Two nodes with a route each way.
async fn pair(from: &Server, to: &Server) -> Network {
    let name = format!("{}_{}", from.name, to.name);
    let schema = format!("{SCHEMA}{GENERATED}");
    let blueprint = Blueprint {
        name: &name,
        nodes: &[("one", from), ("two", to)],
        routes: &[("one", "two"), ("two", "one")],
        tables: TABLES,
        schema: &schema,
        batch_rows: 1000,
    };
    let mut network = Network::set_up(&blueprint, |_, _| schema.clone()).await;
    for node in ["one", "two"] {
        network.run(node, "INSERT INTO victim VALUES (1)").await;
    }
    network
}

/// A row of the outbox: column and value, the values as SQL.
#[derive(Debug, Clone)]
struct OutboxRow(Vec<(&'static str, String)>);

impl OutboxRow {
    /// A right update of a sales order's description.
    fn update(order: &str, value: &str) -> Self {
        Self(vec![
            ("object_database", "'testapp'".into()),
            ("object_table", "'sales_order'".into()),
            ("object_pk_attribute", "'order_id'".into()),
            ("object_attribute", "'description'".into()),
            ("object_id", format!("'{order}'")),
            ("object_value", format!("'{value}'")),
            ("object_operation", "'U'".into()),
        ])
    }

    /// The row with another SQL value in a column.
    fn with(mut self, column: &'static str, sql: impl Into<String>) -> Self {
        self.0.retain(|(name, _)| *name != column);
        self.0.push((column, sql.into()));
        self
    }

    /// The row with a text in a column.
    fn text(self, brand: Brand, column: &'static str, text: &str) -> Self {
        self.with(column, brand.dialect().text_literal(text))
    }

    fn insert(&self) -> String {
        let (names, values): (Vec<_>, Vec<_>) = self.0.iter().cloned().unzip();
        format!(
            "INSERT INTO ds_change_outbox ({}) VALUES ({})",
            names.join(", "),
            values.join(", ")
        )
    }
}
