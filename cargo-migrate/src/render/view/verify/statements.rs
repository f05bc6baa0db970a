//! Every statement with what was measured: for `-v`.

use migrate_core::Script;
use migrate_core::sql::mask_secrets;
use migrate_runtime::rehearsal::MeasuredStatement;
use migrate_testing::verify::Report;

use super::VerifyView;
use crate::render::words::{one_line, time};
use crate::render::{Page, escape_line};

impl VerifyView {
    /// Every statement with what was measured.
    pub(super) fn statements(&self, report: &Report, page: Page) -> String {
        let mut text = String::new();
        for migration in &report.migrations {
            for (half, measured) in [("up", &migration.up), ("down", &migration.down)] {
                let Some(measured) = measured else { continue };
                let file = format!("{}.{half}.sql", migration.stem);
                let Some(script) = self.checked.script(&file) else { continue };
                text += &format!("\n{}\n", page.paint.bold(&escape_line(&file)));
                for statement in &measured.statements {
                    text += &of_statement(script, statement, page);
                }
            }
        }
        text
    }
}

fn of_statement(script: &Script, statement: &MeasuredStatement, page: Page) -> String {
    let sql = script.text.get(statement.span.clone()).unwrap_or_default();
    let sql = one_line(&mask_secrets(sql), 80);
    let mut text = format!(
        "  line {} {} {}\n",
        statement.line,
        escape_line(&sql),
        page.paint.faint(&format!("({})", time(statement.duration)))
    );
    for lock in &statement.locks {
        let new = if lock.table.new { ", new" } else { "" };
        text += &format!("    locks {} {}{new}\n", escape_line(&lock.table.name), lock.mode.name());
    }
    for (verb, relations) in [
        ("rewrites", &statement.rewritten),
        ("reads all of", &statement.scanned),
        ("builds", &statement.built),
    ] {
        for relation in relations {
            text += &format!("    {verb} {}\n", escape_line(&relation.name));
        }
    }
    text
}
