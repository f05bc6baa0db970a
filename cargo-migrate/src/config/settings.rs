//! The settings that hold, each with where it comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use glob::Pattern;
use migrate_core::Newer;
use migrate_runtime::{DEFAULT_LOCK_TIMEOUT, DEFAULT_LOCK_WAIT, HistoryTable};

use super::Lint;
use crate::Problem;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The environment that was named, if one was.
    pub environment: Option<Sourced<String>>,
    /// Production: changes need the harness.
    pub protected: Sourced<bool>,
    /// Whether migrations have to change the schema as recorded.
    pub prove: Sourced<bool>,
    /// The folder of migration files.
    pub dir: Sourced<PathBuf>,
    /// The database; verbs that need none do not look at the failure.
    pub database: Result<Sourced<Where>, Problem>,
    /// The variables that count for the connection: those of `.env`, with those of the process over them.
    pub variables: BTreeMap<String, Secret>,
    /// Schema and name of the history table.
    pub history_table: Sourced<HistoryTable>,
    /// How long to wait for another runner.
    pub lock_wait: Option<Sourced<Duration>>,
    /// How long a statement may wait for a table lock.
    pub lock_timeout: Option<Sourced<Duration>>,
    /// What to do about recorded versions newer than everything in the folder.
    pub newer: Option<Sourced<Newer>>,
    /// What `drift` leaves out.
    pub drift_ignore: Option<Sourced<Vec<Pattern>>>,
    /// Where backups are kept.
    pub backup_dir: Sourced<PathBuf>,
    /// Where logs, reports and markers are kept.
    pub log_dir: Sourced<PathBuf>,
    /// For how long a passed preflight is one.
    pub preflight_max_age: Sourced<Duration>,
    /// What `lint` is told.
    pub lint: Lint,
    /// Whether `migrations.lock` may not be changed.
    pub locked: Sourced<bool>,
    /// The project's root, which links in the folder of migrations must not leave.
    pub root: PathBuf,
    /// Where the local server is kept; `None` outside of a project.
    pub local: Option<Local>,
}

impl Settings {
    /// The name of the environment, as records keep it.
    pub(crate) fn environment_name(&self) -> Option<String> {
        self.environment.as_ref().map(|environment| environment.value.clone())
    }

    /// With the verb's own `--prove` or `--no-prove`.
    pub(crate) fn proving(mut self, said: Option<bool>) -> Self {
        if let Some(prove) = said {
            let name = if prove { "--prove" } else { "--no-prove" };
            self.prove = Sourced::new(prove, Origin::Argument(name));
        }
        self
    }
}

/// The project's own server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Cargo's `target` folder.
    pub target: PathBuf,
    /// The database of this project on it.
    pub database: String,
}

impl Settings {
    /// How long another runner is waited for.
    pub fn wait_for_runner(&self) -> Duration {
        self.lock_wait.as_ref().map_or(DEFAULT_LOCK_WAIT, |wait| wait.value)
    }

    /// How long a table lock is waited for.
    pub fn wait_for_table(&self) -> Duration {
        self.lock_timeout.as_ref().map_or(DEFAULT_LOCK_TIMEOUT, |timeout| timeout.value)
    }
}

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// The project's own server.
    Local,
    /// A URL, or keywords and values.
    Url(Secret),
    /// libpq's variables say.
    Variables,
}

/// A text that may hold a password: it is not in its `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value from there.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An argument: `--dir`.
    Argument(&'static str),
    /// An environment variable.
    Variable(String),
    /// A variable in a `.env` file.
    DotEnv {
        /// The variable.
        variable: String,
        /// The file.
        path: PathBuf,
    },
    /// A key of the metadata: `package.metadata.migrate.database`.
    Metadata(String),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::DotEnv { variable, path } => write!(f, "{variable} in {}", path.display()),
            Self::Metadata(key) => f.write_str(key),
            Self::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_in_its_debug() {
        let place = Where::Url(Secret("postgres://u:canary@h/d".to_owned()));
        assert!(!format!("{place:?}").contains("canary"));
    }
}
