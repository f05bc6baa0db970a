//! The settings that hold, and where each was said.

use super::{Line, Section};
use crate::command::Call;
use crate::config::Settings;
use crate::render::view::SettingsView;

/// Looks; without settings nothing is known of folders and databases.
pub(super) fn look(call: &Call) -> (Vec<Line>, Option<Settings>) {
    let mut section = Section::new("configuration");
    let settings = match call.settings(None) {
        Ok(settings) => settings,
        Err(problem) => {
            section.fail("settings", problem.to_string(), problem.hint());
            return (section.lines, None);
        }
    };
    if settings.local.is_none() {
        section.warn(
            "project",
            format!("no Cargo.toml in {} or above it", call.context.cwd.display()),
            "go into the folder of the project, or run `cargo init` and `cargo migrate init`",
        );
    }
    for (name, value, origin) in (SettingsView { settings: &settings, database: None, all: true }).rows() {
        section.ok(name, format!("{value} ({origin})"));
    }
    (section.lines, Some(settings))
}
