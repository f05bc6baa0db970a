//! Where scratch databases are made: on a server in memory, or on one that was given. Their names say whose they are, so
//! that what a killed run left behind is known and dropped by the next one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use migrate_runtime::Database;
use postgres::SimpleQueryMessage;
use postgres::error::SqlState;
use tokio::runtime::Runtime;

use super::error::{Error, Result};
use crate::{Binaries, ScratchServer, ScratchSettings};

/// Where scratch databases are made.
#[derive(Clone, Debug)]
pub enum Place {
    /// On a server of our own, in memory; with these programs, or with those that are found.
    Scratch(Option<Binaries>),
    /// On this server. The database itself is connected to and not touched.
    Given(Box<Database>),
}

/// All scratch databases' names begin so.
const PREFIX: &str = "cargo_migrate_verify_";
const APPLICATION: &str = "cargo-migrate: verify";
/// An empty database is 7 MB.
const LEFT_AT_MOST: usize = 8;
/// How long a session that said goodbye may take to be gone from the server.
const GOODBYE: Duration = Duration::from_secs(10);

/// A server, and a session on it that makes databases.
pub(super) struct Server {
    admin: Mutex<Session>,
    database: Database,
    /// Ours, and with this value gone.
    own: Option<ScratchServer>,
    /// `cargo_migrate_verify_PID_STARTED_`, by which a later run sees whether we are still there.
    prefix: String,
    next: AtomicUsize,
    /// On a server of our own: databases that nobody needs any more.
    left: Mutex<Vec<String>>,
    /// `15.18`.
    pub(super) version: String,
    major: u32,
}

/// A scratch database, dropped with this value.
pub(super) struct Scratch {
    server: Arc<Server>,
    name: String,
}

impl Server {
    pub(super) fn open(place: &Place) -> Result<Arc<Self>> {
        match place {
            Place::Scratch(binaries) => {
                let settings = ScratchSettings { binaries: binaries.clone(), ..ScratchSettings::default() };
                let own = ScratchServer::start(settings)?;
                let database = Database::resolve(Some(&own.url("postgres")), &|_| None)?;
                Self::connect(database, Some(own))
            }
            Place::Given(database) => {
                let server = match Self::connect(Database::clone(database), None) {
                    // Whoever has not made the database yet may verify all the same.
                    Err(Error::Engine(migrate_runtime::Error::Connect { source, .. }))
                        if source.code() == Some(&SqlState::INVALID_CATALOG_NAME) =>
                    {
                        Self::connect(database.with_dbname("postgres"), None)?
                    }
                    other => other?,
                };
                server.drop_leftovers()?;
                Ok(server)
            }
        }
    }

    fn connect(database: Database, own: Option<ScratchServer>) -> Result<Arc<Self>> {
        let session = Session::open(&database)?;
        let rows = session.rows(
            "SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_setting('server_version_num'), \
             pg_catalog.pg_backend_pid(), (extract(epoch FROM backend_start) * 1000000)::bigint \
             FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()",
        );
        let rows = rows.map_err(|source| server_error("look at the server", &database, source))?;
        let row = rows.into_iter().next().unwrap_or_default();
        let column = |index: usize| row.get(index).cloned().flatten().unwrap_or_default();
        Ok(Arc::new(Self {
            prefix: format!("{PREFIX}{}_{}_", column(2), column(3)),
            version: column(0).split(' ').next().unwrap_or_default().to_owned(),
            major: column(1).parse::<u32>().unwrap_or_default() / 10_000,
            admin: Mutex::new(session),
            database,
            own,
            next: AtomicUsize::new(0),
            left: Mutex::default(),
        }))
    }

    /// Whether the server is thrown away with everything that was done to it.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// An empty database.
    pub(super) fn create(self: &Arc<Self>) -> Result<Scratch> {
        // On a server that was given a database begins as any new one there does: from template1.
        let template = if self.is_own() { " TEMPLATE template0" } else { "" };
        self.make(template)
    }

    /// A copy of a database that nobody of ours is connected to any more.
    pub(super) fn copy(self: &Arc<Self>, of: &Scratch) -> Result<Scratch> {
        self.wait_until_left(&of.name)?;
        self.make(&format!(" TEMPLATE {}", of.name))
    }

    fn make(self: &Arc<Self>, template: &str) -> Result<Scratch> {
        let name = format!("{}{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed));
        // Files are copied faster than pages are logged where nothing is synced; on a given server that would make it
        // write all its buffers out, twice (`dbcommands.c`, CreateDatabaseUsingFileCopy).
        let strategy = if self.is_own() && self.major >= 15 { " STRATEGY file_copy" } else { "" };
        self.execute("create a scratch database", &format!("CREATE DATABASE {name}{template}{strategy}"))?;
        Ok(Scratch { server: Arc::clone(self), name })
    }

    /// CREATE DATABASE looks for sessions of its template only every 100 ms (`CountOtherDBBackends`).
    fn wait_until_left(&self, name: &str) -> Result<()> {
        let sql = format!("SELECT FROM pg_catalog.pg_stat_activity WHERE datname = '{name}' LIMIT 1");
        let start = Instant::now();
        while !self.ask("look who is connected", &sql)?.is_empty() && start.elapsed() < GOODBYE {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Drops the databases of runs that are gone. Those that another role made are left to it.
    fn drop_leftovers(&self) -> Result<()> {
        // Whom we may not look at has no `backend_start`: then it counts as alive.
        let sql = format!(
            "SELECT d.datname FROM pg_catalog.pg_database d \
             WHERE d.datname ~ '^{PREFIX}[0-9]+_[0-9]+_[0-9]+$' AND pg_catalog.pg_has_role(d.datdba, 'MEMBER') \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a \
              WHERE a.pid::text = pg_catalog.split_part(d.datname, '_', 4) AND coalesce( \
               ((extract(epoch FROM a.backend_start) * 1000000)::bigint)::text \
                = pg_catalog.split_part(d.datname, '_', 5), true))"
        );
        for row in self.ask("look for databases of earlier runs", &sql)? {
            if let Some(Some(name)) = row.first() {
                // Another run may be at it too; what is still there is tried again by the next one.
                let _ = self.execute("drop a database", &drop_database(name));
            }
        }
        Ok(())
    }

    /// A database is done with: which are to be dropped now. Those of a server of our own go with it, and a drop is a
    /// checkpoint; only they must not fill the memory.
    fn to_drop(&self, name: String) -> Vec<String> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.push(name);
        if self.is_own() && left.len() < LEFT_AT_MOST { vec![] } else { std::mem::take(&mut *left) }
    }

    fn execute(&self, doing: &str, sql: &str) -> Result<()> {
        self.ask(doing, sql).map(drop)
    }

    fn ask(&self, doing: &str, sql: &str) -> Result<Vec<Row>> {
        let session = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        session.rows(sql).map_err(|source| match source.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Error::MayNotCreate {
                role: self.database.user().to_owned(),
                server: self.database.to_string(),
            },
            _ => server_error(doing, &self.database, source),
        })
    }
}

impl Scratch {
    /// To connect to it.
    pub(super) fn database(&self) -> Database {
        self.server.database.with_dbname(&self.name)
    }

    pub(super) fn server(&self) -> &Arc<Server> {
        &self.server
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for name in self.server.to_drop(std::mem::take(&mut self.name)) {
            // What cannot be dropped now is recognised and dropped by the next run, or goes with the server.
            let _ = self.server.execute("drop a scratch database", &drop_database(&name));
        }
    }
}

fn drop_database(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
}

fn server_error(doing: &str, database: &Database, source: tokio_postgres::Error) -> Error {
    Error::Server { doing: doing.to_owned(), server: database.to_string(), source }
}

type Row = Vec<Option<String>>;

/// A connection that is used from one thread at a time.
struct Session {
    runtime: Runtime,
    client: tokio_postgres::Client,
}

impl Session {
    fn open(database: &Database) -> Result<Self> {
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(migrate_runtime::Error::InsideRuntime.into());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| migrate_runtime::Error::Settings {
            message: format!("no event loop could be made: {error}"),
            hint: "the process has probably run out of file descriptors: raise `ulimit -n`".to_owned(),
        })?;
        let (client, link) = runtime.block_on(database.connect(APPLICATION))?;
        runtime.spawn(link.run(|_| ()));
        Ok(Self { runtime, client })
    }

    fn rows(&self, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let messages = self.runtime.block_on(self.client.simple_query(sql))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }
}
