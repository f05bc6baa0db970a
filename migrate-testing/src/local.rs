//! A project's own server: kept under `target/`, started when needed, stopped when nobody has used it for a while.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::{Binaries, Error, PostmasterFile, Result, ServerUser, cache, cluster, process, socket_url};

/// The server of one project. Making the value does nothing; it survives the process that starts it.
///
/// All methods may be called by any number of processes at once: they queue at a file lock.
#[derive(Debug, Clone)]
pub struct LocalServer {
    target: PathBuf,
    idle: Duration,
    look: Duration,
    major: Option<u32>,
}

/// What there is of a project's server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalStatus {
    /// It was never started, or was reset.
    Absent,
    /// Its files are there.
    Stopped {
        /// The major version that made the files.
        major: u32,
        /// The data folder.
        data: PathBuf,
    },
    /// It takes connections.
    Running {
        /// The postmaster process.
        pid: i32,
        /// The major version.
        major: u32,
        /// The data folder.
        data: PathBuf,
        /// The folder of the socket.
        socket_folder: PathBuf,
        /// How many clients are connected.
        clients: i64,
    },
}

/// The port in the socket's name: every server has a folder of its own, so all have the same.
const PORT: u16 = 5432;

impl LocalServer {
    /// The server that is kept in `<target>/migrate-local`; `target` is cargo's target folder. Where root's server user
    /// cannot enter that, it is kept in the folder for temporary files instead.
    pub fn new(target: impl Into<PathBuf>) -> Self {
        let (idle, look) = (Duration::from_secs(600), Duration::from_secs(10));
        Self { target: target.into(), idle, look, major: None }
    }

    /// How long the server runs without a client before it stops: 10 minutes, if not said otherwise. Looked at in
    /// whole seconds, when the server starts.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle.max(Duration::from_secs(1));
        self.look = self.look.min(self.idle);
        self
    }

    /// The major version that a new data folder is made with; one that is there is always started with its own.
    #[must_use]
    pub fn major(mut self, major: Option<u32>) -> Self {
        self.major = major;
        self
    }

    /// Starts the server if it does not run and makes `database` if it is missing. Returns the database's URL.
    ///
    /// # Errors
    ///
    /// As [`Binaries::find`]; [`Error::Start`] with the end of the server's log.
    pub fn start(&self, database: &str) -> Result<String> {
        let place = Place::of(&self.target)?;
        let _lock = place.lock()?;
        place.touch()?;
        let file = match place.running()? {
            Some(file) => file,
            None => self.launch(&place)?,
        };
        let url = |database: &str| socket_url(&file.socket_folder, file.port, cluster::SUPERUSER, database);
        place.create(&url("postgres"), database)?;
        Ok(url(database))
    }

    /// Stops the server; false where it did not run. Its databases are kept.
    ///
    /// # Errors
    ///
    /// [`Error::Stop`].
    pub fn stop(&self) -> Result<bool> {
        let place = Place::of(&self.target)?;
        let _lock = place.lock()?;
        place.stop()
    }

    /// Stops the server and removes all of its databases; false where there was nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Stop`], [`Error::Io`].
    pub fn reset(&self) -> Result<bool> {
        let place = Place::of(&self.target)?;
        let _lock = place.lock()?;
        place.stop()?;
        // The next start makes it again.
        let _ = std::fs::remove_dir(cache::socket_folder(&place.user, &place.folder)?);
        let data = place.data();
        match std::fs::remove_dir_all(&data) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("remove", &data)(error)),
        }
    }

    /// What there is. Starts nothing; asking a running server counts as using it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::NoUser`].
    pub fn status(&self) -> Result<LocalStatus> {
        let place = Place::of(&self.target)?;
        let data = place.data();
        let Some(major) = version_of(&data) else { return Ok(LocalStatus::Absent) };
        match PostmasterFile::read(&data).filter(|file| file.ready && file.listens()) {
            None => Ok(LocalStatus::Stopped { major, data }),
            Some(PostmasterFile { pid, socket_folder, port, .. }) => {
                let url = socket_url(&socket_folder, port, cluster::SUPERUSER, "postgres");
                let clients = clients(&url)?;
                Ok(LocalStatus::Running { pid, major, data, socket_folder, clients })
            }
        }
    }

    /// `psql` on one of the databases, which is started and made if needed; the caller runs it.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and [`Error::NoProgram`] where there is no psql.
    pub fn psql(&self, database: &str) -> Result<Command> {
        let program = Binaries::find(self.major).or_else(|_| Binaries::find(None))?.program("psql")?;
        let url = self.start(database)?;
        let mut command = Command::new(program);
        command.arg(url);
        Ok(command)
    }

    /// The log of the running or last server.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::NoUser`].
    pub fn log(&self) -> Result<PathBuf> {
        Ok(Place::of(&self.target)?.folder.join("server.log"))
    }

    /// Starts the server of a place that has none running. The lock is held.
    fn launch(&self, place: &Place) -> Result<PostmasterFile> {
        let data = place.data();
        let existing = version_of(&data);
        let binaries = Binaries::find(existing.or(self.major))?;
        if existing.is_none() {
            // What an interrupted first start left is no cluster.
            let _ = std::fs::remove_dir_all(&data);
            let making = place.folder.join("making");
            let _ = std::fs::remove_dir_all(&making);
            cluster::fresh(&place.user, &binaries, &making)?;
            std::fs::rename(&making, &data).map_err(Error::io("create", &data))?;
        }
        let _ = std::fs::remove_file(place.folder.join("stopping"));
        let sockets = cache::socket_folder(&place.user, &place.folder)?;
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("local_keeper.sh"), "migrate-local"]).arg(&place.folder);
        command.arg(self.idle.as_secs().to_string()).arg(self.look.as_secs().max(1).to_string());
        command.arg(binaries.program("postgres")?).args(cluster::arguments(&data, &sockets, PORT)?);
        for setting in
            ["log_connections=on", "log_checkpoints=off", "shared_buffers=32MB", "update_process_title=on"]
        {
            command.args(["-c", setting]);
        }
        cluster::detach(place.user.prepare(&mut command)).process_group(0);
        let mut keeper = command.spawn().map_err(Error::io("run", "sh"))?;
        cluster::wait_ready(&mut keeper, &data, &place.folder.join("server.log"))
    }
}

/// The folder of a project's server.
struct Place {
    user: ServerUser,
    folder: PathBuf,
}

impl Place {
    fn of(target: &Path) -> Result<Self> {
        let user = ServerUser::current()?;
        std::fs::create_dir_all(target).map_err(Error::io("create", target))?;
        let target = target.canonicalize().map_err(Error::io("read", target))?;
        let mut folder = target.join("migrate-local");
        if !user.can_enter(&target) {
            let hash = cache::hash(target.as_os_str().as_encoded_bytes());
            folder = std::env::temp_dir().join(format!("migrate-local-{}-{hash:016x}", user.uid()));
        }
        user.private_folder(&folder)?;
        Ok(Self { user, folder })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Held while the server is started or stopped, and let go of when the value is dropped or its process ends.
    fn lock(&self) -> Result<File> {
        let path = self.folder.join("lock");
        let file = File::create(&path).map_err(Error::io("write", &path))?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(file)
    }

    /// Tells the keeper that the server is wanted.
    fn touch(&self) -> Result<()> {
        let path = self.folder.join("used");
        std::fs::write(&path, "").map_err(Error::io("write", &path))
    }

    /// The server, if it runs and is going to go on: one that its keeper is about to stop is waited for.
    fn running(&self) -> Result<Option<PostmasterFile>> {
        let stopping = self.folder.join("stopping");
        let settled = process::poll(cluster::PATIENCE, || {
            let file = PostmasterFile::read(&self.data()).filter(PostmasterFile::listens);
            Ok(match file {
                None => Some(None),
                Some(_) if stopping.exists() => None,
                Some(file) => file.ready.then_some(Some(file)),
            })
        })?;
        let pid = || PostmasterFile::read(&self.data()).map_or(0, |file| file.pid);
        settled.ok_or_else(|| Error::Stop { pid: pid(), seconds: cluster::PATIENCE.as_secs() })
    }

    fn stop(&self) -> Result<bool> {
        let data = self.data();
        let Some(file) = PostmasterFile::read(&data).filter(PostmasterFile::listens) else {
            return Ok(false);
        };
        cluster::stop(&data, file.pid, Signal::INT)?;
        Ok(true)
    }

    /// Makes a database that is missing.
    fn create(&self, admin: &str, database: &str) -> Result<()> {
        if exists(admin, database)? {
            return Ok(());
        }
        let create = format!("CREATE DATABASE {}", cluster::quoted(database));
        cluster::execute(admin, &format!("create the database {database}"), &create)
    }
}

/// The major version of the cluster in a data folder.
fn version_of(data: &Path) -> Option<u32> {
    std::fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

fn exists(admin: &str, database: &str) -> Result<bool> {
    cluster::query(admin, "SELECT count(*) FROM pg_database WHERE datname = $1", &[&database])
        .map(|count| count > 0)
}

fn clients(admin: &str) -> Result<i64> {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    cluster::query(admin, sql, &[])
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    /// A server that is stopped and removed when its test is over, passed or not.
    struct Project {
        folder: tempfile::TempDir,
        server: LocalServer,
    }

    impl Project {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            // Root's server user has to be able to enter it, as it can a real target folder.
            std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .unwrap();
            let server = LocalServer::new(folder.path());
            Self { folder, server }
        }
    }

    impl Drop for Project {
        fn drop(&mut self) {
            let _ = self.server.reset();
        }
    }

    fn count(url: &str, sql: &str) -> i64 {
        cluster::query(url, sql, &[]).unwrap()
    }

    #[test]
    fn it_keeps_its_data_and_its_url_over_a_stop_and_loses_the_data_at_a_reset() {
        let project = Project::new();
        let server = &project.server;
        assert_eq!(server.status().unwrap(), LocalStatus::Absent);
        assert!(!server.stop().unwrap());
        let url = server.start("app \"dev\"").unwrap();
        cluster::execute(&url, "make a table", "CREATE TABLE t ()").unwrap();
        assert!(matches!(server.status().unwrap(), LocalStatus::Running { clients: 0, .. }));
        assert_eq!(server.start("app \"dev\"").unwrap(), url);
        assert!(server.stop().unwrap());
        assert!(matches!(server.status().unwrap(), LocalStatus::Stopped { .. }));
        assert_eq!(server.start("app \"dev\"").unwrap(), url);
        assert_eq!(count(&url, "SELECT count(*) FROM pg_class WHERE relname = 't'"), 1);
        assert!(server.reset().unwrap());
        assert_eq!(server.status().unwrap(), LocalStatus::Absent);
        server.start("app \"dev\"").unwrap();
        assert_eq!(count(&url, "SELECT count(*) FROM pg_class WHERE relname = 't'"), 0);
    }

    #[test]
    fn eight_processes_that_start_it_at_once_get_one_server() {
        // This test is also the processes: it runs its own binary again.
        if let Some(target) = std::env::var_os("MIGRATE_TEST_TARGET") {
            let url = LocalServer::new(target).start("app").unwrap();
            assert_eq!(count(&url, "SELECT 1::bigint"), 1);
            return;
        }
        let project = Project::new();
        let name = "local::tests::eight_processes_that_start_it_at_once_get_one_server";
        let start = |_| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", name, "--nocapture"]).env("MIGRATE_TEST_TARGET", project.folder.path());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..8).map(start).collect();
        for child in children {
            // Reading to the end shows too that the server does not hold its starter's output open.
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let log = std::fs::read_to_string(project.server.log().unwrap()).unwrap();
        assert_eq!(log.matches("database system is ready to accept connections").count(), 1, "{log}");
        assert_eq!(log.matches("FATAL").count(), 0, "{log}");
    }

    #[test]
    fn it_stays_while_a_client_is_connected_and_stops_when_nobody_is() {
        let mut project = Project::new();
        project.server = project.server.clone().idle(Duration::from_secs(1));
        let url = project.server.start("app").unwrap();
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        let place = Place::of(project.folder.path()).unwrap();
        let stopped = || {
            process::poll(Duration::from_secs(30), || {
                Ok(PostmasterFile::read(&place.data()).is_none().then_some(()))
            })
        };
        // The keeper looks every second: three looks that find nobody but this client.
        for _ in 0..3 {
            let seen = || std::fs::metadata(place.folder.join("seen")).and_then(|file| file.modified()).ok();
            let before = seen();
            let looked = process::poll(Duration::from_secs(30), || Ok((seen() > before).then_some(())));
            assert!(looked.unwrap().is_some(), "the keeper did not look");
        }
        assert_eq!(client.query_one("SELECT 1", &[]).unwrap().get::<_, i32>(0), 1);
        drop(client);
        assert!(stopped().unwrap().is_some(), "the server is still there");
        let url = project.server.start("app").unwrap();
        assert_eq!(count(&url, "SELECT 1::bigint"), 1);
    }

    #[test]
    fn a_server_that_crashed_is_started_again() {
        let project = Project::new();
        let url = project.server.start("app").unwrap();
        let LocalStatus::Running { pid, .. } = project.server.status().unwrap() else {
            panic!("it does not run")
        };
        process::signal(pid, Signal::KILL);
        let gone = process::poll(cluster::PATIENCE, || Ok((!process::alive(pid)).then_some(())));
        assert!(gone.unwrap().is_some());
        assert_eq!(project.server.start("app").unwrap(), url);
        assert_eq!(count(&url, "SELECT 1::bigint"), 1);
    }

    #[test]
    fn a_server_that_cannot_start_says_why() {
        let project = Project::new();
        project.server.start("app").unwrap();
        project.server.stop().unwrap();
        let place = Place::of(project.folder.path()).unwrap();
        let conf = place.data().join("postgresql.conf");
        std::fs::write(&conf, "no_such_setting = 1\n").unwrap();
        let error = project.server.start("app").unwrap_err();
        assert!(matches!(error, Error::Start { .. }), "{error}");
        assert!(error.to_string().contains("no_such_setting"), "{error}");
        assert!(error.hint().unwrap().contains("server.log"));
    }
}
