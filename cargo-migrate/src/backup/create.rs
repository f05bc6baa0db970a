//! Making a backup: one moment of a database, copied by pg_dump while that moment is held, described, and given its name
//! when all of it is on the disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use migrate_core::Checksum;
use migrate_runtime::{Database, Error as EngineError, Interrupt};
use migrate_testing::ClientPrograms;

use super::dump::{Compression, Dump, Progress};
use super::examine::{Interruptible, files};
use super::manifest::{FileEntry, Format, Manifest, Scope, VERSION};
use super::partial::Partial;
use super::restore::Locale;
use super::room::{self, Room, Verdict};
use super::select::{Selection, Wish};
use super::snapshot::Snapshot;
use super::store::{Backup, Store};
use super::whose::Whose;
use crate::command::Call;
use crate::config::Settings;
use crate::render::view::{BackupProgress, BackupRoom};
use crate::{Problem, clock};

/// How many bytes of tables are read a second time to count their rows, unless all are to be. pg_dump has to read them all,
/// and cannot say how many rows there were: for a gigabyte, counting is a twelfth of the processor's time, and where the
/// tables are larger than the memory it is half of the reading.
const COUNTED: u64 = 64 << 20;

/// How a backup is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct CreateOptions {
    /// How much of the database.
    pub(crate) wish: Wish,
    pub(crate) format: Format,
    /// So many tables at the same time; for the directory format.
    pub(crate) jobs: Option<NonZeroUsize>,
    /// The digest over the pending migrations that it is made for.
    pub(crate) pending: Option<String>,
    /// Count the rows of every table, however large.
    pub(crate) count_rows: bool,
}

/// Makes a backup of the configured database.
///
/// # Errors
///
/// [`Problem::BackupFailed`] with what pg_dump said; where the server cannot be reached, where there are no client programs
/// that fit it, where the folder cannot be written, and where we are to stop. No folder is left behind.
pub(crate) fn create(call: &Call, settings: &Settings, options: &CreateOptions) -> anyhow::Result<Backup> {
    if options.jobs.is_some_and(|jobs| jobs.get() > 1) && options.format != Format::Directory {
        return Err(Problem::Usage {
            what: format!("--jobs needs the directory format: {} is one file", options.format.name()),
            hint: "add --as directory, or leave --jobs out".to_owned(),
        }
        .into());
    }
    // The snapshot is of one server: the one that both connections reach.
    let database = call.database(settings)?.in_order();
    let works = call.context.engine_works();
    let meter = call.ui.meter("backup_progress");
    let interrupt = &call.context.interrupt;
    let store = Store::open(settings);
    let mut room = Room { folder: store.folder().to_owned(), ..Room::default() };
    let making = Making { database: &database, settings, options, interrupt, stop: Interrupt::new(), store };
    let doubt = |room: &Room| call.ui.remark(&BackupRoom(room), "backup_room");
    let made = making.forwarded(&mut room, doubt, |progress| meter.tell(&BackupProgress(progress)));
    drop(works);
    call.ui.rest();
    made.map_err(|error| room::told(error, &room))
}

struct Making<'a> {
    database: &'a Database,
    settings: &'a Settings,
    options: &'a CreateOptions,
    interrupt: &'a Interrupt,
    /// Ends what the snapshot's connection does: where we are to stop, and where pg_dump failed.
    stop: Interrupt,
    store: Store,
}

impl Making<'_> {
    /// Hands on that we are to stop.
    fn forwarded(
        &self,
        room: &mut Room,
        doubt: impl Fn(&Room),
        tell: impl FnMut(&Progress),
    ) -> anyhow::Result<Backup> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let forwarding = scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    if let Some(signal) = self.interrupt.triggered() {
                        self.stop.trigger(signal);
                    }
                    thread::park_timeout(Duration::from_millis(50));
                }
            });
            let made = self.run(room, doubt, tell);
            over.store(true, Ordering::SeqCst);
            forwarding.thread().unpark();
            made
        })
    }

    fn run(
        &self,
        room: &mut Room,
        doubt: impl Fn(&Room),
        tell: impl FnMut(&Progress),
    ) -> anyhow::Result<Backup> {
        let began = Instant::now();
        let snapshot = Snapshot::begin(self.database, &self.stop)?;
        // pg_dump empties the search_path of its session, among others (pg_dump.c, setup_connection).
        if snapshot.shared {
            return Err(Problem::PooledBackup { server: self.database.to_string() }.into());
        }
        let programs = ClientPrograms::find(snapshot.major())?;
        let selection = Selection::of(&snapshot.connection, &self.options.wish)?;
        let store = &self.store;
        *room = self.room(&snapshot, &selection);
        match room.verdict() {
            Verdict::Enough => {}
            Verdict::Doubtful => doubt(room),
            Verdict::TooLittle => return Err(room.problem(None).into()),
        }
        crate::records::make_folder(store.folder()).map_err(Problem::io(store.folder()))?;
        let lock_wait = self.settings.wait_for_table();
        let name = snapshot.export(&selection, lock_wait).map_err(not_allowed)?;
        let partial = Partial::begin(store, &clock::stamp(SystemTime::now()))?;

        let compression = Compression::best(&programs, self.options.format);
        let application = format!("cargo-migrate {} {}", partial.id, std::process::id());
        let dump = Dump {
            programs: &programs,
            database: self.database,
            snapshot: &name,
            format: self.options.format,
            compression,
            jobs: self.options.jobs,
            wish: &self.options.wish,
            selection: &selection,
            lock_wait,
            archive: &partial.folder.join(self.options.format.archive()),
            application: &application,
        };
        let (described, snapshot) = self.dump_and_describe(&dump, snapshot, tell)?;
        let mut manifest = Manifest {
            version: VERSION,
            id: partial.id.clone(),
            environment: self.settings.environment_name(),
            server: self.database.to_string(),
            server_version: snapshot.version,
            identity: snapshot.identity.clone(),
            taken_at: snapshot.at.clone(),
            elapsed_ms: 0,
            format: self.options.format,
            compression: compression.name().to_owned(),
            scope: scope(&self.options.wish, &selection),
            files: BTreeMap::new(),
            bytes: 0,
            database_bytes: snapshot.database_bytes,
            schema_digest: described.schema_digest,
            locale: described.locale,
            rows: described.rows,
            roles: described.roles,
            history: described.history,
            pending: self.options.pending.clone(),
            tools: [("pg_dump", programs.banner.as_str()), ("cargo-migrate", env!("CARGO_PKG_VERSION"))]
                .map(|(tool, version)| (tool.to_owned(), version.to_owned()))
                .into(),
            verified: None,
        };
        // The moment is copied: nobody has to be kept from their tables any longer.
        drop(snapshot);
        manifest.files = seal(&partial.folder, self.interrupt)?;
        manifest.bytes = manifest.files.values().map(|file| file.bytes).sum();
        manifest.elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut backup = Backup { folder: partial.folder.clone(), manifest };
        backup
            .write()
            .map_err(|error| Problem::BackupFailed { why: format!("{error}: {}", error.source) })?;
        backup.folder = partial.finish(store).map_err(failed)?;
        Ok(backup)
    }

    /// What there is to know of the disk before anything is written to it.
    fn room(&self, snapshot: &Snapshot, selection: &Selection) -> Room {
        let whose = Whose::of(self.settings).with(&snapshot.identity);
        // A folder that cannot be read is told when it is written to.
        let mut own = self.store.list().unwrap_or_default();
        own.retain(|backup| whose.owns(&backup.manifest));
        Room::of(
            self.store.folder(),
            selection.bytes(),
            snapshot.database_bytes,
            self.options.format,
            self.options.wish == Wish::Whole,
            &own,
        )
    }

    /// pg_dump on one thread, what we want to know on another, both of the same moment.
    fn dump_and_describe(
        &self,
        dump: &Dump<'_>,
        snapshot: Snapshot,
        tell: impl FnMut(&Progress),
    ) -> anyhow::Result<(Described, Snapshot)> {
        thread::scope(|scope| {
            let describing = scope.spawn(move || {
                let described = Described::of(&snapshot, dump.selection, self.options, self.settings);
                (described, snapshot)
            });
            let dumped = dump.run(self.interrupt, tell);
            if dumped.is_err() {
                self.stop.trigger(self.interrupt.triggered().unwrap_or(15));
            }
            let (described, snapshot) = match describing.join() {
                Ok(described) => described,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            dumped?;
            Ok((described?, snapshot))
        })
    }
}

/// What is known of the moment besides its copy.
struct Described {
    schema_digest: Option<String>,
    locale: Option<Locale>,
    rows: BTreeMap<String, Option<u64>>,
    roles: Vec<String>,
    history: Vec<super::manifest::Recorded>,
}

impl Described {
    fn of(
        snapshot: &Snapshot,
        selection: &Selection,
        options: &CreateOptions,
        settings: &Settings,
    ) -> Result<Self, EngineError> {
        let history = &settings.history_table.value;
        Ok(Self {
            history: snapshot.history(history)?,
            roles: snapshot.roles()?,
            schema_digest: match options.wish {
                Wish::Whole => Some(snapshot.schema_digest(history)?),
                _ => None,
            },
            locale: snapshot.locale()?,
            rows: snapshot.count(selection, if options.count_rows { u64::MAX } else { COUNTED })?,
        })
    }
}

fn scope(wish: &Wish, selection: &Selection) -> Scope {
    match wish {
        Wish::Whole => Scope::Whole,
        Wish::Tables(_) => Scope::Tables { tables: selection.names() },
        Wish::Schemas(schemas) => Scope::Schemas { schemas: schemas.clone() },
        Wish::Affected(_) => Scope::Affected { tables: selection.names() },
    }
}

/// Takes everybody else's rights away and the checksums of all files; pg_dump has synced them.
fn seal(folder: &Path, interrupt: &Interrupt) -> anyhow::Result<BTreeMap<String, FileEntry>> {
    let mut sealed = BTreeMap::new();
    let found = files(folder).map_err(|damage| Problem::BackupFailed { why: damage.to_string() })?;
    for name in found {
        let path = folder.join(&name);
        let of_file = || {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            Checksum::of_reader(Interruptible { reader: File::open(&path)?, interrupt })
        };
        let result = of_file();
        if let Some(signal) = interrupt.triggered() {
            return Err(EngineError::Interrupted { signal, stem: None }.into());
        }
        let (sha256, bytes) = result.map_err(Problem::io(&path)).map_err(failed)?;
        sealed.insert(name, FileEntry { bytes, sha256: sha256.to_string() });
    }
    for entry in fs::read_dir(folder).map_err(Problem::io(folder))?.flatten() {
        if entry.path().is_dir() {
            let private = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o700));
            private.map_err(Problem::io(entry.path())).map_err(failed)?;
        }
    }
    Ok(sealed)
}

/// A disk that is full is a backup that was not made.
fn failed(problem: Problem) -> Problem {
    Problem::BackupFailed { why: problem.to_string() }
}
/// A table that the role may not read is no matter of the connection.
fn not_allowed(error: EngineError) -> anyhow::Error {
    match &error {
        EngineError::Server { source, .. } => match source.as_db_error() {
            Some(said) if said.code().code() == "42501" => {
                Problem::BackupFailed { why: said.message().to_owned() }.into()
            }
            _ => error.into(),
        },
        _ => error.into(),
    }
}
