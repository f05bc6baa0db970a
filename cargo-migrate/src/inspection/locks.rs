//! Who holds which lock on the tables that the run will work on, and where that is in its way.

use migrate_runtime::Error as EngineError;
use migrate_runtime::rehearsal::LockMode;
use serde_json::{Value, json};

use super::{Situation, Touched};

/// A lock on one of those tables.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// Who holds it; `None` for a prepared transaction.
    pub(crate) pid: Option<i32>,
    /// Its virtual transaction: what the locks of one prepared transaction have in common.
    pub(crate) transaction: String,
    /// The relation: a table, a partition.
    pub(crate) relation: u32,
    pub(crate) mode: LockMode,
}

/// A lock that the run would wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// As SQL writes it, qualified.
    pub(crate) table: String,
    /// The lock that is held.
    pub(crate) held: LockMode,
    /// The lock that is wanted.
    pub(crate) wanted: LockMode,
    /// The migration that wants it.
    pub(crate) stem: String,
}

impl Held {
    /// All that are granted, but our own: those of relations are visible to every role.
    pub(super) fn all(situation: &Situation<'_>) -> Result<Vec<Self>, EngineError> {
        let tables = &situation.touched()?.tables;
        let members: Vec<_> =
            tables.iter().flat_map(|table| &table.members).map(ToString::to_string).collect();
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let rows = situation.ask(
            "looking at the locks on the tables of the pending migrations",
            &format!(
                "SELECT DISTINCT pid, virtualtransaction, relation, mode FROM pg_locks WHERE locktype = 'relation' \
                 AND granted AND pid IS DISTINCT FROM pg_backend_pid() AND relation IN ({}) \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                members.join(", ")
            ),
        )?;
        let held = rows.iter().filter_map(|row| {
            Some(Self {
                pid: row.number(0),
                transaction: row.text(1),
                relation: row.number(2)?,
                mode: LockMode::from_catalog(row.get(3)?)?,
            })
        });
        Ok(held.collect())
    }
}

impl Conflict {
    /// Where the locks that `mine` picks are in the run's way, each table once with the strongest lock.
    pub(crate) fn of(held: &[Held], touched: &Touched, mine: impl Fn(&Held) -> bool) -> Vec<Self> {
        let mut conflicts: Vec<Self> = Vec::new();
        for held in held.iter().filter(|held| mine(held)) {
            let Some(table) = touched.of_member(held.relation) else { continue };
            let Some(by) = table.conflict(held.mode) else { continue };
            let conflict = Self {
                table: table.name.clone(),
                held: held.mode,
                wanted: by.touch.mode,
                stem: by.stem.clone(),
            };
            match conflicts.iter_mut().find(|other| other.table == conflict.table) {
                Some(other) if other.held < conflict.held => *other = conflict,
                Some(_) => {}
                None => conflicts.push(conflict),
            }
        }
        conflicts.sort_by(|a, b| a.table.cmp(&b.table));
        conflicts
    }

    /// `it holds ROW EXCLUSIVE on public.orders, and 0007_x needs ACCESS EXCLUSIVE`
    pub(crate) fn text(&self) -> String {
        format!(
            "it holds {} on {}, and {} needs {}",
            self.held.name(),
            self.table,
            self.stem,
            self.wanted.name()
        )
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "table": self.table,
            "held": self.held.name(),
            "wanted": self.wanted.name(),
            "migration": self.stem,
        })
    }
}
