//! Writers on both nodes while two runners are killed, connections cut and servers killed: when
//! everything has drained, no commit is missing and the nodes are equal.

#[path = "faults/process.rs"]
mod process;
#[path = "faults/proxy.rs"]
pub mod proxy;
#[path = "simulator/random.rs"]
mod random;
#[path = "faults/writer.rs"]
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use outrigger::db;
use outrigger::dialect::Brand;
use tokio::task::JoinHandle;

pub use self::process::KeptServer;
use self::process::Runners;
use self::proxy::Proxy;
use self::random::Random;
use self::writer::{ACCOUNTS, Ledger, Tally, Writer};
use crate::support::network::{Blueprint, Network, ready_servers};
use crate::support::{self, Server};

const SCHEMA: &str = "
CREATE TABLE account (id integer PRIMARY KEY, counter integer, last_transaction integer);
CREATE TABLE entry (
    id integer PRIMARY KEY,
    account_id integer NOT NULL REFERENCES account (id),
    amount integer
);
CREATE TABLE hot (id integer PRIMARY KEY, note varchar(60), quantity integer);
";

const TABLES: &str = "  account: follow\n  entry: follow\n  hot: follow";

/// How long the writers write, in seconds.
const SECONDS: &str = "OUTRIGGER_FAULT_SECONDS";
const DEFAULT_SECONDS: u64 = 12;

/// So many writers on each of the two nodes.
const WRITERS: i64 = 4;

/// At least so many runners are killed, however slow the machine is.
const LEAST_KILLS: usize = 15;
const LEAST_SERVER_KILLS: usize = 3;

/// How long a program may take to get further before the next is killed all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// The servers come up, the writers write, everything drains.
const TIME: Duration = Duration::from_mins(15);

/// What happens to a network while it is written to.
struct Storm {
    name: String,
    network: Network,
    writers: Vec<JoinHandle<Writer>>,
    stop: Arc<AtomicBool>,
    proxies: Vec<Proxy>,
    runners: Runners,
    servers: Vec<KeptServer>,
    random: Random,
    cuts: usize,
}

impl Storm {
    async fn begin(name: &str, nodes: [&Server; 2], servers: Vec<KeptServer>) -> Self {
        let blueprint = Blueprint {
            name,
            nodes: &[("a", nodes[0]), ("b", nodes[1])],
            routes: &[("a", "b"), ("b", "a")],
            tables: TABLES,
            schema: SCHEMA,
            batch_rows: 50,
        };
        let network = Network::set_up(&blueprint, |_, _| SCHEMA.to_owned()).await;
        let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        println!("{name}: seed {seed}");
        let (mut proxies, mut urls) = (Vec::new(), Vec::new());
        for id in ["a", "b"] {
            let url = network.url(id);
            if network.brand(id) == Brand::Sqlite {
                urls.push(url);
                continue;
            }
            let proxy = Proxy::start(&url).await;
            urls.push(proxy.url(&url));
            proxies.push(proxy);
        }
        let config = format!(
            "database: testapp\nschema: {{ dialect: postgres, files: [schema.sql] }}\nnodes:\n  \
             a: {{ url: '{}' }}\n  b: {{ url: '{}' }}\ntables:\n{TABLES}\nroutes:\n  \
             - {{ id: 1000, from: a, to: b }}\n  - {{ id: 1002, from: b, to: a }}\n\
             limits: {{ batch_rows: 50 }}\n",
            urls[0], urls[1]
        );
        let stop = Arc::new(AtomicBool::new(false));
        let writer = |number: i64| Writer {
            number,
            url: network.url(if number <= WRITERS { "a" } else { "b" }),
            random: Random::new(seed + u64::try_from(number).unwrap()),
            may_lose_server: !servers.is_empty(),
            stop: Arc::clone(&stop),
            ledger: Ledger::default(),
            tally: Tally::default(),
        };
        let mut writers = Vec::new();
        for mut writer in (1..=2 * WRITERS).map(writer) {
            let session = writer.open().await;
            writers.push(tokio::spawn(writer.write(session)));
        }
        Self {
            writers,
            stop,
            proxies,
            runners: Runners::start(&config, SCHEMA),
            servers,
            random: Random::new(seed),
            cuts: 0,
            name: name.to_owned(),
            network,
        }
    }

    /// Kills and cuts until the time is over and enough has been killed, then lets the runners
    /// that are left get something to either side.
    async fn rage(&mut self) {
        let seconds = std::env::var(SECONDS).ok().and_then(|n| n.parse().ok());
        let time = Duration::from_secs(seconds.unwrap_or(DEFAULT_SECONDS));
        let begin = Instant::now();
        while begin.elapsed() < time || self.is_calm() {
            if self.random.is_one_in(6) {
                // Else nothing much would be done between two kills.
                self.wait_for_progress().await;
            }
            let pause = self.random.below(400).try_into().unwrap();
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match self.random.below(20) {
                0..=11 => self.runners.kill(&mut self.random),
                12..=18 if !self.proxies.is_empty() => {
                    let at = self.random.below(self.proxies.len());
                    self.cuts += usize::from(self.proxies[at].cut(&mut self.random));
                }
                _ if !self.servers.is_empty() => {
                    let at = self.random.below(self.servers.len());
                    self.servers[at].kill();
                }
                _ => {}
            }
        }
        // A busy machine may have got nothing done between two kills; and a runner that has met many
        // errors makes long pauses.
        self.runners.kill_all();
        let begin = Instant::now();
        while !self.has_carried().await {
            assert!(begin.elapsed() < 20 * PATIENCE, "the runners get nothing done");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn is_calm(&self) -> bool {
        let is_calm = |server: &KeptServer| server.kills < LEAST_SERVER_KILLS;
        self.runners.kills < LEAST_KILLS || self.servers.iter().any(is_calm)
    }

    /// Waits until a program has got further than it was, for a while.
    async fn wait_for_progress(&self) {
        let (before, begin) = (self.pointers().await, Instant::now());
        while begin.elapsed() < PATIENCE && self.pointers().await == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether every program has got anything done, for all that is done to the runners.
    async fn has_carried(&self) -> bool {
        let pointers = self.pointers().await;
        pointers.len() == 4 && pointers.iter().all(|pointer| *pointer > 0)
    }

    /// How far transport and import of both nodes are; those of a node that is away are missing.
    async fn pointers(&self) -> Vec<i64> {
        let mut pointers = Vec::new();
        for id in ["a", "b"] {
            let Ok(mut session) = db::connect(&self.network.url(id)).await else { continue };
            let sql = "SELECT fromoutboxpointer AS n FROM ds_program_parameter ORDER BY id";
            let rows = session.fetch(sql, &[]).await.unwrap_or_default();
            pointers.extend(rows.iter().map(|row| row.integer("n").unwrap_or(0)));
        }
        pointers
    }

    /// Stops the writers and the runners, drains what is on its way, and compares.
    async fn settle(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let mut writers = Vec::new();
        for writer in self.writers.drain(..) {
            writers.push(writer.await.unwrap());
        }
        let kills = self.runners.kills;
        let said = self.runners.end();
        for word in ["panicked", "restored", "rejoin", "is not in `ds_program_parameter`"] {
            assert!(!said.contains(word), "a runner says:\n{said}");
        }
        let network = &mut self.network;
        network.reconnect().await;
        let mut carried = 0;
        for id in ["a", "b"] {
            carried += network.count(id, "ds_change_inbox").await;
        }
        network.drain().await;

        let changes = compare(network).await;
        for id in ["a", "b"] {
            source_of_truth(network, id, &writers).await;
        }
        let sum =
            |count: fn(&Tally) -> usize| writers.iter().map(|w| count(&w.tally)).sum::<usize>();
        println!(
            "{}: {kills} runners killed, {} connections cut, {} servers killed; {} transactions ({} \
             unacknowledged), {} rolled back, {} refused; {changes} changes, {carried} of them \
             carried meanwhile; 0 differences",
            self.name,
            self.cuts,
            self.servers.iter().map(|server| server.kills).sum::<usize>(),
            sum(|tally| tally.committed),
            sum(|tally| tally.unacknowledged),
            sum(|tally| tally.rolled_back),
            sum(|tally| tally.refused),
        );
    }
}

/// Both nodes have equal rows, and each the other's changes, each once; the number of changes.
async fn compare(network: &mut Network) -> usize {
    for table in ["account", "entry", "hot"] {
        let sql = format!("SELECT * FROM {table} ORDER BY id");
        let (a, b) = (network.rows("a", &sql).await, network.rows("b", &sql).await);
        assert_eq!(a, b, "{table} differs");
    }
    let mut changes = 0;
    for (from, to) in [("a", "b"), ("b", "a")] {
        let own = "SELECT updated_by_server_id, id FROM ds_change_outbox";
        let sent: BTreeSet<String> = network.rows(from, own).await.into_iter().collect();
        let arrived = "SELECT updated_by_server_id, source_id FROM ds_change_inbox";
        let arrived = network.rows(to, arrived).await;
        assert_eq!(arrived.len(), sent.len(), "the inbox of {to}");
        assert_eq!(arrived.into_iter().collect::<BTreeSet<_>>(), sent, "the inbox of {to}");
        let foreign = format!("ds_change_outbox WHERE updated_by_server_id <> '{from}'");
        assert_eq!(network.count(from, &foreign).await, 0, "an import was captured on {from}");
        assert_eq!(network.count(to, "ds_quarantine").await, 0, "the quarantine of {to}");
        changes += sent.len();
    }
    changes
}

/// Every commit of every writer is there, and nothing that was not committed.
async fn source_of_truth(network: &mut Network, id: &str, writers: &[Writer]) {
    let found = async |network: &mut Network, sql: &str, owner: fn(i64) -> i64| {
        let mut found: BTreeMap<i64, BTreeMap<i64, i64>> = BTreeMap::new();
        for row in network.rows(id, sql).await {
            let (key, value) = row.split_once('|').unwrap();
            let key: i64 = key.parse().unwrap();
            found.entry(owner(key)).or_default().insert(key, value.parse().unwrap());
        }
        found
    };
    let counters = found(network, "SELECT id, counter FROM account", |id| id / ACCOUNTS).await;
    let entries = found(network, "SELECT id, amount FROM entry", |id| id / 1_000_000).await;
    for writer in writers {
        let (number, ledger) = (writer.number, &writer.ledger);
        assert_eq!(counters[&number], ledger.counters, "{id}: the accounts of writer {number}");
        let none = BTreeMap::new();
        let entries = entries.get(&number).unwrap_or(&none);
        assert_eq!(entries, &ledger.entries, "{id}: the entries of writer {number}");
    }
}

fn pair_of(one: Brand, two: Brand) {
    let ready = ready_servers();
    let of = |brand| ready.iter().find(|server| server.brand == brand);
    let (Some(one), Some(two)) = (of(one), of(two)) else { return };
    let name = format!("{}_{}", one.name, two.name);
    support::block_on_within(TIME, async {
        let mut storm = Storm::begin(&name, [one, two], Vec::new()).await;
        storm.rage().await;
        storm.settle().await;
    });
}

#[test]
fn postgres_and_mariadb_survive_killed_runners_and_cut_connections() {
    pair_of(Brand::Postgres, Brand::Mysql);
}

#[test]
fn postgres_and_sqlite_survive_killed_runners_and_cut_connections() {
    pair_of(Brand::Postgres, Brand::Sqlite);
}

#[test]
fn sqlite_and_mariadb_survive_killed_runners_and_cut_connections() {
    pair_of(Brand::Sqlite, Brand::Mysql);
}

/// The servers are the test's own, with settings under which a kill loses no commit.
#[test]
fn killed_servers_lose_no_commit_on_either_side() {
    let servers = [Brand::Postgres, Brand::Mysql].map(KeptServer::start);
    let [Some(one), Some(two)] = servers else { return };
    let nodes = [one.server.clone(), two.server.clone()];
    support::block_on_within(TIME, async {
        let mut storm = Storm::begin("kept", [&nodes[0], &nodes[1]], vec![one, two]).await;
        storm.rage().await;
        storm.settle().await;
    });
}
