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
            "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only'), \
             (SELECT s.setconfig IS NOT NULL FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase \
             WHERE d.datname = current_database() AND s.setrole = 0 \
             AND 'default_transaction_read_only=on' = ANY (s.setconfig) LIMIT 1)",
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
            let whose = match row.flag(2) {
                true => format!("DATABASE {database}"),
                false => format!("ROLE {}", quote_identifier(&situation.role)),
            };
            findings.push(Finding {
                remedy: Some(format!("ALTER {whose} RESET default_transaction_read_only;")),
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
