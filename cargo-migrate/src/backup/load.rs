//! Putting an archive into a database that is there and empty: pg_restore, or psql where it is SQL.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use migrate_runtime::{Connection, Database, Interrupt, quote_identifier, quote_literal};
use migrate_testing::ClientPrograms;

use super::examine::examine;
use super::manifest::{Format, Scope};
use super::restore::At;
use super::store::Backup;
use crate::Problem;
use crate::command::Call;
use crate::process::{self, Streams, Tick};

/// How an archive is put into a database.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadOptions {
    /// So many tables and indexes at the same time; one by default. A plain archive is one stream.
    pub(crate) jobs: Option<NonZeroUsize>,
    /// The data of these tables only, named as the manifest's `rows` name them; all of it where empty. The schema comes
    /// whole, without foreign keys and without the contents of materialized views: both may need
    /// rows that are left out.
    pub(crate) tables: Vec<String>,
    /// What becomes of owners and grants of roles that the server does not have.
    pub(crate) roles: MissingRoles,
    /// The caller has examined it just now: every byte is read once less.
    pub(crate) examined: bool,
}

/// What becomes of owners and grants of roles that the server does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MissingRoles {
    /// Nothing is loaded.
    #[default]
    Refuse,
    /// They are made, without the right to log in: on a server that is thrown away.
    Create,
    /// Everything belongs to whoever loads it, and nothing is granted.
    LeaveOut,
}

/// Loads a backup into a database that is there and empty. Owners and grants come with it. The archive is examined first.
///
/// # Errors
///
/// As [`examine`]; [`Problem::MissingRoles`], [`Problem::LoadFailed`] with what the program said; where there are no client
/// programs, and where the server cannot be reached. What was loaded until then is in the database.
pub(crate) fn load(
    call: &Call,
    backup: &Backup,
    database: &Database,
    options: &LoadOptions,
) -> anyhow::Result<()> {
    load_with(&call.context.interrupt, backup, database, options, Watching::default())
}

/// What goes on beside the loading.
#[derive(Default)]
pub(super) struct Watching<'a> {
    /// Hears what pg_restore is at.
    pub(super) at: Option<&'a At>,
    pub(super) tick: Option<Tick<'a>>,
}

pub(super) fn load_with(
    interrupt: &Interrupt,
    backup: &Backup,
    database: &Database,
    options: &LoadOptions,
    watching: Watching<'_>,
) -> anyhow::Result<()> {
    let manifest = &backup.manifest;
    if manifest.format == Format::Plain
        && (!options.tables.is_empty() || options.roles == MissingRoles::LeaveOut)
    {
        return Err(Problem::Usage {
            what: format!("{} is plain SQL, which is loaded as a whole and as it is", backup.id()),
            hint:
                "leave out the choice of tables and the change of owners, or take a backup in another format"
                    .to_owned(),
        }
        .into());
    }
    if !options.examined {
        examine(backup, interrupt)?;
    }
    let database = database.in_order();
    let connection = Connection::open(&database, "cargo-migrate restore", interrupt)?;
    let version = connection.value(
        "asking for the server's version",
        "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000",
    )?;
    let server_major = version.and_then(|version| version.parse().ok()).unwrap_or_default();
    // An archive is read by a pg_restore that is not older than the pg_dump that wrote it.
    let needed = manifest.pg_dump_major().unwrap_or_default().max(server_major);
    let programs = ClientPrograms::find(needed)?;
    settle_roles(&connection, &manifest.roles, options.roles)?;
    drop(connection);
    let loading =
        Loading { interrupt, backup, database: &database, options, programs: &programs, server_major };
    match manifest.format {
        Format::Plain => loading.with_psql(watching),
        Format::Custom | Format::Directory => loading.with_pg_restore(watching),
    }
}

/// Makes the roles that are missing, or refuses.
fn settle_roles(connection: &Connection, needed: &[String], wish: MissingRoles) -> anyhow::Result<()> {
    if needed.is_empty() || wish == MissingRoles::LeaveOut {
        return Ok(());
    }
    let list = needed.iter().map(|role| quote_literal(role)).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN ({list})");
    let rows = connection.rows("looking for the roles of the backup", &sql)?;
    let there: BTreeSet<_> = rows.iter().map(|row| row.text(0)).collect();
    let missing: Vec<_> = needed.iter().filter(|role| !there.contains(*role)).cloned().collect();
    match wish {
        MissingRoles::Create => {
            for role in &missing {
                connection.rows(
                    "making a role of the backup",
                    &format!("CREATE ROLE {}", quote_identifier(role)),
                )?;
            }
            Ok(())
        }
        _ if missing.is_empty() => Ok(()),
        _ => Err(Problem::MissingRoles { roles: missing }.into()),
    }
}

struct Loading<'a> {
    interrupt: &'a Interrupt,
    backup: &'a Backup,
    database: &'a Database,
    options: &'a LoadOptions,
    programs: &'a ClientPrograms,
    server_major: u32,
}

impl Loading<'_> {
    fn with_pg_restore(&self, watching: Watching<'_>) -> anyhow::Result<()> {
        let archive = self.backup.archive();
        let mut command = process::command(&self.programs.pg_restore, self.database);
        command.arg(connection_argument(self.database)).args(["--no-password", "--verbose"]);
        if let Some(jobs) = self.options.jobs {
            command.arg(format!("--jobs={jobs}"));
        }
        if self.options.roles == MissingRoles::LeaveOut {
            command.args(["--no-owner", "--no-privileges"]);
        }
        let tolerant = self.sends_too_much();
        if !tolerant {
            command.arg("--exit-on-error");
        }
        let list = self.list()?;
        if let Some(list) = &list {
            command.arg("--use-list").arg(list.path());
        }
        command.arg(&archive);
        let errors = Arc::new(Mutex::new(Errors::default()));
        let heard = Arc::clone(&errors);
        let Watching { at, tick } = watching;
        let listener = move |line: &str| {
            if let Some(at) = at {
                at.hear(line);
            }
            heard.lock().unwrap_or_else(PoisonError::into_inner).hear(line)
        };
        let streams = Streams { listener: Some(Box::new(listener)), tick, ..Streams::default() };
        let ended = process::run(command, streams, self.interrupt)?;
        let harmless = errors.lock().unwrap_or_else(PoisonError::into_inner).harmless();
        if ended.status.success() || (tolerant && ended.status.code() == Some(1) && harmless) {
            return Ok(());
        }
        Err(self.failed("pg_restore", &ended).into())
    }

    fn with_psql(&self, watching: Watching<'_>) -> anyhow::Result<()> {
        let archive = self.backup.archive();
        let packed = std::fs::File::open(&archive).map_err(Problem::io(&archive))?;
        let mut command = process::command(&self.programs.psql, self.database);
        // One statement that fails ends it; what a person has in ~/.psqlrc is nobody's restore.
        command.args([
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
            "--output=/dev/null",
        ]);
        command.arg(connection_argument(self.database)).arg("--file=-");
        let mut source = BufReader::with_capacity(256 * 1024, MultiGzDecoder::new(packed));
        let head = if self.sends_too_much() { without_new_settings(&mut source)? } else { Vec::new() };
        let input = io::Cursor::new(head).chain(source);
        let streams = Streams { input: Some(Box::new(input)), tick: watching.tick, ..Streams::default() };
        let ended = process::run(command, streams, self.interrupt)?;
        if ended.status.success() { Ok(()) } else { Err(self.failed("psql", &ended).into()) }
    }

    /// Whether the programs send settings that the server does not know: those of 17 begin with `SET
    /// transaction_timeout`, whatever server they speak to (`pg_backup_archiver.c`).
    fn sends_too_much(&self) -> bool {
        self.server_major < 17
            && (self.programs.major >= 17
                || self.backup.manifest.pg_dump_major().is_some_and(|major| major >= 17))
    }

    /// What is to be loaded of the archive's contents, where it is not all of it.
    fn list(&self) -> anyhow::Result<Option<tempfile::NamedTempFile>> {
        let manifest = &self.backup.manifest;
        // A part has not what its keys and triggers refer to.
        let part = manifest.scope != Scope::Whole;
        if self.options.tables.is_empty() && !part {
            return Ok(None);
        }
        let tables = match self.options.tables.is_empty() {
            true => manifest.rows.keys().cloned().collect(),
            false => self.options.tables.clone(),
        };
        let contents = contents(self.programs, self.backup, self.database, self.interrupt)?;
        let chosen = chosen(&contents, &tables, &manifest.roles, part);
        let io = |path: std::path::PathBuf| Problem::io(path);
        let mut file = tempfile::NamedTempFile::new().map_err(io(std::env::temp_dir()))?;
        file.write_all(chosen.as_bytes()).map_err(io(file.path().to_owned()))?;
        Ok(Some(file))
    }

    fn failed(&self, program: &str, ended: &process::Ended) -> Problem {
        Problem::LoadFailed {
            id: self.backup.id().to_owned(),
            database: self.database.to_string(),
            why: format!("{program}: {}", ended.why()),
        }
    }
}

/// `--dbname` with what nothing but a name can be read from: one with an equals sign would be taken for settings.
pub(super) fn connection_argument(database: &Database) -> OsString {
    let name = database.dbname().replace('\\', "\\\\").replace('\'', "\\'");
    format!("--dbname=dbname='{name}'").into()
}

/// Everything up to the first settings of a dump's head, without those that servers before 17 do not know.
fn without_new_settings(source: &mut impl BufRead) -> Result<Vec<u8>, Problem> {
    let mut head = Vec::new();
    // The settings stand within the first lines (`_doSetFixedOutputState`).
    for _ in 0..40 {
        let mut line = Vec::new();
        if source.read_until(b'\n', &mut line).map_err(Problem::io("the archive"))? == 0 {
            break;
        }
        if !line.starts_with(b"SET transaction_timeout = ") {
            head.append(&mut line);
        }
    }
    Ok(head)
}

/// What pg_restore lists of an archive.
fn contents(
    programs: &ClientPrograms,
    backup: &Backup,
    database: &Database,
    interrupt: &Interrupt,
) -> anyhow::Result<String> {
    let mut command = process::command(&programs.pg_restore, database);
    command.arg("--list").arg(backup.archive());
    let mut listed = String::new();
    let sink = |output: &mut dyn BufRead| output.read_to_string(&mut listed).map(drop);
    let ended =
        process::run(command, Streams { output: Some(Box::new(sink)), ..Streams::default() }, interrupt)?;
    match ended.status.success() {
        true => Ok(listed),
        false => Err(Problem::DamagedBackup { id: backup.id().to_owned(), why: ended.why() }.into()),
    }
}

/// The lines of a list (`PrintTOCSummary`: `3380; 0 16388 TABLE DATA public orders alice`) that stay where only the data of
/// these tables is wanted; of a `part` of a database without what calls for the rest of it. `roles` are those that can own
/// a table: a name with spaces is told from the owner's by them.
fn chosen(contents: &str, tables: &[String], roles: &[String], part: bool) -> String {
    // `sanitize_line` writes a line end as a space.
    let plain = |table: &String| {
        let (schema, name) = super::name::parts(table)?;
        Some(format!("{schema} {name} ").replace(['\n', '\r'], " "))
    };
    let tables: Vec<_> = tables.iter().filter_map(plain).collect();
    let roles: Vec<_> = roles.iter().map(|role| role.replace(['\n', '\r'], " ")).collect();
    let is_owner = |rest: &str| roles.is_empty() || roles.iter().any(|role| role == rest);
    let dropped: &[&str] = match part {
        true => &[
            "FK CONSTRAINT ",
            "MATERIALIZED VIEW DATA ",
            "TRIGGER ",
            "POLICY ",
            "RULE ",
            "PUBLICATION TABLE ",
        ],
        false => &["FK CONSTRAINT ", "MATERIALIZED VIEW DATA "],
    };
    let mut lines = String::new();
    for line in contents.split('\n').filter(|line| !line.starts_with(';')) {
        let entry = line.splitn(4, ' ').nth(3).unwrap_or_default();
        // A partition's rows are held to the foreign keys of the table above it, whose name is not in the list: none stays.
        let stays = match entry.strip_prefix("TABLE DATA ") {
            Some(rest) => tables.iter().any(|table| rest.strip_prefix(table.as_str()).is_some_and(is_owner)),
            None => !dropped.iter().any(|kind| entry.starts_with(kind)),
        };
        if stays {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    lines
}

/// What pg_restore complained of.
#[derive(Default)]
struct Errors {
    known: usize,
    others: usize,
}

impl Errors {
    /// Whether the line is one that a person needs.
    fn hear(&mut self, line: &str) -> bool {
        if line.contains("error: ") {
            match line.contains("unrecognized configuration parameter \"transaction_timeout\"") {
                true => self.known += 1,
                false => self.others += 1,
            }
        }
        let is_remark = line.starts_with("pg_restore: ")
            && !["error: ", "warning: ", "detail: ", "hint: "].iter().any(|word| line.contains(word));
        !is_remark
    }

    /// Whether there was nothing but a setting that the server does not know.
    fn harmless(&self) -> bool {
        self.known > 0 && self.others == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_some_tables_the_schema_stays_whole_without_what_needs_other_rows() {
        let contents = ";\n; Archive created at …\n;\n\
            210; 1259 16388 TABLE public orders alice\n\
            211; 1259 16390 TABLE public orders old alice\n\
            3380; 0 16388 TABLE DATA public orders alice\n\
            3381; 0 16390 TABLE DATA public orders_old alice\n\
            3383; 0 16395 TABLE DATA public orders old alice\n\
            3382; 0 16391 MATERIALIZED VIEW DATA public sums alice\n\
            3241; 2606 16392 CONSTRAINT public orders orders_pkey alice\n\
            3242; 2606 16393 FK CONSTRAINT public orders orders_customer_fkey alice\n\
            3243; 2606 16394 FK CONSTRAINT public items items_order_fkey alice\n\
            3244; 2620 16396 TRIGGER public orders touch alice\n";
        let ids = |tables: &[&str], part| {
            let tables: Vec<_> = tables.iter().map(|table| (*table).to_owned()).collect();
            let chosen = chosen(contents, &tables, &["alice".to_owned()], part);
            let lines = chosen.split('\n').filter_map(|line| line.split_once(';'));
            lines.map(|(id, _)| id.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&["public.orders"], false), ["210", "211", "3380", "3241", "3244"]);
        assert_eq!(ids(&["public.orders"], true), ["210", "211", "3380", "3241"]);
        assert_eq!(ids(&["public.\"orders old\""], true), ["210", "211", "3383", "3241"]);
        // The line end is a space in the list.
        assert_eq!(ids(&["public.\"orders\nold\""], true), ["210", "211", "3383", "3241"]);
    }

    #[test]
    fn a_setting_that_the_server_does_not_know_is_forgiven_and_nothing_else() {
        let mut errors = Errors::default();
        assert!(!errors.hear("pg_restore: creating TABLE \"public.orders\""));
        assert!(errors.hear(
            "pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter \"transaction_timeout\""
        ));
        assert!(errors.hear("Command was: SET transaction_timeout = 0;"));
        assert!(errors.hear("pg_restore: warning: errors ignored on restore: 1"));
        assert!(errors.harmless());
        errors.hear("pg_restore: error: could not execute query: ERROR:  relation \"x\" already exists");
        assert!(!errors.harmless());
        let mut dump =
            BufReader::new("SET lock_timeout = 0;\nSET transaction_timeout = 0;\nSELECT 1;\n".as_bytes());
        let head = without_new_settings(&mut dump).unwrap();
        assert_eq!(String::from_utf8(head).unwrap(), "SET lock_timeout = 0;\nSELECT 1;\n");
    }

    #[test]
    fn no_name_is_taken_for_settings() {
        let database = Database::resolve(Some("host=h user=u dbname='a=b \\'c\\\\'"), &|_| None).unwrap();
        assert_eq!(connection_argument(&database), OsString::from(r"--dbname=dbname='a=b \'c\\'"));
    }
}
