//! Indexes that the server does not use.

use migrate_runtime::connection::Row;
use serde_json::json;

use crate::inspection::{Check, Finding, Severity, Situation, ask};

/// Invalid indexes, but for those that are being built.
pub(crate) struct Indexes;

/// Whoever may not see what others do still sees that somebody builds an index, and which tables that session has locked.
const QUERY: &str = "\
SELECT index.indexrelid::regclass::text, index.indrelid::regclass::text, class.relname, class.relkind,
       EXISTS (SELECT FROM pg_constraint AS con WHERE con.conindid = index.indexrelid AND con.contype IN ('p', 'u', 'x')),
       index.indisunique, index.indisready,
       EXISTS (SELECT FROM pg_stat_progress_create_index AS build JOIN pg_locks AS lock ON lock.pid = build.pid
               WHERE lock.relation = index.indrelid AND lock.granted),
       pg_get_indexdef(index.indexrelid)
FROM pg_index AS index
JOIN pg_class AS class ON class.oid = index.indexrelid
JOIN pg_namespace AS space ON space.oid = class.relnamespace
WHERE NOT (index.indisvalid AND index.indisready AND index.indislive) AND class.relpersistence <> 't'
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS build WHERE build.index_relid = index.indexrelid)
ORDER BY 1";

impl Check for Indexes {
    fn name(&self) -> &'static str {
        "indexes"
    }

    fn title(&self) -> &'static str {
        "invalid indexes"
    }

    fn why(&self) -> &'static str {
        "no query uses an invalid index and most writes still maintain it; an invalid unique index does not keep doubles out \
         that were there before"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let rows = ask::patient(situation.connection, "looking for invalid indexes", QUERY)?;
        Ok(rows.iter().map(of_row).collect())
    }
}

fn of_row(row: &Row) -> Finding {
    let (index, table, name) = (row.text(0), row.text(1), row.text(2));
    let (partitioned, of_constraint, building) = (row.get(3) == Some("I"), row.flag(4), row.flag(7));
    // `index.c`: what REINDEX CONCURRENTLY builds beside an index, and what it leaves of the old one.
    let leftover = name.rsplit_once('_').is_some_and(|(_, end)| {
        let kind = end.trim_end_matches(|c: char| c.is_ascii_digit());
        matches!(kind, "ccnew" | "ccold")
    });
    let drop = format!("DROP INDEX CONCURRENTLY {index};");
    let reindex = format!("REINDEX INDEX CONCURRENTLY {index};");
    let remedy = match () {
        () if partitioned => format!(
            "build the index on each partition that lacks it (CREATE INDEX CONCURRENTLY), then: ALTER INDEX {index} ATTACH \
             PARTITION name_of_that_index;"
        ),
        () if leftover => drop,
        () if of_constraint => reindex,
        () => format!("{reindex} -- or, to be rid of it: {drop}"),
    };
    let kind = if row.flag(5) { "unique index" } else { "index" };
    let (severity, what) = match building {
        // One of several that a REINDEX TABLE CONCURRENTLY builds, or an old one: the next look tells.
        true => (
            Severity::Info,
            format!(
                "{kind} {index} on {table} is invalid, and an index of that table is being built right now"
            ),
        ),
        false if partitioned => {
            (Severity::Failure, format!("{kind} {index} on {table} is invalid: a partition lacks its part"))
        }
        false if leftover => (
            Severity::Failure,
            format!("{kind} {index} on {table} is left of a REINDEX CONCURRENTLY that failed"),
        ),
        false => (Severity::Failure, format!("{kind} {index} on {table} is invalid")),
    };
    Finding {
        severity,
        what,
        details: vec![row.text(8)],
        remedy: (!building).then(|| remedy.clone()),
        data: json!({
            "index": index, "table": table, "unique": row.flag(5), "maintained": row.flag(6), "being_built": building,
            "statement": remedy,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::testing::{Bench, whats};

    #[test]
    fn what_a_failed_build_left_is_told_with_the_statement_that_mends_it() {
        let bench = Bench::new();
        bench.sql(
            "CREATE TABLE t (a int, b int);INSERT INTO t VALUES (1, 1), (1, 2);CREATE INDEX good ON t (a)",
        );
        assert!(bench.look(&Indexes).is_empty());
        bench.sql_error("CREATE UNIQUE INDEX CONCURRENTLY doubles ON t (a)");
        let findings = bench.look(&Indexes);
        assert_eq!(whats(&findings), ["failure: unique index public.doubles on public.t is invalid"]);
        let remedy = findings[0].remedy.as_deref().unwrap();
        assert_eq!(
            remedy,
            "REINDEX INDEX CONCURRENTLY public.doubles; -- or, to be rid of it: DROP INDEX CONCURRENTLY public.doubles;"
        );
        bench.sql_error("REINDEX INDEX CONCURRENTLY doubles");
        let findings = bench.look(&Indexes);
        assert!(
            whats(&findings).contains(
                &"failure: unique index public.doubles_ccnew on public.t is left of a REINDEX CONCURRENTLY that failed"
                    .to_owned()
            ),
            "{findings:?}"
        );
        let left = findings.iter().find(|finding| finding.what.contains("ccnew")).unwrap();
        bench.sql(left.remedy.as_deref().unwrap());
        bench.sql("DELETE FROM t WHERE b = 2");
        bench.sql("REINDEX INDEX CONCURRENTLY doubles");
        assert!(bench.look(&Indexes).is_empty());
    }

    #[test]
    fn an_index_of_a_partitioned_table_waits_for_its_parts() {
        let bench = Bench::new();
        bench.sql(
            "CREATE TABLE p (a int) PARTITION BY LIST (a);CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);\
             CREATE INDEX p_a ON ONLY p (a)",
        );
        let findings = bench.look(&Indexes);
        assert_eq!(
            whats(&findings),
            ["failure: index public.p_a on public.p is invalid: a partition lacks its part"]
        );
        bench.sql("CREATE INDEX p1_a ON p1 (a);ALTER INDEX p_a ATTACH PARTITION p1_a");
        assert!(bench.look(&Indexes).is_empty());
    }

    #[test]
    fn one_that_is_being_built_is_nobodys_fault() {
        let bench = Bench::new();
        bench.sql("CREATE TABLE t (a int)");
        // Somebody who may write to the table holds the build up, between its phases.
        let mut writer = bench.database.connect().unwrap();
        writer.batch_execute("BEGIN;INSERT INTO t VALUES (1)").unwrap();
        let mut builder = bench.database.connect().unwrap();
        let built =
            std::thread::spawn(move || builder.batch_execute("CREATE INDEX CONCURRENTLY slow ON t (a)"));
        bench.until(
            "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('slow') AND NOT indisvalid",
            "1",
        );
        assert!(bench.look(&Indexes).iter().all(|finding| finding.severity == Severity::Info));
        writer.batch_execute("COMMIT").unwrap();
        built.join().unwrap().unwrap();
        assert!(bench.look(&Indexes).is_empty());
    }
}
