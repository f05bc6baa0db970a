//! Foreign keys and checks that hold for new rows only.

use migrate_runtime::connection::Row;
use serde_json::json;
use squawk_syntax::SourceFile;
use squawk_syntax::ast::{self, AstNode};

use crate::inspection::{Check, Finding, Pending, Severity, Situation, ask};

/// Constraints that nobody validated.
pub(crate) struct Constraints;

/// Those of partitions and children go with their parent's. One that is not enforced (PostgreSQL 18) is not validated
/// either, and cannot be.
const QUERY: &str = "\
SELECT CASE WHEN con.contypid <> 0 THEN 'DOMAIN ' || con.contypid::regtype::text
            ELSE 'TABLE ' || con.conrelid::regclass::text END,
       quote_ident(con.conname), con.contype, pg_get_constraintdef(con.oid),
       CASE con.contype
         WHEN 'c' THEN format('SELECT * FROM %s WHERE NOT (%s)', nullif(con.conrelid, 0)::regclass,
                              pg_get_expr(con.conbin, con.conrelid))
         WHEN 'f' THEN format('SELECT c.* FROM %s AS c WHERE %s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)',
                              con.conrelid::regclass, keys.given, con.confrelid::regclass, keys.equal)
       END,
       nullif(con.confrelid, 0)::regclass::text, con.conname
FROM pg_constraint AS con
JOIN pg_namespace AS space ON space.oid = con.connamespace
LEFT JOIN LATERAL (
    SELECT string_agg(format('p.%I = c.%I', parent.attname, child.attname), ' AND ' ORDER BY key.place) AS equal,
           string_agg(format('c.%I IS NOT NULL', child.attname), ' AND ' ORDER BY key.place) AS given
    FROM unnest(con.conkey, con.confkey) WITH ORDINALITY AS key(child, parent, place)
    JOIN pg_attribute AS child ON child.attrelid = con.conrelid AND child.attnum = key.child
    JOIN pg_attribute AS parent ON parent.attrelid = con.confrelid AND parent.attnum = key.parent
) AS keys ON con.contype = 'f'
WHERE NOT con.convalidated AND con.contype IN ('f', 'c', 'n') AND con.coninhcount = 0
  AND space.nspname NOT IN ('pg_catalog', 'information_schema') AND space.nspname !~ '^pg_(toast|temp)'";

impl Check for Constraints {
    fn name(&self) -> &'static str {
        "constraints"
    }

    fn title(&self) -> &'static str {
        "constraints that are not validated"
    }

    fn why(&self) -> &'static str {
        "a NOT VALID constraint holds for rows that are written from now on; the rows that were there before may break it, and \
         the planner does not rely on it"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let enforced = if situation.version >= 180_000 { " AND con.conenforced" } else { "" };
        let sql = format!("{QUERY}{enforced} ORDER BY 1, 2");
        let rows =
            ask::patient(situation.connection, "looking for constraints that are not validated", &sql)?;
        let to_come = validated_by(&situation.pending);
        Ok(rows.iter().map(|row| of_row(row, &to_come)).collect())
    }
}

fn of_row(row: &Row, to_come: &[(String, String)]) -> Finding {
    let (object, name, definition) = (row.text(0), row.text(1), row.text(3));
    let kind = match row.get(2) {
        Some("f") => "foreign key",
        Some("n") => "not-null constraint",
        _ => "check",
    };
    let statement = format!("ALTER {object} VALIDATE CONSTRAINT {name};");
    let plain = row.text(6);
    let pending = to_come.iter().find(|(_, constraint)| *constraint == plain).map(|(stem, _)| stem);
    let on = object.strip_prefix("TABLE ").map_or_else(|| object.to_lowercase(), str::to_owned);
    let mut details = vec![definition.clone()];
    if let Some(query) = row.get(4) {
        details.push(format!("rows that break it: {query};"));
    }
    let (severity, what) = match pending {
        Some(stem) => (
            Severity::Warning,
            format!("{kind} {name} of {on} is not validated yet: {stem}, which is pending, does it"),
        ),
        None => (Severity::Failure, format!("{kind} {name} of {on} is not validated")),
    };
    Finding {
        severity,
        what,
        details,
        remedy: Some(statement.clone()),
        data: json!({
            "object": on, "constraint": plain, "kind": kind, "definition": definition, "statement": statement,
            "breaking_rows": row.get(4), "refers_to": row.get(5), "pending": pending,
        }),
    }
}

/// The constraints that pending migrations validate, each with the migration.
fn validated_by(pending: &Pending) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for migration in pending.migrations() {
        for statement in migration.up.statements.iter() {
            let tree = SourceFile::parse(migration.up.sql(statement)).tree();
            let nodes = tree.syntax().descendants().filter_map(ast::ValidateConstraint::cast);
            for name in nodes.filter_map(|node| node.constraint_name_ref()) {
                found.push((migration.stem.to_string(), unquoted(&name.syntax().text().to_string())));
            }
        }
    }
    found
}

/// The name that an identifier as it is written means.
fn unquoted(identifier: &str) -> String {
    let identifier = identifier.trim();
    match identifier.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => identifier.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::testing::{Bench, whats};

    const ORDERS: &str = "CREATE TABLE customers (id int PRIMARY KEY);\
        CREATE TABLE orders (id int, customer int, total int);INSERT INTO orders VALUES (1, 7, -1);";

    #[test]
    fn what_is_not_validated_is_told_with_the_statement_that_does_it() {
        let bench = Bench::new();
        bench.sql(ORDERS);
        assert!(bench.look(&Constraints).is_empty());
        bench.sql(
            "ALTER TABLE orders ADD CONSTRAINT \"Positive\" CHECK (total > 0) NOT VALID,\
             ADD CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers NOT VALID;\
             CREATE DOMAIN amount AS int; ALTER DOMAIN amount ADD CONSTRAINT small CHECK (VALUE < 9) NOT VALID",
        );
        let findings = bench.look(&Constraints);
        assert_eq!(
            whats(&findings),
            [
                "failure: check small of domain public.amount is not validated",
                "failure: check \"Positive\" of public.orders is not validated",
                "failure: foreign key orders_customer of public.orders is not validated",
            ]
        );
        // What is told to be typed works: the queries find the rows, and the statement ends the finding.
        for finding in &findings[1..] {
            let query = finding.data["breaking_rows"].as_str().unwrap();
            assert_eq!(bench.rows(query), 1, "{query}");
        }
        bench.sql("DELETE FROM orders");
        for finding in &findings {
            bench.sql(finding.remedy.as_deref().unwrap());
        }
        assert!(bench.look(&Constraints).is_empty());
    }

    #[test]
    fn one_that_a_pending_migration_validates_is_on_its_way() {
        let mut bench = Bench::new();
        bench.sql(ORDERS);
        bench.sql("ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0) NOT VALID");
        bench.migration("0002_validate", "ALTER TABLE orders VALIDATE CONSTRAINT Positive", "SELECT 1");
        assert_eq!(
            whats(&bench.look(&Constraints)),
            [
                "warning: check positive of public.orders is not validated yet: 0002_validate, which is pending, does it"
            ]
        );
    }
}
