//! The settings that hold, each with where it comes from: what `-v` tells.

use serde_json::{Value, json};

use crate::args::quote_history_table;
use crate::config::{Origin, Settings};
use crate::render::words::time;
use crate::render::{Page, View, escape_line};

/// Settings, with the database as the engine shows it, without its password.
pub(crate) struct SettingsView<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) database: Option<String>,
    /// Also what nobody said anything of.
    pub(crate) all: bool,
}

impl SettingsView<'_> {
    pub(crate) fn rows(&self) -> Vec<(&'static str, String, &Origin)> {
        let settings = self.settings;
        let mut rows = Vec::new();
        if let Some(environment) = &settings.environment {
            rows.push(("environment", environment.value.clone(), &environment.origin));
        }
        if let (Some(database), Ok(place)) = (&self.database, &settings.database) {
            rows.push(("database", database.clone(), &place.origin));
        }
        rows.push(("protected", settings.protected.value.to_string(), &settings.protected.origin));
        if self.all || settings.prove.origin != Origin::Default {
            rows.push(("prove", settings.prove.value.to_string(), &settings.prove.origin));
        }
        rows.push(("dir", settings.dir.value.display().to_string(), &settings.dir.origin));
        rows.push((
            "history-table",
            quote_history_table(&settings.history_table.value),
            &settings.history_table.origin,
        ));
        rows.push(("locked", settings.locked.value.to_string(), &settings.locked.origin));
        let durations = [("lock-wait", &settings.lock_wait), ("lock-timeout", &settings.lock_timeout)];
        for (name, value) in durations {
            rows.extend(value.as_ref().map(|value| (name, time(value.value), &value.origin)));
        }
        if let Some(newer) = &settings.newer {
            rows.push(("newer", format!("{:?}", newer.value).to_lowercase(), &newer.origin));
        }
        let folders = [("backup-dir", &settings.backup_dir), ("log-dir", &settings.log_dir)];
        for (name, folder) in folders {
            if self.all || folder.origin != Origin::Default {
                rows.push((name, folder.value.display().to_string(), &folder.origin));
            }
        }
        let age = &settings.preflight_max_age;
        if self.all || age.origin != Origin::Default {
            rows.push(("preflight-max-age", time(age.value), &age.origin));
        }
        rows
    }
}

impl View for SettingsView<'_> {
    fn human(&self, page: Page) -> String {
        let line = |(name, value, origin): (&str, String, &Origin)| {
            let origin = format!("({origin})");
            format!("{name:>13}  {}  {}\n", escape_line(&value), page.paint.faint(&escape_line(&origin)))
        };
        self.rows().into_iter().map(line).collect()
    }

    fn json(&self) -> Value {
        let entry = |(name, value, origin): (&str, String, &Origin)| {
            (name.replace('-', "_"), json!({ "value": value, "origin": origin.to_string() }))
        };
        json!({ "settings": Value::Object(self.rows().into_iter().map(entry).collect()) })
    }
}
