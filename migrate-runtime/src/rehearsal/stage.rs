//! The connection that scripts are run on: as the runner sends them, without a history.
//!
//! What a script meets is the same: one transaction with a savepoint around the body, or statement by statement what
//! cannot be in one; the same settings before it and the same end of its session after it. Nobody else is at work on a
//! scratch database, so that nothing is tried a second time.

use std::time::{Duration, Instant};

use migrate_core::{CheckScript, Moment, StatementKind};

use crate::checks::{Asking, Held, Outcome};
use crate::emitter::Emitter;
use crate::history_table::quote_literal;
use crate::message::{Guard, Message, Part, RESET, RESET_STATEMENTS, SAVEPOINT, Work, body, milliseconds};
use crate::session::{Rows, Session, is_lost};
use crate::settings::Settings;
use crate::transactional::{Refused, failed, send, server_error};
use crate::{Database, Error};

/// The connection that scripts are run on, and those beside it.
pub(super) struct Stage {
    database: Database,
    pub work: Session,
    /// Of the work connection.
    pub pid: i32,
    /// Those that look on: opened when something is to be measured.
    others: Vec<Session>,
    /// As the server says it: `15.18`.
    pub server_version: String,
    positions_in_bytes: bool,
    lock_timeout: Duration,
}

impl Stage {
    pub async fn open(database: &Database) -> Result<Self, Error> {
        let work = Session::open(database, APPLICATION, &Emitter::default()).await?;
        let question = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version'), \
                        pg_catalog.current_setting('server_encoding'), \
                        pg_catalog.current_setting('transaction_read_only')";
        let rows = work.ask("looking at the scratch database", question).await?;
        let (mut pid, mut server_version, mut encoding, mut read_only) = (None::<i32>, None, None, None);
        if let Some(row) = rows.first() {
            pid = row.number(0);
            server_version = row.get(1);
            encoding = row.get(2);
            read_only = row.get(3);
        }
        if read_only == Some("on") {
            return Err(Error::ReadOnly {
                database: database.to_string(),
                reason: "a rehearsal makes what the migrations make".to_owned(),
            });
        }
        let pooled = work.greeted_by.is_some_and(|greeted_by| pid != Some(greeted_by));
        let Some(pid) = pid.filter(|_| !pooled) else {
            return Err(Error::Settings {
                message: format!("{database} is behind a connection pooler"),
                hint: "a rehearsal watches its own server process: connect to the server itself".to_owned(),
            });
        };
        // A package adds its own: "15.18 (Debian 15.18-0+deb12u1)".
        let server_version = server_version.and_then(|version| version.split(' ').next());
        Ok(Self {
            server_version: server_version.unwrap_or_default().to_owned(),
            positions_in_bytes: encoding == Some("SQL_ASCII"),
            database: database.clone(),
            work,
            pid,
            others: Vec::new(),
            lock_timeout: Settings::default().lock_timeout,
        })
    }

    /// A connection that looks on, or stands in the way: 0 is the observer.
    pub async fn other(&mut self, number: usize) -> Result<&Session, Error> {
        while self.others.len() <= number {
            let other = Session::open(&self.database, APPLICATION, &Emitter::default()).await?;
            // Whatever it waits for, it gives up: nothing may hang because it is looked at.
            let set = "SET lock_timeout = '2s'; SET statement_timeout = '10min'; \
                       SET idle_in_transaction_session_timeout = 0";
            other.ask("preparing to measure", set).await?;
            self.others.push(other);
        }
        Ok(&self.others[number])
    }

    /// Sees what is committed, while the script's transaction is open.
    pub async fn observer(&mut self) -> Result<&Session, Error> {
        self.other(0).await
    }

    /// One that is open already.
    pub fn opened(&self, number: usize) -> Option<&Session> {
        self.others.get(number)
    }

    /// 15, of 15.18 and of 15beta1.
    pub fn major(&self) -> u32 {
        let digits = self.server_version.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// Ends all connections.
    pub async fn close(self) {
        for session in self.others {
            session.close().await;
        }
        self.work.close().await;
    }

    /// Runs a transactional script as one message.
    pub async fn transaction(&self, work: Work<'_>) -> Result<(), Error> {
        let mut parts = Vec::new();
        let mut message = self.opening(work, "SELECT 1");
        body(&mut parts, &mut message, work);
        closing(&mut message);
        parts.push(Part::Message(message));
        self.send(work, &parts).await
    }

    /// Sends these parts of a transaction; where they fail, it is rolled back.
    pub async fn send(&self, work: Work<'_>, parts: &[Part<'_>]) -> Result<(), Error> {
        match send(&self.work, parts).await {
            Ok(()) => Ok(()),
            Err(refused) => Err(self.rolled_back(work, parts, refused).await),
        }
    }

    /// What every transaction begins with, a query of ours at its end.
    pub fn opening<'w>(&self, work: Work<'w>, query: &str) -> Message<'w> {
        let mut message = Message::default();
        message.own("BEGIN ISOLATION LEVEL READ COMMITTED", 1);
        message.own(&format!("SET LOCAL lock_timeout = {}", milliseconds(self.timeout(work))), 1);
        if let Some(timeout) = work.script.directives.statement_timeout {
            message.own(&format!("SET LOCAL statement_timeout = {}", milliseconds(timeout)), 1);
        }
        message.own("SET LOCAL synchronous_commit = off", 1);
        message.own(&format!("SET LOCAL application_name = {}", quote_literal(&application(work))), 1);
        message.own(&format!("SAVEPOINT {SAVEPOINT}"), 1);
        // The runner's guards are queries, so that what must come before any query fails there. Here too.
        message.own(query, 1);
        message
    }

    pub fn timeout(&self, work: Work<'_>) -> Duration {
        work.script.directives.lock_timeout.unwrap_or(self.lock_timeout)
    }

    /// The error of a transaction that failed, after its end.
    pub async fn rolled_back(&self, work: Work<'_>, parts: &[Part<'_>], refused: Refused) -> Error {
        let Refused { part, broken } = refused;
        if is_lost(&broken.error) {
            return self.lost(work, broken.error);
        }
        self.roll_back().await;
        let located = parts.get(part).and_then(|part| part.failure(&broken, self.positions_in_bytes));
        let failure = located.unwrap_or_else(|| {
            let mut failure = work.failure(server_error(&broken.error));
            // A message without a part of the script: the end of its transaction, if it was not the beginning.
            let message = parts.get(part);
            failure.at_commit =
                matches!(message, Some(Part::Message(m)) if m.commit_at == Some(broken.finished));
            failure
        });
        if Guard::of(&broken.error) == Some(Guard::Transaction) {
            // It ended the transaction that it ran in: what was before that is there.
            return Error::Dirty {
                stem: work.stem.to_owned(),
                progress: None,
                invalid_indexes: vec![],
                failure: Some(Box::new(failure)),
            };
        }
        failed(failure)
    }

    /// Sends the statement with this index within a transaction, asks `question` right behind it, and says how long the
    /// statement took.
    pub async fn send_and_ask(
        &self,
        work: Work<'_>,
        index: usize,
        question: &str,
    ) -> Result<(Duration, Rows), Error> {
        let (mut parts, mut message) = (Vec::new(), Message::default());
        add(&mut parts, &mut message, work, index);
        let since = Instant::now();
        let mut copied = None;
        if !parts.is_empty() {
            self.send(work, &parts).await?;
            copied = Some(since.elapsed());
        }
        let passed = message.statements;
        // The clock of the server: its answer comes back only when the whole message is done.
        message.own(
            "SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp())",
            1,
        );
        message.own(question, 1);
        match self.work.send_and_ask(&message.sql, passed).await {
            Ok(rows) => {
                let seconds = rows.first().and_then(|row| row.number::<f64>(0)).unwrap_or(0.0);
                let took = Duration::try_from_secs_f64(seconds).unwrap_or_default();
                Ok((copied.unwrap_or(took), rows))
            }
            Err(broken) if broken.finished >= passed && !is_lost(&broken.error) => {
                Err(self.work.failed("measuring a statement", broken.error))
            }
            Err(broken) => {
                let refused = Refused { part: 0, broken };
                Err(self.rolled_back(work, &[Part::Message(message)], refused).await)
            }
        }
    }

    /// Asks the checks of one moment.
    pub async fn check(&self, script: &CheckScript, moment: Moment) -> Result<Vec<Outcome>, Error> {
        let asking = Asking::alone(script, moment, self.lock_timeout, self.positions_in_bytes);
        match asking.ask(&self.work, Held::Told).await {
            Ok(outcomes) => Ok(outcomes),
            Err(broken) => Err(self.work.failed("running a check", broken.error)),
        }
    }

    /// Ends what is open.
    async fn roll_back(&self) {
        // Where this fails the connection is gone, and what comes next says so.
        let _ = self.work.query("ROLLBACK").await;
    }

    /// Ends what is open, and forgets what the script did to the session.
    pub async fn clear(&self) {
        let _ = self.work.query(&format!("ROLLBACK;\n{RESET}")).await;
    }

    fn lost(&self, work: Work<'_>, source: tokio_postgres::Error) -> Error {
        self.work.failed(&format!("rehearsing {}", work.stem), source)
    }
}

/// What every transaction ends with.
pub(super) fn closing(message: &mut Message<'_>) {
    message.own(&format!("RELEASE SAVEPOINT {SAVEPOINT};RESET SESSION AUTHORIZATION;RESET ROLE"), 3);
    message.commit_at = Some(message.statements);
    message.own("COMMIT", 1);
    message.own(RESET, RESET_STATEMENTS);
}

/// Adds one statement of a script: to the message, or behind it, where it brings its data along.
pub(super) fn add<'w>(parts: &mut Vec<Part<'w>>, message: &mut Message<'w>, work: Work<'w>, index: usize) {
    let statement = work.script.statements[index];
    if matches!(statement.kind, StatementKind::CopyFromStdin { .. }) {
        if message.statements > 0 {
            parts.push(Part::Message(std::mem::take(message)));
        }
        parts.push(Part::Copy { work, statement });
    } else {
        message.script(work, (statement.start, statement.end), (index, index + 1));
    }
}

const APPLICATION: &str = "cargo-migrate: rehearsing";

pub(super) fn application(work: Work<'_>) -> String {
    format!("{APPLICATION} {}", work.stem)
}
