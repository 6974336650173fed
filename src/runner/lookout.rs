//! Looks at one node, on a connection of its own, and says when there is something to do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};

use super::pace::{FIRST_BACKOFF, LONGEST_BACKOFF, Sign};
use crate::db::{self, Fault, FaultKind, Session};
use crate::model::NodeId;
use crate::outbox::{self, Known, Looker, Sleep};

/// The pause between two looks while there is work.
const LEAST_PAUSE: Duration = Duration::from_millis(5);

/// A quiet node is looked at when a part of the time has passed for which it was quiet.
const QUIET_PARTS: u32 = 4;

/// From this pause on it is slept, where something wakes. While there is work nobody sleeps, so
/// that triggers have nobody to tell: a NOTIFY costs its transaction a lock of the whole cluster.
const SLEEP_FROM: Duration = Duration::from_millis(50);

/// The longest pause while a transaction is open whose end is not told.
const WRITING_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two looks at the pulse, which costs a server nothing.
const PULSE_PAUSE: Duration = Duration::from_millis(250);

/// What the runner and the lookout of a node share.
#[derive(Debug)]
pub(super) struct Shared {
    known: Mutex<(Known, Instant)>,
    poke: Notify,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { known: Mutex::new((Known::default(), Instant::now())), poke: Notify::new() }
    }

    /// Says what is known now. A look that was made with less knowledge may have found nothing
    /// where there is something: then it is looked again.
    pub(super) fn know(&self, known: Known) {
        let mut now = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 != known {
            now.0 = known;
            self.poke.notify_one();
        }
    }

    /// Says that there was work on the node: more may come soon, and the runner itself may have
    /// written something that is to be carried.
    pub(super) fn poke(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).1 = Instant::now();
        self.poke.notify_one();
    }

    fn read(&self) -> (Known, Duration) {
        let (known, worked) = &*self.known.lock().unwrap_or_else(PoisonError::into_inner);
        (known.clone(), worked.elapsed())
    }
}

/// What is said of a node.
pub(super) type Message = (NodeId, Sign, Option<outbox::Error>);

/// Looks at one node.
pub(super) struct Lookout {
    pub(super) node: NodeId,
    pub(super) url: String,
    pub(super) looker: Looker,
    /// The longest time between two looks.
    pub(super) every: Duration,
    pub(super) shared: Arc<Shared>,
    pub(super) signs: mpsc::UnboundedSender<Message>,
}

impl Lookout {
    /// Goes on until nobody listens any more. A node that does not answer is asked less and less
    /// often.
    pub(super) async fn run(mut self) {
        let first = self.every.min(FIRST_BACKOFF);
        let mut pause = first;
        while !self.signs.is_closed() {
            let error = match db::connect_to_listen(&self.url).await {
                Ok(mut session) => {
                    let began = Instant::now();
                    let error = self.stand(&mut *session).await;
                    drop(session);
                    if began.elapsed() > LONGEST_BACKOFF {
                        pause = first;
                    }
                    error
                }
                Err(fault) => fault.into(),
            };
            match error.fault().map(|fault| fault.kind) {
                Some(FaultKind::Gone) => self.say(Sign::Away, Some(error)),
                // The same again will do.
                Some(FaultKind::Transient) => {}
                _ => self.say(Sign::Hidden, Some(error)),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).clamp(first, LONGEST_BACKOFF);
        }
    }

    fn say(&self, sign: Sign, error: Option<outbox::Error>) {
        // Nobody listens when the run is over.
        let _ = self.signs.send((self.node.clone(), sign, error));
    }

    /// Looks until the connection breaks.
    async fn stand(&mut self, session: &mut dyn Session) -> outbox::Error {
        if let Err(error) = self.looker.begin(session).await {
            return error;
        }
        // What happened before is not asked for: every route of the node has its turn now.
        self.say(Sign::Back, None);
        loop {
            if let Err(error) = self.look_and_pause(session).await {
                return error;
            }
        }
    }

    async fn look_and_pause(&mut self, session: &mut dyn Session) -> Result<(), outbox::Error> {
        // Before the look: what commits after it is felt then, and what came before it is seen.
        let pulse = self.looker.pulse(session).await?;
        self.look(session).await?;
        self.pause(session, pulse).await
    }

    /// One look; whether there was something to say.
    async fn look(&mut self, session: &mut dyn Session) -> Result<bool, outbox::Error> {
        let (known, _) = self.shared.read();
        let news = self.looker.look(session, &known).await?;
        let is_some = news.is_some();
        if is_some {
            self.say(Sign::News(news), None);
        }
        Ok(is_some)
    }

    fn pace(&self) -> Duration {
        let (_, quiet) = self.shared.read();
        (quiet / QUIET_PARTS).max(LEAST_PAUSE).min(self.every)
    }

    /// Waits until it is time for the next look.
    async fn pause(
        &mut self,
        session: &mut dyn Session,
        before: Option<i64>,
    ) -> Result<(), outbox::Error> {
        let mut pause = self.pace();
        if self.looker.can_sleep() && pause >= SLEEP_FROM {
            match self.looker.fall_asleep(session).await? {
                Sleep::Asleep => return self.sleep(session).await,
                Sleep::Writing => pause = pause.min(WRITING_PAUSE),
                Sleep::Awake => {}
            }
        }
        if before.is_none() {
            self.doze(session, pause).await?;
            return Ok(());
        }
        // Who feels the pulse need not look in between.
        let until = Instant::now() + self.every;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let is_poked = self.doze(session, self.pace().min(PULSE_PAUSE).min(left)).await?;
            if is_poked || left.is_zero() || self.looker.pulse(session).await? != before {
                return Ok(());
            }
        }
    }

    /// Sleeps until somebody tells that he has captured, or it was quiet for the longest pause.
    async fn sleep(&mut self, session: &mut dyn Session) -> Result<(), outbox::Error> {
        // Once more now that nothing can come untold: what committed before was not told.
        while !self.look(session).await? {
            self.doze(session, self.every).await?;
            if self.pace() < SLEEP_FROM {
                break;
            }
        }
        self.looker.wake_up(session).await
    }

    /// Waits to be told by the database, or to be poked by the runner; whether it was one of them.
    async fn doze(&self, session: &mut dyn Session, longest: Duration) -> Result<bool, Fault> {
        tokio::select! {
            told = session.signalled(longest) => told,
            () = self.shared.poke.notified() => Ok(true),
        }
    }
}
