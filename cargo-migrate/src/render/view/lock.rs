//! `migrations.lock` and the folder.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::render::words::count;
use crate::render::{Page, View, escape_line};

/// What `lock` found or did.
pub(crate) struct LockView {
    pub(crate) path: PathBuf,
    /// How many migrations the folder has.
    pub(crate) migrations: usize,
    /// How the lock differed; empty where it did not.
    pub(crate) differences: Vec<String>,
    /// Whether it was written.
    pub(crate) written: bool,
}

impl View for LockView {
    fn human(&self, page: Page) -> String {
        let path = self.path.display().to_string();
        let path = escape_line(&path);
        let migrations = count(self.migrations, "migration");
        if self.differences.is_empty() && !self.written {
            return format!("{path} is up to date: {migrations}\n");
        }
        let mut text: String =
            self.differences.iter().map(|difference| format!("  {}\n", escape_line(difference))).collect();
        text += &match self.written {
            true => format!("wrote {path}: {migrations}\n"),
            false => format!("{}\n", page.paint.bad(&format!("{path} does not fit the folder"))),
        };
        text
    }

    fn json(&self) -> Value {
        json!({
            "path": self.path.display().to_string(), "migrations": self.migrations,
            "differences": self.differences, "written": self.written,
        })
    }
}
