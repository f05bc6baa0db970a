//! What moves the bytes of an open connection.

use std::future::poll_fn;
use std::task::{Context, Poll};

use tokio_postgres::error::DbError;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{AsyncMessage, Connection, Socket};

/// The driver of an open connection: nothing happens on it unless [`run`](Link::run) does.
pub struct Link {
    pub(super) connection: Driver,
    pub(super) backend_pid: Option<i32>,
}

/// A connection over a stream of either kind.
pub(super) enum Driver {
    Plain(Box<Connection<Socket, NoTlsStream>>),
    #[cfg(feature = "tls")]
    Tls {
        connection: Box<Connection<Socket, super::encryption::Stream>>,
        /// `sslmode=prefer` goes on without, where the server has no TLS.
        encrypted: bool,
    },
}

impl Driver {
    pub(super) fn poll_message(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> {
        match self {
            Self::Plain(connection) => connection.poll_message(context),
            #[cfg(feature = "tls")]
            Self::Tls { connection, .. } => connection.poll_message(context),
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        match self {
            Self::Plain(connection) => connection.parameter(name),
            #[cfg(feature = "tls")]
            Self::Tls { connection, .. } => connection.parameter(name),
        }
    }
}

impl Link {
    /// The process id that the server sent when the session began. Behind a connection pooler `pg_backend_pid()` is
    /// another one.
    pub fn backend_pid(&self) -> Option<i32> {
        self.backend_pid
    }

    /// A parameter that the server reported when the session began, at the price of no round trip: `server_version`,
    /// `in_hot_standby`, `default_transaction_read_only`, … (protocol, "Asynchronous Operations").
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.connection.parameter(name)
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        match &self.connection {
            Driver::Plain(_) => false,
            #[cfg(feature = "tls")]
            Driver::Tls { encrypted, .. } => *encrypted,
        }
    }

    /// Drives the connection until it ends: to be spawned. Every notice of the server goes to `on_notice`, in order.
    ///
    /// # Errors
    ///
    /// The connection broke, or the server ended it with a message.
    pub async fn run(
        mut self,
        mut on_notice: impl FnMut(DbError) + Send + 'static,
    ) -> Result<(), tokio_postgres::Error> {
        while let Some(message) = poll_fn(|context| self.connection.poll_message(context)).await {
            if let AsyncMessage::Notice(notice) = message? {
                on_notice(notice);
            }
        }
        Ok(())
    }
}
