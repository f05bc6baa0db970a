//! Constraints that old rows were never held to.

use serde_json::json;

use crate::inspection::{Check, Finding, Severity, Situation};

pub(super) struct NotValidConstraints;

impl Check for NotValidConstraints {
    fn name(&self) -> &'static str {
        "not-valid-constraints"
    }

    fn title(&self) -> &'static str {
        "constraints that are NOT VALID"
    }

    fn why(&self) -> &'static str {
        "rows of before may break the constraint: nothing can rely on it until it is validated, and a restored dump fails \
         where they do"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        // One that is NOT ENFORCED (PostgreSQL 18) is not meant to be valid.
        let enforced = if situation.version >= 180_000 { "AND c.conenforced" } else { "" };
        let rows = situation.ask(
            "looking for constraints that are not valid",
            &format!(
                "SELECT c.contypid <> 0, CASE WHEN c.contypid <> 0 THEN format_type(c.contypid, NULL) \
                 ELSE c.conrelid::regclass::text END, format('%I', c.conname), c.contype FROM pg_constraint c \
                 JOIN pg_namespace s ON s.oid = c.connamespace WHERE NOT c.convalidated {enforced} \
                 AND c.conparentid = 0 AND s.nspname NOT LIKE 'pg\\_%' ORDER BY 2, 3"
            ),
        )?;
        let pending = situation.pending.migrations();
        let finding = |row: &migrate_runtime::connection::Row| {
            let (on, name) = (row.text(1), row.text(2));
            let kind = if row.flag(0) { "DOMAIN" } else { "TABLE" };
            let what = match row.get(3) {
                Some("f") => "foreign key",
                Some("n") => "NOT NULL",
                _ => "check",
            };
            // Two migrations make a constraint: one NOT VALID, one VALIDATE.
            let validates = pending.iter().find(|migration| {
                let text = migration.up.text.to_ascii_lowercase();
                text.contains("validate constraint")
                    && text.contains(&name.trim_matches('"').to_ascii_lowercase())
            });
            Finding {
                severity: if validates.is_some() { Severity::Info } else { Severity::Warning },
                what: match validates {
                    Some(migration) => {
                        format!("{what} {name} of {on} is not validated; {} does it", migration.stem)
                    }
                    None => format!("{what} {name} of {on} is not validated"),
                },
                details: Vec::new(),
                remedy: validates.is_none().then(|| format!("ALTER {kind} {on} VALIDATE CONSTRAINT {name};")),
                data: json!({
                    "constraint": name, "on": on, "kind": what,
                    "validated_by": validates.map(|migration| &migration.stem),
                }),
            }
        };
        Ok(rows.iter().map(finding).collect())
    }
}
