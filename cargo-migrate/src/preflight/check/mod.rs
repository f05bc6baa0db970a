//! The checks of a preflight, one a file, in the order in which they are told.

mod environment;
mod history;
mod idle_in_transaction;
mod long_transactions;
mod prepared_transactions;
mod writable;

use migrate_runtime::quote_identifier;

use crate::inspection::{Check, Conflict, Finding, Severity, Situation};

pub(super) use environment::remember as remember_environment;

/// All of them.
pub(crate) const CHECKS: &[&dyn Check] = &[
    &environment::Environment,
    &writable::Writable,
    &history::History,
    &long_transactions::LongTransactions,
    &idle_in_transaction::IdleInTransaction,
    &prepared_transactions::PreparedTransactions,
];

/// A finding with nothing below it and nothing to do.
fn finding(severity: Severity, what: impl Into<String>, data: serde_json::Value) -> Finding {
    Finding { severity, what: what.into(), details: Vec::new(), remedy: None, data }
}

/// The locks that are in the way, as lines below a finding.
fn conflict_lines(conflicts: &[Conflict]) -> impl Iterator<Item = String> {
    conflicts.iter().map(Conflict::text)
}

/// What lets this role see what the sessions of others do.
fn grant_monitor(situation: &Situation<'_>) -> String {
    format!("GRANT pg_monitor TO {};", quote_identifier(&situation.role))
}
