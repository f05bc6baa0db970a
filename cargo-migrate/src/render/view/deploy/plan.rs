//! What a deployment would do: its steps, the SQL, and what is known of locks, risks and times.

use migrate_core::sql::mask_secrets;
use serde_json::{Value, json};

use crate::deploy::{OnFailure, Preview};
use crate::inspection::Examined;
use crate::render::json::{step, warning};
use crate::render::view::inspection;
use crate::render::words::{bytes, count};
use crate::render::{Page, View, escape, escape_line};

/// What a deployment would do.
pub(crate) struct DeployPlanView(pub(crate) Preview);

impl DeployPlanView {
    fn stops(&self) -> bool {
        !Examined::all_passed(&self.0.examined)
    }

    /// Each step in a line.
    fn steps(&self) -> Vec<(&'static str, String)> {
        let preview = &self.0;
        let preflight = match (self.stops(), &preview.force) {
            (false, _) => "passes as things are now",
            (true, None) => "fails as things are now (below): nothing would be changed",
            (true, Some(_)) => "fails as things are now (below); `--force` would go on all the same",
        };
        let backup = match (&preview.backup, &preview.skip_backup) {
            (Some(id), _) => format!("{id} would be taken"),
            (None, Some(_)) => "left out".to_owned(),
            (None, None) => {
                format!(
                    "of the whole database{}",
                    preview.bytes.map(|n| format!(", {}", bytes(n))).unwrap_or_default()
                )
            }
        };
        let back = match preview.on_failure {
            OnFailure::Stop => "what was applied stays where a later one fails",
            OnFailure::Rollback => "where one fails, all of them are rolled back by their down scripts",
            OnFailure::Restore => "where one fails, the backup takes the place of the database",
        };
        vec![
            ("preflight", preflight.to_owned()),
            ("backup", backup),
            ("up", format!("{}; {back}", count(preview.pending.len(), "migration"))),
            ("postflight", "the schema, the history and the checks of the migrations".to_owned()),
        ]
    }
}

impl View for DeployPlanView {
    fn human(&self, page: Page) -> String {
        let (preview, paint) = (&self.0, page.paint);
        let mut text = String::new();
        if let Some(past) = &preview.past {
            text += &format!(
                "-- deployment {} of {} is not finished, last `{}`\n",
                escape_line(&past.run),
                escape_line(&past.begun_at),
                escape_line(&past.last.outcome())
            );
            for difference in &preview.differences {
                text += &format!("--   not as it has it: {}\n", escape_line(difference));
            }
        }
        if preview.pending.is_empty() {
            return text + "-- nothing to deploy\n";
        }
        text += &format!("-- deploy on {}\n", escape_line(&preview.database));
        for (name, what) in self.steps() {
            text += &format!("--   {name:<10}  {}\n", escape_line(&what));
        }
        // Comments, so that the whole can be handed to psql as it is.
        for line in inspection::human(&preview.examined, true, page).trim_end().split('\n') {
            text += format!("-- {line}").trim_end();
            text.push('\n');
        }
        match &preview.run {
            None => {
                text += &format!(
                    "-- {}: a migration is partly applied; it is finished first, and the SQL is known then\n",
                    paint.warn("recovery")
                );
            }
            Some(run) => {
                for message in &run.sql {
                    text += &escape(&mask_secrets(message));
                    if !message.ends_with('\n') {
                        text.push('\n');
                    }
                }
            }
        }
        text
    }

    fn json(&self) -> Value {
        let preview = &self.0;
        let plan = self.steps().into_iter().map(|(name, what)| json!({ "step": name, "message": what }));
        json!({
            "database": preview.database,
            "database_bytes": preview.bytes,
            "unfinished": preview.past.as_ref().map(|past| json!({
                "run": past.run, "begun_at": past.begun_at, "last": past.last.outcome(),
                "differences": preview.differences,
            })),
            "plan": plan.collect::<Value>(),
            "on_failure": preview.on_failure.name(),
            "pending": preview.pending,
            "passes": !self.stops(),
            "checks": inspection::json(&preview.examined),
            "steps": preview.run.as_ref().map(|run| run.steps.iter().map(step).collect::<Value>()),
            "warnings": preview.run.as_ref().map(|run| run.warnings.iter().map(warning).collect::<Value>()),
            "sql": preview.run.as_ref().map(|run| {
                run.sql.iter().map(|message| mask_secrets(message)).collect::<Value>()
            }),
        })
    }
}
