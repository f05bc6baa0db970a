//! Whether anything can be written here at all.

use migrate_runtime::quote_identifier;
use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};

pub(super) struct Writable;

impl Check for Writable {
    fn name(&self) -> &'static str {
        "writable"
    }

    fn title(&self) -> &'static str {
        "a standby, or a read-only database"
    }

    fn why(&self) -> &'static str {
        "nothing can be applied where nothing can be written, and what is looked at on a standby is not the primary"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        // The transaction of this very question is read-only: what a session starts with is asked for.
        let rows = situation.ask(
            "asking whether this is a standby",
            "SELECT pg_is_in_recovery(), setting, source FROM pg_settings WHERE name = 'default_transaction_read_only'",
        )?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let mut findings = Vec::new();
        if row.flag(0) {
            findings.push(Finding {
                remedy: Some(
                    "connect to the primary; target_session_attrs=read-write in the URL finds it".into(),
                ),
                ..finding(Severity::Failure, "this is a hot standby", json!({ "standby": true }))
            });
        } else if row.get(1) == Some("on") {
            let database = quote_identifier(&situation.identity.database);
            let role = quote_identifier(&situation.role);
            // Who types it begins read-only, too.
            let first = "SET default_transaction_read_only = off;";
            // `GucSource_Names` of guc_tables.c.
            let remedy = match row.text(2).as_str() {
                "database" => format!("{first} ALTER DATABASE {database} RESET default_transaction_read_only;"),
                "user" => format!("{first} ALTER ROLE {role} RESET default_transaction_read_only;"),
                "database user" => {
                    format!("{first} ALTER ROLE {role} IN DATABASE {database} RESET default_transaction_read_only;")
                }
                "client" | "environment variable" => {
                    "the address or PGOPTIONS of this session says so: take it out there".to_owned()
                }
                _ => "the server's configuration says so: ALTER SYSTEM RESET default_transaction_read_only; SELECT \
                      pg_reload_conf(); or take it out of postgresql.conf"
                    .to_owned(),
            };
            findings.push(Finding {
                remedy: Some(remedy),
                ..finding(
                    Severity::Failure,
                    "sessions start read-only: default_transaction_read_only is on",
                    json!({ "default_transaction_read_only": true }),
                )
            });
        }
        Ok(findings)
    }
}
