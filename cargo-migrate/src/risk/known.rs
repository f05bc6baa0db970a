//! What the statements before this one say about a schema, as far as their text shows it.

use std::collections::HashMap;

use super::form::Fact;
use super::name::Name;

/// What is known of the schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// By the name without its schema: the table of an index.
    indexes: HashMap<String, Vec<(Name, Name)>>,
    /// By the name without its schema: the tables that a table refers to.
    refers: HashMap<String, Vec<(Name, Name)>>,
    checks: Vec<Check>,
}

/// A CHECK that a column is not null.
#[derive(Clone, Debug)]
struct Check {
    table: Name,
    column: String,
    constraint: String,
    valid: bool,
}

impl Known {
    pub(super) fn learn(&mut self, fact: &Fact) {
        match fact {
            Fact::Created(_) => {}
            Fact::IndexOn { index, table } => {
                let known = self.indexes.entry(index.last().to_owned()).or_default();
                known.retain(|(other, _)| !other.fits(index));
                known.push((index.clone(), table.clone()));
            }
            Fact::Refers { table, to } => {
                let known = self.refers.entry(table.last().to_owned()).or_default();
                known.push((table.clone(), to.clone()));
            }
            Fact::NotNullCheck { table, column, constraint, valid } => self.checks.push(Check {
                table: table.clone(),
                column: column.clone(),
                constraint: constraint.clone(),
                valid: *valid,
            }),
            Fact::Validated { table, constraint } => {
                let validated =
                    |check: &&mut Check| check.table.fits(table) && check.constraint == *constraint;
                self.checks.iter_mut().filter(validated).for_each(|check| check.valid = true);
            }
            Fact::Dropped { table, constraint } => {
                self.checks.retain(|check| !(check.table.fits(table) && check.constraint == *constraint));
            }
        }
    }

    /// The table that an index is on.
    pub(super) fn table_of(&self, index: &Name) -> Option<Name> {
        let known = self.indexes.get(index.last())?;
        known.iter().find(|(other, _)| other.fits(index)).map(|(_, table)| table.clone())
    }

    /// The other tables that the foreign keys of a table refer to.
    pub(super) fn referred_by(&self, table: &Name) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        for (from, to) in self.refers.get(table.last()).into_iter().flatten() {
            if from.fits(table) && !to.fits(table) && !names.contains(to) {
                names.push(to.clone());
            }
        }
        names
    }

    /// Whether a valid CHECK says that the column has no NULL: `SET NOT NULL` reads nothing then ("ALTER TABLE", since
    /// PostgreSQL 12).
    pub(super) fn proves_not_null(&self, table: &Name, column: &str) -> bool {
        self.checks.iter().any(|check| check.valid && check.column == column && check.table.fits(table))
    }
}
