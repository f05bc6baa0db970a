//! Which lines of the audit log somebody wants to see.

use std::time::Duration;

use crate::history_table::quote_literal;

/// Which lines of the audit log; those that fit all that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Of this migration: its stem, or its number.
    pub migration: Option<String>,
    /// With one of these actions; any where there are none.
    pub actions: Vec<String>,
    /// Of this run.
    pub run: Option<String>,
    /// Not older than this.
    pub since: Option<Since>,
    /// Only what failed.
    pub failed: bool,
}

/// A point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// So long before the server's now.
    Ago(Duration),
    /// At this time: ISO 8601, with its offset.
    At(String),
}

impl LogFilter {
    /// As a WHERE clause; empty where everything fits.
    pub(crate) fn sql(&self) -> String {
        let mut parts = Vec::new();
        if let Some(migration) = &self.migration {
            parts.push(match migration.bytes().all(|byte| byte.is_ascii_digit()) {
                // As versions are compared everywhere: by the number, whatever its width.
                true => format!(
                    "pg_catalog.ltrim(pg_catalog.split_part(version, '_', 1), '0') = {}",
                    quote_literal(migration.trim_start_matches('0'))
                ),
                false => format!("version = {}", quote_literal(migration)),
            });
        }
        if !self.actions.is_empty() {
            let actions: Vec<_> = self.actions.iter().map(|action| quote_literal(action)).collect();
            parts.push(format!("action IN ({})", actions.join(", ")));
        }
        if let Some(run) = &self.run {
            parts.push(format!("run = {}", quote_literal(run)));
        }
        match &self.since {
            Some(Since::Ago(ago)) => {
                let seconds = ago.as_secs_f64();
                parts.push(format!("at >= pg_catalog.now() - pg_catalog.make_interval(secs => {seconds})"));
            }
            Some(Since::At(time)) => {
                parts.push(format!("at >= {}::pg_catalog.timestamptz", quote_literal(time)));
            }
            None => {}
        }
        if self.failed {
            parts.push("(outcome = 'failed' OR sqlstate IS NOT NULL)".to_owned());
        }
        if parts.is_empty() { String::new() } else { format!("WHERE {}", parts.join(" AND ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_quoted() {
        assert_eq!(LogFilter::default().sql(), "");
        let filter = LogFilter {
            migration: Some("0010".into()),
            actions: vec!["up".into(), "it's".into()],
            run: Some("r".into()),
            since: Some(Since::Ago(Duration::from_millis(1500))),
            failed: true,
        };
        assert_eq!(
            filter.sql(),
            "WHERE pg_catalog.ltrim(pg_catalog.split_part(version, '_', 1), '0') = '10' \
             AND action IN ('up', 'it''s') AND run = 'r' \
             AND at >= pg_catalog.now() - pg_catalog.make_interval(secs => 1.5) \
             AND (outcome = 'failed' OR sqlstate IS NOT NULL)"
        );
        let filter = LogFilter {
            migration: Some("0010_a".into()),
            since: Some(Since::At("2026-11-21T00:00:00Z".into())),
            ..LogFilter::default()
        };
        assert_eq!(
            filter.sql(),
            "WHERE version = '0010_a' AND at >= '2026-11-21T00:00:00Z'::pg_catalog.timestamptz"
        );
    }
}
