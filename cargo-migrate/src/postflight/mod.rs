//! Whether a run left everything as it should be: the checks after it, and the report.

mod bloat;
mod check_scripts;
mod constraints;
mod history;
mod indexes;
mod last_run;
mod replication;
mod schema_drift;
mod sequences;
mod sessions;
mod statistics;
#[cfg(test)]
pub(crate) mod testing;
mod touched;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use migrate_core::{Set, State};
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Connection, Migrator};

use crate::command::Call;
use crate::config::Settings;
use crate::drift::{self, Drift, InForce};
use crate::inspection::{Check, Examined, Identity, Situation, ask};
use crate::render::view::PostflightView;
use crate::scratch::Scratch;
pub(crate) use last_run::LastRun;
use schema_drift::SchemaDrift;
use touched::Touched;

/// What a postflight is told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Leave the comparison with what the migrations make out: it needs a server for scratch databases.
    pub(crate) no_drift: bool,
    /// Run the checks of all applied migrations, not only of those that the last run applied.
    pub(crate) all_checks: bool,
    /// Run ANALYZE on the tables that lack statistics: all that a postflight ever writes.
    pub(crate) analyze: bool,
    /// The server process that holds the lock of the deployment that this is a step of: it is at work, and not left behind.
    pub(crate) deployment: Option<i32>,
}

/// What a postflight came to.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// For people, without the password.
    pub(crate) database: String,
    /// The environment, where one was named.
    pub(crate) environment: Option<String>,
    pub(crate) identity: Identity,
    /// `server_version_num`.
    pub(crate) server_version: u32,
    /// The server's time, ISO 8601.
    pub(crate) at: String,
    /// How many migrations are applied.
    pub(crate) applied: usize,
    /// What the last run applied, where the audit log says.
    pub(crate) last_run: Option<LastRun>,
    /// Of the schema, as `cargo migrate schema --digest` tells it.
    /// `None` where somebody holds a table whose definition is part of it.
    pub(crate) schema_digest: Option<String>,
    /// What became of each check, in the order in which they are told.
    pub(crate) examined: Vec<Examined>,
    /// The tables that were analyzed, where that was wanted.
    pub(crate) analyzed: Vec<String>,
    /// Where this report is kept; `None` where it could not be written.
    pub(crate) file: Option<PathBuf>,
    pub(crate) elapsed: Duration,
}

impl Report {
    /// Whether nothing is wrong.
    pub(crate) fn passed(&self) -> bool {
        Examined::all_passed(&self.examined)
    }
}

/// Looks a database over after a run, and keeps the report in the log folder. Writes nothing to the database but the
/// statistics that are asked for.
///
/// # Errors
///
/// Where the database cannot be reached, or does not answer the simplest questions. What a check finds is no error.
pub(crate) fn run(call: &Call, settings: &Settings, set: &Set, options: Options) -> anyhow::Result<Report> {
    let started = Instant::now();
    let works = call.context.engine_works();
    let (migrator, database) = call.migrator(settings, set.clone(), None)?;
    let connection =
        Connection::open(&call.database(settings)?, "cargo-migrate: postflight", &call.context.interrupt)?;
    let situation = Situation::look(settings, set, &migrator, &connection)?;
    let last_run = last_run::read(&connection, &settings.history_table.value)?;
    let everything =
        SchemaOptions { history: Some(settings.history_table.value.clone()), ..Default::default() };
    let schema_digest = match migrator.schema_digest(&everything) {
        Err(error) if ask::is_held_up(&error) => None,
        digest => Some(digest?.to_string()),
    };
    let drift = match options.no_drift {
        true => SchemaDrift::NotWanted,
        false => SchemaDrift::of(measure_drift(call, &situation, &migrator))?,
    };
    let analyzed = match options.analyze {
        true => statistics::analyze(&connection, situation.version)?,
        false => Vec::new(),
    };
    let bloat = bloat::Bloat { touched: Touched::by(last_run.as_ref()) };
    let check_scripts = check_scripts::CheckScripts { of: last_run.clone().filter(|_| !options.all_checks) };
    let sessions = sessions::Sessions { own: options.deployment, ..Default::default() };
    let checks: [&dyn Check; 10] = [
        &history::History,
        &drift,
        &indexes::Indexes,
        &constraints::Constraints,
        &check_scripts,
        &statistics::Statistics,
        &bloat,
        &sequences::Sequences,
        &replication::Replication,
        &sessions,
    ];
    let examined = checks.iter().map(|check| check.examine(&situation)).collect::<Result<_, _>>()?;
    drop(works);
    let applied = situation.status.as_ref().map_or(0, |status| {
        status
            .entries
            .iter()
            .filter(|entry| !matches!(entry.state, State::Pending | State::OutOfOrder))
            .count()
    });
    let mut report = Report {
        database,
        environment: settings.environment_name(),
        identity: situation.identity,
        server_version: situation.version,
        at: situation.now,
        applied,
        last_run,
        schema_digest,
        examined,
        analyzed,
        file: None,
        elapsed: started.elapsed(),
    };
    let view = PostflightView { report: report.clone(), verbose: true };
    report.file = call.logbook(settings).write_view("postflight", &view);
    Ok(report)
}

/// The cheap way where it knows, and otherwise with the applied migrations on a scratch server that this machine has: where
/// a deployment ends is no place to install one.
fn measure_drift(call: &Call, situation: &Situation<'_>, migrator: &Migrator) -> anyhow::Result<Drift> {
    let settings = situation.settings;
    let history = Some(settings.history_table.value.clone());
    let options = SchemaOptions { history, ..SchemaOptions::portable() };
    let live = migrator.schema(&options)?;
    let ignored = drift::ignored(settings, &[]);
    if let Ok(status) = &situation.status
        && let Some(drift) = drift::as_recorded(settings, status, &live, &ignored)
    {
        return Ok(drift);
    }
    let in_force = InForce::read(migrator, situation.set)?;
    let scratch = Scratch::present(situation.version).ok_or_else(|| {
        let major = Some(situation.version / 10_000);
        anyhow::Error::new(migrate_testing::Error::NoServer { major, looked: Vec::new() })
    })?;
    in_force.compare(&scratch, &live, situation.version, &options, &ignored, &call.context.interrupt)
}
