//! Reading an archive through: that it can be read to its end, and how many rows of each table are in it. Memory is flat.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader};

use flate2::read::MultiGzDecoder;
use migrate_runtime::{Database, Interrupt};
use migrate_testing::ClientPrograms;

use super::examine::{Damage, Interruptible};
use super::manifest::Format;
use super::name;
use super::store::Backup;
use crate::process::{self, Streams};

/// 1,600 columns of 63 bytes, each of them a quote that is written twice.
const MAX_COMMAND: usize = 1 << 18;

/// Schema and name of a table, without quotes.
type Table = (String, String);

/// Reads it through, and gives the rows of each of the manifest's tables.
///
/// # Errors
///
/// [`Damage::BadArchive`] as a [`Problem`](crate::Problem) where that is not possible, and where a table is not in it;
/// [`Damage::Rows`] where a table has other rows than the manifest says; where there is no pg_restore, and where we are to
/// stop.
pub(super) fn through(backup: &Backup, interrupt: &Interrupt) -> anyhow::Result<BTreeMap<String, u64>> {
    let mut count = Count::default();
    let bad = |why: String| Damage::BadArchive { why }.problem(backup.id());
    match backup.manifest.format {
        Format::Plain => {
            let read = File::open(backup.archive()).and_then(|file| {
                let unpacked = MultiGzDecoder::new(Interruptible { reader: file, interrupt });
                count.read(&mut BufReader::with_capacity(256 * 1024, unpacked))
            });
            if let Some(signal) = interrupt.triggered() {
                return Err(migrate_runtime::Error::Interrupted { signal, stem: None }.into());
            }
            read.map_err(|error| bad(error.to_string()))?;
            if !count.is_complete() {
                return Err(bad("the dump does not end as pg_dump ends one".to_owned()).into());
            }
        }
        Format::Custom | Format::Directory => {
            let needed = backup.manifest.pg_dump_major().unwrap_or_else(|| backup.manifest.server_major());
            let programs = ClientPrograms::find(needed)?;
            // No server is asked: pg_restore writes SQL where it is told no database.
            let nowhere = Database::resolve(Some("host=/nonexistent user=nobody dbname=nothing"), &|_| None)?;
            let mut command = process::command(&programs.pg_restore, &nowhere);
            command.args(["--data-only", "--file=-"]).arg(backup.archive());
            let streams =
                Streams { output: Some(Box::new(|output| count.read(output))), ..Streams::default() };
            let ended = process::run(command, streams, interrupt)?;
            if !ended.status.success() {
                return Err(bad(format!("pg_restore: {}", ended.why())).into());
            }
        }
    }
    let compared = count.compared(&backup.manifest.rows);
    Ok(compared.map_err(|damage| damage.problem(backup.id()))?)
}

/// The rows of these tables of a backup: as the manifest has them, and where one was not counted yet, as reading the archive
/// through counts them, after `counting` was called.
///
/// # Errors
///
/// Those of [`through`].
pub(super) fn rows_of(
    backup: &Backup,
    picked: Option<&[String]>,
    counting: impl FnOnce(),
    interrupt: &Interrupt,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let is_picked = |table: &String| picked.is_none_or(|picked| picked.contains(table));
    let known = backup.manifest.rows.iter().filter(|(table, _)| is_picked(table));
    let known: Option<_> = known.map(|(table, rows)| Some((table.clone(), (*rows)?))).collect();
    if let Some(known) = known {
        return Ok(known);
    }
    counting();
    let mut counted = through(backup, interrupt)?;
    counted.retain(|table, _| is_picked(table));
    Ok(counted)
}

/// The rows in a dump's SQL.
#[derive(Default)]
struct Count {
    rows: BTreeMap<Table, u64>,
    /// The last lines: what a dump ends with.
    end: VecDeque<Vec<u8>>,
}

impl Count {
    /// Reads SQL as pg_dump and pg_restore write it. Data follow a comment that says so and a `COPY … FROM stdin;`, and end
    /// with `\.`; a row is a line.
    fn read(&mut self, sql: &mut dyn BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        // A function's body may have a COPY of its own: only what the comment announced is one.
        let mut announced = false;
        loop {
            line.clear();
            if sql.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line.starts_with(b"-- Data for Name: ") {
                announced = true;
            } else if announced && line.starts_with(b"COPY ") {
                announced = false;
                // A name with a line end in it goes on in the next line; no command is longer than this.
                let mut table = copied(&line);
                while table.is_none() && line.len() < MAX_COMMAND && sql.read_until(b'\n', &mut line)? > 0 {
                    table = copied(&line);
                }
                if let Some(table) = table {
                    let rows = rows(sql)?;
                    *self.rows.entry(table).or_default() += rows;
                }
            }
            self.end.push_back(line.clone());
            if self.end.len() > 10 {
                self.end.pop_front();
            }
        }
    }

    /// The rows of these tables; what the manifest knows of them has to be the same.
    fn compared(&self, manifest: &BTreeMap<String, Option<u64>>) -> Result<BTreeMap<String, u64>, Damage> {
        let of = |(table, expected): (&String, &Option<u64>)| {
            let found = name::parts(table).and_then(|table| self.rows.get(&table)).copied();
            match (found, *expected) {
                // pg_dump writes a COPY for an empty table, too.
                (None, None) => Err(Damage::BadArchive { why: format!("{table} is not in it") }),
                (found, Some(expected)) if found.unwrap_or_default() != expected => {
                    Err(Damage::Rows { table: table.clone(), found: found.unwrap_or_default(), expected })
                }
                (found, _) => Ok((table.clone(), found.unwrap_or_default())),
            }
        };
        manifest.iter().map(of).collect()
    }

    fn is_complete(&self) -> bool {
        self.end.iter().any(|line| line.starts_with(b"-- PostgreSQL database dump complete"))
    }
}

/// The table of a `COPY` command that is all there.
fn copied(command: &[u8]) -> Option<Table> {
    // A number of columns that is not small makes a command that is looked at for each of its lines: most have one.
    name::of_copy(String::from_utf8_lossy(command).strip_suffix('\n')?)
}

/// The lines up to `\.`.
fn rows(sql: &mut dyn BufRead) -> io::Result<u64> {
    let mut line = Vec::new();
    let mut rows = 0;
    loop {
        line.clear();
        if sql.read_until(b'\n', &mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends amid the rows of a table"));
        }
        if line == b"\\.\n" {
            return Ok(rows);
        }
        rows += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "CREATE FUNCTION f() AS $$\nCOPY public.no (a) FROM stdin;\n$$;\n\n\
        --\n-- Data for Name: a; Type: TABLE DATA; Schema: public; Owner: x\n--\n\n\
        COPY public.a (x, y) FROM stdin;\n1\tone\n2\t\\\\.\n\\.\n\n\n\
        -- Data for Name: B; Type: TABLE DATA; Schema: public; Owner: x\n\n\
        COPY public.\"B\"  FROM stdin;\n\n\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict x\n";

    #[test]
    fn rows_are_counted_where_they_are_announced() {
        let mut count = Count::default();
        count.read(&mut DUMP.as_bytes()).unwrap();
        let rows: Vec<_> = count.rows.iter().map(|((_, name), rows)| (name.as_str(), *rows)).collect();
        assert_eq!(rows, [("B", 2), ("a", 2)]);
        assert!(count.is_complete());
    }

    #[test]
    fn what_was_not_counted_before_is_known_then() {
        let mut count = Count::default();
        count.read(&mut DUMP.as_bytes()).unwrap();
        let compared = |tables: &[(&str, Option<u64>)]| {
            count.compared(&tables.iter().map(|(table, rows)| ((*table).to_owned(), *rows)).collect())
        };
        let all = compared(&[("public.a", None), ("public.\"B\"", Some(2))]).unwrap();
        assert_eq!(all, [("public.a".to_owned(), 2), ("public.\"B\"".to_owned(), 2)].into());
        let expected = Damage::Rows { table: "public.a".to_owned(), found: 2, expected: 3 };
        assert_eq!(compared(&[("public.a", Some(3))]), Err(expected));
        let missing = compared(&[("public.c", None)]).unwrap_err();
        assert_eq!(missing.to_string(), "it cannot be read through: public.c is not in it");
    }

    #[test]
    fn a_name_may_have_lines() {
        let dump = DUMP.replace("COPY public.a (x, y)", "COPY public.\"a\nCOPY b\" (x, \"y\n1\")");
        let mut count = Count::default();
        count.read(&mut dump.as_bytes()).unwrap();
        let rows: Vec<_> = count.rows.iter().map(|((_, name), rows)| (name.as_str(), *rows)).collect();
        assert_eq!(rows, [("B", 2), ("a\nCOPY b", 2)]);
    }

    #[test]
    fn a_dump_that_stops_early_is_noticed() {
        let mut count = Count::default();
        let end = DUMP.find("2\t").unwrap();
        assert_eq!(
            count.read(&mut &DUMP.as_bytes()[..end]).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
        let mut count = Count::default();
        let end = DUMP.find("\n--\n-- PostgreSQL").unwrap();
        count.read(&mut &DUMP.as_bytes()[..end]).unwrap();
        assert!(!count.is_complete());
    }
}
