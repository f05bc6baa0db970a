//! What a migration is: names, versions, checksums, script splitting, directives, the folder, `migrations.lock`,
//! planning, and a schema as text. Pure: no database and no terminal.

pub mod check;
pub mod checksum;
pub mod directive;
pub mod duration;
pub mod file;
pub mod folder;
pub mod history;
pub mod lock;
pub mod migration;
pub mod name;
pub mod plan;
pub mod schema;
pub mod script;
pub mod sql;
pub mod standing;
pub mod text;
pub mod version;

pub use check::{Check, CheckScript, Moment};
pub use checksum::Checksum;
pub use directive::{Allow, Directives};
pub use history::{HistoryDigest, Row};
pub use migration::{Migration, Set};
pub use plan::{Direction, Goal, Modified, Newer, NoDown, Plan, Policy, Refusal, Step, Warning};
pub use schema::Schema;
pub use script::{Mode, Script, Statement, StatementKind};
pub use sql::{Reason, ScriptError};
pub use standing::{Standing, State};
pub use version::Version;

#[cfg(test)]
mod testing;
