//! What must hold after every fault, whatever it was and wherever it struck.

use postgres::Client;

use crate::wait::{answer, poll_until};

/// Something that a migration does, which is there or not.
#[derive(Debug, Clone, Copy)]
pub enum Effect {
    /// A table or a valid index of this name.
    Relation(&'static str),
    /// A column of a table.
    Column(&'static str, &'static str),
    /// This many rows of a table with this condition. A table that is not there has none.
    Rows(&'static str, &'static str, i64),
}

/// How much of a migration is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Nothing.
    Nothing,
    /// Some of it, or something twice.
    Part,
    /// All of it, once.
    Whole,
}

/// What the history says about a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// No row.
    Absent,
    /// A row.
    Applied,
    /// A row that says: partly applied.
    Dirty,
}

/// A migration and all that it does.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// `0001_create_accounts`
    pub stem: &'static str,
    /// Its up script.
    pub up: &'static str,
    /// Its down script.
    pub down: &'static str,
    /// What is there when it is applied and is not when it is not.
    pub effects: &'static [Effect],
}

/// Where a migration stands: in the schema, and in the history.
pub type Standing = (&'static str, Extent, Recorded);

impl Effect {
    /// How many there are, and how many there ought to be.
    fn measure(self, client: &mut Client) -> (i64, i64) {
        let count = |client: &mut Client, sql: &str| answer(client, sql).parse::<i64>().unwrap();
        match self {
            Effect::Relation(name) => {
                let sql = format!(
                    "SELECT count(*) FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid \
                     WHERE c.relname = '{name}' AND coalesce(i.indisvalid, true)"
                );
                (count(client, &sql), 1)
            }
            Effect::Column(table, column) => {
                let sql = format!(
                    "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('{table}') \
                     AND attname = '{column}'"
                );
                (count(client, &sql), 1)
            }
            Effect::Rows(table, condition, expected) => {
                if answer(client, &format!("SELECT to_regclass('{table}')")) == "NULL" {
                    return (0, expected);
                }
                (count(client, &format!("SELECT count(*) FROM {table} WHERE {condition}")), expected)
            }
        }
    }
}

impl Migration {
    /// How much of it is there.
    pub fn extent(&self, client: &mut Client) -> Extent {
        let found: Vec<_> = self.effects.iter().map(|effect| effect.measure(client)).collect();
        if found.iter().all(|(found, expected)| found == expected) {
            Extent::Whole
        } else if found.iter().all(|(found, _)| *found == 0) {
            Extent::Nothing
        } else {
            Extent::Part
        }
    }

    /// What the history says about it.
    pub fn recorded(&self, client: &mut Client) -> Recorded {
        if answer(client, "SELECT to_regclass('schema_migrations')") == "NULL" {
            return Recorded::Absent;
        }
        let sql = format!("SELECT dirty FROM schema_migrations WHERE version = '{}'", self.stem);
        match answer(client, &sql).as_str() {
            "t" => Recorded::Dirty,
            "f" => Recorded::Applied,
            _ => Recorded::Absent,
        }
    }
}

/// Where all migrations stand.
pub fn standing(client: &mut Client, migrations: &[Migration]) -> Vec<Standing> {
    let one = |migration: &Migration| (migration.stem, migration.extent(client), migration.recorded(client));
    migrations.iter().map(one).collect()
}

/// Waits until nobody but the caller is connected to this database, and looks for what might be left all the same: an
/// advisory lock, a transaction that is open.
///
/// # Panics
///
/// Where somebody stays for 30 seconds, or something is left.
#[track_caller]
pub fn wait_until_alone(client: &mut Client) {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                  AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    poll_until(client, others, "0");
    let locks = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 WHERE d.datname = current_database() AND l.locktype = 'advisory'";
    assert_eq!(answer(client, locks), "0", "an advisory lock is left");
    let prepared = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()";
    assert_eq!(answer(client, prepared), "0", "a prepared transaction is left");
}

/// Effects are there if and only if the history says applied; or the row says dirty, and the run did not say that all
/// is well.
///
/// # Panics
///
/// Where that does not hold.
#[track_caller]
pub fn holds(standing: &[Standing], exit: i32, context: &str) {
    for (stem, extent, recorded) in standing {
        let truthful = match recorded {
            Recorded::Absent => *extent == Extent::Nothing,
            Recorded::Applied => *extent == Extent::Whole,
            // 7 says it; a run that was killed or interrupted (128 + n) could not, or said that instead.
            Recorded::Dirty => exit == 7 || exit > 128,
        };
        assert!(truthful, "exit {exit}, and {stem} is {extent:?} but {recorded:?}: {standing:?}\n{context}");
    }
}
