//! A migration that is being watched: what was seen of it so far, and what becomes of that in the end.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use migrate_core::Direction;

use super::holds::{Hold, Holds, Seen};
use super::observed::{Step, Table};
use super::probe::Wait;
use super::relations::Relations;
use super::statements::{self, Ledger};

/// A migration that is being watched.
pub(super) struct InFlight {
    pub(super) step: Step,
    started: Instant,
    wal: u64,
    holds: Holds,
    stood: Duration,
    held: Vec<Hold>,
    pub(super) transactional: bool,
    pub(super) ledger: Ledger,
    /// Of the statement that runs on its own: what was seen of it, and for how long it stood at the gate.
    alone: (Holds, Duration),
    /// The tables before that statement, where another one came before it.
    before: Option<Relations>,
    /// The names of what is locked, by oid.
    pub(super) names: BTreeMap<u32, String>,
}

impl InFlight {
    /// One begins; `wal` is how much log there is.
    pub(super) fn new(stem: String, direction: Direction, transactional: bool, wal: u64) -> Self {
        Self {
            step: Step {
                stem,
                direction,
                elapsed: None,
                attempts: 1,
                tables: Vec::new(),
                rewritten: Vec::new(),
                built: Vec::new(),
                wal: 0,
                statements: Vec::new(),
            },
            wal,
            holds: Holds::default(),
            stood: Duration::ZERO,
            held: Vec::new(),
            transactional,
            ledger: Ledger::default(),
            alone: Default::default(),
            before: None,
            names: BTreeMap::new(),
            started: Instant::now(),
        }
    }

    /// Its locks were looked at.
    pub(super) fn look(&mut self, now: Instant, seen: &[Seen]) {
        self.holds.look(now, seen);
        self.alone.0.look(now, seen);
    }

    /// We held it up for so long.
    pub(super) fn pause(&mut self, stood: Duration) {
        self.stood += stood;
        self.holds.pause(stood);
        self.alone.0.pause(stood);
        self.alone.1 += stood;
    }

    /// A statement that runs without a transaction around the migration ended at `now`; `first` are the tables before the
    /// migration, `after` those behind the statement.
    pub(super) fn statement(
        &mut self,
        number: usize,
        elapsed: Duration,
        now: Instant,
        first: &Relations,
        after: Relations,
    ) {
        let (holds, stood) = std::mem::take(&mut self.alone);
        let before = self.before.as_ref().unwrap_or(first);
        self.ledger.alone(number, elapsed.saturating_sub(stood), &holds.end(now), before, &after);
        self.before = Some(after);
        // The run waited while we looked.
        self.stood += now.elapsed();
    }

    /// It ended at `now`, as a run says after `elapsed`; `before` and `after` are the tables, `wal` how much log there is.
    pub(super) fn end(
        &mut self,
        now: Instant,
        elapsed: Option<Duration>,
        before: &Relations,
        after: &Relations,
        wal: u64,
    ) {
        self.held = std::mem::take(&mut self.holds).end(now);
        let ours = self.stood + self.ledger.asked;
        self.step.elapsed = elapsed.map(|elapsed| elapsed.saturating_sub(ours));
        let (rewritten, built) = before.written(after);
        self.step.statements = std::mem::take(&mut self.ledger).end(after, &rewritten, &built);
        (self.step.rewritten, self.step.built) = (rewritten, built);
        self.step.wal = wal.saturating_sub(self.wal);
    }
}

/// The steps with what clients waited: of each wait the step with which it has most in common.
pub(super) fn told(done: Vec<(InFlight, Instant)>, waits: &[Wait], probed: &HashSet<u32>) -> Vec<Step> {
    let mut longest: BTreeMap<(usize, u32, bool), Duration> = BTreeMap::new();
    for wait in waits {
        let common = |(flight, ended): &(InFlight, Instant)| {
            wait.to.min(*ended).saturating_duration_since(wait.from.max(flight.started))
        };
        let step = done.iter().enumerate().max_by_key(|(_, step)| common(step));
        if let Some((index, _)) = step.filter(|(_, step)| !common(step).is_zero()) {
            let most = longest.entry((index, wait.table, wait.writes)).or_default();
            *most = (*most).max(wait.to - wait.from);
        }
    }
    let steps = done.into_iter().enumerate().map(|(index, (flight, _))| {
        let mut step = flight.step;
        let tables = flight.held.iter().map(|hold| {
            let waited = |writes: bool, known: Option<Duration>| {
                // Where no lock keeps them out, what a client waited for was the processor.
                let measured = longest.get(&(index, hold.table, writes)).copied().unwrap_or_default();
                known.map(|known| known.max(measured))
            };
            Table {
                name: flight.names.get(&hold.table).cloned().unwrap_or_default(),
                mode: hold.mode,
                held: hold.held,
                readers: waited(false, hold.readers),
                writers: waited(true, hold.writers),
                probed: probed.contains(&hold.table),
            }
        });
        step.tables = tables.collect();
        step.tables
            .sort_by(|a, b| b.mode.cmp(&a.mode).then(b.held.cmp(&a.held)).then_with(|| a.name.cmp(&b.name)));
        if flight.transactional {
            statements::blame(&mut step.statements, &step.tables);
        }
        step
    });
    steps.collect()
}
