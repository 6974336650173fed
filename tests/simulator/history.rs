//! What happens in a history: made of a seed, as plain data, so that a failing one can be cut.

use outrigger::dialect::Brand;

use crate::database::{FIRST_CIRCULAR, FIRST_RECORD, FREE_RECORDS, FREE_TABLES};
use crate::random::Random;

/// What becomes of the numbers of transactions when a backup is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    /// A dump into the same server, which counts on.
    Dump,
    /// The files of the database: the counter is as old as they are.
    Files,
}

/// A mechanism that can be taken out of the model, to see that the proof fails without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Switch {
    /// A cursor goes on from the highest id, whatever was still open.
    Watermark,
    /// Ids that were missing are not looked for again.
    Gaps,
    /// A missing id is given up without a look at who may still write it.
    Writers,
    /// What is written and not committed is taken for missing.
    DirtyRead,
    /// An inbox takes (origin, `source_id`) twice.
    Uniqueness,
    /// The cursor is committed before the rows that it has passed.
    CursorCommit,
    /// Triggers take imports for changes of the application.
    Marker,
    /// A node does not note its own changes.
    Fold,
    /// A purge forgets the versions together with the changes.
    PurgedVersions,
    /// A purge takes what is not imported or not forwarded along.
    PurgedInbox,
    /// A purge forgets deletes while older changes are somewhere.
    Stability,
    /// Deletes leave nothing behind.
    Tombstone,
    /// A route takes what it finds, whatever it knew of its source.
    EpochCheck,
    /// How a collision was settled is not told to the others.
    Told,
    /// What lost in a collision is not listed.
    Listed,
    /// In quarantine the changes of a row wait for the one with the lowest id.
    FirstOfRow,
    /// What a rejoin brings back is not sent to those who never had it.
    LostInOutbox,
    /// An update of a table with `overwrite: record` travels without the whole row.
    WholeRow,
    /// Stamps are the clock's alone.
    Floor,
    /// What was written over an import with an older stamp is not told anew: triggers on MySQL see
    /// the floor of stamps as it was when their transaction began.
    ToldAnew,
    /// Rows of a circle are inserted with all that they refer to.
    Opened,
    /// Changes that need each other are not tried together.
    Together,
    /// What is deferred to the commit is not looked at before it.
    Deferred,
}

/// Nodes, routes and sizes of a history.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) shape: &'static str,
    pub(crate) brands: Vec<Brand>,
    pub(crate) routes: Vec<(usize, usize)>,
    /// The clocks' deviations, in microseconds.
    pub(crate) skews: Vec<i64>,
    /// A node that is not there at first.
    pub(crate) late: Option<usize>,
    pub(crate) page_rows: usize,
    /// Whether a node looks at the references of circles only at the commit.
    pub(crate) defers: Vec<bool>,
    /// Whether everything is purged and goes on at the end.
    pub(crate) has_aftermath: bool,
}

/// What the application does at one node, in one of its transactions. Slot 0 commits at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Application {
    pub(crate) node: usize,
    pub(crate) slot: u8,
    pub(crate) act: Act,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Insert(Place),
    /// Bits of columns.
    Update(Place, usize),
    Delete(Place),
    /// The second key is the new one.
    Rekey(Place, usize),
    /// Two rows give each other their unique values.
    Swap(Place, usize),
    /// Two rows come to refer to each other; the second key is that of the other row.
    Join(Place, usize),
    /// A row is deleted with all that are in a circle with it.
    Disband(Place),
    End {
        commits: bool,
    },
}

impl Act {
    /// The row that it is about.
    pub(crate) fn place(&mut self) -> Option<&mut Place> {
        match self {
            Self::Insert(place)
            | Self::Update(place, _)
            | Self::Delete(place)
            | Self::Rekey(place, _)
            | Self::Swap(place, _)
            | Self::Join(place, _)
            | Self::Disband(place) => Some(place),
            Self::End { .. } => None,
        }
    }
}

/// A row, and where its new values come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) table: usize,
    pub(crate) key: usize,
    pub(crate) value: usize,
    /// What becomes of the transaction if somebody waits for it.
    pub(crate) will_commit: bool,
}

/// One run of a program.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) route: usize,
    /// The runner dies at this statement; after it was done, or before.
    pub(crate) crash: Option<(usize, bool)>,
    /// Whether it waits for locks, or gives up.
    pub(crate) is_patient: bool,
    /// What the application does meanwhile, before which statement.
    pub(crate) during: Vec<(usize, Application)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Event {
    Application(Application),
    Carry(Run),
    Import(Run),
    /// A person sets a route's pointer back by so much.
    Rewind {
        route: usize,
        is_import: bool,
        by: i64,
    },
    Clock {
        node: usize,
        skew: i64,
    },
    Away {
        node: usize,
        is_away: bool,
    },
    Join {
        node: usize,
    },
    /// Of the first node: all are purged.
    Purge {
        node: usize,
    },
    Backup {
        node: usize,
    },
    Restore {
        node: usize,
        medium: Medium,
    },
    /// A person has a node rejoin; the route of the run is not asked for.
    Rejoin {
        node: usize,
        run: Run,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) setup: Setup,
    /// Each with the time since the one before, in microseconds.
    pub(crate) events: Vec<(i64, Event)>,
}

const SECOND: i64 = 1_000_000;

impl History {
    pub(crate) fn of_seed(seed: u64) -> Self {
        let Self { mut setup, mut events } = Self::plain(seed);
        // Of its own numbers, so that the other histories stay as they are.
        let mut random = Random::new(!seed);
        match seed % 8 {
            0 | 4 => insert_restores(&mut random, &setup, &mut events),
            7 => tie(&mut random, &setup, &mut events),
            // Above the seeds of `seeds.txt` that are what they were.
            5 if seed > 2_000 => age(&mut random, &mut setup, &mut events),
            _ => {}
        }
        if let 6 | 9 | 11 = seed % 16 {
            if seed % 16 == 9 {
                insert_restores(&mut random, &setup, &mut events);
            }
            records(&mut random, &mut events);
        }
        // These too, and every fourth of them with restored backups.
        if let 1..=3 | 8 = seed % 16
            && seed > 2_000
        {
            circles(&mut random, &mut setup, &mut events);
        }
        Self { setup, events }
    }

    /// The same where nobody is restored and no rows collide.
    pub(crate) fn plain(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut setup = setup(&mut random);
        let most = if random.is_one_in(10) { 100 } else { 30 };
        let count = 20 + random.below(most);
        // Takes no number of the seed's: the histories that once failed stay what they were.
        setup.has_aftermath = count.is_multiple_of(4);
        let mut joined = setup.late.is_none();
        let mut events = Vec::new();
        for at in 0..count {
            let pause = random.pick(&[0, 1, 700, 5_000, 400_000]);
            let mut event = event(&mut random, &setup, at);
            if let Some(node) = setup.late.filter(|_| !joined && random.is_one_in(count / 2)) {
                joined = true;
                event = Event::Join { node };
            }
            events.push((pause, event));
        }
        Self { setup, events }
    }
}

fn setup(random: &mut Random) -> Setup {
    let count = random.pick(&[2, 2, 2, 3, 3, 3, 3, 4, 4, 5]);
    let both = |pairs: Vec<(usize, usize)>| {
        pairs.into_iter().flat_map(|(one, two)| [(one, two), (two, one)]).collect()
    };
    let next = |node: usize| (node, (node + 1) % count);
    let (shape, routes): (_, Vec<(usize, usize)>) = match random.below(5) {
        _ if count == 2 => ("pair", vec![(0, 1), (1, 0)]),
        0 => ("ring", (0..count).map(next).collect()),
        1 => ("ring both ways", both((0..count).map(next).collect())),
        2 => ("star", both((1..count).map(|node| (0, node)).collect())),
        3 => ("chain", both((1..count).map(|node| (node - 1, node)).collect())),
        _ => {
            let all = |one| (0..count).filter(move |two| *two != one).map(move |two| (one, two));
            ("mesh", (0..count).flat_map(all).collect())
        }
    };
    let skews: &[i64] = match random.below(3) {
        0 => &[0, 0, -40 * SECOND, 40 * SECOND, -3_600 * SECOND],
        _ => &[0, -300_000, 200_000],
    };
    Setup {
        shape,
        brands: (0..count).map(|_| random.pick(&Brand::ALL)).collect(),
        routes,
        skews: (0..count).map(|_| random.pick(skews)).collect(),
        late: random.is_one_in(8).then(|| random.below(count)),
        page_rows: random.pick(&[2, 3, 5, 50]),
        defers: vec![false; count],
        has_aftermath: false,
    }
}

fn event(random: &mut Random, setup: &Setup, at: usize) -> Event {
    let node = random.below(setup.brands.len());
    match random.below(40) {
        0..=21 => Event::Application(application(random, setup, at)),
        22..=29 => Event::Carry(run(random, setup, at, 14)),
        30..=35 => Event::Import(run(random, setup, at, 40)),
        36 => Event::Rewind {
            route: random.below(setup.routes.len()),
            is_import: random.is_one_in(2),
            by: 1 + i64::try_from(random.below(20)).unwrap(),
        },
        37 => {
            let skew = random.pick(&[-3_600 * SECOND, -20 * SECOND, -SECOND, 0, 10 * SECOND]);
            Event::Clock { node, skew }
        }
        38 => Event::Away { node, is_away: random.is_one_in(2) },
        _ => Event::Purge { node },
    }
}

/// Half of what the application does is about tables with unique columns and references.
fn tie(random: &mut Random, setup: &Setup, events: &mut [(i64, Event)]) {
    let has_blind_cascades = setup.brands.contains(&Brand::Mysql);
    let tables = if has_blind_cascades { FIRST_RECORD - 1 } else { FIRST_RECORD };
    let first = FREE_TABLES + random.below(2);
    let mut tie = |application: &mut Application| {
        let Some(place) = application.act.place() else { return };
        // Either unique values or references.
        place.table = match first {
            FREE_TABLES => FREE_TABLES,
            first => first + random.below(tables - first),
        };
        place.value += random.below(7);
        let place = *place;
        if place.table == FREE_TABLES && random.is_one_in(8) {
            application.act = Act::Swap(place, random.below(3));
        }
    };
    each_application(events, &mut tie);
}

/// Half of what the application does is about a table of which the newest change of a row wins
/// as a whole.
pub(crate) fn records(random: &mut Random, events: &mut [(i64, Event)]) {
    let is_coded = random.is_one_in(3);
    let table = FIRST_RECORD + if is_coded { FREE_RECORDS } else { random.below(FREE_RECORDS) };
    let table = table.min(FIRST_CIRCULAR - 1);
    let mut record = |application: &mut Application| {
        let Some(place) = application.act.place() else { return };
        if random.is_one_in(2) {
            place.table = table;
            place.value += if is_coded { random.below(7) } else { 0 };
        }
    };
    each_application(events, &mut record);
}

/// All that applications do is about rows that may refer to each other in a circle: of one table,
/// of two, or of two whose references may not be NULL.
fn circles(random: &mut Random, setup: &mut Setup, events: &mut [(i64, Event)]) {
    let (first, tables) = random.pick(&[(0, 1), (1, 2), (1, 2), (3, 2)]);
    let is_closed = first == 3;
    if is_closed && random.is_one_in(2) {
        for brand in &mut setup.brands {
            *brand = random.pick(&[Brand::Postgres, Brand::Sqlite]);
        }
    }
    let defers = |brand: &Brand| can_defer(*brand) && (is_closed || !random.is_one_in(3));
    setup.defers = setup.brands.iter().map(defers).collect();
    let mut circle = |application: &mut Application| {
        let Some(place) = application.act.place() else { return };
        place.table = FIRST_CIRCULAR + first + random.below(tables);
        place.value += random.below(7);
        let place = *place;
        match random.below(8) {
            0..=2 => application.act = Act::Join(place, random.below(3)),
            3 => application.act = Act::Disband(place),
            _ => {}
        }
    };
    each_application(events, &mut circle);
}

/// Whether a brand can look at references at the commit.
pub(crate) fn can_defer(brand: Brand) -> bool {
    matches!(brand, Brand::Postgres | Brand::Sqlite)
}

/// Everything that applications do, also while programs run.
fn each_application(events: &mut [(i64, Event)], change: &mut dyn FnMut(&mut Application)) {
    for (_, event) in events {
        match event {
            Event::Application(application) => change(application),
            Event::Carry(run) | Event::Import(run) => {
                run.during.iter_mut().for_each(|(_, application)| change(application));
            }
            _ => {}
        }
    }
}

/// The clock of a node whose triggers see old floors is behind, and its transactions stay open
/// while others' changes of the same rows are imported.
fn age(random: &mut Random, setup: &mut Setup, events: &mut [(i64, Event)]) {
    let node = random.below(setup.brands.len());
    setup.brands[node] = Brand::Mysql;
    setup.skews[node] = -3_600 * SECOND;
    let mut age = |application: &mut Application| {
        if application.node != node {
            return;
        }
        if application.slot == 0 && !random.is_one_in(3) {
            application.slot = 1;
        }
        if matches!(application.act, Act::End { .. }) && !random.is_one_in(3) {
            let (table, key) = (random.below(FREE_TABLES), random.below(3));
            let place = Place { table, key, value: 5_000 + random.below(1_000), will_commit: true };
            application.act = match random.below(4) {
                0 => Act::Delete(place),
                1 => Act::Insert(place),
                _ => Act::Update(place, 1 + random.below(7)),
            };
        }
    };
    each_application(events, &mut age);
    for (_, event) in events {
        if let Event::Clock { node: at, skew } = event
            && *at == node
        {
            *skew = -3_600 * SECOND;
        }
    }
}

/// Nodes are set back to backups of themselves while their changes travel, and brought back or
/// not: then the end sees to it.
fn insert_restores(random: &mut Random, setup: &Setup, events: &mut Vec<(i64, Event)>) {
    let node = random.below(setup.brands.len());
    let mut at = random.below(events.len());
    let mut story = vec![Event::Backup { node }];
    for _ in 0..=random.below(2) {
        for _ in 0..=random.below(4) {
            story.push(work_of(random, setup, node));
        }
        story.push(Event::Restore { node, medium: random.pick(&[Medium::Dump, Medium::Files]) });
        for _ in 0..random.below(4) {
            story.push(work_of(random, setup, node));
        }
        if random.is_one_in(2) {
            story.push(Event::Rejoin { node, run: run(random, setup, 500, 60) });
        }
    }
    for event in story {
        events.insert(at, (400_000, event));
        at = (at + 1 + random.below(4)).min(events.len());
    }
}

/// Something that concerns a node: a change, or a run of a route that begins there.
fn work_of(random: &mut Random, setup: &Setup, node: usize) -> Event {
    let value = 2_000 + random.below(1_000);
    if random.is_one_in(2) {
        let mut application = application(random, setup, value);
        application.node = node;
        return Event::Application(application);
    }
    let mut run = run(random, setup, value, 14);
    let routes = setup.routes.iter().enumerate();
    let from: Vec<usize> =
        routes.filter(|(_, (from, _))| *from == node).map(|(route, _)| route).collect();
    run.route = random.pick(&from);
    if random.is_one_in(3) { Event::Import(run) } else { Event::Carry(run) }
}

fn run(random: &mut Random, setup: &Setup, at: usize, statements: usize) -> Run {
    let meanwhile = if random.is_one_in(3) { 1 + random.below(3) } else { 0 };
    Run {
        route: random.below(setup.routes.len()),
        crash: random.is_one_in(5).then(|| (random.below(statements), random.is_one_in(2))),
        is_patient: !random.is_one_in(4),
        during: (0..meanwhile)
            .map(|more| {
                let application = application(random, setup, 1_000 * (more + 1) + at);
                (random.below(statements), application)
            })
            .collect(),
    }
}

fn application(random: &mut Random, setup: &Setup, value: usize) -> Application {
    let place = Place {
        table: random.below(FREE_TABLES),
        key: random.below(3),
        value,
        will_commit: !random.is_one_in(3),
    };
    let act = match random.below(12) {
        0..=3 => Act::Insert(place),
        4..=6 => Act::Update(place, 1 + random.below(7)),
        7..=8 => Act::Delete(place),
        9 => Act::Rekey(place, random.below(3)),
        _ => Act::End { commits: !random.is_one_in(4) },
    };
    let slot = random.pick(&[0, 0, 1, 1, 2]);
    let slot = if matches!(act, Act::End { .. }) { 1 + slot % 2 } else { slot };
    Application { node: random.below(setup.brands.len()), slot, act }
}
