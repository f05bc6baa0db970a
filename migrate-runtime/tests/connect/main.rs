//! Connections to a PostgreSQL of the test's own, over TCP and sockets, with TLS and without. psql is the oracle.

mod plain;
mod server;
#[cfg(feature = "tls")]
mod tls;
