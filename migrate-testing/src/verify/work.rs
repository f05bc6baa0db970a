//! The whole of it: the steps, in several threads; the chains of downs; the runner itself.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use migrate_runtime::core::sql::{LineColumn, cluster_wide};
use migrate_runtime::core::{CheckScript, Migration, Schema, Set};
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Error as EngineError, HistoryTable, Interrupt};

use super::error::{Error, Result};
use super::report::{Failure, Finding, MigrationReport, Report};
use super::server::Place;
use super::stage::{Stage, Workshop};
use super::steps::{Steps, steps};
use super::{chain, runner};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A migration was applied, rolled back and applied again.
    Step {
        /// Which.
        stem: &'a str,
        /// How many are done.
        done: usize,
        /// Of how many.
        total: usize,
    },
    /// Downs are run one after the other.
    Chain,
    /// The runner applies all, rolls all back and applies all again.
    Runner,
}

type OnProgress = dyn Fn(&Progress<'_>) + Send + Sync;

/// Applies, rolls back and applies again each migration of a set, on scratch databases.
pub struct Verify {
    set: Set,
    looked_at: Vec<bool>,
    standing: Vec<CheckScript>,
    jobs: usize,
    history: HistoryTable,
    interrupt: Interrupt,
    on_progress: Arc<OnProgress>,
    done: AtomicUsize,
}

impl Verify {
    /// Looks at every migration of this set, with one thread.
    pub fn new(set: Set) -> Self {
        Self {
            looked_at: vec![true; set.migrations.len()],
            set,
            standing: Vec::new(),
            jobs: 1,
            history: HistoryTable::default(),
            interrupt: Interrupt::new(),
            on_progress: Arc::new(|_| ()),
            done: AtomicUsize::new(0),
        }
    }

    /// Looks only at some migrations; the others are applied.
    pub fn only(mut self, wanted: impl Fn(&Migration) -> bool) -> Self {
        self.looked_at = self.set.migrations.iter().map(wanted).collect();
        self
    }

    /// Checks of no migration, that must hold after the last one.
    pub fn standing(mut self, checks: Vec<CheckScript>) -> Self {
        self.standing = checks;
        self
    }

    /// In so many threads at most, each with databases of its own.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs.max(1);
        self
    }

    /// Schema and name of the history table that the runner makes. Default: `public.schema_migrations`.
    pub fn history_table(mut self, table: HistoryTable) -> Self {
        self.history = table;
        self
    }

    /// Lets another thread, or a signal handler, stop it. Its databases are dropped.
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Called with what is done, from any of the threads.
    pub fn on_progress(mut self, handler: impl Fn(&Progress<'_>) + Send + Sync + 'static) -> Self {
        self.on_progress = Arc::new(handler);
        self
    }

    /// Runs everything.
    ///
    /// # Errors
    ///
    /// Only where nothing can be said: no server, no database, an interrupt. What is wrong with a migration is in the
    /// report.
    pub fn run(&self, place: &Place) -> Result<Report> {
        let started = Instant::now();
        self.done.store(0, Ordering::SeqCst);
        let wide = self.server_wide();
        if let (Some(wide), Place::Given(_)) = (&wide, place) {
            let (file, line, command) = wide.clone();
            return Err(Error::ServerWide { file, line, command });
        }
        let workshop = Workshop::new(self, place, wide.is_some())?;
        let mut report = Report { server_version: workshop.server().version.clone(), ..Report::default() };
        let (schemas, sound) = self.steps(&workshop, &mut report)?;
        report.schema = schemas.last().filter(|_| sound == self.set.migrations.len()).cloned();
        if let Some(first) = self.first() {
            let history = History { first, schemas: &schemas };
            self.tell(&Progress::Chain);
            let undone = chain::chains(&workshop, &history, sound, &mut report)?;
            self.tell(&Progress::Runner);
            runner::run(&workshop, &history, sound, undone, &mut report)?;
        }
        report.hold_to_record(&self.set);
        report.duration = started.elapsed();
        Ok(report)
    }

    /// The first statement that is done to the whole server: its file, its line, and what it is.
    fn server_wide(&self) -> Option<(String, usize, &'static str)> {
        self.set.scripts().find_map(|script| {
            let (statement, command) = cluster_wide(script).into_iter().next()?;
            Some((script.file.to_string(), LineColumn::of(&script.text, statement.start).line, command))
        })
    }

    /// All steps. The schemas from before the first to after the last, and how many migrations can be applied.
    fn steps(&self, workshop: &Workshop<'_>, report: &mut Report) -> Result<(Vec<Schema>, usize)> {
        let all = self.set.migrations.len();
        let Some(first) = self.first() else { return Ok((vec![], all)) };
        let (parts, built) = self.in_threads(workshop, first)?;
        let mut schemas: Vec<Schema> = Vec::new();
        let mut stopped = built.as_ref().err().map(|(index, _)| *index);
        for part in parts {
            // What one job ends with is what the next began with.
            schemas.pop();
            schemas.extend(part.schemas);
            report.migrations.extend(part.reports);
            if part.stopped.is_some() {
                stopped = part.stopped;
                break;
            }
        }
        if let Err((index, failure)) = built
            && !report.migrations.iter().any(|migration| migration.stem == failure.stem)
        {
            report.migrations.push(self.does_not_apply(index, failure));
        }
        if let Some(index) = stopped {
            let left = (index + 1..all).filter(|index| self.looks_at(*index));
            report.skipped = left.map(|index| self.set.migrations[index].stem.to_string()).collect();
        }
        Ok((schemas, stopped.unwrap_or(all)))
    }

    /// The steps of each job, in order; and the migration that could not be applied on the way to the next job.
    fn in_threads(&self, workshop: &Workshop<'_>, first: usize) -> Result<(Vec<Steps>, Advanced)> {
        let ranges = self.ranges(first, workshop.jobs(self.jobs));
        let builder = Stage::of(workshop.empty()?);
        let mut at = 0;
        std::thread::scope(|scope| {
            let mut jobs = Vec::new();
            let mut built = Ok(());
            let last = ranges.len() - 1;
            let mut builder = Some(builder);
            for (number, range) in ranges.into_iter().enumerate() {
                let Some(stage) = builder.as_mut() else { break };
                built = workshop.advance(stage, at, range.start)?;
                if built.is_err() {
                    break;
                }
                at = range.start;
                let clean = if number == last { builder.take() } else { workshop.copy(stage, at)? };
                let Some(clean) = clean else { break };
                jobs.push(scope.spawn(move || steps(workshop, clean, range)));
            }
            let mut parts = Vec::new();
            for job in jobs {
                match job.join() {
                    Ok(steps) => parts.push(steps?),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok((parts, built))
        })
    }

    /// Parts of about as many migrations to look at, at most one a job.
    fn ranges(&self, first: usize, jobs: usize) -> Vec<Range<usize>> {
        let all = self.set.migrations.len();
        let wanted: Vec<_> = (first..all).filter(|index| self.looks_at(*index)).collect();
        // Below that a job costs more than it saves: two databases, and the schema read from the start.
        let jobs = jobs.min(wanted.len().div_ceil(8)).max(1);
        let size = wanted.len().div_ceil(jobs);
        let starts: Vec<_> = wanted.chunks(size).filter_map(|chunk| chunk.first().copied()).collect();
        let ends = starts.iter().skip(1).copied().chain([all]);
        starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
    }

    fn does_not_apply(&self, index: usize, failure: Box<Failure>) -> MigrationReport {
        MigrationReport {
            findings: vec![Finding::UpFails(failure)],
            ..MigrationReport::of(&self.set.migrations[index])
        }
    }

    pub(super) fn migrations(&self) -> &[Migration] {
        &self.set.migrations
    }

    pub(super) fn set(&self) -> &Set {
        &self.set
    }

    pub(super) fn standing_checks(&self) -> &[CheckScript] {
        &self.standing
    }

    pub(super) fn looks_at(&self, index: usize) -> bool {
        self.looked_at.get(index).copied().unwrap_or_default()
    }

    fn first(&self) -> Option<usize> {
        self.looked_at.iter().position(|wanted| *wanted)
    }

    pub(super) fn stop(&self) -> &Interrupt {
        &self.interrupt
    }

    pub(super) fn history(&self) -> &HistoryTable {
        &self.history
    }

    /// What is compared: what is the same wherever the same migrations run, whoever runs them, and who may do what with
    /// it.
    pub(super) fn schema_options(&self) -> SchemaOptions {
        SchemaOptions { owners: true, grants: true, history: Some(self.history.clone()) }
    }

    pub(super) fn step_is_done(&self, index: usize) {
        let done = self.done.fetch_add(1, Ordering::SeqCst) + 1;
        let total = self.looked_at.iter().filter(|wanted| **wanted).count();
        self.tell(&Progress::Step { stem: &self.set.migrations[index].stem, done, total });
    }

    /// They are looked at once more.
    pub(super) fn steps_are_undone(&self, count: usize) {
        self.done.fetch_sub(count, Ordering::SeqCst);
    }

    fn tell(&self, progress: &Progress<'_>) {
        (self.on_progress)(progress);
    }

    /// # Errors
    ///
    /// That we were asked to stop.
    pub(super) fn may_go_on(&self) -> Result<()> {
        match self.interrupt.triggered() {
            Some(signal) => Err(EngineError::Interrupted { signal, stem: None }.into()),
            None => Ok(()),
        }
    }

    /// What an error is when we were asked to stop: its consequence.
    pub(super) fn interrupted_or(&self, error: Error) -> Error {
        self.may_go_on().err().unwrap_or(error)
    }
}

/// What the schema was on the way.
pub(super) struct History<'a> {
    /// The first migration that was looked at.
    first: usize,
    /// Before it, and after it and each later one.
    schemas: &'a [Schema],
}

impl History<'_> {
    /// The schema before a migration; that after the last one for the number that comes next.
    pub(super) fn before(&self, index: usize) -> Option<&Schema> {
        self.schemas.get(index.checked_sub(self.first)?)
    }
}

/// Where an up fails on the way, and why.
pub(super) type Advanced = std::result::Result<(), (usize, Box<Failure>)>;
