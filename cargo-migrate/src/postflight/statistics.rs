//! Tables that the planner knows nothing of.

use std::collections::BTreeMap;

use migrate_runtime::Connection;
use migrate_runtime::connection::Row;
use serde_json::json;

use crate::inspection::{Check, Finding, Severity, Situation, ask};

/// Columns and expressions without statistics, of tables with rows.
pub(crate) struct Statistics;

/// `autovacuum_analyze_threshold`'s default: a table with fewer rows gets no statistics by itself, and is read in a page or
/// two however it is read.
const LEAST_ROWS: u64 = 50;

impl Check for Statistics {
    fn name(&self) -> &'static str {
        "statistics"
    }

    fn title(&self) -> &'static str {
        "tables without statistics"
    }

    fn why(&self) -> &'static str {
        "after a rewrite, and for a new column or an index on an expression, the planner guesses until ANALYZE ran: a query that \
         took a millisecond may take minutes"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let missing = missing(situation.connection, situation.version)?;
        Ok(missing.into_iter().map(|(table, what)| of_table(&table, &what)).collect())
    }
}

/// What has no statistics, by table, with both names as SQL writes them.
fn missing(connection: &Connection, version: u32) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let sql = "SELECT has_table_privilege('pg_catalog.pg_statistic', 'SELECT')";
    let sees_all = ask::patient(connection, "looking for statistics", sql)?;
    let sees_all = sees_all.first().is_some_and(|row| row.flag(0));
    let rows = ask::patient(connection, "looking for missing statistics", &query(sees_all, version))?;
    let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let text = |row: &Row| (row.text(0), row.text(1));
    for (table, what) in rows.iter().map(text) {
        missing.entry(table).or_default().push(what);
    }
    Ok(missing)
}

/// Few may read `pg_statistic`; `pg_stats` shows what one may read the columns of, and nothing is said of the rest.
fn query(sees_all: bool, version: u32) -> String {
    let known = |relation: &str, column: &str, inherited: &str| match sees_all {
        true => format!(
            "EXISTS (SELECT FROM pg_statistic AS stats WHERE stats.starelid = {relation} AND stats.staattnum = {column}.attnum \
             AND {inherited} stats.stainherit)"
        ),
        false => format!(
            "(NOT has_column_privilege({relation}, {column}.attnum, 'SELECT') OR row_security_active({relation}) \
             OR EXISTS (SELECT FROM pg_stats AS stats JOIN pg_class AS c ON c.relname = stats.tablename \
             AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = stats.schemaname) \
             WHERE c.oid = {relation} AND stats.attname = {column}.attname AND {inherited} stats.inherited))"
        ),
    };
    // Virtual columns have none (`examine_attribute` of analyze.c).
    let stored = if version >= 180_000 { " AND attribute.attgenerated <> 'v'" } else { "" };
    let column = format!(
        "attribute.attnum > 0 AND NOT attribute.attisdropped AND coalesce(attribute.attstattarget, -1) <> 0{stored}"
    );
    let rows =
        |class: &str| format!("greatest({class}.reltuples::int8, pg_stat_get_live_tuples({class}.oid))");
    let rows_of_part = format!("greatest({}, 0)", rows("part"));
    format!(
        "SELECT class.oid::regclass::text, 'column ' || quote_ident(attribute.attname) \
         FROM pg_class AS class JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid \
         WHERE class.relkind IN ('r', 'm') AND class.relpersistence <> 't' AND class.oid >= 16384 \
           AND {rows} >= {LEAST_ROWS} AND {column} AND NOT {of_column} \
         UNION ALL SELECT class.oid::regclass::text, 'an expression of index ' || index.indexrelid::regclass::text \
         FROM pg_index AS index JOIN pg_class AS class ON class.oid = index.indrelid \
         JOIN pg_attribute AS attribute ON attribute.attrelid = index.indexrelid \
         WHERE index.indexprs IS NOT NULL AND index.indisvalid AND class.relpersistence <> 't' AND class.relkind IN ('r', 'm') \
           AND class.oid >= 16384 AND index.indkey[attribute.attnum - 1] = 0 \
           AND {rows} >= {LEAST_ROWS} AND {column} AND NOT {of_index} \
         UNION ALL SELECT class.oid::regclass::text, 'the partitions as a whole, which autovacuum never looks at' \
         FROM pg_class AS class WHERE class.relkind = 'p' AND class.oid >= 16384 \
           AND (WITH RECURSIVE tree(relid) AS (SELECT class.oid UNION ALL \
                SELECT child.inhrelid FROM tree JOIN pg_inherits AS child ON child.inhparent = tree.relid) \
                SELECT sum({rows_of_part}) FROM tree \
                JOIN pg_class AS part ON part.oid = tree.relid WHERE part.relkind = 'r') >= {LEAST_ROWS} \
           AND NOT EXISTS (SELECT FROM pg_attribute AS attribute WHERE attribute.attrelid = class.oid AND {column} AND {of_whole}) \
         ORDER BY 1, 2",
        rows = rows("class"),
        of_column = known("class.oid", "attribute", "NOT"),
        of_index = known("index.indexrelid", "attribute", "NOT"),
        of_whole = known("class.oid", "attribute", ""),
    )
}

fn of_table(table: &str, what: &[String]) -> Finding {
    let what_is = match what {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    };
    Finding {
        severity: Severity::Warning,
        what: format!("{table} has rows and no statistics of {what_is}"),
        details: if what.len() > 1 { vec![what.join(", ")] } else { Vec::new() },
        remedy: Some(format!("ANALYZE {table};")),
        data: json!({ "table": table, "without": what }),
    }
}

/// Runs ANALYZE on each table that lacks statistics, and on no other; the names of those.
///
/// # Errors
///
/// What the server refuses, and where a table is locked for longer than ten seconds.
pub(crate) fn analyze(connection: &Connection, version: u32) -> anyhow::Result<Vec<String>> {
    let tables: Vec<_> = missing(connection, version)?.into_keys().collect();
    for table in &tables {
        let sql = format!("BEGIN;SET LOCAL lock_timeout = '10s';ANALYZE {table};COMMIT");
        if let Err(error) = connection.rows(&format!("analyzing {table}"), &sql) {
            if !connection.is_closed() {
                connection.rows("ending a transaction", "ROLLBACK")?;
            }
            return Err(error.into());
        }
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::testing::{Bench, whats};

    fn analyze(bench: &Bench) -> Vec<String> {
        super::analyze(&bench.connection, 150_000).unwrap()
    }

    /// Up to 14 a process of its own counts rows, a moment later.
    fn counted(bench: &Bench, table: &str) {
        bench.until(&format!("SELECT pg_stat_get_live_tuples('{table}'::regclass)"), "500");
    }

    // Autovacuum may come by at any moment: it stays away from the tables of these tests.

    #[test]
    fn new_columns_rewrites_expressions_and_partitions_are_told_until_they_are_analyzed() {
        let bench = Bench::new();
        bench.sql("CREATE TABLE small (a int);INSERT INTO small SELECT generate_series(1, 49);CREATE TABLE empty (a int)");
        assert_eq!(whats(&bench.look(&Statistics)), [""; 0]);
        bench.sql(
            "CREATE TABLE t (a int, b text) WITH (autovacuum_enabled = off);INSERT INTO t SELECT g, g::text FROM generate_series(1, 500) g",
        );
        counted(&bench, "t");
        let found = bench.look(&Statistics);
        assert_eq!(whats(&found), ["warning: public.t has rows and no statistics of column a and 1 more"]);
        assert_eq!(analyze(&bench), ["public.t"]);
        assert_eq!(whats(&bench.look(&Statistics)), [""; 0]);
        assert_eq!(analyze(&bench), [""; 0]);
        bench.sql("ALTER TABLE t ALTER a TYPE bigint;CREATE INDEX t_upper ON t (upper(b))");
        let found = bench.look(&Statistics);
        assert_eq!(found[0].details, ["an expression of index public.t_upper, column a"], "{found:?}");
        assert_eq!(analyze(&bench), ["public.t"]);
        bench.sql(
            "CREATE TABLE p (a int) PARTITION BY RANGE (a);CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);\
             INSERT INTO p SELECT generate_series(1, 500);ANALYZE p1",
        );
        assert_eq!(
            whats(&bench.look(&Statistics)),
            [
                "warning: public.p has rows and no statistics of the partitions as a whole, which autovacuum never looks at"
            ]
        );
        bench.sql("ANALYZE p");
        assert_eq!(whats(&bench.look(&Statistics)), [""; 0]);
    }

    #[test]
    fn a_role_that_may_read_a_table_sees_its_statistics_and_says_nothing_of_others() {
        let mut bench = Bench::new();
        bench.sql(
            "CREATE TABLE \"Mine\" (a int) WITH (autovacuum_enabled = off);INSERT INTO \"Mine\" SELECT generate_series(1, 500);\
             CREATE TABLE theirs (a int) WITH (autovacuum_enabled = off);INSERT INTO theirs SELECT generate_series(1, 500);GRANT SELECT ON \"Mine\" TO PUBLIC",
        );
        counted(&bench, "theirs");
        bench.as_stranger();
        assert_eq!(
            whats(&bench.look(&Statistics)),
            ["warning: public.\"Mine\" has rows and no statistics of column a"]
        );
        bench.sql("ANALYZE \"Mine\"");
        assert_eq!(whats(&bench.look(&Statistics)), [""; 0]);
    }
}
