//! Connections to a PostgreSQL of the test's own, over TCP and sockets, with TLS and without. psql is the oracle.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests are tests too")]

mod plain;
mod server;
#[cfg(feature = "tls")]
mod tls;
