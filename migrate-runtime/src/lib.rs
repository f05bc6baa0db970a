//! Everything that happens on a PostgreSQL connection: history, locking, apply, rollback, recovery. Silent: it emits
//! events, it never prints.
//!
//! An application embeds its migrations and runs them as it starts:
//!
//! ```no_run
//! migrate_runtime::embed!();
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     embedded::run()?; // reads DATABASE_URL
//!     // …
//!     Ok(())
//! }
//! ```

pub mod checks;
pub mod connect;
pub mod connection;
pub mod embed;
pub mod error;
pub mod event;
pub mod history_table;
pub mod interrupt;
pub mod migrator;
pub mod rehearsal;
pub mod report;
pub mod schema;

mod applied;
mod backoff;
mod causes;
mod check_schema;
mod cosmetic;
mod detach;
mod down;
mod dry_run;
mod emitter;
mod failure;
mod flight;
mod hint;
mod history;
mod invalid_index;
mod journal;
mod lock;
mod log_filter;
mod look;
mod message;
mod note;
mod observe;
mod own_tables;
mod plan_scripts;
mod probe;
mod prove;
mod record;
mod recovery;
mod repair;
mod resolve;
mod run;
mod session;
mod settings;
mod status;
mod table_sizes;
#[cfg(feature = "tracing")]
mod trace;
mod transactional;
mod waiting;

pub use applied::Applied;
pub use causes::{causes, in_one_line};
pub use connect::Database;
pub use connection::Connection;
pub use error::Error;
pub use event::Event;
pub use history_table::{HistoryTable, quote_identifier, quote_literal};
pub use interrupt::Interrupt;
pub use log_filter::{LogFilter, Since};
#[doc(hidden)]
pub use look::{Locked, Look};
pub use migrate_core as core;
pub use migrate_core::State as StatusState;
pub use migrator::{DryRun, Migrator};
pub use note::Note;
pub use plan_scripts::PlannedScript;
pub use report::{Done, LogEntry, Repair, RepairPlan, Report, Status, StatusEntry};
pub use settings::{DEFAULT_LOCK_TIMEOUT, DEFAULT_LOCK_WAIT};
