//! Looking a server over: checks, each in a file of its own, that find something or find nothing. `preflight` and
//! `postflight` are two lists of them.

pub(crate) mod ask;
mod check;
mod finding;
mod identity;
mod locks;
mod pooling;
mod session;
mod situation;
mod touched;

pub(crate) use check::Check;
pub(crate) use finding::{Examined, Finding, Severity};
pub(crate) use identity::Identity;
pub(crate) use locks::{Conflict, Held};
pub(crate) use pooling::shares_sessions;
pub(crate) use session::Session;
pub(crate) use situation::{Limits, Pending, Situation};
pub(crate) use touched::{By, Table, Touched};
