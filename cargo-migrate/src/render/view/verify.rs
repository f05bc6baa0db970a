//! What `verify` found, as a reviewer reads it: first what is wrong, then each migration with its times and locks.

use migrate_core::sql::mask_secrets;
use migrate_core::{Direction, Script};
use migrate_runtime::core::schema::{Change, Diff, FILE_NAME, Fact};
use migrate_runtime::rehearsal::{Measured, MeasuredStatement, Relation, TableLock};
use migrate_testing::verify::{Failure, Finding, MigrationReport, Progress, Report};
use serde_json::Value;

use super::{risk, verify_json, verify_review};
use crate::base::Change as FileChange;
use crate::checked::Checked;
use crate::lint;
use crate::record::Record;
use crate::render::error::folder_problems;
use crate::render::review::Review;
use crate::render::snippet::Place;
use crate::render::table::{Cell, Column, table};
use crate::render::words::{count, one_line, time};
use crate::render::{Page, Paint, View, escape, escape_line};

/// What `verify` came to.
pub(crate) struct VerifyView {
    pub(crate) checked: Checked,
    /// Every statement, and all of every difference.
    pub(crate) verbose: bool,
}

/// How many lines of a difference are shown.
const DIFF_LINES: usize = 40;
/// Up to so many migrations the table has all of them.
const ROWS: usize = 40;

const COLUMNS: [Column; 7] = [
    Column { title: "migration", goes: 0, shrinks_to: Some(16) },
    Column { title: "up", goes: 2, shrinks_to: None },
    Column { title: "down", goes: 3, shrinks_to: None },
    Column { title: "strongest lock", goes: 1, shrinks_to: Some(18) },
    Column { title: "also", goes: 5, shrinks_to: Some(12) },
    Column { title: "risk", goes: 4, shrinks_to: None },
    Column { title: "result", goes: 0, shrinks_to: None },
];

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
        text += &risk::human(&checked.risks, self.verbose, page);
        for finding in &checked.lint {
            text += &self.lint(finding, page);
        }
        text += &self.outdated(page);
        text += &self.end(page);
        text += &self.record(page);
        text
    }

    fn json(&self) -> Value {
        verify_json::json(&self.checked)
    }

    fn review(&self) -> Option<Review> {
        Some(verify_review::review(&self.checked))
    }
}

impl VerifyView {
    fn lock(&self, page: Page) -> String {
        let Some(error) = &self.checked.lock else { return String::new() };
        let word = self.word(self.checked.locked, page);
        let hint = page.paint.note("hint");
        format!("{word}: {}\n{hint}: {}\n\n", indented(&error.to_string()), indented(&error.hint()))
    }

    fn base(&self, page: Page) -> String {
        let Some(base) = &self.checked.base else { return String::new() };
        let mut text = String::new();
        for change in &base.changes {
            let what = changed(change, &base.rev);
            let what = page.paint.bold(&what);
            text += &format!("{}: {what}\n", page.paint.bad(&format!("error[{}]", change.kind())));
            let path = escape_line(&self.checked.path(change.file())).into_owned();
            text += &format!("{} {path}\n", page.paint.note("  -->"));
        }
        let out_of_order = |change: &FileChange| matches!(change, FileChange::OutOfOrder { .. });
        let hint = page.paint.note("hint");
        if base.changes.iter().any(|change| !out_of_order(change)) {
            text += &format!(
                "{hint}: whoever has applied a file is refused by its new text: put it back (`git restore -s {} FILE`), \
                 and write a new migration\n\n",
                &base.commit.get(..12).unwrap_or(&base.commit)
            );
        }
        if base.changes.iter().any(out_of_order) {
            text += &format!(
                "{hint}: where the newer one is applied, the older one is refused as out of order: give it the next free \
                 number, then run `cargo migrate lock`\n\n"
            );
        }
        text
    }

    /// What was found on one server, and the table of its migrations.
    fn report(&self, report: &Report, page: Page) -> String {
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
        text += &self.table(report, page);
        if self.verbose {
            text += &self.statements(report, page);
        }
        text
    }

    fn finding(&self, migration: Option<&MigrationReport>, finding: &Finding, page: Page) -> String {
        let is_error = self.checked.is_error(finding);
        if let Some(failure) = finding.failure() {
            return self.failure(finding, failure, page);
        }
        let title = title(migration, finding);
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
        let message = mask_secrets(&failure.server.message).into_owned();
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
                shown += &format!("{} {name}: {}\n", page.paint.note("  ="), indented(&mask_secrets(value)));
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

    fn diff(&self, diff: &Diff, page: Page) -> String {
        let lines: Vec<_> = diff.changes.iter().flat_map(lines_of).collect();
        let shown = if self.verbose { lines.len() } else { DIFF_LINES.min(lines.len()) };
        let mut text = String::new();
        for line in &lines[..shown] {
            let safe = escape_line(line);
            let painted = match line.as_bytes().first() {
                Some(b'+') => page.paint.good(&safe),
                Some(b'-') => page.paint.bad(&safe),
                Some(b'~') => page.paint.note(&safe),
                _ => safe.into_owned(),
            };
            text += &format!("    {painted}\n");
        }
        if shown < lines.len() {
            text += &format!("    … {} more; -v shows them\n", count(lines.len() - shown, "line"));
        }
        text
    }

    fn table(&self, report: &Report, page: Page) -> String {
        let wanted = |migration: &&MigrationReport| {
            self.verbose
                || report.migrations.len() <= ROWS
                || !migration.findings.is_empty()
                || strongest(migration).is_some_and(|lock| lock.mode.blocks_writes())
        };
        let shown: Vec<_> = report.migrations.iter().filter(wanted).collect();
        let rows: Vec<_> = shown.iter().map(|migration| self.row(migration)).collect();
        let mut text = match rows.is_empty() {
            true => String::new(),
            false => table(&COLUMNS, &rows, page.width, page.paint),
        };
        let left = report.migrations.len() - shown.len();
        if left > 0 {
            text += &format!("{} more that block nobody and have no finding; -v shows them\n", left);
        }
        text
    }

    fn row(&self, migration: &MigrationReport) -> Vec<Cell> {
        let took = |measured: &Option<Measured>| measured.as_ref().map(|measured| time(measured.duration));
        let lock = strongest(migration).map(|lock| format!("{} {}", lock.mode.name(), lock.table.name));
        let down = match (&migration.irreversible, took(&migration.down)) {
            (Some(_), _) => "one way".to_owned(),
            (None, took) => took.unwrap_or_default(),
        };
        vec![
            Cell::plain(&migration.stem),
            Cell::plain(&took(&migration.up).unwrap_or_default()),
            Cell::plain(&down),
            Cell::plain(&lock.unwrap_or_default()),
            Cell::plain(&also(migration)),
            risk::cell(
                self.checked.risks.get(&migration.stem).map(|risks| risks.up.level).unwrap_or_default(),
            ),
            self.result(migration),
        ]
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

    /// Every statement with what was measured.
    fn statements(&self, report: &Report, page: Page) -> String {
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

    /// The recorded schema, where it is no longer that of the migrations.
    fn outdated(&self, page: Page) -> String {
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
    fn record(&self, page: Page) -> String {
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

    fn lint(&self, finding: &lint::Finding, page: Page) -> String {
        let word = self.word(finding.level == lint::Level::Deny, page);
        let script = self.checked.script(&finding.file);
        let line = script.map_or(1, |script| {
            migrate_core::sql::LineColumn::of(&script.text, finding.span.start.min(script.text.len())).line
        });
        let path = escape_line(&self.checked.path(&finding.file)).into_owned();
        let rule = escape_line(&finding.rule);
        let mut text = format!("{word}[{rule}]: {}\n", page.paint.bold(&escape(&finding.message)));
        text += &format!("{} {path}:{line}\n", page.paint.note("  -->"));
        for (name, more) in [("help", &finding.help), ("safer", &finding.safer)] {
            if let Some(more) = more {
                text += &format!("{}: {}\n", page.paint.note(name), indented(more));
            }
        }
        text + "\n"
    }

    /// The last line: whether it passed.
    fn end(&self, page: Page) -> String {
        let checked = &self.checked;
        if checked.folder.is_some() {
            return "nothing was run: the folder has to be in order first\n".to_owned();
        }
        let mut text = String::new();
        for report in &checked.reports {
            let findings = || {
                let of = report.migrations.iter().flat_map(|migration| &migration.findings);
                of.chain(&report.chain)
            };
            let errors = findings().filter(|finding| checked.is_error(finding)).count();
            let remarks = findings().count() - errors;
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
        text
    }

    fn word(&self, is_error: bool, page: Page) -> String {
        if is_error { page.paint.bad("error") } else { page.paint.warn("remark") }
    }
}

/// What is wrong, in a sentence.
pub(super) fn title(migration: Option<&MigrationReport>, finding: &Finding) -> String {
    let stem = migration.map_or_else(String::new, |migration| escape_line(&migration.stem).into_owned());
    match finding {
        Finding::DiffersAfterDown(_) => format!("the down of {stem} does not undo its up"),
        Finding::DiffersAfterUpAgain(_) => {
            format!("{stem} makes another schema when it is applied again")
        }
        Finding::OrderOnly(_) if migration.is_none() => {
            "after all downs and all ups columns stand in another order".to_owned()
        }
        Finding::OrderOnly(_) => format!("after the down of {stem} columns stand in another order"),
        Finding::NotDeterministic(_) => format!("{stem} makes another schema each time it is applied"),
        Finding::UndoesInAGroup { group, .. } => {
            let oldest = group.first().map_or("", String::as_str);
            format!(
                "the down of {stem} undoes its up only together with those down to {}",
                escape_line(oldest)
            )
        }
        Finding::RecordedChangeDiffers { direction, .. } => {
            let half = if *direction == Direction::Up { "up" } else { "down" };
            format!("the {half} of {stem} does not change the schema as migrations.lock has it")
        }
        Finding::ChainDiffers(_) => "all downs, one after the other, do not undo the ups".to_owned(),
        Finding::RunnerDiffers(_) => "the runner makes another schema than the scripts alone".to_owned(),
        Finding::RunnerRefuses { message, .. } => {
            format!("the runner refuses the migrations: {}", escape_line(message))
        }
        other => other.kind().replace('_', " "),
    }
}

/// What failed, in a clause.
pub(super) fn failed(finding: &Finding, failure: &Failure) -> &'static str {
    match (finding, failure.direction) {
        (Finding::UpAgainFails(_), _) => "the up cannot be applied again after the down",
        (Finding::ChainFails(_), Direction::Up) => "the up fails after all downs",
        (Finding::ChainFails(_), Direction::Down) => {
            "the down fails after those of the newer migrations, though not alone"
        }
        (_, Direction::Up) => "the up fails",
        (_, Direction::Down) => "the down fails",
    }
}

/// What became of a file, in a sentence.
pub(super) fn changed(change: &FileChange, rev: &str) -> String {
    let (file, rev) = (escape_line(change.file()), escape_line(rev));
    match change {
        FileChange::Edited { .. } => format!("{file} is not as in {rev}"),
        FileChange::Deleted { .. } => format!("{file} of {rev} is gone"),
        FileChange::Renamed { to, .. } => format!("{file} of {rev} is called {} here", escape_line(to)),
        FileChange::OutOfOrder { newest, .. } => {
            format!("{file} is new and older than {} of {rev}", escape_line(newest))
        }
    }
}

/// What to do about it.
pub(super) fn hint(finding: &Finding) -> Option<String> {
    Some(match finding {
        Finding::DiffersAfterDown(_) => {
            "after the down the schema has the lines with +, and lacks those with -: let the down undo all that the up did, \
             or say `-- migrate: irreversible <reason>` in the up file and remove the down"
                .to_owned()
        }
        Finding::DiffersAfterUpAgain(_) => {
            "after the second up the schema has the lines with +, and lacks those with -: what the down leaves behind, or \
             what IF NOT EXISTS passes over, decides what the up makes"
                .to_owned()
        }
        Finding::NotDeterministic(_) => {
            "two databases get another schema from it: write names and defaults that do not depend on the time, on chance \
             or on object ids"
                .to_owned()
        }
        Finding::UndoesInAGroup { .. } => {
            "rolled back alone it leaves the lines with + and lacks those with -: let the down undo all that the up did; \
             --allow-groups passes it"
                .to_owned()
        }
        Finding::ChainDiffers(_) | Finding::RunnerDiffers(_) => {
            "the lines with + are there and should not be, those with - are missing".to_owned()
        }
        Finding::RunnerRefuses { hint, .. } => hint.clone(),
        Finding::RecordedChangeDiffers { .. } => {
            "above is what it changes now; one before it was edited, or it was recorded with other settings: if it is as it \
             should be, record it with `cargo migrate verify --record` and commit migrations.lock"
                .to_owned()
        }
        _ => return None,
    })
}

/// The strongest lock of the up on a table that others may be using.
fn strongest(migration: &MigrationReport) -> Option<&TableLock> {
    let locks = statements(migration).flat_map(|statement| &statement.locks);
    // Of several as strong the first.
    locks.filter(|lock| !lock.table.new).fold(None, |strongest: Option<&TableLock>, lock| match strongest {
        Some(known) if known.mode >= lock.mode => Some(known),
        _ => Some(lock),
    })
}

/// Those of the up: a down takes back what it made, and locks for that what there is to lock.
fn statements(migration: &MigrationReport) -> impl Iterator<Item = &MeasuredStatement> {
    migration.up.iter().flat_map(|measured| &measured.statements)
}

/// `rewrites public.orders, scans public.items`.
fn also(migration: &MigrationReport) -> String {
    let mut parts = Vec::new();
    for (verb, of) in [
        ("rewrites", (|s| &s.rewritten) as fn(&MeasuredStatement) -> &Vec<Relation>),
        ("scans", |s| &s.scanned),
        ("builds", |s| &s.built),
    ] {
        let mut names: Vec<&str> = Vec::new();
        for relation in
            statements(migration).flat_map(of).filter(|relation| !relation.new || verb == "builds")
        {
            if !names.contains(&relation.name.as_str()) {
                names.push(&relation.name);
            }
        }
        if !names.is_empty() {
            parts.push(format!("{verb} {}", names.join(", ")));
        }
    }
    parts.join("; ")
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

/// One object of a difference, line by line; of one whose columns only moved, where they stand now.
fn lines_of(change: &Change) -> Vec<String> {
    let text = Diff { changes: vec![change.clone()] }.text();
    let mut lines: Vec<_> = text.split_terminator('\n').map(str::to_owned).collect();
    if let Change::Reordered { before, after, .. } = change {
        let names = |facts: &[String]| {
            let facts = facts.iter().map(|fact| Fact::of(fact));
            let columns = facts.filter(|fact| matches!(fact.word, "column" | "attribute"));
            let names: Vec<_> = columns.filter_map(|fact| fact.name).collect();
            names.join(", ")
        };
        lines.push(format!("~     {}; before: {}", names(after), names(before)));
    }
    lines
}

pub(super) fn first_line(script: &Script) -> Option<usize> {
    let first = script.statements.first()?;
    Some(migrate_core::sql::LineColumn::of(&script.text, first.start).line)
}

/// Escaped, with the lines after the first set in.
fn indented(text: &str) -> String {
    escape(text.trim_end()).replace('\n', "\n    ")
}
