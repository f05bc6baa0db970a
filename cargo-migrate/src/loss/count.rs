//! How much goes: rows and values, counted while there is time for it, and the server's estimates after that.

use std::time::Duration;

use migrate_runtime::connection::Row;
use migrate_runtime::quote_literal;

use super::measure::{Answer, Measure};
use super::{Count, Loss, What};

/// For how long all is counted together: a person waits for the answer. After it estimates do.
const PATIENCE: Duration = Duration::from_secs(30);
impl Measure<'_> {
    /// A count, if there is time for one.
    pub(super) fn count(&self, sql: &str) -> Answer<Option<Row>> {
        if self.since.elapsed() > PATIENCE {
            return Ok(Err("no time is left to count".to_owned()));
        }
        Ok(self.ask("counting rows", sql)?.map(|rows| rows.into_iter().next()))
    }

    /// A whole table.
    pub(super) fn whole(&self, line: usize, oid: u32, name: &str, kind: &str) -> anyhow::Result<Loss> {
        // A child of a plain table is another table; what is in the parts of a partitioned one is in it.
        let only = if kind == "r" { "ONLY " } else { "" };
        let rows = match self.count(&format!("SELECT pg_catalog.count(*) FROM {only}{name}"))? {
            Ok(row) => row.and_then(|row| row.number(0)).map_or(Count::Unknown, Count::Exact),
            Err(_) => self.estimate(oid)?,
        };
        let what = if kind == "m" { What::MaterializedView } else { What::Table };
        Ok(Loss { bytes: self.bytes(oid)?, ..Loss::new(line, what, name, rows) })
    }

    /// The server's estimate of the rows of a table with all its parts.
    pub(super) fn estimate(&self, oid: u32) -> anyhow::Result<Count> {
        let sql = format!(
            "SELECT pg_catalog.sum(part.reltuples)::pg_catalog.int8 FROM pg_catalog.pg_class AS part WHERE part.reltuples >= 0 \
             AND (part.oid = {oid} OR part.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree({oid}::pg_catalog.regclass)))"
        );
        let rows = self.ask("reading an estimate", &sql)?.ok();
        let rows = rows.and_then(|rows| rows.first().and_then(|row| row.number(0)));
        Ok(rows.map_or(Count::Unknown, Count::About))
    }

    fn bytes(&self, oid: u32) -> anyhow::Result<Option<u64>> {
        let sql = format!(
            "SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(relid::pg_catalog.oid)) FROM (SELECT {oid} UNION \
             SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree({oid}::pg_catalog.regclass)) AS part(relid)"
        );
        let rows = self.ask("reading a size", &sql)?.ok();
        Ok(rows.and_then(|rows| rows.first().and_then(|row| row.number(0))))
    }

    pub(super) fn sequence(&self, line: usize, name: &str) -> anyhow::Result<Loss> {
        let at = self.ask("reading a sequence", &format!("SELECT last_value FROM {name}"))?.ok();
        let at = at.and_then(|rows| rows.first().and_then(|row| row.number(0)));
        Ok(Loss::new(line, What::Sequence, name, at.map_or(Count::Unknown, Count::Exact)))
    }

    /// The values of a column. `column` is as SQL writes it.
    pub(super) fn column(&self, line: usize, table: &str, column: &str) -> anyhow::Result<Loss> {
        let sql = format!(
            "SELECT pg_catalog.count({column}), pg_catalog.count(*), pg_catalog.sum(pg_catalog.pg_column_size({column})) FROM {table}"
        );
        let name = format!("{table}.{column}");
        match self.count(&sql)? {
            Ok(row) => {
                let number = |index| row.as_ref().and_then(|row: &Row| row.number(index));
                let exact = |value: Option<u64>| value.map_or(Count::Unknown, Count::Exact);
                Ok(Loss {
                    of: Some(exact(number(1))),
                    bytes: number(2),
                    ..Loss::new(line, What::Column, &name, exact(number(0)))
                })
            }
            Err(_) => {
                let sql = format!(
                    "SELECT (class.reltuples * (1 - stats.null_frac))::pg_catalog.int8, class.reltuples::pg_catalog.int8 \
                     FROM pg_catalog.pg_class AS class JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace \
                     LEFT JOIN pg_catalog.pg_stats AS stats ON stats.schemaname = space.nspname \
                       AND stats.tablename = class.relname AND pg_catalog.quote_ident(stats.attname) = {} \
                     WHERE class.oid = pg_catalog.to_regclass({}) AND class.reltuples >= 0 \
                     ORDER BY stats.inherited DESC NULLS LAST LIMIT 1",
                    quote_literal(column),
                    quote_literal(table)
                );
                let rows = self.ask("reading an estimate", &sql)?.ok().unwrap_or_default();
                let about = |index| {
                    rows.first().and_then(|row| row.number(index)).map_or(Count::Unknown, Count::About)
                };
                Ok(Loss { of: Some(about(1)), ..Loss::new(line, What::Column, &name, about(0)) })
            }
        }
    }

    /// The tables whose rows go with the rows that they refer to.
    pub(super) fn referring(&self, oid: u32) -> anyhow::Result<Vec<String>> {
        let sql = format!(
            "WITH RECURSIVE gone(oid) AS (SELECT {oid}::pg_catalog.oid UNION SELECT con.conrelid FROM gone \
               JOIN pg_catalog.pg_constraint AS con ON con.confrelid = gone.oid AND con.contype = 'f' AND con.confdeltype = 'c') \
             SELECT pg_catalog.format('%I.%I', space.nspname, class.relname) FROM gone \
             JOIN pg_catalog.pg_class AS class ON class.oid = gone.oid \
             JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace WHERE gone.oid <> {oid} ORDER BY 1"
        );
        let rows = self.ask("looking up what refers to it", &sql)?.unwrap_or_default();
        Ok(rows
            .iter()
            .map(|row| format!("rows of {} that refer to them (ON DELETE CASCADE)", row.text(0)))
            .collect())
    }
}
