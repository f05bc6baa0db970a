//! What a run did.

use migrate_core::Direction;
use migrate_runtime::Report;
use serde_json::{Value, json};

use crate::render::json::{direction, milliseconds, warning};
use crate::render::words::{count, time};
use crate::render::{Page, View, escape_line};

/// What a run did; each migration was told while it ran, so that this is the sum.
pub(crate) struct ReportView {
    pub(crate) report: Report,
    /// For people, without the password.
    pub(crate) database: String,
    /// `migrations.lock`, where the run brought it up to date.
    pub(crate) lock_written: Option<std::path::PathBuf>,
    /// Why it could not be, in a run that did what it should.
    pub(crate) lock_failure: Option<String>,
}

impl View for ReportView {
    fn human(&self, page: Page) -> String {
        let done = |way| self.report.done.iter().filter(|done| done.direction == way).count();
        let (applied, rolled_back) = (done(Direction::Up), done(Direction::Down));
        let mut parts = Vec::new();
        if rolled_back > 0 {
            parts.push(format!("{} rolled back", count(rolled_back, "migration")));
        }
        if applied > 0 {
            parts.push(format!("{} applied", count(applied, "migration")));
        }
        let mut text = if parts.is_empty() {
            format!("nothing to do: {} applied\n", count(self.report.applied_total, "migration"))
        } else {
            format!(
                "{} in {}; {} applied in all\n",
                parts.join(", "),
                time(self.report.elapsed),
                self.report.applied_total
            )
        };
        if let Some(path) = &self.lock_written {
            text += &format!("updated {}: commit it\n", escape_line(&path.display().to_string()));
        }
        if let Some(why) = &self.lock_failure {
            text += &format!("{}: {}\n", page.paint.warn("warning"), escape_line(why));
        }
        text
    }

    fn json(&self) -> Value {
        let done = self.report.done.iter().map(|done| {
            json!({
                "migration": done.stem, "direction": direction(done.direction),
                "elapsed_ms": milliseconds(done.elapsed), "attempts": done.attempts,
            })
        });
        json!({
            "database": self.database,
            "done": done.collect::<Value>(),
            "warnings": self.report.warnings.iter().map(warning).collect::<Value>(),
            "applied_total": self.report.applied_total,
            "elapsed_ms": milliseconds(self.report.elapsed),
            "lock_written": self.lock_written.as_ref().map(|path| path.display().to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use migrate_runtime::Done;

    use super::*;
    use crate::render::Paint;

    fn view(directions: &[Direction]) -> ReportView {
        let done = directions.iter().enumerate().map(|(index, direction)| Done {
            stem: format!("000{index}_x"),
            direction: *direction,
            elapsed: Duration::from_millis(3),
            attempts: 1,
        });
        let elapsed = Duration::from_millis(40);
        ReportView {
            report: Report { done: done.collect(), warnings: vec![], applied_total: 7, elapsed },
            database: "postgres://app@db/shop".into(),
            lock_written: None,
            lock_failure: None,
        }
    }

    #[test]
    fn the_sum_of_a_run() {
        let page = Page { width: None, paint: Paint::default() };
        let text = |directions: &[Direction]| view(directions).human(page);
        assert_eq!(text(&[]), "nothing to do: 7 migrations applied\n");
        assert_eq!(text(&[Direction::Up]), "1 migration applied in 40 ms; 7 applied in all\n");
        let both = text(&[Direction::Down, Direction::Up, Direction::Up]);
        assert_eq!(both, "1 migration rolled back, 2 migrations applied in 40 ms; 7 applied in all\n");
        insta::assert_snapshot!(serde_json::to_string_pretty(&view(&[Direction::Down]).json()).unwrap());
    }
}
