//! Takes the steps, in order, and writes each down before and after.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use migrate_core::sql::mask_text;
use migrate_core::{Goal, Set, State};
use migrate_runtime::{Connection, Database, Error as EngineError, Migrator, Status, in_one_line};

use super::begin::{Begin, begin, way};
use super::{
    DeployLock, Deployment, Detail, Ending, How, Journal, Kept, Mark, OnFailure, Past, PastBackup, Plan,
    Step, Taken,
};
use crate::args::Gate;
use crate::backup::{CreateOptions, Format, Store};
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::{Examined, Identity, Severity, ask};
use crate::preflight::Allow;
use crate::preflight::marker::Allowed;
use crate::render::View;
use crate::render::view::inspection::summary;
use crate::render::view::{DeployNote, PostflightView, PreflightView};
use crate::{Exit, clock, expected, files, gate, postflight, preflight};

/// What was said.
pub(crate) struct Options<'a> {
    pub(crate) said: &'a Gate,
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Failures of the preflight that are allowed.
    pub(crate) allow: &'a [Allow],
    pub(crate) on_failure: Option<OnFailure>,
    /// Nothing is asked.
    pub(crate) yes: bool,
    /// Why an unfinished deployment is given up.
    pub(crate) abandon: Option<&'a str>,
}

/// Runs a deployment from where it is.
///
/// # Errors
///
/// What stands in the way before it has begun. What goes wrong afterwards is part of the result.
pub(crate) fn run(
    call: &Call,
    settings: &Settings,
    set: &Set,
    options: &Options<'_>,
) -> anyhow::Result<Deployment> {
    let started = Instant::now();
    let reasons: Vec<_> =
        [options.said.reason(), options.abandon.map(str::to_owned)].into_iter().flatten().collect();
    let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    let (migrator, name) = call.migrator(settings, set.clone(), reason.as_deref())?;
    let database = call.database(settings)?;
    // From here on a signal ends it in order, also between two steps.
    let _works = call.context.engine_works();
    let wait = settings.wait_for_runner();
    let lock = DeployLock::obtain(
        &database,
        &settings.history_table.value,
        wait,
        &call.context.interrupt,
        |other| {
            call.ui.remark(&DeployNote::Waiting { holder: other }, "deploy_waiting");
        },
    )?;
    let status = migrator.status()?;
    let begun = begin(call, settings, set, &migrator, &status, options, &new_name(call))?;
    let environment = settings.environment_name();
    let mut deployment = Deployment {
        run: String::new(),
        database: name,
        environment,
        resumed: None,
        taken: Vec::new(),
        ending: Ending::Nothing,
        exit: Exit::Success,
        failure: None,
        backup: None,
        applied: Vec::new(),
        dirty: Vec::new(),
        left: Vec::new(),
        before: None,
        applied_total: None,
        elapsed: Duration::ZERO,
        lock_written: None,
        lock_failure: None,
        report: None,
    };
    let (plan, journal, past) = match begun {
        Begin::Nothing { applied_total } => {
            deployment.applied_total = Some(applied_total);
            deployment.elapsed = started.elapsed();
            return Ok(deployment);
        }
        Begin::New { plan, journal } => (plan, journal, None),
        Begin::Again { past, journal } => (past.plan.clone(), journal, Some(*past)),
    };
    deployment.run = journal.run().to_owned();
    call.logbook(settings).continues(&deployment.run);
    deployment.resumed = past.as_ref().map(|past| past.begun_at.clone());
    let migrator = migrator.run_name(&deployment.run);
    let way = past.as_ref().map_or(plan.on_failure, |past| way(past, options));
    let mut driver = Driver {
        call,
        settings,
        set,
        options,
        database,
        migrator,
        journal,
        lock: Some(lock),
        plan,
        past,
        way,
        deployment,
    };
    driver.tell_begin(&status);
    driver.go();
    driver.look_around();
    driver.deployment.elapsed = started.elapsed();
    Ok(driver.deployment)
}

/// `deploy-20261121T193059Z-3f2a`: sorts by time, and nobody else has it.
fn new_name(call: &Call) -> String {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("deploy-{}-{:04x}", clock::stamp(call.context.now), random & 0xffff)
}

/// One deployment under way.
pub(super) struct Driver<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) settings: &'a Settings,
    pub(super) set: &'a Set,
    pub(super) options: &'a Options<'a>,
    pub(super) database: Database,
    pub(super) migrator: Migrator,
    pub(super) journal: Journal,
    /// `None` once it was given back.
    pub(super) lock: Option<DeployLock>,
    pub(super) plan: Plan,
    pub(super) past: Option<Past>,
    /// What to do where it fails.
    pub(super) way: OnFailure,
    pub(super) deployment: Deployment,
}

/// How a step went that was taken now.
struct Went {
    mark: Mark,
    how: How,
    words: String,
    report: Option<PathBuf>,
    detail: Detail,
    /// Of one that failed without an error: what was found is told already.
    exit: Exit,
}

impl Went {
    fn well(step: Step, words: String) -> Self {
        let detail = Detail::default();
        Self { mark: Mark::Ok(step), how: How::Ok, words, report: None, detail, exit: Exit::Success }
    }
}

impl Driver<'_> {
    fn tell_begin(&self, status: &Status) {
        let fit = self.plan.fit(self.set, status);
        let note = DeployNote::Begin {
            deployment: &self.deployment,
            past: self.past.as_ref(),
            migrations: self.plan.migrations.len(),
            applied: fit.applied.len(),
        };
        self.call.ui.remark(&note, "deploy_begun");
    }

    /// All steps that are left, or the way back that was begun.
    fn go(&mut self) {
        if let Some(past) = &self.past
            && let Some((step, exit)) = past.failed
        {
            let way = past.undoing().unwrap_or(self.way);
            return self.go_back(step, Exit::of_code(exit), way);
        }
        for step in Step::ALL {
            match self.done_before(step) {
                Ok(Some(words)) => {
                    self.took(step, How::Earlier, Duration::ZERO, words, None);
                    continue;
                }
                Ok(None) => {}
                Err(error) => return self.failed(step, Duration::ZERO, Err(error)),
            }
            let started = Instant::now();
            let went = self.take(step);
            match went {
                Ok(went) if went.how != How::Failed => {
                    let written = self.write(went.mark, &went.detail, Some(started.elapsed()));
                    self.took(step, went.how, started.elapsed(), went.words, went.report);
                    if let Err(error) = written {
                        return self.failed(step, started.elapsed(), Err(error.into()));
                    }
                }
                went => return self.failed(step, started.elapsed(), went),
            }
        }
        self.finish();
    }

    /// Writes a step down and takes it.
    fn take(&mut self, step: Step) -> anyhow::Result<Went> {
        if let Some(lock) = &self.lock {
            lock.check()?;
        }
        self.write(Mark::Started(step), &Detail::default(), None)?;
        self.call.ui.remark(&DeployNote::Step { run: &self.deployment.run, step }, "deploy_step_started");
        match step {
            Step::Preflight => self.preflight(),
            Step::Backup => self.backup(),
            Step::Up => self.up(),
            _ => self.postflight(),
        }
    }

    /// What an earlier run has done of this step, in words; `None` where it is to be taken.
    fn done_before(&mut self, step: Step) -> anyhow::Result<Option<String>> {
        if !matches!(step, Step::Preflight | Step::Backup) || self.past.is_none() {
            return Ok(None);
        }
        let status = self.migrator.status()?;
        if step == Step::Backup
            && let Some(id) = self.past.as_ref().and_then(|past| match &past.backup {
                Some(PastBackup::Made(id)) => Some(id.clone()),
                _ => None,
            })
        {
            if self.is_good(&id)? {
                return Ok(Some(format!("{id}, verified")));
            }
            self.call.ui.remark(&DeployNote::BackupGone { id: &id }, "note");
        }
        if self.plan.fit(self.set, &status).left.is_empty() {
            return Ok(Some("all is applied".to_owned()));
        }
        let Some(past) = &self.past else { return Ok(None) };
        if step == Step::Backup {
            let skipped = past.backup == Some(PastBackup::Skipped);
            return Ok(skipped.then(|| "left out, as it was said then".to_owned()));
        }
        let Some(passed) = past.preflight_at.as_ref() else { return Ok(None) };
        let (Ok(then), Ok(now)) =
            (passed.parse::<Timestamp>(), ask::server_time(&self.connection()?)?.parse::<Timestamp>())
        else {
            return Ok(None);
        };
        let age = Duration::try_from(now.duration_since(then)).unwrap_or_default();
        let how = if past.forced { "forced" } else { "passed" };
        let is_fresh = age <= self.settings.preflight_max_age.value;
        Ok(is_fresh.then(|| format!("{how} {} ago", crate::render::time(age))))
    }

    pub(super) fn connection(&self) -> Result<Connection, EngineError> {
        Connection::open(&self.database, "cargo-migrate: deploy", &self.call.context.interrupt)
    }

    /// Whether a backup of an earlier run is there, whole, and of this database.
    fn is_good(&mut self, id: &str) -> anyhow::Result<bool> {
        let Ok(backup) = Store::open(self.settings).get(id) else { return Ok(false) };
        let here = Identity::of(&self.connection()?)?;
        if !backup.manifest.identity.is_same(&here) {
            return Ok(false);
        }
        let kept = Kept { id: id.to_owned(), folder: backup.folder.clone() };
        match gate::verified(self.call, self.settings, backup) {
            Ok(_) => {
                self.deployment.backup = Some(kept);
                Ok(true)
            }
            Err(error) if is_cut_short(&error) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn preflight(&mut self) -> anyhow::Result<Went> {
        let mut allow = self.options.allow.to_vec();
        if self.past.is_some()
            && let Some(dirty) =
                self.fit().and_then(|fit| fit.left.into_iter().find(|stem| fit.applied.contains(stem)))
        {
            // Its own migration, which it goes on with.
            let reason = format!("{} goes on with {dirty}, which it began", self.deployment.run);
            allow.push(Allow(Allowed { check: "history".to_owned(), reason }));
        }
        let options = preflight::Options { allow, ..Default::default() };
        let report = preflight::run(self.call, self.settings, self.set, &options)?;
        let passed = report.passed();
        let went =
            Went { report: report.file.clone(), ..Went::well(Step::Preflight, summary(&report.examined)) };
        let examined = report.examined.clone();
        self.tell(&examined, PreflightView { report, verbose: false }, "preflight");
        Ok(match (passed, &self.options.said.force) {
            (true, _) => went,
            (false, Some(_)) => Went { mark: Mark::Without(Step::Preflight), how: How::Forced, ..went },
            (false, None) => {
                Went { mark: Mark::Failed(Step::Preflight), how: How::Failed, exit: Exit::Refused, ..went }
            }
        })
    }

    /// Shows what was found, where there is more than facts.
    fn tell(&self, examined: &[Examined], view: impl View, kind: &str) {
        if examined.iter().any(|one| one.severity() > Some(Severity::Info)) {
            self.call.ui.remark(&view, kind);
        }
    }

    fn backup(&mut self) -> anyhow::Result<Went> {
        if self.options.said.skip_backup.is_some() {
            let words = "left out".to_owned();
            return Ok(Went {
                mark: Mark::Without(Step::Backup),
                how: How::Forced,
                ..Went::well(Step::Backup, words)
            });
        }
        let identity = Identity::of(&self.connection()?)?;
        let options = CreateOptions {
            jobs: self.options.jobs,
            format: if self.options.jobs.is_some() { Format::Directory } else { Format::default() },
            pending: Some(self.journal.digest().to_owned()),
            ..CreateOptions::default()
        };
        let named = self.options.said.backup.as_deref();
        gate::wait_for_others(self.call, self.settings, &self.database)?;
        let saved = gate::whole(self.call, self.settings, &self.migrator, &identity, named, &options)?;
        let id = saved.backup.manifest.id.clone();
        self.deployment.backup = Some(Kept { id: id.clone(), folder: saved.backup.folder.clone() });
        let words = format!("{id}, {}", if saved.taken { "taken as it is" } else { "verified" });
        let detail = Detail { backup: Some(id), ..Detail::default() };
        Ok(Went { detail, ..Went::well(Step::Backup, words) })
    }

    fn up(&mut self) -> anyhow::Result<Went> {
        let result = self.migrator.run(Goal::UpAll);
        let report = expected::told(self.call, self.set, &self.migrator, result)?;
        // Also where an earlier run of it applied them, and was cut short before it noted it.
        self.call.note_schema(self.settings);
        let words = match report.done.len() {
            0 => "all was applied".to_owned(),
            1 => "1 migration".to_owned(),
            number => format!("{number} migrations"),
        };
        Ok(Went::well(Step::Up, words))
    }

    fn postflight(&mut self) -> anyhow::Result<Went> {
        let deployment = self.lock.as_ref().and_then(DeployLock::backend);
        let options = postflight::Options { deployment, ..Default::default() };
        let report = postflight::run(self.call, self.settings, self.set, options)?;
        let passed = report.passed();
        let went =
            Went { report: report.file.clone(), ..Went::well(Step::Postflight, summary(&report.examined)) };
        let examined = report.examined.clone();
        self.tell(&examined, PostflightView { report, verbose: false }, "postflight");
        Ok(match passed {
            true => went,
            false => Went {
                mark: Mark::Failed(Step::Postflight),
                how: How::Failed,
                exit: Exit::PostflightFailed,
                ..went
            },
        })
    }

    /// A step failed: what becomes of the deployment.
    fn failed(&mut self, step: Step, elapsed: Duration, went: anyhow::Result<Went>) {
        let (words, report, exit, error) = match went {
            Ok(went) => (went.words, went.report, went.exit, None),
            Err(error) => (String::new(), None, Exit::of(&error), Some(error)),
        };
        let cut_short = error.as_ref().is_some_and(is_cut_short);
        if let Some(error) = &error {
            self.call.ui.complain(error, self.call.dir());
            self.deployment.failure = Some(mask_text(&in_one_line(error.as_ref())).into_owned());
        }
        if !self.deployment.taken.iter().any(|taken| taken.step == step) {
            let how = if cut_short { How::CutShort } else { How::Failed };
            self.took(step, how, elapsed, words, report);
        }
        self.deployment.exit = exit;
        if cut_short {
            // Nothing is written down: the next run finds the step begun, and takes it again.
            self.deployment.ending = Ending::Unfinished;
            return;
        }
        let detail = Detail {
            error: self.deployment.failure.clone(),
            exit_code: Some(exit.code()),
            ..Detail::default()
        };
        let written = self.write(Mark::Failed(step), &detail, Some(elapsed));
        match step {
            Step::Preflight | Step::Backup => {
                let is_whole = self.fit().is_some_and(|fit| fit.applied.is_empty());
                if written.is_ok() && is_whole {
                    self.deployment.ending = Ending::Refused;
                    self.close(Mark::Stopped);
                } else {
                    // A part of it is applied: that it belongs together must not be forgotten.
                    self.deployment.ending = Ending::Unfinished;
                }
            }
            _ => self.go_back(step, exit, self.way),
        }
    }

    fn finish(&mut self) {
        match files::update_lock(self.settings, self.set) {
            Ok(written) => self.deployment.lock_written = written,
            Err(why) => self.deployment.lock_failure = Some(why),
        }
        self.deployment.ending = Ending::Done;
        self.close(Mark::Finished);
    }

    /// Writes the last line. Where that fails everything is done all the same, and the next run writes it.
    pub(super) fn close(&mut self, mark: Mark) {
        if let Err(error) = self.write(mark, &self.last_words(), None) {
            self.call.ui.complain(&anyhow::Error::new(error), self.call.dir());
        }
    }

    pub(super) fn last_words(&self) -> Detail {
        Detail {
            exit_code: Some(self.deployment.exit.code()),
            error: self.deployment.failure.clone(),
            ..Detail::default()
        }
    }

    pub(super) fn write(
        &self,
        mark: Mark,
        detail: &Detail,
        duration: Option<Duration>,
    ) -> Result<(), EngineError> {
        self.journal.write(mark, detail, duration)
    }

    pub(super) fn took(
        &mut self,
        step: Step,
        how: How,
        elapsed: Duration,
        words: String,
        report: Option<PathBuf>,
    ) {
        let taken = Taken { step, how, elapsed, words, report };
        self.call
            .ui
            .remark(&DeployNote::Taken { run: &self.deployment.run, taken: &taken }, "deploy_step_finished");
        self.deployment.taken.push(taken);
    }

    /// What is applied and what is not; `None` where nobody could ask.
    pub(super) fn fit(&self) -> Option<super::plan::Fit> {
        Some(self.plan.fit(self.set, &self.migrator.status().ok()?))
    }

    /// Where it all stands at the end.
    fn look_around(&mut self) {
        let Ok(status) = self.migrator.status() else { return };
        let fit = self.plan.fit(self.set, &status);
        let deployment = &mut self.deployment;
        let recorded = || status.entries.iter().filter(|entry| entry.recorded.is_some());
        deployment.applied_total = Some(recorded().count());
        let is_planned = |stem: &str| self.plan.migrations.iter().any(|planned| planned.stem == stem);
        deployment.before =
            recorded().rev().find(|entry| !is_planned(&entry.stem)).map(|entry| entry.stem.clone());
        deployment.dirty = recorded()
            .filter(|entry| entry.state == State::Dirty && is_planned(&entry.stem))
            .map(|entry| entry.stem.clone())
            .collect();
        (deployment.applied, deployment.left) = (fit.applied, fit.left);
    }
}

/// Whether this is no failure of what was to be done: somebody interrupted it, or the server was not there.
pub(super) fn is_cut_short(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(
            EngineError::Interrupted { .. }
                | EngineError::Connect { .. }
                | EngineError::ConnectionLost { .. }
                | EngineError::Interfered { .. }
                | EngineError::LostWhilePartlyApplied { .. }
                | EngineError::LockLost { .. }
                | EngineError::LockNotObtained { .. }
        )
    )
}
