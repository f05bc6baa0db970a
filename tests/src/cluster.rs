//! A server that a test may stop, crash, copy and listen to.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use migrate_testing::{
    Binaries, Result, ScratchDatabase, ScratchServer, ScratchSettings, ServerUser, StopMode, free_port,
};
use postgres::Client;
use rustix::process::{Pid, Signal, kill_process};

use crate::Log;
use crate::proxy::Upstream;
use crate::tls::Certificates;

/// A server of one test's own, in memory, that logs every statement.
#[derive(Debug)]
pub struct Cluster {
    server: ScratchServer,
}

/// How a cluster is to be.
#[derive(Debug, Default)]
pub struct Builder {
    settings: Vec<(String, String)>,
    tcp: bool,
    hba: Option<String>,
    certificates: Option<Certificates>,
    binaries: Option<Binaries>,
    parent: Option<std::path::PathBuf>,
}

impl Builder {
    /// A setting of `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Listens on 127.0.0.1 too.
    #[must_use]
    pub fn tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// The lines of `pg_hba.conf`, in place of those that trust everybody.
    #[must_use]
    pub fn hba(mut self, lines: &str) -> Self {
        self.hba = Some(lines.to_owned());
        self
    }

    /// Speaks TLS, on TCP.
    #[must_use]
    pub fn tls(mut self, certificates: &Certificates) -> Self {
        self.certificates = Some(certificates.clone());
        self.tcp()
    }

    /// Another version of the server.
    #[must_use]
    pub fn binaries(mut self, binaries: Binaries) -> Self {
        self.binaries = Some(binaries);
        self
    }

    /// In a folder of its own below this one, not in memory.
    #[must_use]
    pub fn below(mut self, parent: &Path) -> Self {
        self.parent = Some(parent.to_owned());
        self
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    #[track_caller]
    pub fn start(self) -> Cluster {
        let settings = self.scratch_settings();
        let server = ScratchServer::prepare(settings, |user, binaries, data| {
            migrate_testing::fresh_cluster(user, binaries, data)?;
            self.fill(user, data);
            Ok(())
        });
        Cluster::resumed(server)
    }

    fn scratch_settings(&self) -> ScratchSettings {
        let own = [("log_statement", "all"), ("log_line_prefix", "%p %x ")];
        let mut settings: Vec<_> = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        if self.certificates.is_some() {
            settings.push(("ssl".to_owned(), "on".to_owned()));
        }
        settings.extend(self.settings.iter().cloned());
        let tcp_port = self.tcp.then(|| free_port().unwrap());
        ScratchSettings { binaries: self.binaries.clone(), settings, tcp_port, parent: self.parent.clone() }
    }

    /// Puts the files of this cluster into its data folder.
    fn fill(&self, user: &ServerUser, data: &Path) {
        let put = |name: &str, text: &str| {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            // The server refuses a key that others could read.
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            user.own(&path).unwrap();
        };
        if let Some(hba) = &self.hba {
            put("pg_hba.conf", hba);
        }
        if let Some(certificates) = &self.certificates {
            put("server.crt", &certificates.certificate);
            put("server.key", &certificates.key);
        }
    }
}

impl Cluster {
    /// One with nothing special.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// One with something special.
    pub fn builder() -> Builder {
        Builder::default()
    }

    #[track_caller]
    fn resumed(server: Result<ScratchServer>) -> Self {
        let started = server.and_then(|server| server.resume().map(|()| server));
        Self { server: started.unwrap_or_else(|error| panic!("{error}")) }
    }

    /// A hot standby that follows this server; it listens on 127.0.0.1 too.
    ///
    /// # Panics
    ///
    /// Where it cannot be made.
    #[track_caller]
    pub fn standby(&self) -> Self {
        self.standby_with(&[])
    }

    /// The same with settings of its own.
    ///
    /// # Panics
    ///
    /// As [`standby`](Self::standby).
    #[track_caller]
    pub fn standby_with(&self, settings: &[(&str, &str)]) -> Self {
        let mut builder = Builder::default().setting("hot_standby", "on").tcp();
        for (name, value) in settings {
            builder = builder.setting(name, value);
        }
        let settings = builder.binaries(self.server.binaries().clone()).scratch_settings();
        let server = ScratchServer::prepare(settings, |user, _, data| {
            crate::standby::copy(&mut self.admin(), user, &self.server.data(), data, &self.url("postgres"));
            Ok(())
        });
        Self::resumed(server)
    }

    /// Makes an empty database.
    #[track_caller]
    pub fn database(&self) -> ScratchDatabase {
        self.server.database().unwrap()
    }

    /// The URL of a database, on the Unix socket.
    pub fn url(&self, database: &str) -> String {
        self.server.url(database)
    }

    /// The URL of a database on TCP, of a cluster built with that.
    pub fn tcp_url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.server.port())
    }

    /// A connection to the database `postgres`, for looking and meddling.
    #[track_caller]
    pub fn admin(&self) -> Client {
        Client::connect(&self.url("postgres"), postgres::NoTls).unwrap()
    }

    /// Where a proxy finds the server.
    pub fn upstream(&self) -> Upstream {
        Upstream::Unix(self.server.folder().join(format!(".s.PGSQL.{}", self.server.port())))
    }

    /// The server's log.
    pub fn log(&self) -> Log {
        Log::new(self.server.log())
    }

    /// The server below.
    pub fn server(&self) -> &ScratchServer {
        &self.server
    }

    /// Stops the server.
    #[track_caller]
    pub fn stop(&self, mode: StopMode) {
        self.server.stop(mode).unwrap();
    }

    /// Starts it again.
    #[track_caller]
    pub fn resume(&self) {
        self.server.resume().unwrap();
    }

    /// Stops it and starts it again.
    #[track_caller]
    pub fn restart(&self, mode: StopMode) {
        self.stop(mode);
        self.resume();
    }

    /// Kills one backend (SIGKILL): the server then throws everybody out and recovers.
    ///
    /// # Panics
    ///
    /// Where there is no such process.
    pub fn kill_backend(&self, pid: i32) {
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
}
