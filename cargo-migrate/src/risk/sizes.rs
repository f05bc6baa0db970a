//! How large the tables are on the database that a migration is for.

use std::collections::HashMap;

use migrate_runtime::Database;

use super::name::Name;

/// The sizes of tables, in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizes {
    tables: HashMap<String, Vec<(Name, u64)>>,
}

/// From the catalog alone: `pg_total_relation_size` would wait for locks, and `relpages` is as exact as the last VACUUM
/// or ANALYZE, which is enough for three classes. A table that neither has seen (`reltuples < 0`) is not known. A
/// partitioned table is as large as its partitions are together.
pub(super) const QUERY: &str = "\
SELECT pg_catalog.format('%I.%I', space.nspname, class.relname) AS name,
       (pg_catalog.sum(part.relpages) * pg_catalog.current_setting('block_size')::bigint)::text AS bytes
FROM pg_catalog.pg_class AS class
JOIN pg_catalog.pg_namespace AS space ON space.oid OPERATOR(pg_catalog.=) class.relnamespace
CROSS JOIN LATERAL (
    SELECT tree.relid FROM pg_catalog.pg_partition_tree(class.oid) AS tree WHERE class.relkind = 'p'
    UNION ALL SELECT class.oid WHERE class.relkind <> 'p'
) AS member(relid)
JOIN pg_catalog.pg_class AS part ON part.oid OPERATOR(pg_catalog.=) member.relid
WHERE class.relkind IN ('r', 'p', 'm')
  AND part.relkind IN ('r', 'm') AND part.reltuples >= 0
  AND space.nspname NOT IN ('pg_catalog', 'information_schema') AND space.nspname !~ '^pg_(toast|temp)'
GROUP BY 1";

impl Sizes {
    /// Of these tables, named as SQL writes them, qualified.
    pub(crate) fn of<'a>(tables: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let mut sizes = Self::default();
        for (name, bytes) in tables {
            if let Some(name) = Name::parse(name) {
                sizes.tables.entry(name.last().to_owned()).or_default().push((name, bytes));
            }
        }
        sizes
    }

    /// Of all tables of a database: one query, which takes no lock on any of them.
    pub(crate) fn read(database: &Database) -> Result<Self, migrate_runtime::Error> {
        let rows = migrate_runtime::read_rows(database, QUERY)?;
        let pairs = rows.iter().filter_map(|row| Some((row[0].as_deref()?, row[1].as_deref()?.parse().ok()?)));
        Ok(Self::of(pairs))
    }

    /// The largest that a name can mean.
    pub(super) fn get(&self, table: &Name) -> Option<u64> {
        let known = self.tables.get(table.last())?;
        known.iter().filter(|(name, _)| name.fits(table)).map(|(_, bytes)| *bytes).max()
    }
}
