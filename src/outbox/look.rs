//! One cheap statement that says whether any route of a node has something to do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Cursor, Error, Gaps, execute, fetch_one};
use crate::db::Session;
use crate::dialect::Signal;
use crate::model::{RouteId, Value};
use crate::render::{Statement, Templates};

/// Up to where everything on a node is known: what is above it is new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The highest outbox id that each route has carried; `None` when nobody asks for more.
    pub pointer: Option<i64>,
    /// The ids below it that were missing.
    pub gaps: Gaps,
    /// By the route on which it came: the highest inbox id that was dealt with.
    pub inbox: BTreeMap<RouteId, i64>,
}

impl Known {
    /// Takes into account what a route has carried from the node.
    pub fn carried(&mut self, cursor: &Cursor, forwards_from: &[RouteId]) {
        self.pointer = Some(self.pointer.map_or(cursor.pointer, |id| id.min(cursor.pointer)));
        cursor.gaps.ranges().for_each(|(first, last)| self.gaps.add(first, last));
        for route in forwards_from {
            self.imported(*route, cursor.forwards.get(&route.0).copied().unwrap_or(0));
        }
    }

    /// Takes into account up to where the inbox of a route was dealt with.
    pub fn imported(&mut self, route: RouteId, id: i64) {
        self.inbox.entry(route).and_modify(|known| *known = id.min(*known)).or_insert(id);
    }
}

/// What a look found to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// The outbox has something that was not there.
    pub has_outbox: bool,
    /// The inbox has something that came on these routes.
    pub inbox: Vec<RouteId>,
    /// A person has switched a program on or off, or set its pointer back.
    pub has_programs: bool,
}

impl News {
    /// Whether there is any.
    #[must_use]
    pub fn is_some(&self) -> bool {
        self.has_outbox || self.has_programs || !self.inbox.is_empty()
    }
}

/// What became of the attempt to sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sleep {
    /// Whoever captures from now on tells this session.
    Asleep,
    /// A transaction is open that will not: it began before.
    Writing,
    /// It cannot be: another session sleeps, or nobody is told on this node.
    Awake,
}

/// Looks at one node, and remembers what it saw.
#[derive(Debug)]
pub struct Looker {
    look: Statement,
    pulse: Option<Statement>,
    sleep: Option<SleepStatements>,
    mark: Option<String>,
    programs: Option<BTreeMap<i64, Program>>,
}

#[derive(Debug)]
struct SleepStatements {
    listen: Statement,
    fall_asleep: Statement,
    wake_up: Statement,
}

#[derive(Serialize)]
struct Context<'a> {
    namespace: Option<&'a str>,
    signal: Option<&'a Signal>,
}

#[derive(Serialize)]
struct KnownRoute {
    route_id: i64,
    last_id: i64,
}

#[derive(Deserialize)]
struct NewRoute {
    route_id: i64,
}

#[derive(Debug, Deserialize)]
struct Program {
    id: i64,
    active_flag: Option<String>,
    pointer: Option<i64>,
}

impl Looker {
    /// A looker at a node of the templates' brand. With `is_told` its triggers tell a session
    /// that sleeps, where the brand has a signal.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn new(templates: &Templates, is_told: bool) -> Result<Self, Error> {
        let dialect = templates.brand().dialect();
        let signal = dialect.signal.as_ref();
        let context = Context { namespace: dialect.default_namespace.as_deref(), signal };
        let statement = |name: &str| templates.statement(&format!("run/{name}"), &context);
        let sleep = match signal {
            Some(_) if is_told => Some(SleepStatements {
                listen: statement("listen")?,
                fall_asleep: statement("fall_asleep")?,
                wake_up: statement("wake_up")?,
            }),
            _ => None,
        };
        let pulse = templates.statements("run/pulse", &context)?.into_iter().next();
        Ok(Self { look: statement("look")?, pulse, sleep, mark: None, programs: None })
    }

    /// Begins with a session: the first look at it finds nothing new, and what comes later is.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn begin(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        (self.mark, self.programs) = (None, None);
        if let Some(sleep) = &self.sleep {
            execute(session, &sleep.listen, &[]).await?;
        }
        self.look(session, &Known::default()).await?;
        Ok(())
    }

    /// What is new since the last look, and above what is known.
    ///
    /// Nothing that commits is missed: where the brand has a watermark, the mark is that of the
    /// last look; elsewhere a pointer and its gaps say what was carried.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn look(&mut self, session: &mut dyn Session, known: &Known) -> Result<News, Error> {
        let (ids, ranges) = known.gaps.texts();
        let routes: Vec<KnownRoute> = known
            .inbox
            .iter()
            .map(|(route, last_id)| KnownRoute { route_id: route.0, last_id: *last_id })
            .collect();
        let given = [
            ("mark", self.mark.clone().into()),
            ("pointer", known.pointer.map_or(Value::Null, Value::Integer)),
            ("gap_ids", Value::Text(ids)),
            ("gaps", Value::Text(ranges)),
            ("inbox", Value::Text(serde_json::to_string(&routes).unwrap_or_default())),
        ];
        let Some(row) = fetch_one(session, &self.look, &given).await? else {
            return Ok(News::default());
        };
        self.mark = row.text("mark");
        let programs: Vec<Program> = list("ds_program_parameter", row.text("programs"))?;
        let programs = programs.into_iter().map(|program| (program.id, program)).collect();
        let has_programs =
            self.programs.replace(programs).is_some_and(|before| self.were_altered(&before));
        let inbox: Vec<NewRoute> = list("ds_change_inbox", row.text("inbox"))?;
        Ok(News {
            has_outbox: row.integer("has_outbox") == Some(1),
            inbox: inbox.into_iter().map(|route| RouteId(route.route_id)).collect(),
            has_programs,
        })
    }

    /// Whether programs are otherwise than `before`, and not only further.
    fn were_altered(&self, before: &BTreeMap<i64, Program>) -> bool {
        let now = self.programs.iter().flatten();
        let is_altered = |(id, program): (&i64, &Program)| {
            before.get(id).is_none_or(|before| {
                before.active_flag != program.active_flag || before.pointer > program.pointer
            })
        };
        now.into_iter().any(is_altered)
    }

    /// A number that is another one whenever somebody else has committed; `None` where the brand
    /// has none, and a look costs as much.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pulse(&self, session: &mut dyn Session) -> Result<Option<i64>, Error> {
        let Some(pulse) = &self.pulse else { return Ok(None) };
        let row = fetch_one(session, pulse, &[]).await?;
        Ok(row.and_then(|row| row.integer("data_version")))
    }

    /// Whether a session can sleep at all.
    #[must_use]
    pub fn can_sleep(&self) -> bool {
        self.sleep.is_some()
    }

    /// Asks to be told of what is captured from now on. What committed before is not told: the
    /// session has to look once more before it sleeps.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn fall_asleep(&self, session: &mut dyn Session) -> Result<Sleep, Error> {
        let Some(sleep) = &self.sleep else { return Ok(Sleep::Awake) };
        let row = fetch_one(session, &sleep.fall_asleep, &[]).await?;
        Ok(match row.and_then(|row| row.text("state")).as_deref() {
            Some("asleep") => Sleep::Asleep,
            Some("writing") => Sleep::Writing,
            _ => Sleep::Awake,
        })
    }

    /// Needs to be told no longer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn wake_up(&self, session: &mut dyn Session) -> Result<(), Error> {
        if let Some(sleep) = &self.sleep {
            execute(session, &sleep.wake_up, &[]).await?;
        }
        Ok(())
    }
}

/// A JSON array of a look's answer; nothing is an empty one.
fn list<T: for<'a> Deserialize<'a>>(
    table: &'static str,
    text: Option<String>,
) -> Result<Vec<T>, Error> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(&text)
        .map_err(|_| Error::Unreadable { table, found: "no such list".to_owned() })
}
