//! How large the tables of a database are, without waiting for anybody.

use crate::Error;
use crate::session::Session;

/// From the catalog alone: `pg_total_relation_size` would wait for locks, and `relpages` is as exact as the last VACUUM
/// or ANALYZE. A partitioned table is as large as its partitions are together; they are found in `pg_inherits`, for
/// `pg_partition_tree` waits for each of them.
const QUERY: &str = "\
WITH RECURSIVE below(top, oid) AS (
    SELECT class.oid, class.oid FROM pg_catalog.pg_class AS class WHERE class.relkind OPERATOR(pg_catalog.=) 'p'
    UNION ALL SELECT below.top, inherits.inhrelid FROM below
    JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhparent OPERATOR(pg_catalog.=) below.oid)
SELECT pg_catalog.format('%I.%I', space.nspname, class.relname),
       (pg_catalog.sum(part.relpages) OPERATOR(pg_catalog.*) pg_catalog.current_setting('block_size')::pg_catalog.int8)
       ::pg_catalog.int8
FROM pg_catalog.pg_class AS class
JOIN pg_catalog.pg_namespace AS space ON space.oid OPERATOR(pg_catalog.=) class.relnamespace
CROSS JOIN LATERAL (
    SELECT below.oid FROM below WHERE below.top OPERATOR(pg_catalog.=) class.oid
    UNION ALL SELECT class.oid WHERE class.relkind OPERATOR(pg_catalog.<>) 'p'
) AS member(relid)
JOIN pg_catalog.pg_class AS part ON part.oid OPERATOR(pg_catalog.=) member.relid
WHERE class.relkind IN ('r', 'p', 'm') AND part.relkind IN ('r', 'm')
  AND part.reltuples OPERATOR(pg_catalog.>=) 0
  AND space.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT space.nspname OPERATOR(pg_catalog.~) '^pg_(toast|temp)'
GROUP BY 1 ORDER BY 1";

pub(crate) async fn read(session: &Session) -> Result<Vec<(String, u64)>, Error> {
    let rows = session.ask("reading the sizes of tables", QUERY).await?;
    let size = |bytes: Option<&str>| bytes?.parse().ok();
    Ok(rows.iter().filter_map(|row| Some((row.text(0), size(row.get(1))?))).collect())
}
