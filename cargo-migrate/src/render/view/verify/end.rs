//! The last lines: whether it passed, and what was recorded.

use migrate_core::schema::FILE_NAME;

use super::VerifyView;
use crate::record::Record;
use crate::render::words::{count, time};
use crate::render::{Page, escape_line};

impl VerifyView {
    /// The recorded schema, where it is no longer that of the migrations.
    pub(super) fn outdated(&self, page: Page) -> String {
        let Some(diff) = self.checked.outdated.as_ref().filter(|_| !self.checked.recording) else {
            return String::new();
        };
        let title = page.paint.bold("schema.sql.snap is not the schema that the migrations make");
        let path = escape_line(&self.checked.path(FILE_NAME)).into_owned();
        format!(
            "{}: {title}\n{} {path}\n{}{}: the migrations make the lines with + and not those with -: record it with `cargo \
             migrate verify --record`, and commit it\n\n",
            page.paint.bad("error"),
            page.paint.note("  -->"),
            self.diff(diff, page),
            page.paint.note("hint")
        )
    }

    /// What became of `--record`.
    pub(super) fn record(&self, page: Page) -> String {
        match &self.checked.record {
            None => String::new(),
            Some(Record::Refused) => {
                format!("{}: nothing was recorded, because of what was found\n", page.paint.bad("error"))
            }
            Some(Record::ServersDiffer { what }) => format!(
                "{}: nothing was recorded: {} is not the same on all these servers\n",
                page.paint.bad("error"),
                escape_line(what)
            ),
            Some(Record::Written { lock: false, schema: false }) => {
                "what is recorded is up to date\n".to_owned()
            }
            Some(Record::Written { lock, schema }) => {
                let files = [(*lock, migrate_core::lock::FILE_NAME), (*schema, FILE_NAME)];
                let files: Vec<_> =
                    files.into_iter().filter(|(written, _)| *written).map(|(_, file)| file).collect();
                format!("recorded in {}: commit it\n", files.join(" and "))
            }
        }
    }

    /// The last line: whether it passed.
    pub(super) fn end(&self, page: Page) -> String {
        let checked = &self.checked;
        if checked.folder.is_some() {
            return "nothing was run: the folder has to be in order first\n".to_owned();
        }
        let mut text = String::new();
        for report in &checked.reports {
            let errors = report.findings().filter(|finding| checked.is_error(finding)).count();
            let remarks = report.findings().count() - errors;
            let mut result = match errors {
                0 => page.paint.good("all sound"),
                _ => page.paint.bad(&count(errors, "error")),
            };
            if remarks > 0 {
                result += &format!(", {}", count(remarks, "remark"));
            }
            text += &format!(
                "PostgreSQL {}: {} in {}: {result}\n",
                escape_line(&report.server_version),
                count(report.migrations.len(), "migration"),
                time(report.duration)
            );
        }
        if checked.reports.is_empty() {
            text += &match &checked.base {
                Some(base) => format!("no migration is new since {}\n", escape_line(&base.rev)),
                None => "there are no migrations to verify\n".to_owned(),
            };
        }
        let beside = checked.errors_beside();
        if beside > 0 {
            let errors = page.paint.bad(&count(beside, "error"));
            text += &format!("{errors} in what is written: the text, the lock file, the recorded schema\n");
        }
        text
    }
}
