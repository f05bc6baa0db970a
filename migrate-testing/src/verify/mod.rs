//! Every migration applied, rolled back and applied again on scratch databases: does each down undo exactly its up, and
//! what does each do on the way?

mod report;

pub use report::{Failure, Finding, MigrationReport, Report};
