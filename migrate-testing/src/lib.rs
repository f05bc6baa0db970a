//! Databases to try migrations on: a project's local server, scratch databases in memory, and snapshots of the schema
//! that migrations make.
//!
//! Every server here is a real PostgreSQL run as a child process that listens on a Unix socket only, in a folder that
//! nobody else can enter. Nothing has to be set up by hand: the programs are looked for where systems keep them and
//! installed into the user's cache where there are none ([`Binaries::find`]).
//!
//! ```no_run
//! let database = migrate_testing::scratch()?;
//! let mut client = database.connect()?;
//! client.batch_execute("CREATE TABLE t (id int)").unwrap();
//! println!("{}", database.schema()?);
//! # Ok::<(), migrate_testing::Error>(())
//! ```

mod binaries;
mod cache;
mod clients;
mod cluster;
mod error;
mod install;
mod local;
mod process;
mod schema;
mod scratch;
mod url;
mod user;
pub mod verify;

pub use binaries::{Binaries, Source};
pub use cache::free_space;
pub use clients::ClientPrograms;
pub use cluster::fresh as fresh_cluster;
pub use error::Error;
#[cfg(feature = "insta")]
#[doc(hidden)]
pub use insta as __insta;
pub use local::{LocalServer, LocalStatus};
pub use process::{PostmasterFile, free_port};
pub use schema::schema_of;
#[cfg(feature = "insta")]
#[doc(hidden)]
pub use schema::{__folder, __told};
pub use scratch::{ScratchDatabase, ScratchServer, ScratchSettings, StopMode, scratch};
pub use url::socket_url;
pub use user::ServerUser;

/// What the fallible functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
