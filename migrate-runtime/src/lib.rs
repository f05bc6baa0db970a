//! Everything that happens on a PostgreSQL connection: history, locking, apply, rollback, recovery. Silent: it emits
//! events, it never prints.

pub mod connect;
pub mod error;
pub mod event;
pub mod history_table;
pub mod interrupt;
pub mod migrator;
pub mod report;

pub use connect::Database;
pub use error::Error;
pub use event::Event;
pub use history_table::HistoryTable;
pub use interrupt::Interrupt;
pub use migrate_core as core;
pub use migrator::Migrator;
pub use report::{Done, LogEntry, Repair, RepairPlan, Report, Status, StatusEntry, StatusState};
