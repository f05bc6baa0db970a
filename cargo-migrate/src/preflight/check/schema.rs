//! What is there now: how much, and its digest.

use migrate_runtime::schema::SchemaOptions;
use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::words::count;

pub(super) struct Schema;

impl Check for Schema {
    fn name(&self) -> &'static str {
        "schema"
    }

    fn title(&self) -> &'static str {
        "the schema as it is now"
    }

    fn why(&self) -> &'static str {
        "with the digest of before, a backup that is restored can be shown to be what there was"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let history = Some(situation.settings.history_table.value.clone());
        let schema = situation.schema(&SchemaOptions { history, ..SchemaOptions::default() })?;
        let (objects, digest) = (schema.len(), schema.digest().to_string());
        let tables = schema.objects().filter(|object| object.heading.starts_with("table ")).count();
        Ok(vec![finding(
            Severity::Info,
            format!("{} ({}), digest {digest}", count(objects, "object"), count(tables, "table")),
            json!({ "digest": digest, "objects": objects, "tables": tables }),
        )])
    }
}
