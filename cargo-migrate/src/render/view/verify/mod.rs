//! What `verify` found, as a reviewer reads it: first what is wrong, then each migration with its times and locks.

mod checks;
mod diff;
mod end;
mod files;
mod findings;
mod json;
mod review;
mod statements;
mod table;
mod words;

use migrate_testing::verify::{Progress, Report};
use serde_json::Value;

use super::{finding, risk};
use crate::checked::Checked;
use crate::render::error::folder_problems;
use crate::render::review::Review;
use crate::render::{Page, View, escape, escape_line};

/// What `verify` came to.
pub(crate) struct VerifyView {
    pub(crate) checked: Checked,
    /// Every statement, and all of every difference.
    pub(crate) verbose: bool,
}

/// What is being done, in a line.
pub(crate) fn progress(progress: &Progress<'_>) -> String {
    match progress {
        Progress::Step { stem, done, total } => format!("{done}/{total} verified {}", escape_line(stem)),
        Progress::Chain => "looking at the downs one after the other".to_owned(),
        Progress::Runner => "applying all, rolling all back, applying all again".to_owned(),
        _ => String::new(),
    }
}

impl View for VerifyView {
    fn human(&self, page: Page) -> String {
        let checked = &self.checked;
        let mut text = String::new();
        if let Some(problems) = &checked.folder {
            text += &folder_problems(problems, page);
        }
        text += &self.lock(page);
        text += &self.base(page);
        let several = checked.reports.len() > 1;
        for report in &checked.reports {
            if several {
                let title = format!("PostgreSQL {}", escape_line(&report.server_version));
                text += &format!("{}\n", page.paint.bold(&title));
            }
            text += &self.report(report, page);
        }
        for found in &checked.lint {
            text += &finding::human(found, checked.script(&found.file), &checked.path(&found.file), page);
            text.push('\n');
        }
        text += &risk::human(&checked.untold_risks(), self.verbose, page);
        text += &self.outdated(page);
        text += &self.end(page);
        text += &self.record(page);
        text
    }

    fn json(&self) -> Value {
        json::json(&self.checked)
    }

    fn review(&self) -> Option<Review> {
        Some(review::review(&self.checked))
    }
}

impl VerifyView {
    /// What was found on one server, and the table of its migrations.
    fn report(&self, report: &Report, page: Page) -> String {
        let mut text = self.findings(report, page);
        text += &self.table(report, page);
        if self.verbose {
            text += &self.statements(report, page);
        }
        text
    }

    fn word(&self, is_error: bool, page: Page) -> String {
        if is_error { page.paint.bad("error") } else { page.paint.warn("remark") }
    }
}

/// Escaped, with the lines after the first set in.
fn indented(text: &str) -> String {
    escape(text.trim_end()).replace('\n', "\n    ")
}
