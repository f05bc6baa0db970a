//! How large the database is, and its largest tables.

use serde_json::{Value, json};

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::words::bytes;

pub(super) struct Sizes;

/// So many tables are told.
const LARGEST: usize = 5;

impl Check for Sizes {
    fn name(&self) -> &'static str {
        "sizes"
    }

    fn title(&self) -> &'static str {
        "size of the database and of its largest tables"
    }

    fn why(&self) -> &'static str {
        "how long a backup takes, and how long a table is locked, goes by what there is"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        // The catalog's own numbers choose the tables, and tables that no VACUUM has seen are among them; only those are
        // measured, and none that somebody has locked.
        let rows = situation.ask(
            "measuring the database",
            &format!(
                "WITH locked AS MATERIALIZED (SELECT coalesce(i.indrelid, t.oid, l.relation) AS oid FROM pg_locks l \
                 LEFT JOIN pg_index i ON i.indexrelid = l.relation LEFT JOIN pg_class t ON t.reltoastrelid = l.relation \
                 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' \
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())), \
                 candidate AS (SELECT c.oid FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'm') AND s.nspname NOT LIKE 'pg\\_%' AND s.nspname <> 'information_schema' \
                 ORDER BY (c.reltuples < 0) DESC, c.relpages DESC LIMIT 200), \
                 sized AS (SELECT c.oid, l.oid IS NOT NULL AS busy, CASE WHEN l.oid IS NULL THEN pg_total_relation_size(c.oid) \
                 ELSE c.relpages * current_setting('block_size')::int8 END AS size FROM candidate \
                 JOIN pg_class c USING (oid) LEFT JOIN (SELECT DISTINCT oid FROM locked) l USING (oid)) \
                 SELECT NULL, CASE WHEN has_database_privilege(current_database(), 'CONNECT') \
                 THEN pg_database_size(current_database()) END, false \
                 UNION ALL (SELECT format('%I.%I', s.nspname, c.relname), z.size, z.busy FROM sized z JOIN pg_class c USING (oid) \
                 JOIN pg_namespace s ON s.oid = c.relnamespace ORDER BY z.size DESC NULLS LAST, 1 LIMIT {LARGEST})"
            ),
        )?;
        let whole = rows.first().and_then(|row| row.number::<u64>(1));
        let tables: Vec<_> = rows
            .iter()
            .skip(1)
            .filter_map(|row| Some((row.text(0), row.number::<u64>(1)?, row.flag(2))))
            .collect();
        let touched = &situation.touched()?.tables;
        let line = |name: &str, size: u64, estimated: bool| {
            let about = if estimated { ", as the last VACUUM saw it: it is locked" } else { "" };
            let is_touched = touched.iter().any(|table| table.name == name);
            let worked = if is_touched { ", worked on by a pending migration" } else { "" };
            format!("{name}: {}{about}{worked}", bytes(size))
        };
        let mut details: Vec<_> = tables.iter().map(|(name, size, busy)| line(name, *size, *busy)).collect();
        for table in touched.iter().filter(|table| !tables.iter().any(|(name, ..)| *name == table.name)) {
            details.push(line(&table.name, table.total, table.estimated));
        }
        let json_of = |name: &str, size: u64, estimated: bool| json!({ "table": name, "bytes": size, "estimated": estimated });
        Ok(vec![Finding {
            details,
            ..finding(
                Severity::Info,
                match whole {
                    Some(whole) => format!("database {} has {}", situation.identity.database, bytes(whole)),
                    None => format!(
                        "the size of database {} is hidden from this role",
                        situation.identity.database
                    ),
                },
                json!({
                    "database_bytes": whole,
                    "largest": tables.iter().map(|(name, size, busy)| json_of(name, *size, *busy)).collect::<Value>(),
                    "touched": touched.iter().map(|table| json_of(&table.name, table.total, table.estimated))
                        .collect::<Value>(),
                }),
            )
        }])
    }
}
