//! Checks: queries that must find nothing, asked in a run and beside it.

mod ask;
mod engine;

use std::fmt;
use std::time::Duration;

use migrate_core::{Check, CheckScript, Moment};

pub(crate) use ask::{Asking, Held};
pub(crate) use engine::{Unheld, hold};

use crate::error::ServerError;
use crate::settings::Settings;
use crate::{Connection, Error};

/// How many rows of a check that found something are kept.
pub const ROWS_KEPT: usize = 10;

/// How one check ended.
#[derive(Clone)]
pub struct Outcome {
    /// The file, relative to the migrations folder.
    pub file: String,
    /// The file's whole text.
    pub text: String,
    /// The byte range in `text` of the query.
    pub statement: (usize, usize),
    /// The line of the query, from 1.
    pub line: usize,
    /// What the comment above the query says.
    pub description: Option<String>,
    /// When it is run.
    pub moment: Moment,
    /// What came of it.
    pub verdict: Verdict,
    /// How long the server took, with the way there and back.
    pub elapsed: Duration,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// No row, or one that is true.
    Passed,
    /// One boolean that is not true: false, or NULL (`None`).
    NotTrue(Option<bool>),
    /// Rows that should not be there.
    Found(Found),
    /// The server refused the query.
    Refused {
        /// Byte offset into the text that the server named.
        position: Option<usize>,
        /// What the server said.
        server: ServerError,
    },
}

/// The first rows that a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// At most [`ROWS_KEPT`]; values as text, `None` for NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// There are more.
    pub more: bool,
}

impl Outcome {
    fn new(script: &CheckScript, check: &Check, verdict: Verdict, elapsed: Duration) -> Self {
        Self {
            file: script.file.to_string(),
            text: script.text.to_string(),
            statement: (check.start, check.end),
            line: script.line(check),
            description: check.description.as_ref().map(ToString::to_string),
            moment: check.moment,
            verdict,
            elapsed,
        }
    }

    /// Whether what must hold does.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }

    /// What it is about, in a few words: its description, or where it stands.
    pub fn title(&self) -> String {
        match &self.description {
            Some(description) => description.clone(),
            None => format!("{}, line {}", self.file, self.line),
        }
    }
}

/// Without the file and without the rows: an application that prints an error with `Debug` wants neither in its log.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("file", &self.file)
            .field("line", &self.line)
            .field("description", &self.description)
            .field("moment", &self.moment)
            .field("verdict", &self.verdict.to_string())
            .finish_non_exhaustive()
    }
}

/// In a few words, and without a value of any row.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("holds"),
            Self::NotTrue(Some(_)) => f.write_str("is false"),
            Self::NotTrue(None) => f.write_str("is NULL, which is not true"),
            Self::Found(Found { rows, more: true, .. }) => write!(f, "found more than {} rows", rows.len()),
            Self::Found(Found { rows, .. }) if rows.len() == 1 => f.write_str("found 1 row"),
            Self::Found(Found { rows, .. }) => write!(f, "found {} rows", rows.len()),
            Self::Refused { server, .. } => write!(f, "could not be run: {}", server.message),
        }
    }
}

/// Runs the checks of a script that are not of the moment before a migration, each in a READ ONLY transaction of its own
/// that is rolled back. Works on a standby.
///
/// A query waits 5 s for a lock, and runs as long as its file's `statement-timeout` says, or the role's settings. What
/// fails is in the outcomes, each of which has its rows and its time; no failure keeps the next check from being run,
/// but one that was cancelled or timed out.
///
/// # Errors
///
/// [`Error::ConnectionLost`], [`Error::Interrupted`], and [`Error::Server`] where the server cannot be asked at all.
pub fn run(connection: &Connection, script: &CheckScript) -> Result<Vec<Outcome>, Error> {
    let encoding = connection.value("asking for the encoding", "SHOW server_encoding")?;
    let in_bytes = encoding.as_deref() == Some("SQL_ASCII");
    let asking = Asking::alone(script, Moment::After, Settings::default().lock_timeout, in_bytes);
    connection.with(async |session| match asking.ask(session, Held::Told).await {
        Ok(outcomes) => Ok(outcomes),
        Err(broken) => Err(session.failed("running a check", broken.error)),
    })
}
