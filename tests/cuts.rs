//! The connection is cut, or a deadlock ended, at each statement of transport and import in turn:
//! the next iteration goes on, and nothing is lost or done twice.

use std::collections::BTreeSet;
use std::time::Duration;

use outrigger::db::Session;
use outrigger::dialect::Brand;
use outrigger::import::{Importer, Progress};

use crate::support::flaky::{Failure, Fuse};
use crate::support::network::{Blueprint, Network, chain, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "
CREATE TABLE customer (id integer PRIMARY KEY, email varchar(60) UNIQUE, note varchar(60));
CREATE TABLE visit (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customer (id),
    story integer,
    note varchar(60)
);
CREATE TABLE stock (id integer PRIMARY KEY, quantity integer);
CREATE TABLE effect (what varchar(20), id integer);
";

/// At the target one table refuses what the source allows, and the application counts what
/// happens to another.
fn ddl(node: &str, brand: Brand) -> String {
    if node == "a" {
        return SCHEMA.to_owned();
    }
    let narrow = SCHEMA.replace("quantity integer", "quantity integer CHECK (quantity < 1000)");
    let triggers: Vec<String> = [("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")]
        .iter()
        .map(|(event, row)| count_effects(brand, event, row))
        .collect();
    format!("{narrow};\n{}", triggers.join(";\n"))
}

fn count_effects(brand: Brand, event: &str, row: &str) -> String {
    let name = format!("count_{}", event.to_lowercase());
    let insert = format!("INSERT INTO effect VALUES ('{event}', {row}.id)");
    match brand {
        Brand::Postgres => format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN {insert}; RETURN NULL; END $$; \
             CREATE TRIGGER {name} AFTER {event} ON visit FOR EACH ROW EXECUTE FUNCTION {name}()"
        ),
        Brand::Sqlite => {
            format!("CREATE TRIGGER {name} AFTER {event} ON visit BEGIN {insert}; END")
        }
        Brand::Mysql => {
            format!("CREATE TRIGGER {name} AFTER {event} ON visit FOR EACH ROW {insert}")
        }
        Brand::SqlServer => format!(
            "CREATE TRIGGER {name} ON visit AFTER {event} AS INSERT INTO effect \
             SELECT '{event}', id FROM {}",
            if row == "NEW" { "inserted" } else { "deleted" }
        ),
    }
}

/// What happens at the source in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// A parent with children, a child of an older parent changed, the key of another changed, a
    /// third deleted: all of it is imported as one.
    Accepted,
    /// A parent with children, a row that the target refuses, and a change that nobody can import:
    /// the set is taken apart until what is bad is in quarantine.
    Refused,
}

impl Story {
    fn sql(self, at: u64) -> String {
        let (now, before) = (10 * at, 10 * (at - 1));
        let mut statements = vec![
            format!("INSERT INTO customer VALUES ({at}, 'mail {at}', 'new')"),
            format!("INSERT INTO visit VALUES ({now}, {at}, {at}, 'first')"),
            format!("INSERT INTO visit VALUES ({}, {at}, {at}, 'second')", now + 1),
            format!("INSERT INTO visit VALUES ({}, {at}, {at}, 'third')", now + 2),
        ];
        statements.extend(match self {
            Self::Refused => vec![
                format!("INSERT INTO stock VALUES ({at}, {})", 1000 * at),
                format!(
                    "INSERT INTO ds_change_outbox (object_database, object_table, object_pk_attribute, \
                     object_id, object_operation) VALUES ('testapp', 'nowhere', 'id', '{at}', 'D')"
                ),
            ],
            Self::Accepted => vec![
                format!("UPDATE customer SET note = 'by a {at}' WHERE id = {}", at - 1),
                format!("UPDATE visit SET note = 'changed' WHERE id = {before}"),
                format!("UPDATE visit SET id = {} WHERE id = {}", before + 5, before + 1),
                format!("DELETE FROM visit WHERE id = {}", before + 2),
            ],
        });
        format!("BEGIN; {}; COMMIT", statements.join("; "))
    }

    /// What a story comes to at the target, each effect once.
    fn effects(self, at: u64) -> Vec<String> {
        let (now, before) = (10 * at, 10 * (at - 1));
        let mut effects: Vec<String> = (now..now + 3).map(|id| format!("INSERT|{id}")).collect();
        if self == Self::Accepted && at > 1 {
            effects.push(format!("UPDATE|{before}"));
            effects.push(format!("UPDATE|{}", before + 5));
            effects.push(format!("DELETE|{}", before + 2));
        }
        effects
    }

    /// The reasons in the target's quarantine after some stories.
    fn quarantined(self, stories: u64) -> Vec<&'static str> {
        match self {
            Self::Accepted => Vec::new(),
            Self::Refused => ["conflict", "no_table"].repeat(usize::try_from(stories).unwrap()),
        }
    }
}

async fn pair(from: &Server, to: &Server) -> Network {
    let blueprint = Blueprint {
        name: &format!("{}_{}", from.name, to.name),
        nodes: &[("a", from), ("b", to)],
        routes: &[("a", "b"), ("b", "a")],
        tables: "  customer: follow\n  visit: follow\n  stock: follow\n  effect: skip",
        schema: SCHEMA,
        // The set of a story is larger than a page.
        batch_rows: 6,
    };
    let mut network = Network::set_up(&blueprint, ddl).await;
    // What is refused is written into the outbox by hand.
    network.writes_around_the_triggers();
    network
}

/// A runner of one route, with sessions that share a fuse.
struct Program {
    from: Box<dyn Session>,
    to: Box<dyn Session>,
    importer: Importer,
}

impl Program {
    async fn start(network: &Network, importer: &Importer, fuse: &Fuse) -> Self {
        Self {
            from: fuse.wrap(network.connect("a").await),
            to: fuse.wrap(network.connect("b").await),
            importer: importer.clone(),
        }
    }

    /// Transport, and import until nothing is left, as the runner does it.
    async fn iterate(&mut self, network: &Network) -> Result<(), String> {
        let (route, transport) = network.transport_of(1000);
        let carried = transport.carry(&route, &mut *self.from, &mut *self.to, &mut |_| {}).await;
        carried.map_err(|error| chain(&error))?;
        loop {
            let done = self.importer.import_batch(&mut *self.to, route.id).await;
            if done.map_err(|error| chain(&error))? == Progress::Done {
                break;
            }
        }
        let done = self.importer.retry_quarantined(&mut *self.to, route.id).await;
        done.map(drop).map_err(|error| chain(&error))
    }
}

/// How long one pair of servers may take; every call in turn, on a busy machine, takes long.
const TIME: Duration = Duration::from_mins(30);

/// Set, every test tries every call, also where it would go in steps to save time.
const EVERYWHERE: &str = "OUTRIGGER_CUTS_EVERYWHERE";

const CUSTOMERS: &str = "SELECT id, email, note FROM customer ORDER BY id";
const VISITS: &str = "SELECT id, customer_id, story, note FROM visit ORDER BY id";

async fn are_equal(network: &mut Network, sql: &str, call: &str) {
    let (a, b) = (network.rows("a", sql).await, network.rows("b", sql).await);
    assert_eq!(a, b, "{call}");
}

/// Nothing is lost and nothing doubled: the table that only the source changes is equal, the inbox
/// has each row of the outbox once, the quarantine each bad change once, and each effect happened
/// once.
async fn check(network: &mut Network, story: Story, stories: u64, call: &str) {
    are_equal(network, VISITS, call).await;
    let sent = network.rows("a", "SELECT id FROM ds_change_outbox ORDER BY id").await;
    let arrived = "SELECT source_id FROM ds_change_inbox ORDER BY source_id";
    assert_eq!(network.rows("b", arrived).await, sent, "{call}: the inbox");
    let held = network.quarantine("b").await;
    let reasons: Vec<_> = held.iter().map(|held| held.reason_code.as_str()).collect();
    assert_eq!(reasons, story.quarantined(stories), "{call}: the quarantine");

    let happened = network.rows("b", "SELECT what, id FROM effect").await;
    let effects: BTreeSet<&String> = happened.iter().collect();
    assert_eq!(effects.len(), happened.len(), "{call}: an effect happened twice");
    let expected: Vec<String> = (1..=stories).flat_map(|at| story.effects(at)).collect();
    assert_eq!(effects, expected.iter().collect(), "{call}: the effects");
    let echo = "ds_change_outbox WHERE object_table = 'visit'";
    assert_eq!(network.count("b", echo).await, 0, "{call}: an import was captured");
}

/// One story after the other, each with a failure `step` calls later, until an iteration has no
/// such call any more; the number of failures.
async fn fail_everywhere(network: &mut Network, story: Story, failure: Failure, step: u64) -> u64 {
    let importer = network.importer("b").await;
    for at in 1.. {
        // The target has its own opinion of a row that the story changes.
        let opinion = format!("UPDATE customer SET note = 'by b {at}' WHERE id = {}", at - 1);
        network.run("b", &opinion).await;
        network.run("a", &story.sql(at)).await;
        let fuse = Fuse::at(1 + step * (at - 1), failure);
        let mut program = Program::start(network, &importer, &fuse).await;
        let done = program.iterate(network).await;
        let place = format!("{failure:?} at call {} of {story:?} {at}: {done:?}", fuse.calls());

        // Whatever happened, no reader of the target sees a part of the change set.
        let seen = network.count("b", &format!("visit WHERE story = {at}")).await;
        assert!([0, 3].contains(&seen), "{place}: {seen} of 3 rows are to be seen");
        if fuse.has_blown() {
            assert!(done.is_err(), "{place}: nobody noticed");
            if failure == Failure::Cut {
                program = Program::start(network, &importer, &Fuse::default()).await;
            }
            let again = program.iterate(network).await;
            assert_eq!(again, Ok(()), "{place}: the next iteration");
        } else {
            assert_eq!(done, Ok(()));
        }
        check(network, story, at, &place).await;
        if !fuse.has_blown() {
            // What both have changed is equal when the other route has been carried too.
            network.drain().await;
            are_equal(network, CUSTOMERS, &place).await;
            return at - 1;
        }
    }
    unreachable!("an iteration has an end")
}

/// Each server that is there is once the source and once the target.
fn on_a_ring_of_servers(story: Story, failure: Failure, step: u64) {
    let step = if std::env::var(EVERYWHERE).is_ok() { 1 } else { step };
    let ready = ready_servers();
    for (at, from) in ready.iter().enumerate() {
        let to = ready[(at + 1) % ready.len()];
        support::block_on_within(TIME, async {
            let mut network = pair(from, to).await;
            let failures = fail_everywhere(&mut network, story, failure, step).await;
            println!("{} to {}: {failures} times {failure:?} in {story:?}", from.name, to.name);
            assert!(failures > 10, "an iteration has more calls");
        });
    }
}

#[test]
fn a_connection_may_be_cut_after_any_statement() {
    on_a_ring_of_servers(Story::Accepted, Failure::Cut, 2);
}

#[test]
fn a_connection_may_be_cut_after_any_statement_of_a_set_that_is_taken_apart() {
    on_a_ring_of_servers(Story::Refused, Failure::Cut, 11);
}

#[test]
fn a_deadlock_may_end_any_statement() {
    on_a_ring_of_servers(Story::Accepted, Failure::Deadlock, 3);
}

#[test]
fn a_deadlock_may_end_any_statement_of_a_set_that_is_taken_apart() {
    on_a_ring_of_servers(Story::Refused, Failure::Deadlock, 11);
}
