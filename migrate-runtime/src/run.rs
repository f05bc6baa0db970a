//! A run: from the first question to the last record. The one run loop of the command line and of applications.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use migrate_core::{Direction, Goal, Migration, Mode, Plan, Refusal, Row, Script, Set, Step, Warning};
use tokio_postgres::CancelToken;

use crate::emitter::Emitter;
use crate::event::PlannedStep;
use crate::flight::{Flight, Watcher};
use crate::history::{self, Recorded};
use crate::lock::{Keys, RunnerLock};
use crate::message::{Builder, Work};
use crate::probe::Probe;
use crate::prove::Prover;
use crate::record::Recorder;
use crate::report::Done;
use crate::session::Session;
use crate::settings::Settings;
use crate::{Database, Error, Event, Report};

/// How often a history that changes under the lock is planned for.
const LOOKS: usize = 3;

/// One run on one database: its connections and what is known about it.
pub(crate) struct Runner<'s> {
    pub settings: &'s Settings,
    pub emitter: Emitter,
    pub database: Database,
    pub work: Session,
    pub probe: Probe,
    pub keys: Keys,
    pub recorder: Recorder,
    /// Tells the records of this run from those of another.
    pub run_id: String,
    pub watcher: Watcher,
    /// Where migrations are held against their recorded changes.
    pub prover: Option<Prover>,
    pub lock: Option<RunnerLock>,
    /// How many rows the history has: each work transaction holds the server to it.
    pub rows: usize,
    /// The last commit did not wait for the disk.
    pub undurable: bool,
    /// When the connection was begun.
    pub since: Instant,
}

/// A step with the script that it runs.
#[derive(Clone)]
pub(crate) struct Prepared<'a> {
    pub stem: String,
    /// As recorded: usually the stem.
    pub version: String,
    pub direction: Direction,
    pub script: Cow<'a, Script>,
    /// Where the set carries it.
    pub migration: Option<&'a Migration>,
    /// Its row says that it was started and not finished.
    pub dirty: bool,
    /// The down text that goes with it, where only the audit log carries it.
    pub recorded_down: Option<String>,
}

impl Prepared<'_> {
    pub fn work(&self) -> Work<'_> {
        Work {
            stem: &self.stem,
            version: &self.version,
            direction: self.direction,
            script: &self.script,
            checks: self.migration.filter(|_| self.direction == Direction::Up).and_then(|m| m.check.as_ref()),
        }
    }

    pub fn transactional(&self) -> bool {
        self.script.mode == Mode::Transactional
    }

    pub fn planned(&self) -> PlannedStep {
        PlannedStep {
            stem: self.stem.clone(),
            direction: self.direction,
            transactional: self.transactional(),
        }
    }
}

impl<'s> Runner<'s> {
    /// Connects and asks what the database is; `briefly` as [`Session::briefly`]. Writes nothing.
    pub async fn connect(settings: &'s Settings, emitter: &Emitter, briefly: bool) -> Result<Self, Error> {
        let since = Instant::now();
        settings.history.check()?;
        let database = match &settings.database {
            Some(database) => database.clone(),
            None => Database::from_env()?,
        };
        let connected = async {
            let work = Session::open(&database, &settings.tool, emitter).await?;
            let work = if briefly { work.briefly() } else { work };
            let probe = Probe::ask(&work, &settings.history).await?;
            Ok((work, probe))
        };
        let (work, probe) = settings.interrupt.or(connected).await?;
        emitter.emit(Event::Connected {
            database: database.to_string(),
            server_version: probe.server_version,
            pooled: probe.pooled,
        });
        let run_id = settings.run.clone().unwrap_or_else(run_id);
        Ok(Self {
            settings,
            emitter: emitter.clone(),
            watcher: Watcher::new(database.clone(), emitter.clone(), settings),
            prover: settings.prove.then(|| Prover::new(settings)),
            database,
            work,
            probe,
            keys: Keys::of(&settings.history),
            recorder: Recorder::new(settings, &run_id),
            run_id,
            lock: None,
            rows: 0,
            undurable: false,
            since,
        })
    }

    /// Brings the database to the goal.
    pub async fn run(&mut self, set: &Set, goal: Goal) -> Result<Report, Error> {
        self.tell_if_older_than_folder(set);
        if let Some(shape) = &self.probe.history {
            history::recognise(&self.settings.history, shape)?;
        }
        if goal == Goal::UpAll && self.probe.digest == Some(set.digest) && !self.probe.dirty {
            return Ok(Report {
                applied_total: set.digest.count,
                elapsed: self.since.elapsed(),
                ..Report::default()
            });
        }
        // Without the lock, where it is likely that nothing is to do: an old binary on a newer database, or a refusal.
        // With fewer rows than migrations something is pending, and the history is read once, under the lock.
        let pending =
            matches!(goal, Goal::UpAll) && self.probe.digest.is_some_and(|d| d.count < set.digest.count);
        if !pending {
            let rows = self.read().await?;
            let back = goes_back(goal);
            if back || !rows.iter().any(|row| row.dirty) {
                let plan = self.plan(set, &rows, goal).await?;
                if plan.steps.is_empty() {
                    for warning in &plan.warnings {
                        self.emitter.emit(Event::Warning(warning.clone()));
                    }
                    return Ok(self.report(&plan, rows.len(), vec![]));
                }
            } else if !self.settings.auto_recover {
                return Err(self.refuse_dirty(set, &rows).await);
            }
        }
        self.probe.writable(&self.work)?;
        self.take_lock().await?;
        let result = self.run_locked(set, goal).await;
        if result.is_err() {
            self.make_durable().await;
        }
        self.emitter.set_in_flight(None);
        self.release_lock().await;
        result
    }

    /// Waits until all that was committed is on the server's disk, where the last commit of the run has not seen to it.
    ///
    /// Writes an empty message into the log of changes: a transaction that wrote nothing does not wait for the disk
    /// (`RecordTransactionCommit` of xact.c). Where the connection is gone, the server does it within a second.
    async fn make_durable(&mut self) {
        if std::mem::take(&mut self.undurable) {
            let _ = self.work.query(crate::resolve::TO_DISK).await;
        }
    }

    /// Gives the runner lock back.
    pub async fn release_lock(&mut self) {
        if let Some(lock) = self.lock.take() {
            lock.release().await;
        }
    }

    async fn run_locked(&mut self, set: &Set, goal: Goal) -> Result<Report, Error> {
        let mut rows = history::prepare(&self.work, &self.settings.history, &self.probe).await?;
        self.log_is_made();
        self.rows = rows.len();
        let mut done = Vec::new();
        // On the way down a dirty row is rolled back like any other: no reason to go up first.
        if !goes_back(goal) && rows.iter().any(|row| row.dirty) {
            if !self.settings.auto_recover {
                return Err(self.refuse_dirty(set, &rows).await);
            }
            done = self.recover(set, &rows).await?;
            rows = history::read(&self.work, &self.settings.history).await?;
            self.rows = rows.len();
        }
        let mut looks = 0;
        loop {
            looks += 1;
            let plan = self.plan(set, &rows, goal).await?;
            // A second look finds nothing new to warn of.
            if looks == 1 {
                for warning in &plan.warnings {
                    self.emitter.emit(Event::Warning(warning.clone()));
                }
            }
            let steps = self.scripts(&plan).await?;
            if !steps.is_empty() {
                let planned = steps.iter().map(Prepared::planned).collect();
                self.emitter.emit(Event::Planned { steps: planned });
            }
            let result = if self.settings.single_transaction {
                self.together(&steps, &mut done).await
            } else {
                self.one_by_one(&steps, &mut done).await
            };
            match result {
                Ok(()) => return Ok(self.report(&plan, self.rows, done)),
                // A runner that was killed or had lost the lock still had a message on its way: what it finished is not
                // ours to refuse. Who changes the history again and again is somebody else.
                Err(Error::HistoryChanged { .. }) if looks < LOOKS && is_absolute(goal) => {
                    rows = history::read(&self.work, &self.settings.history).await?;
                    self.rows = rows.len();
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn report(&self, plan: &Plan<'_>, applied_total: usize, done: Vec<Done>) -> Report {
        Report { done, warnings: plan.warnings.clone(), applied_total, elapsed: self.since.elapsed() }
    }

    /// Takes the runner lock. Who had to wait looks at the database anew: the other runner has changed it.
    pub async fn take_lock(&mut self) -> Result<(), Error> {
        let tool = self.settings.tool.split(' ').next().unwrap_or_default();
        let name = format!("{tool}: lock");
        let obtained = async {
            let session = Session::open(&self.database, &name, &self.emitter).await?;
            RunnerLock::obtain(self.settings, session, &self.probe, &self.emitter).await
        };
        let lock = self.settings.interrupt.or(obtained).await?;
        self.emitter.emit(Event::LockObtained { waited: lock.waited });
        if lock.waited > Duration::from_millis(100) {
            self.reconnect().await?;
            self.probe = Probe::ask(&self.work, &self.settings.history).await?;
            self.probe.writable(&self.work)?;
        }
        if let Some(shape) = &self.probe.history {
            history::recognise(&self.settings.history, shape)?;
        }
        history::recognise_log(&self.settings.history, &self.probe)?;
        self.lock = Some(lock);
        Ok(())
    }

    /// A fresh work connection: `idle_session_timeout` may have ended the old one while we waited.
    pub async fn reconnect(&mut self) -> Result<(), Error> {
        let opened = Session::open(&self.database, &self.settings.tool, &self.emitter);
        self.work = self.settings.interrupt.or(opened).await?;
        Ok(())
    }

    /// The history, without the lock. Empty where there is no table.
    pub async fn read(&self) -> Result<Vec<Row>, Error> {
        match &self.probe.history {
            None => Ok(Vec::new()),
            Some(shape) => {
                history::recognise(&self.settings.history, shape)?;
                history::read(&self.work, &self.settings.history).await
            }
        }
    }

    /// The plan, or the refusal with what only the audit log knows.
    pub async fn plan<'a>(&self, set: &'a Set, rows: &[Row], goal: Goal) -> Result<Plan<'a>, Error> {
        match migrate_core::plan::plan(set, rows, goal, &self.settings.policy()) {
            Ok(plan) => Ok(plan),
            Err(refusal) => Err(crate::cosmetic::complete(self, set, refusal).await.into()),
        }
    }

    /// From now on the audit log is there, as this version makes it.
    pub fn log_is_made(&mut self) {
        self.probe.log_exists = true;
        self.probe.log_columns.clear();
    }

    /// What the audit log is read from.
    pub fn log_source(&self) -> String {
        history::log_source(&self.settings.history, &self.probe)
    }

    /// The recorded texts, where there is an audit log.
    pub async fn recorded(&self, versions: &[&str]) -> Result<HashMap<String, Recorded>, Error> {
        if !self.probe.log_exists {
            return Ok(HashMap::new());
        }
        history::recorded(&self.work, &self.log_source(), versions).await
    }

    /// The scripts of a plan: the set's for what is applied, the recorded ones for what is rolled back.
    pub async fn scripts<'a>(&self, plan: &Plan<'a>) -> Result<Vec<Prepared<'a>>, Error> {
        let back: Vec<&str> =
            plan.steps.iter().filter(|s| s.direction == Direction::Down).map(recorded_version).collect();
        let recorded = self.recorded(&back).await?;
        plan.check_reversible(|row| recorded.get(&row.version).is_some_and(|text| text.down.is_some()))?;
        let steps: Vec<Prepared<'a>> = plan
            .steps
            .iter()
            .map(|step| match (step.direction, step.migration) {
                (Direction::Up, Some(migration)) => Ok(Prepared {
                    stem: step.stem.clone(),
                    version: step.stem.clone(),
                    direction: Direction::Up,
                    script: Cow::Borrowed(&migration.up),
                    migration: Some(migration),
                    dirty: false,
                    recorded_down: None,
                }),
                // The planner refuses this before.
                (Direction::Up, None) => {
                    Err(Refusal::RedoUnknown { versions: vec![step.stem.clone()] }.into())
                }
                (Direction::Down, migration) => {
                    let version = recorded_version(step);
                    let dirty = step.row.as_ref().is_some_and(|row| row.dirty);
                    crate::down::choose(self.settings, version, dirty, migration, recorded.get(version))
                }
            })
            .collect::<Result<_, Error>>()?;
        steps.iter().try_for_each(|step| crate::own_tables::refuse(&self.settings.history, &step.script))?;
        self.provable(&steps)?;
        Ok(steps)
    }

    async fn one_by_one(&mut self, steps: &[Prepared<'_>], done: &mut Vec<Done>) -> Result<(), Error> {
        for (index, step) in steps.iter().enumerate() {
            self.may_go_on(None)?;
            let started = Instant::now();
            self.start(step, index + 1, steps.len());
            let attempts = if step.dirty {
                self.roll_back_dirty(step).await?
            } else {
                self.execute(step, is_durable(steps, index)).await?
            };
            done.push(self.finish(step, started, attempts));
        }
        Ok(())
    }

    /// Runs one script from its start, in the way that it has to be run; says how many attempts it took. `durable` is for
    /// a transactional one, see [`transaction`](Self::transaction).
    pub async fn execute(&mut self, step: &Prepared<'_>, durable: bool) -> Result<u32, Error> {
        match step.script.mode {
            Mode::Transactional => self.transaction(std::slice::from_ref(step), durable).await,
            Mode::NonTransactional if step.dirty => self.journalled(step, 0).await,
            Mode::NonTransactional => self.journalled_with_proof(step).await,
        }
    }

    async fn together(&mut self, steps: &[Prepared<'_>], done: &mut Vec<Done>) -> Result<(), Error> {
        if let Some(step) = steps.iter().find(|step| !step.transactional()) {
            return Err(Error::SingleTransaction { stem: step.stem.clone() });
        }
        if steps.is_empty() {
            return Ok(());
        }
        self.may_go_on(None)?;
        let started = Instant::now();
        for (index, step) in steps.iter().enumerate() {
            self.start(step, index + 1, steps.len());
        }
        let attempts = self.transaction(steps, true).await?;
        done.extend(steps.iter().map(|step| self.finish(step, started, attempts)));
        Ok(())
    }

    fn start(&self, step: &Prepared<'_>, number: usize, total: usize) {
        self.emitter.set_in_flight(Some(&step.stem));
        self.emitter.emit(Event::Started {
            stem: step.stem.clone(),
            direction: step.direction,
            number,
            total,
            transactional: step.transactional(),
            checksum: step.script.checksum,
        });
    }

    fn finish(&mut self, step: &Prepared<'_>, started: Instant, attempts: u32) -> Done {
        let elapsed = started.elapsed();
        self.rows = match step.direction {
            Direction::Up => self.rows + 1,
            Direction::Down => self.rows.saturating_sub(1),
        };
        self.emitter.emit(Event::Finished {
            stem: step.stem.clone(),
            direction: step.direction,
            elapsed,
            checksum: step.script.checksum,
        });
        Done { stem: step.stem.clone(), direction: step.direction, elapsed, attempts }
    }

    /// Between two statements: whether somebody asked us to stop, and whether the lock is still ours.
    pub fn may_go_on(&self, stem: Option<&str>) -> Result<(), Error> {
        if let Some(signal) = self.settings.interrupt.triggered() {
            return Err(Error::Interrupted { signal, stem: stem.map(str::to_owned) });
        }
        if self.lock.as_ref().is_some_and(RunnerLock::is_lost) {
            self.emitter.emit(Event::LockLost);
            return Err(Error::LockLost { database: self.database.to_string() });
        }
        Ok(())
    }

    pub fn builder(&self) -> Builder<'_> {
        Builder { settings: self.settings, probe: &self.probe, keys: self.keys }
    }

    fn tell_if_older_than_folder(&self, set: &Set) {
        let Some(folder) = self.settings.built_from else { return };
        if let Some(differences) = migrate_core::folder::newer_than(set, std::path::Path::new(folder)) {
            let files = differences.iter().map(|difference| difference.file().to_owned()).collect();
            self.emitter.emit(Event::Warning(Warning::StaleBinary { folder: folder.to_owned(), files }));
        }
    }
}

/// Whether the commit of this step waits for the disk. Where another transactional step follows, that one's does, and
/// with it for this one: the log is written in order.
pub(crate) fn is_durable(steps: &[Prepared<'_>], index: usize) -> bool {
    steps.get(index + 1).is_none_or(|next| !next.transactional())
}

fn goes_back(goal: Goal) -> bool {
    matches!(goal, Goal::DownSteps(_) | Goal::DownTo(_) | Goal::DownAll)
}

/// Whether planning again, after some of it was done by somebody else, ends in the same place.
fn is_absolute(goal: Goal) -> bool {
    matches!(goal, Goal::UpAll | Goal::UpTo(_) | Goal::DownTo(_) | Goal::DownAll)
}

/// The flight of a statement on this session.
pub(crate) fn flight<'f>(
    settings: &'f Settings,
    probe: &Probe,
    work: &Session,
    keys: Keys,
    stem: &'f str,
    lock_timeout: Duration,
    since: Instant,
) -> Flight<'f> {
    let cancel: CancelToken = work.client.cancel_token();
    let before_timeout = if lock_timeout.is_zero() { Duration::from_secs(1) } else { lock_timeout / 2 };
    Flight {
        stem,
        pid: work.greeted_by.filter(|_| !probe.pooled),
        keys,
        settings,
        cancel,
        first_look: before_timeout.min(Duration::from_secs(1)),
        since,
    }
}

/// The identity that the history has for a step.
pub(crate) fn recorded_version<'a>(step: &'a Step<'_>) -> &'a str {
    step.row.as_ref().map_or(step.stem.as_str(), |row| row.version.as_str())
}

/// Sixteen hex digits that no other run has.
fn run_id() -> String {
    use std::hash::{BuildHasher, Hasher};
    format!("{:016x}", std::collections::hash_map::RandomState::new().build_hasher().finish())
}
