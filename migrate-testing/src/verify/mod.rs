//! Every migration applied, rolled back and applied again on scratch databases: does each down undo exactly its up, and
//! what does each do on the way?
//!
//! ```no_run
//! use migrate_runtime::core::folder::{self, Options};
//! use migrate_testing::verify::{Place, Verify};
//!
//! let set = folder::read("migrations".as_ref(), &Options::new(".")).unwrap();
//! let report = Verify::new(set).run(&Place::Scratch(None)).unwrap();
//! assert!(!report.fails());
//! ```

mod chain;
mod chance;
mod cycle;
mod error;
mod judge;
mod report;
mod runner;
mod server;
mod stage;
mod steps;
mod work;

pub use error::Error;
pub use report::{Failure, Finding, MigrationReport, Report};
pub use server::Place;
pub use work::{Progress, Verify};
