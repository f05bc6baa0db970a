//! The migrations in a table: times, locks, work and risk.

use migrate_core::Direction;
use migrate_runtime::rehearsal::Measured;
use migrate_testing::verify::{MigrationReport, Report};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::VerifyView;
use crate::render::review::Way;
use crate::render::table::{Cell, Column, table};
use crate::render::view::risk;
use crate::render::words::{count, time};
use crate::render::{Page, Paint};

/// Up to so many migrations the table has all of them.
const ROWS: usize = 40;
/// A cell that names tables is cut at this width, also where nobody said how wide a line may be.
const CELL: usize = 60;

const COLUMNS: [Column<'static>; 7] = [
    Column { title: "migration", goes: 0, shrinks_to: Some(16) },
    Column { title: "up", goes: 2, shrinks_to: None },
    Column { title: "down", goes: 3, shrinks_to: None },
    Column { title: "strongest lock", goes: 1, shrinks_to: Some(18) },
    Column { title: "also", goes: 5, shrinks_to: Some(12) },
    Column { title: "risk", goes: 4, shrinks_to: None },
    Column { title: "result", goes: 0, shrinks_to: None },
];

impl VerifyView {
    pub(super) fn table(&self, report: &Report, page: Page) -> String {
        let rows: Vec<_> =
            report.migrations.iter().filter_map(|migration| self.row(migration, report)).collect();
        let mut text = match rows.is_empty() {
            true => String::new(),
            false => table(&COLUMNS, &rows, page.width, page.paint),
        };
        let left = report.migrations.len() - rows.len();
        if left > 0 {
            text += &format!("{left} more that block nobody and have no finding; -v shows them\n");
        }
        text
    }

    /// The row of a migration; of many migrations only those that somebody has to look at have one.
    fn row(&self, migration: &MigrationReport, report: &Report) -> Option<Vec<Cell>> {
        // Of the up: a down takes back what it made, and locks for that what there is to lock.
        let measured: Vec<_> = migration.up.iter().collect();
        let risk = self.checked.risks.get(&migration.stem).map(|risks| risks.up.clone()).unwrap_or_default();
        let way = Way::measured(Direction::Up, "", &measured, risk, self.checked.warn_above);
        let lock = way.strongest();
        let wanted = self.verbose
            || report.migrations.len() <= ROWS
            || !migration.findings.is_empty()
            || lock.is_some_and(|(_, mode)| mode.blocks_writes());
        if !wanted {
            return None;
        }
        let took = |measured: &Option<Measured>| measured.as_ref().map(|measured| time(measured.duration));
        let lock = lock.map(|(table, mode)| format!("{} {table}", mode.name()));
        let down = match (&migration.irreversible, took(&migration.down)) {
            (Some(_), _) => "one way".to_owned(),
            (None, took) => took.unwrap_or_default(),
        };
        Some(vec![
            Cell::plain(&migration.stem),
            Cell::plain(&took(&migration.up).unwrap_or_default()),
            Cell::plain(&down),
            Cell::plain(&self.short(lock.unwrap_or_default())),
            Cell::plain(&self.short(also(&way))),
            risk::cell(way.risk.level),
            self.result(migration),
        ])
    }

    /// A text that is cut unless everything was asked for.
    fn short(&self, text: String) -> String {
        if self.verbose || text.width() <= CELL {
            return text;
        }
        let mut width = 0;
        let fits = |c: &char| {
            width += c.width().unwrap_or_default();
            width < CELL
        };
        text.chars().take_while(fits).chain(['…']).collect()
    }

    fn result(&self, migration: &MigrationReport) -> Cell {
        let errors = migration.findings.iter().filter(|finding| self.checked.is_error(finding)).count();
        let remarks = migration.findings.len() - errors;
        match (errors, remarks) {
            (0, 0) => Cell::painted("ok", Paint::good),
            (0, _) => Cell::painted(&count(remarks, "remark"), Paint::warn),
            _ => Cell::painted(&count(errors, "error"), Paint::bad),
        }
    }
}

/// `rewrites public.orders; scans public.items`.
fn also(way: &Way) -> String {
    let parts = [("rewrites", &way.rewritten), ("scans", &way.scanned), ("builds", &way.built)];
    let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<_> = parts.map(|(verb, names)| format!("{verb} {}", names.join(", "))).collect();
    parts.join("; ")
}
