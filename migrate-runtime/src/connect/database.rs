//! The settings of a connection.

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, TargetSessionAttrs};

use super::sslmode::TlsSettings;
use super::target::{Place, Target};
use super::{Environment, percent, refuse, resolve};
use crate::Error;

/// Settings of a connection. Its `Debug` and `Display` never show a password.
///
/// Read as libpq reads them, from a `postgres://` URL or from keyword/value text; what is missing there comes from the
/// service file, from the `PG*` variables, from `~/.pgpass`, and from libpq's defaults. Different from libpq:
/// `connect_timeout` is 10 seconds where nothing is said (0 is no limit), and parameters that would restrict a
/// connection in a way that is not supported here (`require_auth`, `sslcrl`, …) are refused instead of ignored.
#[derive(Clone)]
pub struct Database {
    pub(super) targets: Vec<Target>,
    pub(super) user: String,
    pub(super) dbname: String,
    pub(super) options: Option<String>,
    pub(super) application_name: Option<String>,
    pub(super) fallback_application_name: Option<String>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) tcp_user_timeout: Option<Duration>,
    pub(super) keepalives: bool,
    pub(super) keepalives_idle: Option<Duration>,
    pub(super) keepalives_interval: Option<Duration>,
    pub(super) keepalives_count: Option<u32>,
    pub(super) session: SessionAttributes,
    pub(super) channel_binding: ChannelBinding,
    /// `load_balance_hosts=random`
    pub(super) shuffle: bool,
    pub(super) tls: TlsSettings,
    pub(super) password_origin: PasswordOrigin,
}

/// `target_session_attrs`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionAttributes {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl SessionAttributes {
    /// The part of it that tokio-postgres checks itself.
    pub(super) fn of_client(self) -> TargetSessionAttrs {
        match self {
            Self::ReadWrite => TargetSessionAttrs::ReadWrite,
            Self::ReadOnly => TargetSessionAttrs::ReadOnly,
            _ => TargetSessionAttrs::Any,
        }
    }
}

/// Where the password is from, for the hint about a refused one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordOrigin {
    None,
    Given(&'static str),
    File(PathBuf),
    /// There is a password file that is not used, and why.
    IgnoredFile(PathBuf, &'static str),
}

impl Database {
    /// From a URL or keyword/value text, filled up from the environment as libpq does.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`], which never repeats a password.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::resolve(Some(text), &process_environment)
    }

    /// From `DATABASE_URL`, else from libpq's `PG*` variables, of which at least one of `PGHOST`, `PGHOSTADDR`,
    /// `PGDATABASE` and `PGSERVICE` must be set: a database is never guessed.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`], which never repeats a password.
    pub fn from_env() -> Result<Self, Error> {
        if let Err(std::env::VarError::NotUnicode(_)) = std::env::var("DATABASE_URL") {
            return Err(refuse("DATABASE_URL is not UTF-8", "percent-encode what is not ASCII in it"));
        }
        Self::resolve(None, &process_environment)
    }

    /// [`parse`](Self::parse) where there is a text, [`from_env`](Self::from_env) where there is none, in the
    /// environment that is given: variables by their names. Files are looked for in its `HOME`.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`], which never repeats a password.
    pub fn resolve(text: Option<&str>, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let environment: Environment<'_> = environment;
        resolve::resolve(text, environment, &|| whoami::username().ok())
    }

    /// The name of the database.
    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    /// The role that connects.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The same server and the same settings, with another database: a scratch one, or `postgres`. A password from
    /// a password file stays the one that was found for the first database.
    #[must_use]
    pub fn with_dbname(&self, dbname: &str) -> Self {
        Self { dbname: dbname.to_owned(), ..self.clone() }
    }

    /// The same, with several servers tried in the order in which they are written: two connections then reach the same
    /// one.
    #[must_use]
    pub fn in_order(&self) -> Self {
        Self { shuffle: false, ..self.clone() }
    }

    /// Whether a server of these settings is reached by TCP.
    pub(crate) fn is_over_tcp(&self) -> bool {
        self.targets.iter().any(|target| matches!(target.place, Place::Tcp { .. }))
    }

    /// For how long nobody may answer before nobody is there: what one attempt to connect may take, 5 s at most.
    pub(crate) fn silence(&self) -> Duration {
        let most = Duration::from_secs(5);
        self.connect_timeout.map_or(most, |limit| limit.min(most))
    }

    /// For people: `postgres://user@host:port/database`, without the password.
    pub fn display(&self) -> String {
        self.to_string()
    }
}

fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl fmt::Display for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut authority = String::new();
        let mut query = String::new();
        let all_unix = self.targets.iter().all(|target| matches!(target.place, Place::Unix(_)));
        for (index, target) in self.targets.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match &target.place {
                Place::Unix(folder) if all_unix => {
                    let separator = if index == 0 { "?host=" } else { "," };
                    write!(query, "{separator}{}", percent::encode(&folder.to_string_lossy(), "/"))?;
                }
                Place::Unix(folder) => {
                    let folder = percent::encode(&folder.to_string_lossy(), "");
                    write!(authority, "{comma}{folder}:{}", target.port)?;
                }
                Place::Tcp { name, .. } if name.contains(':') => {
                    write!(authority, "{comma}[{}]:{}", percent::encode(name, ":"), target.port)?;
                }
                Place::Tcp { name, .. } => {
                    write!(authority, "{comma}{}:{}", percent::encode(name, ""), target.port)?;
                }
            }
        }
        if all_unix && self.targets.iter().any(|target| target.port != 5432) {
            let ports: Vec<String> = self.targets.iter().map(|target| target.port.to_string()).collect();
            write!(query, "&port={}", ports.join(","))?;
        }
        let (user, dbname) = (percent::encode(&self.user, ""), percent::encode(&self.dbname, ""));
        write!(formatter, "postgres://{user}@{authority}/{dbname}{query}")
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Database")
            .field("url", &self.to_string())
            .field("options", &self.options)
            .field("connect_timeout", &self.connect_timeout)
            .field("session", &self.session)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
