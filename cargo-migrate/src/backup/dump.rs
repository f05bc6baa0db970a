//! pg_dump: what it is told, what it says, and how far it is.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use migrate_runtime::{Connection, Database, Interrupt, quote_literal};
use migrate_testing::ClientPrograms;

use super::load::connection_argument;
use super::manifest::Format;
use super::select::{Selection, Wish};
use crate::Problem;
use crate::process::{self, Streams, Tick};

/// How often the server is asked how far it is.
const ASK: Duration = Duration::from_millis(500);

/// How pg_dump compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// Level 3, its own default: a third of gzip's time for a smaller archive.
    Zstd,
    /// Level 6, its own default: what every pg_dump has, and what `zcat` reads.
    Gzip,
}

impl Compression {
    /// The best one that both pg_dump and whoever reads the archive have.
    pub(super) fn best(programs: &ClientPrograms, format: Format) -> Self {
        match format {
            Format::Custom | Format::Directory if programs.has_zstd() => Self::Zstd,
            _ => Self::Gzip,
        }
    }

    /// As the manifest has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    fn argument(self, major: u32) -> &'static str {
        match self {
            Self::Zstd => "--compress=zstd:3",
            Self::Gzip if major >= 16 => "--compress=gzip:6",
            Self::Gzip => "--compress=6",
        }
    }
}

/// One run of pg_dump.
pub(super) struct Dump<'a> {
    pub(super) programs: &'a ClientPrograms,
    pub(super) database: &'a Database,
    /// The name of the exported snapshot.
    pub(super) snapshot: &'a str,
    pub(super) format: Format,
    pub(super) compression: Compression,
    pub(super) jobs: Option<NonZeroUsize>,
    pub(super) wish: &'a Wish,
    pub(super) selection: &'a Selection,
    /// How long it may wait for a lock.
    pub(super) lock_wait: Duration,
    /// Where to.
    pub(super) archive: &'a Path,
    /// Its sessions are known by this name.
    pub(super) application: &'a str,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Of the tables' size on the server.
    pub(crate) done: u64,
    pub(crate) total: u64,
    /// The table that is being copied.
    pub(crate) table: Option<String>,
}

impl Dump<'_> {
    /// Runs it; `tell` hears how far it is.
    ///
    /// # Errors
    ///
    /// [`Problem::BackupFailed`] with what it said; where we are to stop.
    pub(super) fn run(&self, interrupt: &Interrupt, mut tell: impl FnMut(&Progress)) -> anyhow::Result<()> {
        let mut command = process::command(&self.programs.pg_dump, self.database);
        command.env("PGAPPNAME", self.application);
        command.args(["--no-password", "--verbose"]);
        command.arg(format!("--format={}", self.format.name()));
        command.arg(self.compression.argument(self.programs.major));
        command.arg(format!("--snapshot={}", self.snapshot));
        command.arg(format!("--lock-wait-timeout={}", self.lock_wait.as_millis()));
        if let Some(jobs) = self.jobs {
            command.arg(format!("--jobs={jobs}"));
        }
        match self.wish {
            Wish::Whole => {}
            Wish::Schemas(schemas) => {
                command.args(schemas.iter().map(|schema| format!("--schema={schema}")));
            }
            Wish::Tables(_) | Wish::Affected(_) => {
                command.args(self.selection.0.iter().map(|table| format!("--table={}", table.exact)));
            }
        }
        command.arg("--file").arg(self.archive).arg(connection_argument(self.database));

        let sizes: HashMap<_, _> =
            self.selection.0.iter().map(|table| (table.plain.as_str(), table.bytes)).collect();
        let started = Mutex::new(Started::default());
        let listener = |line: &str| {
            if let Some(table) = copied_table(line) {
                started.lock().unwrap_or_else(PoisonError::into_inner).begin(table, &sizes);
            }
            is_for_people(line)
        };
        let mut watch = Watch::new(self, interrupt);
        let tick: Tick<'_> = Box::new(|| {
            if let Some(flight) = watch.look() {
                tell(
                    &started.lock().unwrap_or_else(PoisonError::into_inner).progress(self.selection, &flight),
                );
            }
            Ok(())
        });
        let streams = Streams { listener: Some(Box::new(listener)), tick: Some(tick), ..Streams::default() };
        let ended = process::run(command, streams, interrupt)?;
        if ended.status.success() {
            return Ok(());
        }
        let folder = self.archive.parent().unwrap_or(self.archive).display();
        Err(Problem::BackupFailed { why: format!("pg_dump, writing into {folder}: {}", ended.why()) }.into())
    }
}

/// The tables that pg_dump has begun to copy.
#[derive(Default)]
struct Started {
    seen: HashSet<String>,
    bytes: u64,
    last: Option<String>,
}

impl Started {
    fn begin(&mut self, table: &str, sizes: &HashMap<&str, u64>) {
        if self.seen.insert(table.to_owned()) {
            self.bytes += sizes.get(table).copied().unwrap_or_default();
        }
        self.last = Some(table.to_owned());
    }

    /// What was begun, without what is still missing of the tables in flight.
    fn progress(&self, selection: &Selection, flight: &HashMap<String, f64>) -> Progress {
        let mut done = self.bytes;
        for table in selection.0.iter().filter(|table| self.seen.contains(&table.plain)) {
            let copied = flight.get(&table.plain).copied().unwrap_or(1.0).clamp(0.0, 1.0);
            // A share of a table's size: the rounding of 53 bits is nothing a person sees.
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let missing = (table.bytes as f64 * (1.0 - copied)) as u64;
            done = done.saturating_sub(missing);
        }
        Progress { done, total: selection.bytes(), table: self.last.clone() }
    }
}

/// Looks on the server how far the tables in flight are (`pg_stat_progress_copy`, since 14).
struct Watch<'a> {
    connection: Option<Connection>,
    application: &'a str,
    last: Instant,
}

impl<'a> Watch<'a> {
    fn new(dump: &Dump<'a>, interrupt: &Interrupt) -> Self {
        // Where there is no connection left for it, there is no progress to be told, and nothing else is different.
        let connection = Connection::open(dump.database, "cargo-migrate progress", interrupt).ok();
        Self { connection, application: dump.application, last: Instant::now() }
    }

    /// The tables in flight, each with the share of it that is copied; `None` where it is not time to ask.
    fn look(&mut self) -> Option<HashMap<String, f64>> {
        if self.last.elapsed() < ASK {
            return None;
        }
        self.last = Instant::now();
        let sql = format!(
            "SELECT n.nspname || '.' || c.relname, p.tuples_processed::float8 / nullif(c.reltuples, 0)::float8, \
             p.bytes_processed::float8 / nullif(pg_catalog.pg_table_size(c.oid), 0)::float8, c.reltuples > 0 \
             FROM pg_catalog.pg_stat_progress_copy p \
             JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid AND a.datid = p.datid \
             JOIN pg_catalog.pg_class c ON c.oid = p.relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE a.application_name = {}",
            quote_literal(self.application)
        );
        let rows = self.connection.as_ref()?.rows("asking how far it is", &sql).ok();
        let Some(rows) = rows else {
            self.connection = None;
            return None;
        };
        let share = |row: &migrate_runtime::connection::Row| {
            let by_rows = row.number(1).filter(|_| row.flag(3));
            (row.text(0), by_rows.or_else(|| row.number(2)).unwrap_or_default())
        };
        Some(rows.iter().map(share).collect())
    }
}

/// The table of `pg_dump: dumping contents of table "public.orders"`.
fn copied_table(line: &str) -> Option<&str> {
    line.strip_prefix("pg_dump: dumping contents of table \"")?.strip_suffix('"')
}

/// Whether a line is more than what `--verbose` adds.
fn is_for_people(line: &str) -> bool {
    !line.starts_with("pg_dump: ")
        || ["error: ", "warning: ", "detail: ", "hint: "].iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_is_read() {
        let line = "pg_dump: dumping contents of table \"public.my \"odd\" table\"";
        assert_eq!(copied_table(line), Some("public.my \"odd\" table"));
        assert!(!is_for_people(line));
        assert!(is_for_people("pg_dump: error: query failed: ERROR:  permission denied for table t"));
        assert!(is_for_people("pg_dump: detail: Query was: LOCK TABLE public.t IN ACCESS SHARE MODE"));
        assert!(is_for_people("sh: no such program"));
    }

    #[test]
    fn begun_tables_count_as_far_as_they_are_copied() {
        let mut started = Started::default();
        let selection = Selection::of_sizes(&[("public.a", 100), ("public.b", 300), ("public.c", 600)]);
        let sizes = [("public.a", 100), ("public.b", 300), ("public.c", 600)].into();
        started.begin("public.a", &sizes);
        started.begin("public.b", &sizes);
        started.begin("public.b", &sizes);
        let flight = [("public.b".to_owned(), 0.5)].into();
        let expected = Progress { done: 250, total: 1000, table: Some("public.b".to_owned()) };
        assert_eq!(started.progress(&selection, &flight), expected);
        // Statistics that are behind tell more rows than there are.
        let flight = [("public.b".to_owned(), 3.0)].into();
        assert_eq!(started.progress(&selection, &flight).done, 400);
    }
}
