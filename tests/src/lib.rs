//! What the integration tests stand on: servers that can be broken, a proxy that breaks connections, and an environment
//! that runs the real program. Nothing here is part of the product.

// A harness panics where something is not as it must be, and what it prints is for the person who reads a test run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

pub mod binaries;
pub mod cluster;
pub mod crowd;
pub mod dump;
pub mod environment;
pub mod file_steps;
pub mod forms;
pub mod gate;
pub mod guarded;
pub mod invariant;
pub mod log;
pub mod migrations;
pub mod output;
pub mod pgbouncer;
pub mod production;
pub mod proxy;
pub mod redact;
pub mod restorable;
pub mod skip;
pub mod small_disk;
mod standby;
pub mod subject;
pub mod terminal;
pub mod tls;
pub mod wait;

pub use cluster::Cluster;
pub use environment::TestEnvironment;
pub use gate::Gate;
pub use log::Log;
pub use output::{CANARY, Output, Running};
pub use pgbouncer::PgBouncer;
pub use proxy::Proxy;
pub use redact::Redactor;
pub use restorable::{Restorable, edit_manifest};
pub use small_disk::SmallDisk;
pub use subject::Subject;
pub use terminal::Terminal;
pub use wait::{poll_until, until};
