//! One connection of the engine: simple-query messages in, rows or a located error out.

use futures_util::TryStreamExt;
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::emitter::Emitter;
use crate::{Database, Error};

/// A connection that the engine opened for itself.
pub(crate) struct Session {
    pub client: Client,
    pub database: Database,
    /// The process that greeted us. Behind a pooler it is not the one that works.
    pub greeted_by: Option<i32>,
    brief: bool,
    driver: tokio::task::JoinHandle<()>,
}

/// The rows of all statements of a message, in order, as text.
pub(crate) struct Rows(Vec<Vec<Option<String>>>);

/// The rows of one statement, as text, and the names of their columns.
#[derive(Default)]
pub(crate) struct Answer {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// A message that failed: after how many of its statements, and why.
#[derive(Debug)]
pub(crate) struct Broken {
    pub finished: usize,
    pub error: tokio_postgres::Error,
}

impl Session {
    /// Connects under this `application_name`; what the server says on the way goes to `emitter`.
    pub async fn open(database: &Database, application: &str, emitter: &Emitter) -> Result<Self, Error> {
        let (client, link) = database.connect(application).await?;
        let greeted_by = link.backend_pid();
        let emitter = emitter.clone();
        let driver = tokio::spawn(async move {
            // Why a connection broke reaches whoever waits for an answer on it.
            let _ = link.run(move |notice: DbError| emitter.notice(&notice)).await;
        });
        Ok(Self { client, database: database.clone(), greeted_by, brief: false, driver })
    }

    /// What it asks from now on gives up where somebody holds a table for longer than two seconds: whoever only looks does
    /// not wait for the end of a migration somewhere else. What prints a definition locks the table that it is of
    /// (`pg_get_viewdef`, `pg_get_indexdef` of an expression).
    pub fn briefly(mut self) -> Self {
        self.brief = true;
        self
    }

    /// Sends one message and drops what it returns.
    pub async fn send(&self, sql: &str) -> Result<(), Broken> {
        self.send_and_keep(sql, |_, _| {}).await
    }

    /// Sends one message and hands its rows over, each with the number of statements that were finished before.
    pub async fn send_and_keep(
        &self,
        sql: &str,
        mut keep: impl FnMut(usize, &SimpleQueryRow),
    ) -> Result<(), Broken> {
        #[cfg(feature = "tracing")]
        crate::trace::sent(sql);
        let mut finished = 0;
        let result = async {
            let stream = self.client.simple_query_raw(sql).await?;
            futures_util::pin_mut!(stream);
            while let Some(message) = stream.try_next().await? {
                match message {
                    SimpleQueryMessage::CommandComplete(_) => finished += 1,
                    SimpleQueryMessage::Row(row) => keep(finished, &row),
                    _ => {}
                }
            }
            Ok(())
        }
        .await;
        result.map_err(|error| Broken { finished, error })
    }

    /// Sends one message and collects the rows of the statements behind the first `passed`: a script's statements, and
    /// a question of our own about what they did.
    pub async fn send_and_ask(&self, sql: &str, passed: usize) -> Result<Rows, Broken> {
        let mut rows = Vec::new();
        let keep = |finished: usize, row: &SimpleQueryRow| {
            if finished >= passed {
                // A script may have set an encoding that is not ours.
                let text = |column| row.try_get(column).ok().flatten().map(str::to_owned);
                rows.push((0..row.len()).map(text).collect());
            }
        };
        self.send_and_keep(sql, keep).await?;
        Ok(Rows(rows))
    }

    /// Sends one message and collects the rows of its last statement that has any, with the names of their columns.
    pub async fn answer(&self, sql: &str) -> Result<Answer, Broken> {
        let (mut finished, mut answer) = (0, Answer::default());
        let result = async {
            let stream = self.client.simple_query_raw(sql).await?;
            futures_util::pin_mut!(stream);
            while let Some(message) = stream.try_next().await? {
                match message {
                    SimpleQueryMessage::RowDescription(columns) => {
                        answer = Answer {
                            columns: columns.iter().map(|column| column.name().to_owned()).collect(),
                            rows: Vec::new(),
                        };
                    }
                    SimpleQueryMessage::Row(row) => {
                        let text = |column| row.try_get(column).ok().flatten().map(str::to_owned);
                        answer.rows.push((0..row.len()).map(text).collect());
                    }
                    SimpleQueryMessage::CommandComplete(_) => finished += 1,
                    _ => {}
                }
            }
            Ok(())
        }
        .await;
        result.map(|()| answer).map_err(|error| Broken { finished, error })
    }

    /// Sends one message of the engine's own and collects its rows.
    pub async fn query(&self, sql: &str) -> Result<Rows, tokio_postgres::Error> {
        let brief = self.brief.then(|| briefly(sql));
        let sql = brief.as_deref().unwrap_or(sql);
        #[cfg(feature = "tracing")]
        crate::trace::sent(sql);
        let messages = self.client.simple_query(sql).await?;
        Ok(Rows(
            messages
                .into_iter()
                .filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
                    }
                    _ => None,
                })
                .collect(),
        ))
    }

    /// As [`query`](Self::query), with an error that says what was being done.
    pub async fn ask(&self, doing: &str, sql: &str) -> Result<Rows, Error> {
        #[cfg(feature = "tracing")]
        let began = std::time::Instant::now();
        let answer = self.query(sql).await;
        #[cfg(feature = "tracing")]
        crate::trace::asked(doing, began.elapsed());
        answer.map_err(|source| self.failed(doing, source))
    }

    /// The error of something the engine itself was doing.
    pub fn failed(&self, doing: &str, source: tokio_postgres::Error) -> Error {
        if is_lost(&source) {
            Error::ConnectionLost { database: self.database.to_string(), source }
        } else {
            Error::Server { doing: doing.to_owned(), source }
        }
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed() || self.driver.is_finished()
    }

    /// Ends the session and waits until the goodbye is sent, so that the server is rid of it soon.
    pub async fn close(self) {
        drop(self.client);
        let _ = self.driver.await;
    }
}

/// For the transaction of this message alone: several statements of one message are one (the manual's "Multiple Statements
/// in a Simple Query"), and behind a transaction pooler the next one may come to another session.
fn briefly(sql: &str) -> String {
    const LIMIT: &str = "SET LOCAL lock_timeout = '2s'";
    match sql.split_once(';') {
        Some((begin, rest)) if begin.starts_with("BEGIN") => format!("{begin};{LIMIT};{rest}"),
        // Of a transaction that failed, nothing but its end is taken.
        _ if sql.starts_with("ROLLBACK") => sql.to_owned(),
        _ => format!("{LIMIT};{sql}"),
    }
}

impl Rows {
    pub fn into_rows(self) -> Vec<Vec<Option<String>>> {
        self.0
    }

    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.0.iter().map(|columns| Row(columns))
    }

    pub fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }
}

/// One row, its columns by position.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a>(&'a [Option<String>]);

impl<'a> Row<'a> {
    /// The text of a column; `None` for NULL.
    pub fn get(self, column: usize) -> Option<&'a str> {
        self.0.get(column)?.as_deref()
    }

    pub fn text(self, column: usize) -> String {
        self.get(column).unwrap_or_default().to_owned()
    }

    pub fn owned(self, column: usize) -> Option<String> {
        self.get(column).map(str::to_owned)
    }

    pub fn is_true(self, column: usize) -> bool {
        self.get(column) == Some("t")
    }

    pub fn number<T: std::str::FromStr>(self, column: usize) -> Option<T> {
        self.get(column)?.parse().ok()
    }
}

/// Whether the connection is gone, as opposed to a statement that failed on a live one.
///
/// A server that shuts down says so in a FATAL message (class 57P) before it hangs up.
pub(crate) fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(server) => {
            matches!(server.severity(), "FATAL" | "PANIC") || server.code().code().starts_with("57P")
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_ends_with_its_message() {
        assert_eq!(briefly("SELECT 1"), "SET LOCAL lock_timeout = '2s';SELECT 1");
        assert_eq!(
            briefly("BEGIN READ ONLY;SELECT 1;COMMIT"),
            "BEGIN READ ONLY;SET LOCAL lock_timeout = '2s';SELECT 1;COMMIT"
        );
        assert_eq!(briefly("ROLLBACK"), "ROLLBACK");
    }
}
