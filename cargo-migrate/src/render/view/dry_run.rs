//! What a run would do: the exact SQL of it.

use migrate_core::sql::mask_secrets;
use migrate_runtime::migrator::DryRun;
use serde_json::{Value, json};

use crate::render::json::{step, warning};
use crate::render::{Page, View, escape};

/// What a run would do.
pub(crate) struct DryRunView(pub(crate) DryRun);

impl View for DryRunView {
    fn is_exact(&self) -> bool {
        true
    }

    fn human(&self, _: Page) -> String {
        if self.0.steps.is_empty() {
            return "-- nothing to do\n".to_owned();
        }
        let mut text = String::new();
        for message in &self.0.sql {
            text += &escape(&mask_secrets(message));
            if !message.ends_with('\n') {
                text.push('\n');
            }
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "steps": self.0.steps.iter().map(step).collect::<Value>(),
            "warnings": self.0.warnings.iter().map(warning).collect::<Value>(),
            "sql": self.0.sql.iter().map(|message| mask_secrets(message)).collect::<Value>(),
        })
    }
}
