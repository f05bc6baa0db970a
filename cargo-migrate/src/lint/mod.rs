//! Rules about the text of migrations: those of squawk, and our own, one file each.

mod finding;

pub(crate) use finding::{Finding, Level};
