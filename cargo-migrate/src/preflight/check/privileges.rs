//! Whether the role may do what the pending migrations do.

use migrate_runtime::{quote_identifier, quote_literal};
use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::preflight::needs::{Kind, Need, Needs};
use crate::preflight::privilege::{ANYTHING, WITH_OPTION};

pub(super) struct Privileges;

/// Any of these is one at least.
const ANY_PRIVILEGE: &str = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER";
const ANY_OF_COLUMN: &str = "SELECT, INSERT, UPDATE, REFERENCES";
/// Of more statements a person gets the number.
const SHOWN: usize = 5;

impl Check for Privileges {
    fn name(&self) -> &'static str {
        "privileges"
    }

    fn title(&self) -> &'static str {
        "privileges that the pending migrations need"
    }

    fn why(&self) -> &'static str {
        "a migration that may not do what it does fails, after those before it were applied"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let needs = Needs::of(situation)?;
        let mut findings = Vec::new();
        if !needs.all.is_empty() {
            let rows = situation.ask("asking for privileges", &question(&needs.all, &situation.path))?;
            for row in &rows {
                let Some(need) = row.number::<usize>(0).and_then(|number| needs.all.get(number)) else {
                    continue;
                };
                // What is not there is no question of privileges.
                if row.get(1) != Some("f") {
                    continue;
                }
                findings.push(missing(need, row.get(2), row.get(3), situation));
            }
        }
        if !needs.unknown.is_empty() {
            let shown: Vec<_> = needs.unknown.iter().take(SHOWN).cloned().collect();
            let more = needs.unknown.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            findings.push(finding(
                Severity::Info,
                format!("what these need cannot be known from their text: {}{more}", shown.join(", ")),
                json!({ "unknown": needs.unknown }),
            ));
        }
        Ok(findings)
    }
}

fn missing(need: &Need, object: Option<&str>, owner: Option<&str>, situation: &Situation<'_>) -> Finding {
    let role = quote_identifier(&situation.role);
    let database = quote_identifier(&situation.identity.database);
    let object = object.unwrap_or(&need.name).to_owned();
    let owner = owner.map(quote_identifier);
    let (what, remedy) = match (need.kind, need.privilege) {
        (Kind::Database, privilege) => (
            format!("{privilege} on database {database}"),
            format!("GRANT {privilege} ON DATABASE {database} TO {role};"),
        ),
        (Kind::Schema, "OWNER") | (Kind::Relation, "OWNER" | "DROP") | (Kind::Type | Kind::Function, _) => (
            format!("to own {object}"),
            match owner {
                Some(owner) => format!("GRANT {owner} TO {role}; or have {owner} run the migration"),
                None => "have its owner run the migration".to_owned(),
            },
        ),
        (Kind::Schema, privilege) => (
            format!("{privilege} on schema {object}"),
            format!("GRANT {privilege} ON SCHEMA {object} TO {role};"),
        ),
        (Kind::Relation, ANYTHING) => (
            format!("a privilege on {object} that it could give or take away"),
            match owner {
                Some(owner) => format!("GRANT {owner} TO {role}; or have {owner} run the migration"),
                None => "have its owner run the migration".to_owned(),
            },
        ),
        (Kind::Relation, privilege) if privilege.ends_with(WITH_OPTION) => {
            let plain = privilege.trim_end_matches(WITH_OPTION);
            return Finding {
                details: vec!["the server does not refuse it: it warns, and grants nothing".to_owned()],
                remedy: Some(format!("GRANT {plain} ON {object} TO {role} WITH GRANT OPTION;")),
                ..finding(
                    Severity::Warning,
                    format!("{} gives {plain} on {object} on, and role {role} may not", need.place),
                    json!({ "place": need.place, "object": object, "privilege": need.privilege, "kind": need.kind.name() }),
                )
            };
        }
        (Kind::Relation, privilege) => {
            (format!("{privilege} on {object}"), format!("GRANT {privilege} ON {object} TO {role};"))
        }
        (Kind::Attribute, "CREATEROLE") => {
            ("CREATEROLE".to_owned(), format!("ALTER ROLE {role} CREATEROLE;"))
        }
        (Kind::Attribute, _) => {
            ("to be superuser".to_owned(), "have a superuser run the migration".to_owned())
        }
        (Kind::Extension, _) => (
            format!("to create extension {object}, which is not trusted or not installed on the server"),
            format!("have a superuser run CREATE EXTENSION {object}; before, after the server has its files"),
        ),
    };
    Finding {
        remedy: Some(remedy),
        ..finding(
            Severity::Failure,
            format!("{} needs {what}, and role {role} has it not", need.place),
            json!({ "place": need.place, "object": object, "privilege": need.privilege, "kind": need.kind.name() }),
        )
    }
}

/// Number, whether it is there (`NULL` where the object is not), the object, its owner.
fn question(needs: &[Need], path: &[String]) -> String {
    let literal = |text: Option<&str>| text.map_or_else(|| "NULL".to_owned(), quote_literal);
    let values: Vec<_> = needs
        .iter()
        .enumerate()
        .map(|(number, need)| {
            format!(
                "({number}, {}, {}, {}, {})",
                quote_literal(need.kind.name()),
                literal(need.schema.as_deref()),
                quote_literal(&need.name),
                quote_literal(need.privilege)
            )
        })
        .collect();
    let path: Vec<_> = path.iter().map(|schema| quote_literal(schema)).collect();
    // Each kind in a branch of its own: a function that gets another kind's privilege is an error.
    format!(
        "WITH path AS (SELECT ARRAY[{path}]::text[] AS names), \
         need(n, kind, space, name, privilege) AS (VALUES {values}), \
         spaces AS (SELECT s.oid, s.nspname::text AS space, s.nspowner, array_position(p.names, s.nspname::text) AS place \
         FROM pg_namespace s, path p), \
         relation AS (SELECT DISTINCT ON (w.n) w.n, c.oid, c.relowner AS owner, s.nspowner, w.privilege, \
         format('%I.%I', s.space, c.relname) AS shown FROM need w JOIN pg_class c ON c.relname = w.name \
         JOIN spaces s ON s.oid = c.relnamespace AND CASE WHEN w.space IS NULL THEN s.place IS NOT NULL \
         ELSE s.space = w.space END WHERE w.kind = 'relation' ORDER BY w.n, s.place), \
         kinds AS (SELECT DISTINCT ON (w.n) w.n, t.typowner AS owner, format('%I.%I', s.space, t.typname) AS shown \
         FROM need w JOIN pg_type t ON t.typname = w.name JOIN spaces s ON s.oid = t.typnamespace \
         AND CASE WHEN w.space IS NULL THEN s.place IS NOT NULL ELSE s.space = w.space END \
         WHERE w.kind = 'type' ORDER BY w.n, s.place), \
         routines AS (SELECT w.n, bool_or(pg_has_role(f.proowner, 'USAGE')) AS has, min(f.proowner::int8) AS owner, \
         min(format('%I.%I', s.space, f.proname)) AS shown FROM need w JOIN pg_proc f ON f.proname = w.name \
         JOIN spaces s ON s.oid = f.pronamespace AND CASE WHEN w.space IS NULL THEN s.place IS NOT NULL \
         ELSE s.space = w.space END AND s.space <> 'pg_catalog' WHERE w.kind = 'function' GROUP BY w.n) \
         SELECT n, has, shown, o.rolname FROM ( \
         SELECT n, has_database_privilege(current_database(), privilege) AS has, name AS shown, NULL::oid AS owner \
         FROM need WHERE kind = 'database' \
         UNION ALL SELECT w.n, CASE WHEN w.privilege = 'OWNER' THEN pg_has_role(s.nspowner, 'USAGE') \
         ELSE has_schema_privilege(s.oid, w.privilege) END, quote_ident(s.space), s.nspowner FROM need w \
         JOIN spaces s ON s.space = w.name WHERE w.kind = 'schema' \
         UNION ALL SELECT n, CASE privilege WHEN 'OWNER' THEN pg_has_role(owner, 'USAGE') \
         WHEN 'DROP' THEN pg_has_role(owner, 'USAGE') OR pg_has_role(nspowner, 'USAGE') \
         WHEN 'TRIGGER' THEN has_table_privilege(oid, 'TRIGGER') WHEN 'DELETE' THEN has_table_privilege(oid, 'DELETE') \
         WHEN 'TRUNCATE' THEN has_table_privilege(oid, 'TRUNCATE') \
         WHEN 'GRANT' THEN has_table_privilege(oid, '{ANY_PRIVILEGE}') OR has_any_column_privilege(oid, '{ANY_OF_COLUMN}') \
         ELSE CASE WHEN privilege NOT LIKE '%{WITH_OPTION}' \
         THEN has_table_privilege(oid, privilege) OR has_any_column_privilege(oid, privilege) \
         WHEN has_table_privilege(oid, '{ANY_PRIVILEGE}') OR has_any_column_privilege(oid, '{ANY_OF_COLUMN}') \
         THEN has_table_privilege(oid, privilege) END END, shown, owner FROM relation \
         UNION ALL SELECT n, pg_has_role(owner, 'USAGE'), shown, owner FROM kinds \
         UNION ALL SELECT n, has, shown, owner::oid FROM routines \
         UNION ALL SELECT w.n, CASE w.privilege WHEN 'CREATEROLE' THEN r.rolcreaterole OR r.rolsuper ELSE r.rolsuper END, \
         w.name, NULL FROM need w, pg_roles r WHERE w.kind = 'attribute' AND r.rolname = current_user \
         UNION ALL SELECT w.n, EXISTS (SELECT FROM pg_extension e WHERE e.extname = w.name) \
         OR EXISTS (SELECT FROM pg_available_extension_versions v JOIN pg_roles r ON r.rolname = current_user \
         WHERE v.name = w.name AND (r.rolsuper OR NOT v.superuser OR v.trusted)), quote_ident(w.name), NULL \
         FROM need w WHERE w.kind = 'extension') AS answer LEFT JOIN pg_roles o ON o.oid = answer.owner ORDER BY n",
        path = path.join(", "),
        values = values.join(", ")
    )
}
