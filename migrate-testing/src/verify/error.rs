//! Why nothing could be verified.

/// Why nothing could be verified. What is wrong with a migration is no error but a [`Finding`](super::Finding).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No server could be had on this machine.
    #[error(transparent)]
    Environment(#[from] crate::Error),
    /// The engine could not go on: no connection, an interrupt.
    #[error(transparent)]
    Engine(#[from] migrate_runtime::Error),
    /// The role of the given server may not create databases.
    #[error("the role {role} may not create databases on {server}")]
    MayNotCreate {
        /// Who connected.
        role: String,
        /// For people, without the password.
        server: String,
    },
    /// A statement of ours failed on the given server.
    #[error("could not {doing} on {server}")]
    Server {
        /// `create a scratch database`.
        doing: String,
        /// For people, without the password.
        server: String,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A migration does something to the whole server, and the server is not ours.
    #[error("{file}:{line}: {command} is done to the whole server, not to a scratch database alone")]
    ServerWide {
        /// The file's name.
        file: String,
        /// From 1.
        line: usize,
        /// `CREATE ROLE`.
        command: &'static str,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Environment(error) => error.hint().unwrap_or_default(),
            Self::Engine(error) => error.hint(),
            Self::MayNotCreate { role, .. } => format!(
                "let it: ALTER ROLE {role} CREATEDB; or verify on a server of our own in memory, with --scratch"
            ),
            Self::Server { .. } => {
                "see what its log says; --scratch verifies on a server of our own in memory".to_owned()
            }
            Self::ServerWide { .. } => {
                "verify it with --scratch: on servers of our own in memory, which are thrown away; \
                 roles and other things of the whole server are better made where the server is made"
                    .to_owned()
            }
        }
    }
}

/// What this module's functions return.
pub(super) type Result<T, E = Error> = std::result::Result<T, E>;
