//! A real PgBouncer.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use migrate_testing::{ServerUser, socket_url};
use tempfile::TempDir;

use crate::guarded::Guarded;
use crate::{Cluster, until};

/// A pooler in front of a cluster.
#[derive(Debug)]
pub struct PgBouncer {
    folder: TempDir,
    _process: Guarded,
}

/// The port in its socket's name.
const PORT: u16 = 6432;

impl PgBouncer {
    /// Where the program is; nothing where it is not installed, and then the test says [`skip!`](crate::skip!).
    pub fn program() -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Debian keeps it where only root's PATH leads to.
        let more = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
        let folders = std::env::split_paths(&path).chain(more);
        folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file())
    }

    /// Starts one with a pool of `size` server connections a database.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    #[track_caller]
    pub fn start(program: PathBuf, cluster: &Cluster, size: usize) -> Self {
        Self::start_in("transaction", program, cluster, size)
    }

    /// The same in another mode.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    #[track_caller]
    pub fn start_in(mode: &str, program: PathBuf, cluster: &Cluster, size: usize) -> Self {
        let user = ServerUser::current().unwrap();
        let folder = tempfile::Builder::new().prefix("bouncer-").tempdir().unwrap();
        user.own(folder.path()).unwrap();
        let configuration = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n\
             * = host={server} port={server_port} user=postgres\n\
             [pgbouncer]\n\
             listen_addr =\n\
             unix_socket_dir = {own}\n\
             listen_port = {PORT}\n\
             auth_type = any\n\
             pool_mode = {mode}\n\
             default_pool_size = {size}\n\
             max_client_conn = 500\n\
             max_db_connections = {size}\n\
             ignore_startup_parameters = extra_float_digits,options\n\
             server_login_retry = 1\n",
            server = cluster.server().folder().display(),
            server_port = cluster.server().port(),
            own = folder.path().display(),
        );
        std::fs::write(&configuration, text).unwrap();
        let log = folder.path().join("log");
        let arguments = [configuration.to_str().unwrap()];
        let mut process = Guarded::start(&user, &program, &arguments, &log);
        let socket = folder.path().join(format!(".s.PGSQL.{PORT}"));
        until("pgbouncer to listen", || {
            assert!(
                process.runs(),
                "pgbouncer ended:\n{}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            UnixStream::connect(&socket).is_ok()
        });
        Self { folder, _process: process }
    }

    /// The URL of a database through it.
    pub fn url(&self, database: &str) -> String {
        socket_url(self.folder.path(), PORT, "postgres", database)
    }
}
