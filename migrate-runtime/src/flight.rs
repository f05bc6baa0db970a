//! A statement in flight: who watches it, tells about it, and stops it.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use tokio_postgres::CancelToken;

use crate::emitter::Emitter;
use crate::interrupt::TICK;
use crate::lock::Keys;
use crate::observe::{self, Sight};
use crate::session::Session;
use crate::settings::Settings;
use crate::{Database, Event};

/// How often a look is taken.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Watches statements of one run. Its own connection is opened by the first statement that takes long.
pub(crate) struct Watcher {
    database: Database,
    emitter: Emitter,
    application: String,
    session: Option<Session>,
}

/// What is in flight.
pub(crate) struct Flight<'a> {
    pub stem: &'a str,
    /// The server process, where it is known; behind a pooler it is found by the fence that it holds.
    pub pid: Option<i32>,
    pub keys: Keys,
    pub settings: &'a Settings,
    pub cancel: CancelToken,
    /// When the first look is due: before a lock timeout strikes, so that the blocker can be named.
    pub first_look: Duration,
    /// When the migration started; a non-transactional one is in flight for many statements.
    pub since: Instant,
}

/// How a flight ended.
pub(crate) struct Landed<T> {
    pub output: T,
    /// What was seen last.
    pub sight: Option<Sight>,
    /// A cancel was sent because of this signal.
    pub interrupted: Option<u8>,
}

impl Watcher {
    pub fn new(database: Database, emitter: Emitter, settings: &Settings) -> Self {
        let tool = settings.tool.split(' ').next().unwrap_or_default();
        Self { database, emitter, application: format!("{tool}: watching"), session: None }
    }

    /// Runs `work` to its end, with a look every second and a cancel when an interrupt comes.
    pub async fn watch<T>(&mut self, flight: &Flight<'_>, work: impl Future<Output = T>) -> Landed<T> {
        let started = Instant::now();
        let mut work = pin!(work);
        let mut sight = None;
        let mut interrupted: Option<(u8, Instant)> = None;
        let mut next_look = flight.first_look;
        loop {
            let landed =
                |output, sight| Landed { output, sight, interrupted: interrupted.map(|(signal, _)| signal) };
            if let Either::Left((output, _)) = select(work.as_mut(), pin!(tokio::time::sleep(TICK))).await {
                return landed(output, sight);
            }
            if let Some(signal) = flight.settings.interrupt.triggered() {
                // Again after a while: a cancel that arrives between two statements is lost.
                if interrupted.is_none_or(|(_, at)| at.elapsed() >= Duration::from_millis(500)) {
                    let cancel = self.database.cancel(flight.cancel.clone());
                    let bounded = tokio::time::timeout(Duration::from_secs(5), cancel);
                    interrupted = Some((signal, Instant::now()));
                    if let Either::Left((output, _)) = select(work.as_mut(), pin!(bounded)).await {
                        return Landed { output, sight, interrupted: Some(signal) };
                    }
                }
                continue;
            }
            if started.elapsed() >= next_look {
                next_look = started.elapsed() + LOOK_EVERY.min(flight.first_look.max(TICK));
                let seen = match select(work.as_mut(), pin!(self.look(flight))).await {
                    Either::Left((output, _)) => return landed(output, sight),
                    Either::Right((seen, _)) => seen,
                };
                if started.elapsed() >= LOOK_EVERY {
                    next_look = started.elapsed() + LOOK_EVERY;
                    self.tell(flight, seen.as_ref());
                }
                // The last look that saw a blocker is the one worth keeping.
                if seen.as_ref().is_some_and(|seen| !seen.blockers.is_empty()) || sight.is_none() {
                    sight = seen;
                }
            }
        }
    }

    /// Opens the connection that looks are taken through, if there is none.
    pub async fn connect(&mut self) {
        if self.session.as_ref().is_none_or(Session::is_closed) {
            let open = Session::open(&self.database, &self.application, &self.emitter);
            self.session = tokio::time::timeout(Duration::from_secs(3), open).await.ok().and_then(Result::ok);
        }
    }

    async fn look(&mut self, flight: &Flight<'_>) -> Option<Sight> {
        self.connect().await;
        observe::look(self.session.as_ref()?, flight.pid, flight.keys).await
    }

    fn tell(&self, flight: &Flight<'_>, sight: Option<&Sight>) {
        let sight = sight.cloned().unwrap_or_default();
        self.emitter.emit(Event::Running {
            stem: flight.stem.to_owned(),
            elapsed: flight.since.elapsed(),
            pid: sight.pid,
            wait: sight.wait,
            blockers: sight.blockers,
            progress: sight.progress,
        });
    }
}
