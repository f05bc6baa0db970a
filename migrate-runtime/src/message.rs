//! The message of a transactional migration: body and record in one transaction and one round trip.
//!
//! PostgreSQL parses a whole simple-query message before it runs the first statement, and an error ends the message
//! before its COMMIT. So guards are plain SELECTs that fail on purpose: a cast of a text that names the guard. That
//! needs no PL/pgSQL, and the text arrives in every language a server speaks.

use std::fmt::Write as _;
use std::time::Duration;

use migrate_core::{CheckScript, Direction, Moment as CheckMoment, Script, Statement, StatementKind};
use tokio_postgres::error::DbError;

use crate::checks::Asking;
use crate::error::{Failure, ServerError};
use crate::failure::{byte_of, original_position};
use crate::history_table::quote_literal;
use crate::lock::Keys;
use crate::look::{self, Mark};
use crate::probe::Probe;
use crate::prove::{LOOK, LOOK_STATEMENTS, LOOKED, LOOKED_STATEMENTS, Moment};
use crate::session::Broken;
use crate::settings::Settings;

/// Undoes what a body may have set for its session; fine inside and outside a transaction.
pub(crate) const RESET: &str = "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;UNLISTEN *;DEALLOCATE ALL;CLOSE ALL;\
                                DISCARD TEMP;SELECT pg_catalog.pg_advisory_unlock_all()";
pub(crate) const RESET_STATEMENTS: usize = 8;

/// A client that the network has swallowed is noticed after 11 s, not after the two hours of the system's default: with
/// `client_connection_check_interval` while a statement runs, and without it between two (`config.sgml`,
/// `tcp_keepalives_idle`). On a Unix socket they mean nothing.
pub(crate) const KEEPALIVES: &str = "SET LOCAL tcp_keepalives_idle = 5;SET LOCAL tcp_keepalives_interval = 2;SET LOCAL tcp_keepalives_count = 3";
const KEEPALIVES_STATEMENTS: usize = 3;

/// Makes what follows in this transaction run as the role that connected, whatever role a script took. The script's
/// role is back at the end of the transaction: that is what `SET LOCAL` after `SET` means.
pub(crate) const AS_OURSELVES: &str = "SET LOCAL SESSION AUTHORIZATION DEFAULT;SET LOCAL ROLE NONE";
const AS_OURSELVES_STATEMENTS: usize = 2;

/// A script and what it is for.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub stem: &'a str,
    /// As recorded: usually the stem, the bare number in a table that another tool made.
    pub version: &'a str,
    pub direction: Direction,
    pub script: &'a Script,
    /// What must hold before and behind it.
    pub checks: Option<&'a CheckScript>,
}

impl Work<'_> {
    /// A failure of this script, before anything is known about its place.
    pub fn failure(&self, server: ServerError) -> Failure {
        Failure {
            stem: self.stem.to_owned(),
            file: self.script.file.to_string(),
            text: self.script.text.to_string(),
            direction: self.direction,
            position: None,
            statement: None,
            at_commit: false,
            server,
        }
    }
}

/// One thing to send: a simple-query message, or a COPY with its data.
pub(crate) enum Part<'a> {
    Message(Message<'a>),
    Copy {
        work: Work<'a>,
        statement: Statement,
    },
    /// A part of a long script, in a message of its own that is taken from the script when it is sent.
    Script {
        work: Work<'a>,
        range: (usize, usize),
        statements: (usize, usize),
    },
    /// The schema is read here.
    Schema {
        work: Work<'a>,
        moment: Moment,
    },
    /// What must hold is asked here.
    Checks {
        work: Work<'a>,
        asking: Asking<'a>,
    },
}

impl Part<'_> {
    /// The failure of this part, where the error tells which script it is about: one of the server's, behind `finished`
    /// statements.
    pub fn failure(&self, broken: &Broken, positions_in_bytes: bool) -> Option<Failure> {
        let error = broken.error.as_db_error()?;
        match self {
            Self::Message(message) => message.locate(broken.finished, error, positions_in_bytes),
            Self::Script { work, range, statements } => {
                let mut message = Message::default();
                message.script(*work, *range, *statements);
                message.locate(broken.finished, error, positions_in_bytes)
            }
            Self::Copy { work, statement } => {
                let mut failure = work.failure(error.into());
                failure.statement = Some((statement.start, statement.end));
                Some(failure)
            }
            Self::Schema { work, .. } => Some(work.failure(error.into())),
            Self::Checks { work, asking } => Some(asking.failure(broken, work.failure(error.into()))),
        }
    }
}

/// A simple-query message that knows which of its bytes and statements came from which script.
#[derive(Default)]
pub(crate) struct Message<'a> {
    pub sql: String,
    pub statements: usize,
    segments: Vec<Segment<'a>>,
    /// How many statements come before COMMIT.
    pub commit_at: Option<usize>,
    /// Where it is looked at what the script did.
    pub marks: Vec<Mark<'a>>,
}

struct Segment<'a> {
    work: Work<'a>,
    /// Where it starts in the message, and which part of the script it is.
    at: usize,
    range: (usize, usize),
    /// Its statements: the first one's number in the message, and their place among the script's.
    first: usize,
    statements: (usize, usize),
}

impl<'a> Message<'a> {
    /// Adds SQL of our own: whole statements, without the last semicolon.
    pub fn own(&mut self, sql: &str, statements: usize) {
        self.sql += sql;
        self.sql += ";\n";
        self.statements += statements;
    }

    /// Adds a part of a script. What follows starts on a line of its own: the part may end in a comment.
    pub fn script(&mut self, work: Work<'a>, range: (usize, usize), statements: (usize, usize)) {
        self.segments.push(Segment { work, at: self.sql.len(), range, first: self.statements, statements });
        self.sql += &work.script.body_of(range.0, range.1);
        self.sql += "\n;\n";
        self.statements += statements.1 - statements.0;
    }

    /// Makes a part of what there is so far, if there is anything, and begins anew.
    pub fn end(&mut self, parts: &mut Vec<Part<'a>>) {
        if !self.sql.is_empty() {
            parts.push(Part::Message(std::mem::take(self)));
        }
    }

    /// The failure of this message, at its place in a script.
    ///
    /// The server names a position for what it could not parse or analyse; for the rest the number of statements that
    /// were finished tells which one failed.
    pub fn locate(&self, finished: usize, error: &DbError, positions_in_bytes: bool) -> Option<Failure> {
        let server = ServerError::from(error);
        if let Some(position) = original_position(error) {
            let byte = byte_of(&self.sql, position, positions_in_bytes);
            let inside = |s: &&Segment<'_>| byte >= s.at && byte <= s.at + (s.range.1 - s.range.0);
            if let Some(segment) = self.segments.iter().find(inside) {
                let offset = byte - segment.at + segment.range.0;
                let mut failure = segment.work.failure(server);
                failure.position = Some(offset);
                failure.statement = statement_at(segment.work.script, offset);
                return Some(failure);
            }
        }
        let in_statements =
            |s: &&Segment<'_>| finished >= s.first && finished < s.first + (s.statements.1 - s.statements.0);
        if let Some(segment) = self.segments.iter().find(in_statements) {
            let mut failure = segment.work.failure(server);
            let statement =
                segment.work.script.statements.get(segment.statements.0 + finished - segment.first);
            failure.statement = statement.map(|s| (s.start, s.end));
            return Some(failure);
        }
        // Between the scripts: our own statements, on behalf of the last script before them.
        let segment = self.segments.iter().rev().find(|s| s.first <= finished).or(self.segments.first())?;
        let mut failure = segment.work.failure(server);
        failure.at_commit = self.commit_at == Some(finished);
        Some(failure)
    }
}

/// The statement that a byte of a script belongs to.
fn statement_at(script: &Script, offset: usize) -> Option<(usize, usize)> {
    script.statements.iter().rev().find(|s| s.start <= offset).map(|s| (s.start, s.end))
}

/// Which guard failed, where one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// A transaction of an earlier runner still works on the server.
    Fence,
    /// The history is not what the plan was made from.
    History,
    /// The body ended the transaction that it ran in.
    Transaction,
}

impl Guard {
    /// The text in the error of a guard. A savepoint's name and a command are in it in every language.
    const fn marker(self) -> &'static str {
        match self {
            Self::Fence => "cargo-migrate guard: fence",
            Self::History => "cargo-migrate guard: history",
            Self::Transaction => SAVEPOINT,
        }
    }

    /// The guard that this error comes from.
    pub fn of(error: &tokio_postgres::Error) -> Option<Self> {
        let server = error.as_db_error()?;
        let found = |guard: &Self| server.message().contains(guard.marker());
        match server.code().code() {
            // invalid_text_representation
            "22P02" => [Self::Fence, Self::History].into_iter().find(found),
            // invalid_savepoint_specification; no_active_sql_transaction
            "3B001" => Some(Self::Transaction).filter(found),
            "25P01" => Some(Self::Transaction).filter(|_| server.message().contains("RELEASE SAVEPOINT")),
            _ => None,
        }
    }

    /// SQL that fails unless the condition holds. The process id keeps the planner from folding the cast into an
    /// error of its own.
    fn unless(self, condition: &str) -> String {
        format!(
            "CASE WHEN {condition} THEN 0 ELSE ('{} ' || pg_catalog.pg_backend_pid())::pg_catalog.int4 END",
            self.marker()
        )
    }
}

/// How a transaction is tried this time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// Bounds the wait for table locks, where the files and settings allow more.
    pub lock_timeout: Option<Duration>,
    /// The commit waits for the disk.
    pub durable: bool,
    /// The schema is read before and after each body.
    pub prove: bool,
}

/// The savepoint around a body: gone with the transaction, so that its release fails where the body ended that. No
/// setting that a body resets can hide it, and it costs next to nothing.
pub(crate) const SAVEPOINT: &str = "cargo_migrate_body";

/// Builds the parts of a transaction.
pub(crate) struct Builder<'a> {
    pub settings: &'a Settings,
    pub probe: &'a Probe,
    pub keys: Keys,
}

/// A time as the server takes it: whole milliseconds of an `int`, and not 0, which would mean no limit, unless it is 0.
pub(crate) fn milliseconds(time: Duration) -> u128 {
    let least = u128::from(!time.is_zero());
    time.as_millis().clamp(least, i32::MAX as u128)
}

/// How long one attempt may wait for a table lock.
pub(crate) fn lock_timeout(settings: &Settings, script: &Script) -> Duration {
    script.directives.lock_timeout.unwrap_or(settings.lock_timeout)
}

impl Builder<'_> {
    /// The parts that run these scripts in one transaction and record each, given how many rows the history has
    /// before.
    ///
    /// One message, unless a script carries COPY data, which the protocol wants in messages of its own, or is long.
    pub fn transaction<'w>(
        &self,
        works: &[(Work<'w>, String)],
        rows_before: usize,
        attempt: Attempt,
    ) -> Vec<Part<'w>> {
        let mut parts = Vec::new();
        let mut message = Message::default();
        message.own("BEGIN ISOLATION LEVEL READ COMMITTED", 1);
        if self.probe.pooled {
            // Behind a transaction pooler the session may carry what its last client set.
            message.own(RESET, RESET_STATEMENTS);
        }
        let mut rows = rows_before;
        for (index, (work, record)) in works.iter().enumerate() {
            if index > 0 {
                message.own(RESET, RESET_STATEMENTS);
            }
            self.head(&mut message, work, rows, attempt);
            if attempt.prove {
                look(&mut parts, &mut message, *work, Moment::Before);
            }
            self.ask(&mut parts, &mut message, *work, CheckMoment::Before, attempt.lock_timeout);
            message.own(&format!("SAVEPOINT {SAVEPOINT}"), 1);
            match &self.settings.looks {
                Some(looks) => {
                    let all = 0..work.script.statements.len();
                    look::statements(&mut parts, &mut message, *work, looks, all);
                }
                None => body(&mut parts, &mut message, *work),
            }
            message.own(&format!("RELEASE SAVEPOINT {SAVEPOINT};RESET SESSION AUTHORIZATION;RESET ROLE"), 3);
            if attempt.prove {
                look(&mut parts, &mut message, *work, Moment::After);
            }
            self.ask(&mut parts, &mut message, *work, CheckMoment::After, attempt.lock_timeout);
            message.own(record, crate::record::STATEMENTS);
            if message.sql.len() >= PIECE {
                message.end(&mut parts);
            }
            rows = match work.direction {
                Direction::Up => rows + 1,
                Direction::Down => rows.saturating_sub(1),
            };
        }
        message.commit_at = Some(message.statements);
        message.own("COMMIT", 1);
        // After the commit: neither the next migration nor, behind a pooler, the next client sees what a body set.
        message.own(RESET, RESET_STATEMENTS);
        parts.push(Part::Message(message));
        parts
    }

    /// The parts that run one statement in a transaction with its journal record.
    pub fn statement<'w>(
        &self,
        work: Work<'w>,
        index: usize,
        timeout: Duration,
        record: &str,
    ) -> Vec<Part<'w>> {
        let mut parts = Vec::new();
        let mut message = Message::default();
        message.own("BEGIN ISOLATION LEVEL READ COMMITTED", 1);
        message.own(&format!("SET LOCAL lock_timeout = {}", milliseconds(timeout)), 1);
        message.own(&self.fence(), 1);
        let statement = work.script.statements[index];
        if let Some(looks) = &self.settings.looks {
            look::statements(&mut parts, &mut message, work, looks, index..index + 1);
        } else if matches!(statement.kind, StatementKind::CopyFromStdin { .. }) {
            parts.push(Part::Message(std::mem::take(&mut message)));
            parts.push(Part::Copy { work, statement });
        } else {
            message.script(work, (statement.start, statement.end), (index, index + 1));
        }
        message.own(AS_OURSELVES, AS_OURSELVES_STATEMENTS);
        message.own(record, 1);
        message.commit_at = Some(message.statements);
        message.own("COMMIT", 1);
        parts.push(Part::Message(message));
        parts
    }

    /// SQL that takes the fence, or fails where a transaction of an earlier runner still works.
    pub fn fence(&self) -> String {
        let condition = format!("pg_catalog.pg_try_advisory_xact_lock({})", self.keys.fence);
        format!("SELECT {}", Guard::Fence.unless(&condition))
    }

    fn head(&self, message: &mut Message<'_>, work: &Work<'_>, rows: usize, attempt: Attempt) {
        let Attempt { lock_timeout, durable, .. } = attempt;
        let timeout = lock_timeout.unwrap_or_else(|| self::lock_timeout(self.settings, work.script));
        let mut set = format!("SET LOCAL lock_timeout = {}", milliseconds(timeout));
        let mut count = 1;
        if let Some(timeout) = work.script.directives.statement_timeout.or(self.settings.statement_timeout) {
            let _ = write!(set, ";SET LOCAL statement_timeout = {}", milliseconds(timeout));
            count += 1;
        }
        if self.probe.checks_client {
            // A killed runner's statement ends within a second instead of running on with its locks.
            set += ";SET LOCAL client_connection_check_interval = 1000";
            count += 1;
        }
        if self.probe.over_tcp {
            let _ = write!(set, ";{KEEPALIVES}");
            count += KEEPALIVES_STATEMENTS;
        }
        let _ = write!(
            set,
            ";SET LOCAL application_name = {}",
            quote_literal(&application(self.settings, work.stem))
        );
        count += 1;
        if !durable {
            // The last commit of the run waits for the disk, and with it for all before it.
            set += ";SET LOCAL synchronous_commit = off";
            count += 1;
        }
        message.own(&set, count);
        message.own(&self.fence(), 1);
        // In a statement of its own, behind the fence: it must see what the transaction before committed. One pass over
        // the table for both questions.
        let there = u8::from(work.direction == Direction::Down);
        message.own(
            &format!(
                "SELECT {} FROM {}",
                Guard::History.unless(&format!(
                    "count(*) = {rows} AND count(*) FILTER (WHERE version = {}) = {there}",
                    quote_literal(work.version)
                )),
                self.settings.history.quoted()
            ),
            1,
        );
    }

    /// Ends the message for the checks of this moment, where there are any, and begins the next.
    fn ask<'w>(
        &self,
        parts: &mut Vec<Part<'w>>,
        message: &mut Message<'w>,
        work: Work<'w>,
        moment: CheckMoment,
        lock_timeout: Option<Duration>,
    ) {
        let Some(asking) = self.asking(&work, moment, lock_timeout) else { return };
        message.own(LOOK, LOOK_STATEMENTS);
        parts.push(Part::Message(std::mem::take(message)));
        parts.push(Part::Checks { work, asking });
        message.own(LOOKED, LOOKED_STATEMENTS);
    }
}

/// Ends the message for a reading of the schema, and begins the next.
fn look<'w>(parts: &mut Vec<Part<'w>>, message: &mut Message<'w>, work: Work<'w>, moment: Moment) {
    message.own(LOOK, LOOK_STATEMENTS);
    parts.push(Part::Message(std::mem::take(message)));
    parts.push(Part::Schema { work, moment });
    message.own(LOOKED, LOOKED_STATEMENTS);
}

/// `application_name` of the work connection while a migration runs: the person on call sees it in
/// `pg_stat_activity`. The server cuts it at 63 bytes.
pub(crate) fn application(settings: &Settings, stem: &str) -> String {
    let tool = settings.tool.split(' ').next().unwrap_or_default();
    format!("{tool}: {stem}")
}

/// A script that is longer goes in several messages, each of about this length: the server keeps a message in memory together
/// with all that it parses of it, and so does the client. In a transaction that is the same, and costs a round trip each.
pub(crate) const PIECE: usize = 1 << 20;

/// Adds a script: to the message; around each COPY with inline data, and where it is long, to messages of their own.
pub(crate) fn body<'w>(parts: &mut Vec<Part<'w>>, message: &mut Message<'w>, work: Work<'w>) {
    let script = work.script;
    let (mut at, mut first) = (0, 0);
    for (index, statement) in script.statements.iter().enumerate() {
        let next = script.statements.get(index + 1).map_or(script.text.len(), |next| next.start);
        if let StatementKind::CopyFromStdin { data_end, .. } = statement.kind {
            message.script(work, (at, statement.start), (first, index));
            message.end(parts);
            parts.push(Part::Copy { work, statement: *statement });
            at = after_copy(&script.text, data_end);
        } else if next - at >= PIECE {
            message.end(parts);
            parts.push(Part::Script { work, range: (at, next), statements: (first, index + 1) });
            at = next;
        } else {
            continue;
        }
        first = index + 1;
    }
    message.script(work, (at, script.text.len()), (first, script.statements.len()));
}

/// Where a script goes on after COPY data: behind the `\.` line, if there is one.
fn after_copy(body: &str, data_end: usize) -> usize {
    let rest = &body[data_end..];
    match rest.strip_prefix("\\.") {
        Some(after) => data_end + 2 + after.find('\n').map_or(after.len(), |newline| newline + 1),
        None => data_end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_never_rounded_to_no_limit() {
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::from_micros(1)), 1);
        assert_eq!(milliseconds(Duration::from_secs(5)), 5000);
        assert_eq!(milliseconds(Duration::MAX), 2_147_483_647);
    }
}
