//! How a check is asked: read-only, in a transaction that is rolled back, with no more rows than are shown.
//!
//! The query stands in a `WITH … AS MATERIALIZED`: as a whole statement it would send every row it finds, and under a
//! LIMIT of its own it would be planned for the first few, which is slow exactly where there is none. A CTE is planned
//! for all of its rows and read no further than it is asked for (`SS_process_ctes`), and in its parentheses nothing
//! that changes data is SQL.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use migrate_core::{Check, CheckScript, Moment};

use super::{Found, Outcome, ROWS_KEPT, Verdict};
use crate::error::{Failure, ServerError};
use crate::failure::{byte_of, original_position};
use crate::message::milliseconds;
use crate::session::{Answer, Broken, Session, is_lost};

/// The head of a check that has no transaction around it.
pub(super) const ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY";

/// Its end.
pub(super) const END: &str = "ROLLBACK";

/// The checks of one moment, and what is sent around each.
#[derive(Clone)]
pub(crate) struct Asking<'a> {
    pub script: &'a CheckScript,
    pub moment: Moment,
    /// Begins a transaction, or goes back to the savepoint that the check before had as well.
    pub head: String,
    /// Ends it.
    pub tail: Option<&'static str>,
    pub settings: String,
    pub positions_in_bytes: bool,
}

/// What becomes of a lock that is not obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It ends the questions: the caller tries again.
    TriedAgain,
    /// It is what came of the check.
    Told,
}

/// What holds for a check alone: the settings that the role has, whatever a migration's script left, and no writing.
pub(crate) fn settings(
    script: &CheckScript,
    lock_timeout: Duration,
    statement_timeout: Option<Duration>,
    more: &str,
) -> String {
    let mut set =
        "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;SET LOCAL idle_in_transaction_session_timeout = 0"
            .to_owned();
    let _ = write!(set, ";SET LOCAL lock_timeout = {}", milliseconds(lock_timeout));
    if let Some(timeout) = script.statement_timeout.or(statement_timeout) {
        let _ = write!(set, ";SET LOCAL statement_timeout = {}", milliseconds(timeout));
    }
    set + more + ";SET LOCAL transaction_read_only = on"
}

/// What stands before a query and behind it. Its last line may be a comment.
const OPEN: &str = "WITH cargo_migrate_check AS MATERIALIZED ((\n";
const CLOSE: &str = "\n)) SELECT * FROM cargo_migrate_check LIMIT ";

impl<'a> Asking<'a> {
    /// Each check in a transaction of its own.
    pub fn alone(
        script: &'a CheckScript,
        moment: Moment,
        lock_timeout: Duration,
        positions_in_bytes: bool,
    ) -> Self {
        let settings = settings(script, lock_timeout, None, "");
        let (head, tail) = (ALONE.to_owned(), Some(END));
        Self { script, moment, head, tail, settings, positions_in_bytes }
    }

    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.script.of(self.moment)
    }

    /// The message of one check, and where its query begins in it.
    pub fn message(&self, check: &Check) -> (String, usize) {
        let mut sql = format!("{};\n{};\n{OPEN}", self.head, self.settings);
        let at = sql.len();
        sql += self.script.sql(check);
        let _ = write!(sql, "{CLOSE}{}", ROWS_KEPT + 1);
        (sql, at)
    }

    /// Every message, for a dry run.
    pub fn messages(&self) -> Vec<String> {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::After => "behind",
        };
        let mut messages = vec![format!(
            "-- checks {moment} it, of {}: each finds no row, or one that is true, or the migration is not applied",
            self.script.file
        )];
        for check in self.checks() {
            messages.push(self.message(check).0);
            messages.extend(self.tail.map(str::to_owned));
        }
        messages
    }

    /// Asks every check, and says how each ended.
    ///
    /// One that was cancelled or timed out is the last. Where it is an error that the questions end with, its
    /// `finished` counts the checks before it, and the transaction is left failed.
    pub async fn ask(&self, session: &Session, held: Held) -> Result<Vec<Outcome>, Broken> {
        let mut outcomes = Vec::new();
        for (index, check) in self.checks().enumerate() {
            let broken_here = |broken| Broken { finished: index, ..broken };
            let started = Instant::now();
            let verdict = match self.verdict(session, check).await {
                Ok(verdict) => verdict,
                Err(broken) if is_lost(&broken.error) => return Err(broken_here(broken)),
                Err(broken) if held == Held::TriedAgain && waits_in_vain(&broken.error) => {
                    return Err(broken_here(broken));
                }
                Err(broken) => self.refused(check, &broken),
            };
            if let Some(tail) = self.tail {
                session.query(tail).await.map_err(|error| Broken { finished: index, error })?;
            }
            let cancelled = matches!(&verdict, Verdict::Refused { server, .. } if server.code == "57014");
            outcomes.push(Outcome::new(self.script, check, verdict, started.elapsed()));
            if cancelled {
                break;
            }
        }
        Ok(outcomes)
    }

    async fn verdict(&self, session: &Session, check: &Check) -> Result<Verdict, Broken> {
        let Answer { columns, mut rows } = session.answer(&self.message(check).0).await?;
        if rows.is_empty() {
            return Ok(Verdict::Passed);
        }
        if let ([row], [_]) = (rows.as_slice(), columns.as_slice()) {
            let value = row.first().and_then(|value| value.as_deref());
            if matches!(value, Some("t" | "f") | None) && self.is_boolean(session, check).await? {
                return Ok(match value {
                    Some("t") => Verdict::Passed,
                    value => Verdict::NotTrue(value.map(|_| false)),
                });
            }
        }
        let more = rows.len() > ROWS_KEPT;
        rows.truncate(ROWS_KEPT);
        Ok(Verdict::Found(Found { columns, rows, more }))
    }

    /// Whether the one column of a query is a boolean, which a value as text does not tell. The query is only analysed:
    /// under a LIMIT of 0 nothing is asked for a row.
    async fn is_boolean(&self, session: &Session, check: &Check) -> Result<bool, Broken> {
        let sql = format!(
            "SELECT pg_catalog.pg_typeof((SELECT x.c FROM ((\n{}\n)) AS x (c) LIMIT 0)) \
             OPERATOR(pg_catalog.=) 'pg_catalog.bool'::pg_catalog.regtype",
            self.script.sql(check)
        );
        let answer = session.answer(&sql).await?;
        Ok(answer.rows.first().and_then(|row| row.first()?.as_deref()) == Some("t"))
    }

    fn refused(&self, check: &Check, broken: &Broken) -> Verdict {
        let server = broken.error.as_db_error();
        Verdict::Refused {
            position: server.and_then(|error| self.position(check, error)),
            server: server.map(ServerError::from).unwrap_or_default(),
        }
    }

    /// The place in the file that the server named, where it is in the query.
    fn position(&self, check: &Check, error: &tokio_postgres::error::DbError) -> Option<usize> {
        let (sql, at) = self.message(check);
        let byte = byte_of(&sql, original_position(error)?, self.positions_in_bytes);
        let offset = byte.checked_sub(at)? + check.start;
        (offset <= check.end).then_some(offset)
    }

    /// The failure of a check that ends the questions.
    pub fn failure(&self, broken: &Broken, mut failure: Failure) -> Failure {
        failure.file = self.script.file.to_string();
        failure.text = self.script.text.to_string();
        failure.statement = self.checks().nth(broken.finished).map(|check| (check.start, check.end));
        if let Some(server) = broken.error.as_db_error() {
            failure.server = server.into();
        }
        failure
    }
}

/// Whether the same question may have an answer later.
fn waits_in_vain(error: &tokio_postgres::Error) -> bool {
    matches!(error.code().map(|code| code.code()), Some("55P03" | "40P01" | "40001"))
}
