//! Files that `init` and `new` made.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::render::{Page, View, escape_line};

fn shown(path: &Path) -> String {
    escape_line(&path.display().to_string()).into_owned()
}

/// What `init` did, file by file.
pub(crate) struct InitView {
    /// Each file, and what was done with it: `created`, `added to`, `kept`.
    pub(crate) files: Vec<(&'static str, PathBuf)>,
    /// Where the database comes from, if that is said.
    pub(crate) database: Option<String>,
}

/// The workflows that `ci init` wrote.
pub(crate) struct CiView {
    /// Each file, and what was done with it: `created`, `replaced`, `kept`.
    pub(crate) files: Vec<(&'static str, PathBuf)>,
}

impl View for CiView {
    fn human(&self, page: Page) -> String {
        let line = |(what, path): &(&str, PathBuf)| {
            let word = format!("{what:>8}");
            let word = if *what == "kept" { page.paint.faint(&word) } else { page.paint.good(&word) };
            format!("{word} {}\n", shown(path))
        };
        let mut text: String = self.files.iter().map(line).collect();
        if self.files.iter().any(|(what, _)| *what == "kept") {
            text += "a file that is there is kept; --force writes over it\n";
        }
        text + "next: make an environment for each database in the repository's settings, each with a secret DATABASE_URL\n"
    }

    fn json(&self) -> Value {
        let file =
            |(what, path): &(&str, PathBuf)| json!({ "path": path.display().to_string(), "action": what });
        json!({ "files": self.files.iter().map(file).collect::<Value>() })
    }
}

impl View for InitView {
    fn human(&self, page: Page) -> String {
        let width = self.files.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
        let line = |(what, path): &(&str, PathBuf)| {
            let word = format!("{what:>width$}");
            let word = if *what == "kept" { page.paint.faint(&word) } else { page.paint.good(&word) };
            format!("{word} {}\n", shown(path))
        };
        let mut text: String = self.files.iter().map(line).collect();
        match &self.database {
            Some(origin) => text += &format!("the database comes from {}\n", escape_line(origin)),
            None => text += "no database is named yet: set DATABASE_URL\n",
        }
        text + "next:\n  cargo migrate new create_users --template table\n  cargo migrate up\n"
    }

    fn json(&self) -> Value {
        let file =
            |(what, path): &(&str, PathBuf)| json!({ "path": path.display().to_string(), "action": what });
        json!({ "files": self.files.iter().map(file).collect::<Value>(), "database_from": self.database })
    }
}

/// What `new` made.
pub(crate) struct NewView {
    pub(crate) files: Vec<PathBuf>,
    /// Why `migrations.lock` was not brought up to date, if it was not.
    pub(crate) lock_failure: Option<String>,
    /// The files are still empty.
    pub(crate) empty: bool,
}

impl View for NewView {
    fn human(&self, page: Page) -> String {
        let line = |path: &PathBuf| format!("{} {}\n", page.paint.good("created"), shown(path));
        let mut text: String = self.files.iter().map(line).collect();
        if self.empty {
            let is_check = |path: &PathBuf| path.to_string_lossy().ends_with(".check.sql");
            let all = if self.files.iter().any(is_check) { "each" } else { "both" };
            text += &format!("write the SQL of {all}, then `cargo migrate up`\n");
        } else if let Some(why) = &self.lock_failure {
            text += &format!(
                "{}: migrations.lock was left as it is: {}\n",
                page.paint.warn("warning"),
                escape_line(why)
            );
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "files": self.files.iter().map(|path| path.display().to_string()).collect::<Value>(),
            "empty": self.empty,
            "lock_failure": self.lock_failure,
        })
    }
}
