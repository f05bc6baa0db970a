//! Running migrations on a scratch database to see what they do: statement by statement, with the locks, rewrites and
//! scans of each, and without a history.

mod measured;

pub use measured::{LockMode, Measured, MeasuredStatement, Relation, TableLock};
