//! Sequences that run out.

use migrate_runtime::connection::Row;
use serde_json::json;

use crate::inspection::{Check, Finding, Severity, Situation, ask};

/// Sequences near their end, or near the end of the column that they fill.
pub(crate) struct Sequences;

/// Of its values, in percent, from which on a sequence is told.
const WARNING: f64 = 75.0;
/// … and fails the check.
const FAILURE: f64 = 90.0;

/// The narrowest integer column that a sequence fills, by owning it (serial, identity) or by a default that calls it.
const QUERY: &str = "\
SELECT sequence.seqrelid::regclass::text, sequence.seqincrement, sequence.seqmin, sequence.seqmax, sequence.seqtypid::regtype::text,
       CASE WHEN has_sequence_privilege(sequence.seqrelid, 'USAGE, SELECT')
            THEN pg_sequence_last_value(sequence.seqrelid) END,
       has_sequence_privilege(sequence.seqrelid, 'USAGE, SELECT'),
       filled.relation, filled.attribute, filled.type::regtype::text, filled.identity
FROM pg_sequence AS sequence
JOIN pg_class AS class ON class.oid = sequence.seqrelid
LEFT JOIN LATERAL (
    SELECT attribute.attrelid::regclass::text AS relation, quote_ident(attribute.attname) AS attribute,
           coalesce(nullif(type.typbasetype, 0), type.oid) AS type, attribute.attidentity <> '' AS identity
    FROM (SELECT need.refobjid, need.refobjsubid FROM pg_depend AS need
          WHERE need.classid = 'pg_class'::regclass AND need.objid = sequence.seqrelid
            AND need.refclassid = 'pg_class'::regclass AND need.deptype IN ('a', 'i') AND need.refobjsubid > 0
          UNION
          SELECT given.adrelid, given.adnum FROM pg_depend AS need
          JOIN pg_attrdef AS given ON need.classid = 'pg_attrdef'::regclass AND given.oid = need.objid
          WHERE need.refclassid = 'pg_class'::regclass AND need.refobjid = sequence.seqrelid) AS use(relation, number)
    JOIN pg_attribute AS attribute ON attribute.attrelid = use.relation AND attribute.attnum = use.number
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    WHERE coalesce(nullif(type.typbasetype, 0), type.oid) IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
    ORDER BY type.typlen, 1, 2 LIMIT 1
) AS filled ON true
WHERE NOT sequence.seqcycle AND class.relpersistence <> 't'
  AND NOT (class.relpersistence = 'u' AND pg_is_in_recovery())
ORDER BY 1";

impl Check for Sequences {
    fn name(&self) -> &'static str {
        "sequences"
    }

    fn title(&self) -> &'static str {
        "sequences near their end"
    }

    fn why(&self) -> &'static str {
        "where a sequence, or the column that it fills, is at its end, every INSERT fails"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let rows = ask::patient(situation.connection, "reading the sequences", QUERY)?;
        let hidden: Vec<_> = rows.iter().filter(|row| !row.flag(6)).map(|row| row.text(0)).collect();
        let mut findings: Vec<_> = rows.iter().filter_map(of_row).collect();
        if !hidden.is_empty() {
            findings.push(Finding {
                severity: Severity::Warning,
                what: format!("{} could not be read: this role may not SELECT them", hidden.join(", ")),
                details: Vec::new(),
                remedy: Some(format!("GRANT SELECT ON SEQUENCE {} TO CURRENT_USER;", hidden.join(", "))),
                data: json!({ "unknown": hidden }),
            });
        }
        Ok(findings)
    }
}

/// The least and the greatest value of an integer type.
fn range(data_type: &str) -> (i64, i64) {
    match data_type {
        "smallint" => (i16::MIN.into(), i16::MAX.into()),
        "integer" => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    }
}

fn of_row(row: &Row) -> Option<Finding> {
    let sequence = row.text(0);
    let (increment, least, most): (i64, i64, i64) = (row.number(1)?, row.number(2)?, row.number(3)?);
    let last: i64 = row.number(5)?;
    let column = row.get(7).zip(row.get(8)).zip(row.get(9));
    let (column_least, column_most) = column.map_or((i64::MIN, i64::MAX), |(_, data_type)| range(data_type));
    let (start, end, of_column) = match increment > 0 {
        true => (least, most.min(column_most), column_most < most),
        false => (most, least.max(column_least), column_least > least),
    };
    let (start, end, at) = (i128::from(start), i128::from(end), i128::from(last));
    let (whole, gone) = ((end - start).abs(), (at - start).abs());
    // A start outside of the column's range: nothing is left of it.
    let passed = if increment > 0 { at > end } else { at < end };
    let used = if passed || whole == 0 { 100.0 } else { gone as f64 * 100.0 / whole as f64 };
    let severity = match used {
        used if used >= FAILURE => Severity::Failure,
        used if used >= WARNING => Severity::Warning,
        _ => return None,
    };
    let left = if passed { 0 } else { (end - at).abs() / i128::from(increment.unsigned_abs()).max(1) };
    let named = column.map(|((table, column), data_type)| (table, column, data_type, row.flag(10)));
    let what = match (&named, of_column) {
        (Some((table, column, data_type, _)), true) => format!(
            "sequence {sequence} has used {used:.1} % of what {table}.{column}, which is {data_type}, can hold: {left} values \
             are left"
        ),
        (Some((table, column, ..)), false) => format!(
            "sequence {sequence} of {table}.{column} has used {used:.1} % of its values: {left} are left"
        ),
        (None, _) => format!("sequence {sequence} has used {used:.1} % of its values: {left} are left"),
    };
    let remedy =
        remedy(&sequence, &row.text(4), named, increment > 0, if increment > 0 { most } else { least });
    Some(Finding {
        severity,
        what,
        details: Vec::new(),
        remedy,
        data: json!({
            "sequence": sequence, "last_value": last, "end": end.to_string(), "used_percent": (used * 10.0).round() / 10.0,
            "left": left.to_string(), "type": row.get(4), "table": row.get(7), "column": row.get(8), "column_type": row.get(9),
        }),
    })
}

fn remedy(
    sequence: &str,
    data_type: &str,
    column: Option<(&str, &str, &str, bool)>,
    ascending: bool,
    end: i64,
) -> Option<String> {
    let mut statements = Vec::new();
    let mut note = "";
    if let Some((table, column, of_column, identity)) = column
        && of_column != "bigint"
    {
        statements.push(format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint;"));
        note = " -- rewrites the table while nobody can read or write it";
        // The sequence of an identity column goes with its column (`parse_utilcmd.c`).
        if data_type != "bigint" && !identity {
            statements.push(format!("ALTER SEQUENCE {sequence} AS bigint;"));
        }
    } else if data_type != "bigint" {
        statements.push(format!("ALTER SEQUENCE {sequence} AS bigint;"));
    } else if end != if ascending { i64::MAX } else { i64::MIN } && end != -1 {
        statements.push(format!(
            "ALTER SEQUENCE {sequence} NO {};",
            if ascending { "MAXVALUE" } else { "MINVALUE" }
        ));
    }
    (!statements.is_empty()).then(|| statements.join(" ") + note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::testing::{Bench, whats};

    #[test]
    fn a_sequence_is_as_long_as_the_narrowest_thing_that_it_fills() {
        let bench = Bench::new();
        bench.sql(
            "CREATE TABLE a (id serial, small smallserial, long bigserial, own int GENERATED ALWAYS AS IDENTITY);\
             CREATE SEQUENCE shared;CREATE TABLE b (id int DEFAULT nextval('shared'));\
             CREATE SEQUENCE round MAXVALUE 10 CYCLE;CREATE SEQUENCE back INCREMENT -1 MINVALUE -100 MAXVALUE -1;\
             CREATE SEQUENCE fresh;SELECT setval('round', 10), setval('a_id_seq', 1000), setval('back', -50)",
        );
        assert!(bench.look(&Sequences).is_empty());
        bench.sql(
            "SELECT setval('a_id_seq', 1700000000), setval('a_small_seq', 32000), setval('a_long_seq', 1700000000),\
             setval('a_own_seq', 2147483647), setval('shared', 2000000000), setval('back', -80)",
        );
        let findings = bench.look(&Sequences);
        assert_eq!(
            whats(&findings),
            [
                "warning: sequence public.a_id_seq of public.a.id has used 79.2 % of its values: 447483647 are left",
                "failure: sequence public.a_own_seq of public.a.own has used 100.0 % of its values: 0 are left",
                "failure: sequence public.a_small_seq of public.a.small has used 97.7 % of its values: 767 are left",
                "warning: sequence public.back has used 79.8 % of its values: 20 are left",
                "failure: sequence public.shared has used 93.1 % of what public.b.id, which is integer, can hold: \
                 147483647 values are left",
            ]
        );
        for finding in &findings {
            bench.sql(finding.remedy.as_deref().unwrap());
        }
        assert_eq!(whats(&bench.look(&Sequences)), [""; 0]);
    }

    #[test]
    fn one_that_may_not_be_read_is_told() {
        let mut bench = Bench::new();
        bench.sql("CREATE SEQUENCE secret");
        bench.as_stranger();
        assert_eq!(
            whats(&bench.look(&Sequences)),
            ["warning: public.secret could not be read: this role may not SELECT them"]
        );
    }
}
