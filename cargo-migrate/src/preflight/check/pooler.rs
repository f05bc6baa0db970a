//! Whether a pooler stands between.

use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};

pub(super) struct Pooler;

impl Check for Pooler {
    fn name(&self) -> &'static str {
        "pooler"
    }

    fn title(&self) -> &'static str {
        "a connection pooler such as PgBouncer"
    }

    fn why(&self) -> &'static str {
        "behind a pooler a run cannot set how long CREATE INDEX CONCURRENTLY may take, is cut off by the pooler's own limits \
         (query_timeout, server_lifetime), and waits for a free connection of its pool"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        if !situation.connection.is_pooled()? {
            return Ok(Vec::new());
        }
        Ok(vec![Finding {
            remedy: Some(
                "give the server's own address for migrations; a run through the pooler works, too".into(),
            ),
            ..finding(Severity::Warning, "a connection pooler stands between", json!({ "pooled": true }))
        }])
    }
}
