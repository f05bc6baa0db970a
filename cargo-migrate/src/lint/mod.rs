//! Rules about the text of migrations: those of squawk, and our own, one file each.

mod allow;
mod catalogue;
mod check;
mod coercion;
mod docs;
mod effect;
mod finding;
mod options;
mod rule;
mod rules;
mod safer;
mod source;
mod squawk;
#[cfg(test)]
mod testing;
pub(crate) mod tree;
mod two_phase;
mod world;

pub(crate) use catalogue::{find, nearest, rules};
pub(crate) use check::check;
pub(crate) use docs::{explain, group_name, level_name, owner_name};
pub(crate) use effect::{Effect, Object, Tolerant, effects};
pub(crate) use finding::{Finding, Level};
pub(crate) use options::{OLDEST_SERVER, Options, Scope};
pub(crate) use rule::{Group, Rule};
pub(crate) use source::Source;

#[cfg(test)]
mod tests;
