//! What was found while the migrations ran, each at its place.

use migrate_core::sql::mask_text;
use migrate_core::{Direction, Script};
use migrate_testing::verify::{Failure, Finding, MigrationReport, Report};

use super::words::{failed, hint, title};
use super::{VerifyView, indented};
use crate::render::checks;
use crate::render::snippet::Place;
use crate::render::{Page, escape_line};

impl VerifyView {
    /// What was found on one server, errors first.
    pub(super) fn findings(&self, report: &Report, page: Page) -> String {
        let of_migrations = report
            .migrations
            .iter()
            .flat_map(|migration| migration.findings.iter().map(move |finding| (Some(migration), finding)));
        let all: Vec<_> = of_migrations.chain(report.chain.iter().map(|finding| (None, finding))).collect();
        let mut text = String::new();
        for errors in [true, false] {
            for (migration, finding) in &all {
                if self.checked.is_error(finding) == errors {
                    text += &self.finding(*migration, finding, page);
                    text.push('\n');
                }
            }
        }
        if !report.skipped.is_empty() {
            let names: Vec<_> = report.skipped.iter().map(|stem| escape_line(stem)).collect();
            text += &format!("not looked at, for they come after it: {}\n\n", names.join(", "));
        }
        text
    }

    fn finding(&self, migration: Option<&MigrationReport>, finding: &Finding, page: Page) -> String {
        let is_error = self.checked.is_error(finding);
        if let Some(failure) = finding.failure() {
            return self.failure(finding, failure, page);
        }
        let title = title(migration, finding);
        if let Finding::CheckFails(outcome) = finding {
            let shown = checks::human(outcome, &title, Some(&self.checked.dir), page);
            let hint = hint(finding).unwrap_or_default();
            return format!("{shown}{}: {}\n", page.paint.note("hint"), indented(&hint));
        }
        let word = self.word(is_error, page);
        let mut text = format!("{word}: {}\n", page.paint.bold(&title));
        if let Some(migration) = migration {
            let direction = match finding {
                Finding::DiffersAfterUpAgain(_) | Finding::NotDeterministic(_) => Direction::Up,
                Finding::RecordedChangeDiffers { direction, .. } => *direction,
                _ => Direction::Down,
            };
            text += &self.place(migration, direction, page);
        }
        let measured = migration.and_then(|migration| match finding {
            Finding::RecordedChangeDiffers { direction: Direction::Up, .. } => migration.up_change.as_ref(),
            Finding::RecordedChangeDiffers { .. } => migration.down_change.as_ref(),
            _ => None,
        });
        if let Some(diff) = finding.diff().or(measured) {
            text += &self.diff(diff, page);
        }
        if let Some(hint) = hint(finding) {
            text += &format!("{}: {}\n", page.paint.note("hint"), indented(&hint));
        }
        text
    }

    /// A script that fails, at its line.
    fn failure(&self, finding: &Finding, failure: &Failure, page: Page) -> String {
        let what = failed(finding, failure);
        let message = mask_text(&failure.server.message).into_owned();
        let title = format!("{}: {what}: {message}", failure.stem);
        let path = self.checked.path(&failure.file);
        let text = self.checked.script(&failure.file).map_or("", |script| &script.text);
        let code = Some(failure.server.code.as_str()).filter(|code| !code.is_empty());
        let place = Place { path: &path, text, position: failure.offset, statement: None };
        let mut shown = place.render(&title, code, page);
        let server = &failure.server;
        for (name, value) in
            [("detail", &server.detail), ("hint of the server", &server.hint), ("context", &server.context)]
        {
            if let Some(value) = value {
                shown += &format!("{} {name}: {}\n", page.paint.note("  ="), indented(&mask_text(value)));
            }
        }
        shown
    }

    /// `--> migrations/0003_c.down.sql:4`, at its first statement.
    fn place(&self, migration: &MigrationReport, direction: Direction, page: Page) -> String {
        let half = if direction == Direction::Up { "up" } else { "down" };
        let file = format!("{}.{half}.sql", migration.stem);
        let line = self.checked.script(&file).and_then(first_line).unwrap_or(1);
        let path = escape_line(&self.checked.path(&file)).into_owned();
        format!("{} {path}:{line}\n", page.paint.note("  -->"))
    }
}

/// The line of the first statement.
pub(super) fn first_line(script: &Script) -> Option<usize> {
    let first = script.statements.first()?;
    Some(migrate_core::sql::LineColumn::of(&script.text, first.start).line)
}
