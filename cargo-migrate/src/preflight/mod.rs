//! `preflight`: looks a database over before migrations are applied to it, and leaves a marker where all is well.

mod check;
pub(crate) mod marker;
mod needs;
mod options;
mod privilege;
mod report;
mod run;

pub(crate) use check::CHECKS;
pub(crate) use options::{Allow, Options};
pub(crate) use report::Report;
pub(crate) use run::run;
