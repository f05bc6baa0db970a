//! The tables and indexes of the rehearsal's database, with their files: which of them a migration wrote anew.

use std::collections::{HashMap, HashSet};

use migrate_runtime::{Connection, Error as EngineError, HistoryTable, quote_literal};

/// The first OID that is given out after a cluster was made (`FirstNormalObjectId` of transam.h).
pub(super) const FIRST_OID: u32 = 16384;

/// A table, a view, an index.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// `relkind` of `pg_class`.
    pub(super) kind: char,
    /// Quoted and qualified.
    pub(super) name: String,
    /// Without quotes and schema.
    pub(super) plain: String,
    /// Where its data is.
    file: Option<u32>,
    /// Of an index.
    pub(super) table: Option<u32>,
    /// Its data, of a table with its TOAST table.
    pub(super) bytes: u64,
}

/// What a migration wrote anew, or built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Quoted and qualified.
    pub(crate) name: String,
    /// How large it is now.
    pub(crate) bytes: u64,
}

/// All of them at one time, but for ours.
#[derive(Clone, Debug, Default)]
pub(super) struct Relations(HashMap<u32, Relation>);

impl Relations {
    /// Asks for them. Sizes want a lock on each, so that this is only for moments at which no migration runs.
    pub(super) fn read(connection: &Connection, history: &HistoryTable) -> Result<Self, EngineError> {
        let sql = format!(
            "SELECT c.oid, c.relkind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), \
             c.relname, pg_catalog.pg_relation_filenode(c.oid), i.indrelid, \
             CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_table_size(c.oid) \
             WHEN c.relkind = 'i' THEN pg_catalog.pg_relation_size(c.oid) ELSE 0 END \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid \
             WHERE c.oid >= {FIRST_OID} AND c.relkind IN ('r', 'p', 'm', 'f', 'v', 'i', 'I') \
             AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast' \
             AND NOT (n.nspname = {schema} AND coalesce((SELECT t.relname FROM pg_catalog.pg_class t \
             WHERE t.oid = i.indrelid), c.relname) IN ({name}, {log}))",
            schema = quote_literal(&history.schema),
            name = quote_literal(&history.name),
            log = quote_literal(&history.log_name()),
        );
        let rows = connection.rows("looking at the tables of the rehearsal", &sql)?;
        let relations = rows.iter().filter_map(|row| {
            let relation = Relation {
                kind: row.get(1)?.chars().next()?,
                name: row.text(2),
                plain: row.text(3),
                file: row.number(4),
                table: row.number(5),
                bytes: row.number(6).unwrap_or_default(),
            };
            Some((row.number(0)?, relation))
        });
        Ok(Self(relations.collect()))
    }

    /// The table that a lock on this relation is about: itself, or the table of an index. `None` for what was not there.
    pub(super) fn table_of(&self, oid: u32) -> Option<(u32, &Relation)> {
        let relation = self.0.get(&oid)?;
        match relation.table {
            Some(table) => Some((table, self.0.get(&table)?)),
            None => Some((oid, relation)),
        }
    }

    /// The tables that a script may be about: those whose name is a word of it, the largest first.
    pub(super) fn named_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Vec<u32> {
        let words: HashSet<String> = texts
            .into_iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$'))
            .map(str::to_lowercase)
            .collect();
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter(|(_, relation)| matches!(relation.kind, 'r' | 'p' | 'm'))
            .filter(|(_, relation)| words.contains(&relation.plain.to_lowercase()))
            .collect();
        found.sort_by(|(_, a), (_, b)| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        found.into_iter().map(|(oid, _)| *oid).collect()
    }

    /// Where the data of a relation is.
    pub(super) fn file(&self, oid: u32) -> Option<u32> {
        self.0.get(&oid)?.file
    }

    /// Its name, quoted and qualified.
    pub(super) fn name(&self, oid: u32) -> Option<&str> {
        self.0.get(&oid).map(|relation| relation.name.as_str())
    }

    /// What has another file than before, or was not there.
    pub(super) fn changed(&self, now: &Self) -> HashSet<u32> {
        let other = |(oid, relation): (&u32, &Relation)| {
            let old = self.0.get(oid);
            old.is_none_or(|old| old.file != relation.file).then_some(*oid)
        };
        now.0.iter().filter_map(other).collect()
    }

    /// What has another file than before: tables and their indexes that were there; and the indexes that are new on them.
    pub(super) fn written(&self, now: &Self) -> (Vec<Written>, Vec<Written>) {
        let files: HashSet<u32> = self.0.values().filter_map(|relation| relation.file).collect();
        let (mut rewritten, mut built) = (Vec::new(), Vec::new());
        for (oid, relation) in &now.0 {
            let Some(file) = relation.file else { continue };
            let written = || Written { name: relation.name.clone(), bytes: relation.bytes };
            match self.0.get(oid) {
                Some(old) if old.file != Some(file) => rewritten.push(written()),
                Some(_) => {}
                // A changed column's index is a new one with the old one's file where it can be.
                None if relation.table.is_some_and(|table| self.0.contains_key(&table))
                    && !files.contains(&file) =>
                {
                    built.push(written());
                }
                None => {}
            }
        }
        for list in [&mut rewritten, &mut built] {
            list.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        }
        (rewritten, built)
    }
}

#[cfg(test)]
mod tests {
    use migrate_runtime::{Database, Interrupt};

    use super::*;

    #[test]
    fn new_files_are_noticed_and_our_own_tables_are_not_there() {
        let scratch = migrate_testing::scratch().unwrap();
        let database = Database::resolve(Some(scratch.url()), &|_| None).unwrap();
        let connection = Connection::open(&database, "test", &Interrupt::new()).unwrap();
        let run = |sql: &str| connection.rows("testing", sql).unwrap();
        run("CREATE TABLE \"Odd one\" (id int PRIMARY KEY, n int); CREATE TABLE other (id int);
             INSERT INTO \"Odd one\" SELECT g, g FROM generate_series(1, 1000) g;
             CREATE TABLE schema_migrations (version text PRIMARY KEY); CREATE VIEW v AS SELECT 1");
        let read = || Relations::read(&connection, &HistoryTable::default()).unwrap();
        let before = read();
        assert!(before.0.values().all(|relation| !relation.name.contains("schema_migrations")));
        assert_eq!(before.written(&read()), (vec![], vec![]));
        run(
            "ALTER TABLE \"Odd one\" ALTER n TYPE bigint; CREATE INDEX i ON other (id); CREATE TABLE new (id int PRIMARY KEY)",
        );
        let after = read();
        let (rewritten, built) = before.written(&after);
        let names = |written: &[Written]| written.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&rewritten), ["public.\"Odd one\"", "public.\"Odd one_pkey\""]);
        assert!(rewritten[0].bytes > 8192, "{rewritten:?}");
        assert_eq!(names(&built), ["public.i"]);
        // By the words of a script.
        let found = after.named_in(["ALTER TABLE Other ADD x int; -- v", "DROP TABLE public.new"]);
        let names: Vec<_> = found.iter().map(|oid| after.0[oid].plain.as_str()).collect();
        assert_eq!(names, ["new", "other"]);
        let index = *after.0.iter().find(|(_, one)| one.plain == "i").unwrap().0;
        assert_eq!(after.table_of(index).unwrap().1.name, "public.other");
    }
}
