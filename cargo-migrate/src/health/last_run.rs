//! The last run that did something to migrations, from the audit log.

use std::time::Duration;

use migrate_runtime::{Error as EngineError, LogEntry, LogFilter, Migrator};

/// The last run.
pub(crate) struct LastRun {
    pub(crate) run: Option<String>,
    /// The server's time of its last line, ISO 8601.
    pub(crate) at: String,
    /// `up`, `down`, `repair`.
    pub(crate) action: String,
    /// Of its last line: `ok`, `failed`, `started`.
    pub(crate) outcome: String,
    /// How many migrations it was about, and the last of them.
    pub(crate) migrations: usize,
    pub(crate) last: String,
    /// All its migrations together.
    pub(crate) elapsed: Duration,
    pub(crate) by: Option<String>,
    pub(crate) tool: Option<String>,
}

/// What the audit log says of runs.
#[derive(Default)]
pub(crate) struct Runs {
    pub(crate) last: Option<LastRun>,
    /// The number of the last line about migrations.
    pub(crate) newest: Option<i64>,
    /// It is there, and this role may not read it: a watcher's was maybe given the history only.
    pub(crate) hidden: bool,
}

/// The largest run that is added up.
const MOST: usize = 10_000;

impl Runs {
    /// Reads it.
    pub(crate) fn read(migrator: &Migrator) -> Result<Self, EngineError> {
        let actions = ["up", "down", "repair"].map(str::to_owned).to_vec();
        let filter = LogFilter { actions, ..LogFilter::default() };
        let last = match migrator.log_of(&filter, Some(1)) {
            Err(EngineError::Server { .. }) => return Ok(Self { hidden: true, ..Self::default() }),
            last => last?.pop(),
        };
        let Some(last) = last else { return Ok(Self::default()) };
        let newest = last.id;
        let lines = match &last.run {
            Some(run) => migrator.log_of(&LogFilter { run: Some(run.clone()), ..filter }, Some(MOST))?,
            // Another tool's.
            None => vec![last],
        };
        Ok(Self { last: LastRun::of(lines), newest: Some(newest), hidden: false })
    }
}

impl LastRun {
    /// Of the lines of one run, oldest first.
    fn of(lines: Vec<LogEntry>) -> Option<Self> {
        let mut migrations: Vec<_> = lines.iter().map(|line| line.version.as_str()).collect();
        migrations.sort_unstable();
        migrations.dedup();
        let (migrations, elapsed) = (migrations.len(), lines.iter().filter_map(|line| line.duration).sum());
        let last = lines.into_iter().next_back()?;
        let by = match (&last.db_user, &last.client) {
            (Some(user), Some(client)) => Some(format!("{user} ({client})")),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        };
        Some(Self {
            run: last.run,
            at: last.at,
            action: last.action,
            outcome: last.outcome,
            migrations,
            last: last.version,
            elapsed,
            by,
            tool: last.tool,
        })
    }
}
