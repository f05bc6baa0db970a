//! What there is at all in a database. To plan a query over every kind of object takes the server longer than to run it
//! over the few kinds that most databases have.

use std::collections::HashSet;

use super::kinds::{BORROWED, DEFAULT_PRIVILEGES, KINDS, Kind};
use crate::session::Row;

/// Something has a comment of its own.
pub(super) const COMMENTS: &str = "EXISTS (SELECT FROM pg_description WHERE objoid >= 16384 AND classoid IN \
    ('pg_class'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass))";
pub(super) const LABELS: &str = "EXISTS (SELECT FROM pg_seclabel)";

/// There are extensions, or somebody changed privileges on what is the server's own: what once has some keeps some.
const BORROWERS: &str = "(EXISTS (SELECT FROM pg_extension WHERE oid >= 16384) OR EXISTS (
    SELECT FROM (
        SELECT 'pg_class'::regclass AS class, oid, relacl AS acl FROM pg_class WHERE relnamespace = 11 AND relacl IS NOT NULL
        UNION ALL SELECT 'pg_proc'::regclass, oid, proacl FROM pg_proc WHERE pronamespace = 11 AND proacl IS NOT NULL
        UNION ALL SELECT 'pg_type'::regclass, oid, typacl FROM pg_type WHERE typnamespace = 11 AND typacl IS NOT NULL
        UNION ALL SELECT 'pg_language'::regclass, oid, lanacl FROM pg_language WHERE oid < 16384
        UNION ALL SELECT 'pg_namespace'::regclass, oid, nspacl FROM pg_namespace WHERE oid = 11
    ) AS o LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = 0
    WHERE o.acl IS DISTINCT FROM i.initprivs))";

/// Which conditions hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Presence(HashSet<String>);

impl Presence {
    /// An expression of a digit for each condition.
    pub fn sql(conditions: &[String]) -> String {
        let digits: Vec<_> = conditions.iter().map(|c| format!("CASE WHEN {c} THEN 1 ELSE 0 END")).collect();
        format!("concat({})", digits.join(",\n"))
    }

    /// What [`Presence::sql`] returned.
    pub fn read(row: Row<'_>, column: usize, conditions: Vec<String>) -> Self {
        let digits = row.text(column);
        let holds = conditions.into_iter().zip(digits.bytes()).filter(|(_, digit)| *digit == b'1');
        Self(holds.map(|(condition, _)| condition).collect())
    }

    /// The same with these conditions as they are now.
    pub fn replace(&mut self, now: Self, conditions: &[String]) {
        self.0.retain(|condition| !conditions.contains(condition));
        self.0.extend(now.0);
    }

    /// Whether a condition holds; the empty one always does.
    pub fn has(&self, condition: &str) -> bool {
        condition.is_empty() || self.0.contains(condition)
    }

    /// Whether there are objects of a kind.
    pub fn has_kind(&self, kind: &Kind) -> bool {
        self.has(&of(kind))
    }
}

/// The conditions that there are objects in these catalogs.
pub(super) fn of_catalogs(catalogs: &[&str]) -> Vec<String> {
    KINDS.iter().filter(|kind| catalogs.contains(&kind.catalog)).map(of).collect()
}

/// Every condition.
pub(super) fn conditions() -> Vec<String> {
    let mut conditions: Vec<String> = vec![COMMENTS.to_owned(), LABELS.to_owned(), BORROWERS.to_owned()];
    for kind in KINDS.iter().chain([&DEFAULT_PRIVILEGES]) {
        conditions.push(of(kind));
        conditions.extend(kind.aspects.iter().map(|aspect| aspect.needs.to_owned()));
    }
    let mut seen = HashSet::new();
    conditions.retain(|condition| !condition.is_empty() && seen.insert(condition.clone()));
    conditions
}

/// The condition that there are objects of a kind: what the server was made with has lower numbers (transam.h).
fn of(kind: &Kind) -> String {
    match kind.catalog {
        _ if BORROWED.iter().any(|borrowed| borrowed.name == kind.name) => BORROWERS.to_owned(),
        "pg_class" | "pg_namespace" => String::new(),
        "pg_user_mapping" => "EXISTS (SELECT FROM pg_user_mappings)".to_owned(),
        catalog => format!("EXISTS (SELECT FROM {catalog} WHERE oid >= 16384)"),
    }
}
