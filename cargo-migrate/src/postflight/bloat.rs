//! Space that the last run left behind in the tables that it wrote to.

use migrate_runtime::connection::Row;
use serde_json::json;

use super::touched::Touched;
use crate::inspection::{Check, Finding, Severity, Situation, ask};
use crate::render::words::{bytes, count};

/// Tables that the last run bloated.
pub(crate) struct Bloat {
    pub(crate) touched: Touched,
}

/// Fewer dead rows than this cost nobody anything.
const DEAD_ROWS: u64 = 1_000;
/// Of all rows, in percent.
const DEAD_PERCENT: u64 = 20;
/// A file that is smaller is small, whatever is in it.
const LEAST_BYTES: u64 = 8 << 20;
/// How often its estimate a file is large.
const TIMES: u64 = 2;

/// Dead rows are the server's count. What a table would need is an estimate: its rows, as the last VACUUM or ANALYZE counted
/// them, times a header of 28 bytes and the average width of its columns (`pg_stats`), rounded up to 8, in pages filled
/// as its fillfactor says. Where a column has no statistics there is no estimate.
const QUERY: &str = "\
SELECT class.oid::regclass::text, pg_stat_get_live_tuples(class.oid), pg_stat_get_dead_tuples(class.oid),
       class.relpages::int8 * current_setting('block_size')::int8,
       CASE WHEN class.reltuples >= 1 AND width.columns = width.known THEN
            (class.reltuples * ((28 + width.bytes + 7)::int8 / 8 * 8)
             / coalesce((SELECT option_value::float8 / 100 FROM pg_options_to_table(class.reloptions)
                         WHERE option_name = 'fillfactor'), 1))::int8 END,
       (SELECT string_agg(parent.relid::text, chr(10)) FROM pg_partition_ancestors(class.oid) AS parent),
       class.reltuples::int8
FROM pg_class AS class
JOIN pg_namespace AS space ON space.oid = class.relnamespace
LEFT JOIN LATERAL (
    SELECT count(*) AS columns, count(stats.avg_width) AS known,
           coalesce(sum(stats.avg_width * (1 - stats.null_frac)), 0) AS bytes
    FROM pg_attribute AS attribute
    LEFT JOIN pg_stats AS stats ON stats.schemaname = space.nspname AND stats.tablename = class.relname
          AND stats.attname = attribute.attname AND NOT stats.inherited
    WHERE attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
) AS width ON true
WHERE class.relkind IN ('r', 'm') AND class.relpersistence <> 't' AND space.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1";

impl Check for Bloat {
    fn name(&self) -> &'static str {
        "bloat"
    }

    fn title(&self) -> &'static str {
        "dead rows and empty space in the tables that the last run wrote to"
    }

    fn why(&self) -> &'static str {
        "an UPDATE of every row doubles a table: scans read it all, and it stays that large until it is written anew"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let rows = ask::patient(situation.connection, "reading how full tables are", QUERY)?;
        let touched = rows.iter().filter(|row| {
            self.touched.has(&row.text(0))
                || row
                    .get(5)
                    .is_some_and(|parents| parents.split('\n').any(|parent| self.touched.has(parent)))
        });
        let mut findings: Vec<_> = touched.filter_map(of_row).collect();
        if let Some(unseen) = &self.touched.unseen {
            for finding in &mut findings {
                finding.details.push(format!("every table was looked at: {unseen}"));
            }
        }
        Ok(findings)
    }
}

fn of_row(row: &Row) -> Option<Finding> {
    let table = row.text(0);
    let live: u64 = row.number(1).unwrap_or_default();
    let dead: u64 = row.number(2).unwrap_or_default();
    let (size, needed) = (row.number::<u64>(3).unwrap_or_default(), row.number::<u64>(4));
    let data = json!({
        "table": table, "live_rows": live, "dead_rows": dead, "bytes": size, "estimated_bytes": needed,
        "counted_rows": row.number::<i64>(6),
    });
    let finding = |what, details: &str, remedy| {
        Some(Finding {
            severity: Severity::Warning,
            what,
            details: vec![details.to_owned()],
            remedy: Some(remedy),
            data: data.clone(),
        })
    };
    if dead >= DEAD_ROWS && dead * 100 >= (live + dead) * DEAD_PERCENT {
        let percent = dead * 100 / (live + dead);
        return finding(
            format!(
                "{percent} % of {table} are dead rows: {} beside {live} live ones",
                count(dead as usize, "dead row")
            ),
            "counted by the server (pg_stat_all_tables) as transactions ended; an ALTER TABLE that rewrote the table since took \
             them along and is not counted",
            format!(
                "VACUUM (ANALYZE) {table}; -- makes their space free for new rows; the file stays as large"
            ),
        );
    }
    let needed = needed?;
    if size < LEAST_BYTES || size < needed.max(1).saturating_mul(TIMES) {
        return None;
    }
    finding(
        format!("{table} takes {}, and its rows need about {}", bytes(size), bytes(needed)),
        "estimated from the row count and average widths of the last ANALYZE; it may be off by a third, and out-of-line values \
         (TOAST) and indexes are not in it",
        format!(
            "new rows fill it; to shrink it now: VACUUM (FULL, ANALYZE) {table}; -- nobody can read or write it meanwhile \
             (pg_repack can)"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::last_run;
    use crate::postflight::testing::{Bench, whats};

    fn look(bench: &Bench) -> Vec<Finding> {
        let last = last_run::read(&bench.connection, &migrate_runtime::HistoryTable::default()).unwrap();
        bench.look(&Bloat { touched: Touched::by(last.as_ref()) })
    }

    #[test]
    fn what_an_update_of_every_row_left_is_told_until_it_is_vacuumed() {
        let mut bench = Bench::new();
        bench.sql(
            "CREATE TABLE wide (a int, b text);INSERT INTO wide SELECT g, repeat('x', 500) FROM generate_series(1, 10000) g;\
             CREATE TABLE other (a int);INSERT INTO other SELECT generate_series(1, 5000);UPDATE other SET a = 1",
        );
        bench.migration("0001_nothing", "CREATE TABLE nothing ()", "DROP TABLE nothing");
        bench.up();
        assert_eq!(whats(&look(&bench)), [""; 0]);
        bench.migration("0002_backfill", "UPDATE wide SET a = a + 1;\nUPDATE wide SET a = a + 1", "SELECT 1");
        bench.up();
        bench.until("SELECT pg_stat_get_dead_tuples('wide'::regclass)", "20000");
        let findings = look(&bench);
        assert_eq!(
            whats(&findings),
            ["warning: 66 % of public.wide are dead rows: 20000 dead rows beside 10000 live ones"]
        );
        // Without its comment: what stands behind it is for people.
        let typed =
            |finding: &Finding| finding.remedy.clone().unwrap().split(" -- ").next().unwrap().to_owned();
        bench.sql(&typed(&findings[0]));
        bench.until("SELECT pg_stat_get_dead_tuples('wide'::regclass)", "0");
        let findings = look(&bench);
        assert!(findings[0].what.starts_with("public.wide takes 1"), "{findings:?}");
        assert!(findings[0].what.contains(" MB, and its rows need about 5"), "{findings:?}");
        bench.sql("VACUUM (FULL, ANALYZE) wide");
        assert_eq!(whats(&look(&bench)), [""; 0]);
    }

    #[test]
    fn where_the_text_does_not_show_it_every_table_is_looked_at() {
        let mut bench = Bench::new();
        bench.sql("CREATE TABLE t (a int);INSERT INTO t SELECT generate_series(1, 3000)");
        bench.migration("0001_do", "DO $$ BEGIN UPDATE t SET a = 1; END $$", "SELECT 1");
        bench.up();
        bench.until("SELECT pg_stat_get_dead_tuples('t'::regclass)", "3000");
        let findings = look(&bench);
        assert_eq!(
            whats(&findings),
            ["warning: 50 % of public.t are dead rows: 3000 dead rows beside 3000 live ones"]
        );
        assert!(findings[0].details[1].contains("0001_do runs code"), "{findings:?}");
    }
}
