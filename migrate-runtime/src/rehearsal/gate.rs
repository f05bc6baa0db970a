//! What stands in the way of a statement that cannot run in a transaction, so that it stands still with its locks.
//!
//! Such a statement commits on its own, and with that its locks are gone before anybody could read them. But each has
//! to wait for others by design: `CREATE INDEX` and `REINDEX CONCURRENTLY` for old snapshots (`WaitForOlderSnapshots` of
//! indexcmds.c), `DROP INDEX` and `DETACH PARTITION CONCURRENTLY` for whoever uses the table (`WaitForLockers` of lmgr.c),
//! `VACUUM` and its siblings for a lock that conflicts with theirs.

use migrate_core::{Statement, StatementKind, sql};

use super::relations::{Known, Relations};
use crate::Error;
use crate::history_table::{quote_literal, quote_path};
use crate::message::Work;
use crate::session::Session;

/// More tables than this are not locked at once: the server's lock table has an end (`max_locks_per_transaction`).
const MANY: usize = 1000;

/// One thing that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// A transaction with a snapshot.
    Snapshot,
    /// A reader of one table.
    Reader(u32),
    /// A lock on each table that keeps maintenance out, and not another gate of this kind.
    Maintenance,
    /// A reader of each table who uses its indexes too.
    Planner,
}

impl Gate {
    /// Whether it stands before many tables: then another one is closed behind it before it opens.
    pub fn is_of_many(&self) -> bool {
        matches!(self, Self::Maintenance | Self::Planner)
    }
}

/// What to put in the way of a statement. `work` is where the script's `search_path` is.
pub(super) async fn gates(
    session: &Session,
    work: Work<'_>,
    statement: &Statement,
) -> Result<Vec<Gate>, Error> {
    let text = work.script.sql(statement);
    Ok(match statement.kind {
        StatementKind::Concurrent(_) => match sql::concurrent_target(text) {
            Some(sql::ConcurrentTarget { index: Some(index), table: None }) if is_drop(text) => {
                let condition = format!("indexrelid = {}", class(&index));
                let question = format!("SELECT indrelid FROM pg_catalog.pg_index WHERE {condition}");
                oids(session, &question).await?.into_iter().map(Gate::Reader).collect()
            }
            _ => vec![Gate::Snapshot],
        },
        // Told to pass by what is locked, it would do something else than it does in a run.
        StatementKind::NoTransaction(_) if has_word(text, "skip_locked") => vec![],
        StatementKind::NoTransaction("VACUUM" | "CLUSTER" | "REPACK") => vec![Gate::Maintenance],
        StatementKind::NoTransaction(command) if command.starts_with("REINDEX") => vec![Gate::Planner],
        StatementKind::NoTransaction(_) => match sql::concurrent_detach(text) {
            Some(detach) => {
                let partition = class(&detach.partition);
                let question = format!(
                    "SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = {partition} \
                     UNION ALL SELECT {partition}::pg_catalog.oid"
                );
                oids(session, &question).await?.into_iter().map(Gate::Reader).collect()
            }
            None => vec![],
        },
        _ => vec![],
    })
}

impl Gate {
    /// SQL that opens a transaction which stands in the way, except of these tables.
    pub fn sql(&self, relations: &Relations, except: &[u32]) -> Option<String> {
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED";
        let tables = |kinds: &[char]| {
            let mut tables: Vec<_> = relations
                .0
                .iter()
                .filter(|(oid, known)| {
                    kinds.contains(&known.kind) && known.is_told() && !except.contains(oid)
                })
                .map(|(_, known)| known.name.as_str())
                .collect();
            tables.sort_unstable();
            (!tables.is_empty() && tables.len() <= MANY).then_some(tables)
        };
        match self {
            Self::Snapshot if except.is_empty() => {
                Some("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1".to_owned())
            }
            Self::Reader(oid) if except.is_empty() => {
                let Known { name, .. } = relations.get(*oid)?;
                Some(format!("{begin}; SELECT 1 FROM ONLY {name} WHERE false"))
            }
            Self::Snapshot | Self::Reader(_) => None,
            Self::Maintenance => {
                let tables = tables(&['r', 'p'])?;
                let only: Vec<_> = tables.iter().map(|name| format!("ONLY {name}")).collect();
                Some(format!("{begin}; LOCK TABLE {} IN SHARE MODE NOWAIT", only.join(", ")))
            }
            Self::Planner => {
                // A plan locks the indexes that it could use; EXPLAIN reads no row.
                let tables = tables(&['r', 'm'])?;
                let plans: Vec<_> =
                    tables.iter().map(|name| format!("EXPLAIN SELECT 1 FROM ONLY {name}")).collect();
                Some(format!("{begin}; SET LOCAL lock_timeout = '50ms'; {}", plans.join("; ")))
            }
        }
    }
}

fn class(parts: &[String]) -> String {
    format!("pg_catalog.to_regclass({})", quote_literal(&quote_path(parts)))
}

async fn oids(session: &Session, question: &str) -> Result<Vec<u32>, Error> {
    let rows = session.ask("looking at the tables of the scratch database", question).await?;
    Ok(rows.iter().filter_map(|row| row.number(0)).collect())
}

fn is_drop(text: &str) -> bool {
    text.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("drop"))
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|found| found.eq_ignore_ascii_case(word))
}
