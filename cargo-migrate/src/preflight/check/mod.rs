//! The checks of a preflight, one a file, in the order in which they are told.

mod blocking_chains;
mod connections;
mod disk_space;
mod environment;
mod history;
mod idle_in_transaction;
mod invalid_indexes;
mod long_transactions;
mod maintenance;
mod not_valid_constraints;
mod pending;
mod pooler;
mod prepared_transactions;
mod privileges;
mod publications;
mod replication_lag;
mod replication_slots;
mod schema;
mod server_version;
mod sizes;
mod timeouts;
mod transaction_ids;
mod visibility;
mod wraparound_vacuum;
mod writable;

use migrate_runtime::quote_identifier;

use crate::inspection::{Check, Conflict, Finding, Severity, Situation};

pub(super) use environment::remember as remember_environment;

/// All of them.
pub(crate) const CHECKS: &[&dyn Check] = &[
    &environment::Environment,
    &writable::Writable,
    &pooler::Pooler,
    &server_version::ServerVersion,
    &history::History,
    &pending::PendingMigrations,
    &privileges::Privileges,
    &timeouts::Timeouts,
    &schema::Schema,
    &sizes::Sizes,
    &disk_space::DiskSpace,
    &connections::Connections,
    &visibility::Visibility,
    &long_transactions::LongTransactions,
    &idle_in_transaction::IdleInTransaction,
    &maintenance::Maintenance,
    &blocking_chains::BlockingChains,
    &prepared_transactions::PreparedTransactions,
    &wraparound_vacuum::WraparoundVacuum,
    &transaction_ids::TransactionIds,
    &invalid_indexes::InvalidIndexes,
    &not_valid_constraints::NotValidConstraints,
    &replication_lag::ReplicationLag,
    &replication_slots::ReplicationSlots,
    &publications::Publications,
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
