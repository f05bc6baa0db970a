//! Servers and databases that are thrown away: in memory, without fsync, gone with the process that started them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use std::os::unix::process::CommandExt;

use rustix::process::Signal;

use crate::{Binaries, Error, PostmasterFile, Result, ServerUser, cache, cluster, process, socket_url};

/// How a [`ScratchServer`] is to be.
#[derive(Debug, Clone, Default)]
pub struct ScratchSettings {
    /// The programs; found by [`Binaries::find`] where not given.
    pub binaries: Option<Binaries>,
    /// Settings beyond those of every scratch server, which they override: `("log_statement", "all")`.
    pub settings: Vec<(String, String)>,
    /// Listens on this TCP port of 127.0.0.1 too.
    pub tcp_port: Option<u16>,
    /// Where its folder is made; in memory where there is room for a small one, if not given.
    pub parent: Option<PathBuf>,
}

/// A server in memory that dies with this process, however the process ends.
#[derive(Debug)]
pub struct ScratchServer {
    user: ServerUser,
    binaries: Binaries,
    settings: ScratchSettings,
    folder: PathBuf,
    server: Mutex<Option<Child>>,
    /// Holds the pipe whose end tells it that we are gone.
    guardian: Child,
    counter: AtomicU64,
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Clients are cut off, the server shuts down in order (SIGINT).
    Fast,
    /// Everything stops at once, as in a crash that the postmaster survives; the next start recovers (SIGQUIT).
    Immediate,
    /// The postmaster is killed, as by the kernel when memory is short (SIGKILL).
    Kill,
}

/// What a scratch server is started with: its files are not meant to survive a power cut, and nothing runs on its own
/// that would make two runs of a test differ. `synchronous_commit` stays on: without it a commit that was confirmed is
/// lost when a test stops the server, and in memory it costs nothing.
const SETTINGS: [(&str, &str); 9] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    // Segments in the data folder go with it; those in /dev/shm outlive a server that is killed.
    ("dynamic_shared_memory_type", "mmap"),
    ("autovacuum", "off"),
    ("shared_buffers", "32MB"),
    ("max_connections", "250"),
    ("max_wal_size", "256MB"),
    ("min_wal_size", "32MB"),
    ("checkpoint_timeout", "1h"),
];

impl ScratchServer {
    /// Starts one and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// As [`Binaries::find`]; [`Error::Start`] with the end of the server's log.
    pub fn start(settings: ScratchSettings) -> Result<Self> {
        let server = Self::prepare(settings, cluster::fresh)?;
        server.resume()?;
        Ok(server)
    }

    /// A server whose data folder `fill` makes, as `pg_basebackup` does for a standby. It is not started yet: see
    /// [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and whatever `fill` returns.
    pub fn prepare(
        settings: ScratchSettings,
        fill: impl FnOnce(&ServerUser, &Binaries, &Path) -> Result<()>,
    ) -> Result<Self> {
        let user = ServerUser::current()?;
        let binaries = settings.binaries.clone().map_or_else(|| Binaries::find(None), Ok)?;
        let parent = settings.parent.clone().unwrap_or_else(cache::scratch_parent);
        let folder = tempfile::Builder::new()
            .prefix("cargo-migrate-")
            .rand_bytes(8)
            .tempdir_in(&parent)
            .map_err(Error::io("create a folder in", &parent))?;
        user.own(folder.path())?;
        let mut guardian = Command::new("sh");
        guardian.args(["-c", include_str!("scratch_guardian.sh"), "migrate-scratch"]).arg(folder.path());
        // A Ctrl-C at the terminal is for the owner; the guardian still has work to do then.
        cluster::detach(user.prepare(&mut guardian)).stdin(Stdio::piped()).process_group(0);
        let guardian = guardian.spawn().map_err(Error::io("run", "sh"))?;
        let folder = folder.keep();
        let server = Self {
            user,
            binaries,
            settings,
            folder,
            server: Mutex::new(None),
            guardian,
            counter: AtomicU64::new(0),
        };
        fill(&server.user, &server.binaries, &server.data())?;
        Ok(server)
    }

    /// The one server that [`scratch`] makes its databases on, started by the first call in this process.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start). A failure is tried again at the next call.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<ScratchServer> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = SHARED.get() {
            return Ok(server);
        }
        let server = Self::start(ScratchSettings::default())?;
        Ok(SHARED.get_or_init(|| server))
    }

    /// Starts the server again after [`stop`](Self::stop); nothing happens where it runs.
    ///
    /// # Errors
    ///
    /// [`Error::Start`] with the end of the server's log.
    pub fn resume(&self) -> Result<()> {
        let mut server = self.server();
        if let Some(child) = server.as_mut()
            && matches!(child.try_wait(), Ok(None))
        {
            return Ok(());
        }
        let starting = self.folder.join("starting");
        std::fs::write(&starting, "").map_err(Error::io("write", &starting))?;
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .map_err(Error::io("write", self.log()))?;
        let mut command = Command::new(self.binaries.program("postgres")?);
        command.args(cluster::arguments(&self.data(), &self.folder, self.port())?);
        if self.settings.tcp_port.is_some() {
            command.args(["-c", "listen_addresses=127.0.0.1"]);
        }
        let own = self.settings.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in SETTINGS.into_iter().chain(own) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let copy = log.try_clone().map_err(Error::io("write", self.log()))?;
        self.user.prepare(&mut command).stdout(copy).stderr(log).process_group(0);
        let child = command.spawn().map_err(Error::io("run", command.get_program()))?;
        let child = server.insert(child);
        let ready = cluster::wait_ready(child, &self.data(), &self.log());
        let _ = std::fs::remove_file(&starting);
        ready.map(drop)
    }

    /// Stops the server and waits until it is gone; nothing happens where it does not run.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the process cannot be waited for.
    pub fn stop(&self, mode: StopMode) -> Result<()> {
        let mut server = self.server();
        let Some(mut child) = server.take() else { return Ok(()) };
        let pid = child.id() as i32;
        process::signal(
            pid,
            match mode {
                StopMode::Fast => Signal::INT,
                StopMode::Immediate => Signal::QUIT,
                StopMode::Kill => Signal::KILL,
            },
        );
        child.wait().map_err(Error::io("wait for", self.data()))?;
        if mode == StopMode::Kill {
            // Nobody else may find the number of a process that is gone: the system gives it to another one.
            let file = self.data().join("postmaster.pid");
            let _ = std::fs::remove_file(file);
        }
        Ok(())
    }

    /// Makes an empty database, which is dropped with the value.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    pub fn database(&self) -> Result<ScratchDatabase> {
        let name = format!("scratch_{}", self.counter.fetch_add(1, Ordering::Relaxed));
        // `file_copy` without fsync copies 7 MB inside memory; before version 15 it is the only way, without a name.
        let strategy = if self.binaries.major >= 15 { " STRATEGY file_copy" } else { "" };
        let create = format!("CREATE DATABASE {name} TEMPLATE template0{strategy}");
        let admin = self.url("postgres");
        cluster::execute(&admin, "create a scratch database", &create)?;
        Ok(ScratchDatabase { url: self.url(&name), admin, name })
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        socket_url(&self.folder, self.port(), cluster::SUPERUSER, database)
    }

    /// Its port, on TCP too where [`ScratchSettings::tcp_port`] was given.
    pub fn port(&self) -> u16 {
        self.settings.tcp_port.unwrap_or(5432)
    }

    /// The folder of its socket, its log and its data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The log file.
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// The number of the postmaster process, while it runs.
    pub fn pid(&self) -> Option<i32> {
        PostmasterFile::read(&self.data()).map(|file| file.pid)
    }

    /// Its programs.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The user it runs as.
    pub fn user(&self) -> &ServerUser {
        &self.user
    }

    fn server(&self) -> MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ScratchServer {
    fn drop(&mut self) {
        let _ = self.stop(StopMode::Immediate);
        // Closing the pipe is the sign to remove the folder.
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// A database of its own for one test, on the shared server of this process.
///
/// # Errors
///
/// As [`ScratchServer::start`].
pub fn scratch() -> Result<ScratchDatabase> {
    ScratchServer::shared()?.database()
}

/// A database that is dropped, with whoever is connected to it, when this value is.
#[derive(Debug)]
pub struct ScratchDatabase {
    name: String,
    url: String,
    admin: String,
}

impl ScratchDatabase {
    /// A URL as libpq, and every driver, takes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same as settings.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] where the driver cannot read our URL.
    pub fn config(&self) -> Result<postgres::Config> {
        self.url
            .parse()
            .map_err(|source| Error::Database { doing: "read the database's URL".to_owned(), source })
    }

    /// A new connection. Not to be called on a thread that drives a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Database`].
    pub fn connect(&self) -> Result<postgres::Client> {
        postgres::Client::connect(&self.url, postgres::NoTls).map_err(|source| Error::Database {
            doing: format!("connect to the database {}", self.name),
            source,
        })
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // What cannot be dropped now goes with the server.
        let _ = cluster::execute(&self.admin, "drop a scratch database", &drop);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::time::Duration;

    use super::*;

    #[test]
    fn databases_are_separate_and_dropped() {
        let (one, two) = (scratch().unwrap(), scratch().unwrap());
        assert_ne!(one.url(), two.url());
        one.connect().unwrap().batch_execute("CREATE TABLE t ()").unwrap();
        two.connect().unwrap().batch_execute("CREATE TABLE t ()").unwrap();
        let (admin, name) = (one.admin.clone(), one.name().to_owned());
        let busy = one.connect().unwrap();
        drop(one);
        drop(busy);
        let left = cluster::query(&admin, "SELECT count(*) FROM pg_database WHERE datname = $1", &[&name]);
        assert_eq!(left.unwrap(), 0);
    }

    #[test]
    fn a_scratch_database_can_be_made_inside_a_tokio_runtime() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let url = runtime.block_on(async { scratch().map(|database| database.url().to_owned()) });
        assert!(url.unwrap().starts_with("postgres://postgres@/scratch_"));
    }

    #[test]
    fn it_survives_a_crash_and_is_removed_at_the_end() {
        let server = ScratchServer::start(ScratchSettings::default()).unwrap();
        let database = server.database().unwrap();
        database.connect().unwrap().batch_execute("CREATE TABLE t ()").unwrap();
        for mode in [StopMode::Immediate, StopMode::Fast, StopMode::Kill] {
            server.stop(mode).unwrap();
            assert!(database.connect().is_err());
            server.resume().unwrap();
            database.connect().unwrap().batch_execute("SELECT FROM t").unwrap();
        }
        let (folder, pid) = (server.folder().to_owned(), server.pid().unwrap());
        drop(server);
        assert!(!folder.exists());
        assert!(!process::alive(pid));
    }

    /// Design §9: gone when its owner dies. PostgreSQL has no such thing, a guardian does it.
    #[test]
    fn a_server_whose_owner_is_killed_is_stopped_and_its_folder_removed() {
        // This test is also the owner: it runs its own binary again.
        if std::env::var_os("MIGRATE_TEST_OWNER").is_some() {
            let server = ScratchServer::start(ScratchSettings::default()).unwrap();
            println!("\nfolder={}", server.folder().display());
            loop {
                std::thread::park();
            }
        }
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "scratch::tests::a_server_whose_owner_is_killed_is_stopped_and_its_folder_removed",
            ])
            .args(["--nocapture"])
            .env("MIGRATE_TEST_OWNER", "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let folder = BufReader::new(owner.stdout.take().unwrap())
            .split(b'\n')
            .find_map(|line| {
                String::from_utf8(line.unwrap()).unwrap().strip_prefix("folder=").map(PathBuf::from)
            })
            .unwrap();
        let pid = PostmasterFile::read(&folder.join("data")).unwrap().pid;
        assert!(process::alive(pid));
        owner.kill().unwrap();
        owner.wait().unwrap();
        let gone = process::poll(Duration::from_secs(30), || Ok((!folder.exists()).then_some(())));
        assert!(gone.unwrap().is_some(), "{} is still there", folder.display());
        assert!(!process::alive(pid));
    }
}
