//! What a rehearsal came to, and what is told on the way.

use std::path::PathBuf;
use std::time::Duration;

use migrate_core::Direction;
use serde_json::{Value, json};

use super::risk;
use super::schema_diff::{changes, lines};
use crate::rehearse::{Down, Latency, LoadReport, Observed, Phase, Rehearsed, Remark, Step, Table, Written};
use crate::render::json::milliseconds;
use crate::render::table::{Cell, Column, table};
use crate::render::words::{bytes, count, time};
use crate::render::{Page, Paint, View, escape_line, json as structured};
use crate::risk::RiskLevel;

/// The whole of it.
pub(crate) struct RehearseView {
    pub(crate) rehearsed: Rehearsed,
    /// Where it was written down.
    pub(crate) report: Option<PathBuf>,
}

/// What a person should know about the server that was given.
pub(crate) struct RehearseRemark(pub(crate) Remark);

/// How far loading the backup is, for the live line.
pub(crate) fn restoring(id: &str, done: u64, whole: u64) -> String {
    // The copy need not come to the size of its original: what is empty in that is not copied.
    let percent = (done.saturating_mul(100) / whole.max(1)).min(99);
    format!("loading {} ({percent} %, {} of {})", escape_line(id), bytes(done), bytes(whole))
}

/// Of one migration no more tables are told unasked.
const TABLES: usize = 5;
/// Of a workload no more errors are told.
const ERRORS: usize = 10;

impl RehearseView {
    fn level(&self, stem: &str) -> RiskLevel {
        let risk = self.rehearsed.risks.iter().find(|(of, _)| of == stem);
        risk.map_or(RiskLevel::Low, |(_, risk)| risk.level)
    }

    fn head(&self, paint: Paint) -> String {
        let Rehearsed { backup, server, server_version, restored, own, .. } = &self.rehearsed;
        let environment = backup.environment.as_ref().map_or_else(String::new, |name| format!("{name}, "));
        let unverified = if backup.verified { "" } else { ", not verified" };
        let head = format!(
            "{} ({environment}taken at {}, {}{unverified}) on PostgreSQL {} on {}, loaded in {}",
            backup.id,
            backup.taken_at,
            bytes(backup.database_bytes),
            server_version / 10_000,
            server,
            time(*restored),
        );
        let mut text = format!("{} {}\n", paint.bold("rehearsal on"), escape_line(&head));
        if *own {
            text += &paint.faint(
                "locks and waits are those of this server and this machine; a production server's disk and load make \
                 them longer or shorter",
            );
            text.push('\n');
        }
        text
    }

    fn table(&self, page: Page) -> String {
        let columns = [
            Column { title: "migration", goes: 0, shrinks_to: Some(12) },
            Column { title: "time", goes: 0, shrinks_to: None },
            Column { title: "readers wait", goes: 0, shrinks_to: None },
            Column { title: "writers wait", goes: 0, shrinks_to: None },
            Column { title: "strongest lock", goes: 2, shrinks_to: Some(16) },
            Column { title: "risk", goes: 1, shrinks_to: None },
        ];
        let rows: Vec<_> = self
            .rehearsed
            .steps()
            .iter()
            .map(|step| {
                let (readers, writers) = step.waits();
                let lock = step
                    .tables
                    .first()
                    .map_or_else(String::new, |table| format!("{} on {}", table.mode.name(), table.name));
                let failed = || Cell::painted("failed", Paint::bad);
                vec![
                    Cell::plain(&step.stem),
                    step.elapsed.map_or_else(failed, |elapsed| Cell::plain(&time(elapsed))),
                    self.wait(readers),
                    self.wait(writers),
                    Cell::plain(&lock),
                    risk::cell(self.level(&step.stem)),
                ]
            })
            .collect();
        table(&columns, &rows, page.width, page.paint)
    }

    fn wait(&self, wait: Option<Duration>) -> Cell {
        let Some(wait) = wait else { return Cell::plain("-") };
        let too_long = self.rehearsed.max_wait.is_some_and(|most| wait > most);
        Cell::painted(&time(wait), if too_long { Paint::bad } else { |_, text| text.to_owned() })
    }

    fn result(&self, paint: Paint) -> String {
        let rehearsed = &self.rehearsed;
        let Some(up) = &rehearsed.up else {
            return format!(
                "{}: the backup has every migration of the folder\n",
                paint.good("nothing is pending")
            );
        };
        let mut text = String::new();
        let total: Duration = up.steps.iter().filter_map(|step| step.elapsed).sum();
        let wal: u64 = up.steps.iter().map(|step| step.wal).sum();
        text += &format!(
            "{} took {}, wrote {} of log, and {}\n",
            count(up.steps.len(), "migration"),
            time(total),
            bytes(wal),
            growth(up),
        );
        text += &match rehearsed.longest_wait() {
            Some((step, wait)) => format!(
                "{}: somebody would have waited {} for {}\n",
                if rehearsed.is_too_long() {
                    paint.bad("the longest wait")
                } else {
                    paint.bold("the longest wait")
                },
                time(wait),
                escape_line(&step.stem)
            ),
            None => format!("{}: no migration keeps readers or writers out\n", paint.good("no waits")),
        };
        if let Some(most) = rehearsed.max_wait {
            text += &match rehearsed.is_too_long() {
                true => format!("{}: more than the {} that are allowed\n", paint.bad("too long"), time(most)),
                false => format!("no longer than the {} that are allowed\n", time(most)),
            };
        }
        text + &self.down(paint)
    }

    fn down(&self, paint: Paint) -> String {
        match &self.rehearsed.down {
            Down::NotRun => String::new(),
            Down::Irreversible { stem } => {
                format!("not rolled back: {} is irreversible\n", escape_line(stem))
            }
            Down::Run { observed, stays, diff } => {
                let total: Duration = observed.steps.iter().filter_map(|step| step.elapsed).sum();
                let what = format!("{} in {}", count(observed.steps.len(), "migration"), time(total));
                let mut text = match (diff.is_empty(), diff.is_order_only()) {
                    (true, _) => format!("{} {what}: the schema is what it was\n", paint.good("rolled back")),
                    (false, true) => format!(
                        "{} {what}: the schema is what it was, but for columns in another order\n",
                        paint.good("rolled back")
                    ),
                    (false, false) => format!("{} {what}: the schema is another\n", paint.bad("rolled back")),
                };
                text += &lines(diff, paint);
                if self.rehearsed.differs() {
                    text += &format!(
                        "{}: a down does not undo its up; `cargo migrate verify` says which\n",
                        paint.note("hint")
                    );
                }
                if let Some((step, wait)) = longest(&observed.steps) {
                    text += &format!(
                        "the longest wait on the way back: {} for {}\n",
                        time(wait),
                        escape_line(&step.stem)
                    );
                }
                if let Some(stem) = stays {
                    text += &format!("{} stays: it is irreversible\n", escape_line(stem));
                }
                text
            }
        }
    }
}

fn longest(steps: &[Step]) -> Option<(&Step, Duration)> {
    let of = |step: &Step| step.waits().0.max(step.waits().1);
    steps.iter().filter_map(|step| Some((step, of(step)?))).max_by_key(|(_, wait)| *wait)
}

/// `left the database 12 MB larger (it needed 1 GB on the way)`
fn growth(observed: &Observed) -> String {
    let sizes = observed.sizes;
    let change = match sizes.after.checked_sub(sizes.before) {
        Some(0) => "left the database as large as it was".to_owned(),
        Some(more) => format!("left the database {} larger", bytes(more)),
        None => format!("left the database {} smaller", bytes(sizes.before - sizes.after)),
    };
    match sizes.peak.saturating_sub(sizes.before.max(sizes.after)) {
        0 => change,
        more => format!("{change} (on the way it took {} more)", bytes(more)),
    }
}

/// What one migration did, set in.
fn step(step: &Step, verbose: bool, paint: Paint) -> String {
    let mut text = String::new();
    let shown =
        step.tables.iter().filter(|table| verbose || table.readers.is_some() || table.writers.is_some());
    let shown: Vec<_> = shown.collect();
    for table in shown.iter().take(TABLES) {
        text += &format!("  {}\n", of_table(table));
    }
    if shown.len() > TABLES {
        text += &format!("  and {} more\n", count(shown.len() - TABLES, "table"));
    }
    for (verb, list) in [("rewrote", &step.rewritten), ("built", &step.built)] {
        if !list.is_empty() {
            text += &format!("  {verb} {}\n", written(list));
        }
    }
    if step.attempts > 1 {
        text += &format!("  was tried {}\n", count(step.attempts as usize, "time"));
    }
    match text.is_empty() {
        true => text,
        false => format!("{}\n{text}", paint.bold(&escape_line(&step.stem))),
    }
}

fn of_table(table: &Table) -> String {
    let lock = format!("{} on {} for {}", table.mode.name(), escape_line(&table.name), time(table.held));
    let who = match (table.readers, table.writers) {
        (None, None) => return lock,
        (Some(readers), Some(writers)) => {
            format!("a reader waited {}, a writer {}", time(readers), time(writers))
        }
        (Some(readers), None) => format!("a reader waited {}", time(readers)),
        (None, Some(writers)) => format!("a writer waited {}", time(writers)),
    };
    match table.probed {
        true => format!("{lock}: {who}"),
        false => format!("{lock}: {} (from its locks)", who.replace("waited", "would have waited")),
    }
}

fn written(list: &[Written]) -> String {
    let one = |written: &Written| format!("{} ({})", escape_line(&written.name), bytes(written.bytes));
    let mut text = list.iter().take(TABLES).map(one).collect::<Vec<_>>().join(", ");
    if list.len() > TABLES {
        text += &format!(" and {} more", list.len() - TABLES);
    }
    text
}

fn load(load: &LoadReport, page: Page) -> String {
    let paint = page.paint;
    let mut text =
        format!("{} {} of {}\n", paint.bold("load:"), count(load.clients, "client"), escape_line(&load.file));
    let columns = ["", "statements", "half within", "95 % within", "longest"].map(|title| Column {
        title,
        goes: 0,
        shrinks_to: None,
    });
    let phases = [("before", Phase::Before), ("applying", Phase::Up), ("rolling back", Phase::Down)];
    let rows: Vec<Vec<Cell>> = phases
        .into_iter()
        .filter(|(_, phase)| load.latency[*phase as usize].count() > 0)
        .map(|(name, phase)| {
            let latency = &load.latency[phase as usize];
            let within = |percent| latency.percentile(percent).map_or_else(String::new, time);
            let cells = [latency.count().to_string(), within(50), within(95), time(latency.max())];
            std::iter::once(Cell::plain(name)).chain(cells.iter().map(|cell| Cell::plain(cell))).collect()
        })
        .collect();
    if !rows.is_empty() {
        text += &table(&columns, &rows, page.width, paint);
    }
    if load.errors.is_empty() {
        return text + "no statement failed\n";
    }
    let failed = usize::try_from(load.failed()).unwrap_or(usize::MAX);
    let deadlocks = match load.deadlocks() {
        0 => String::new(),
        number => format!(", {} of them in deadlocks", number),
    };
    text += &format!("{}{deadlocks}\n", paint.warn(&format!("{} failed", count(failed, "statement"))));
    for error in load.errors.iter().take(ERRORS) {
        let of =
            format!("{}:{}: {} times {}: {}", load.file, error.line, error.count, error.code, error.message);
        text += &format!("  {}\n", escape_line(&of));
    }
    if load.errors.len() > ERRORS {
        text += &format!("  and {} more\n", count(load.errors.len() - ERRORS, "kind"));
    }
    text
}

impl View for RehearseView {
    fn human(&self, page: Page) -> String {
        let (rehearsed, paint) = (&self.rehearsed, page.paint);
        let mut text = self.head(paint);
        if !rehearsed.steps().is_empty() {
            text += &format!("\n{}\n", self.table(page));
            for one in rehearsed.steps() {
                text += &step(one, false, paint);
            }
            text.push('\n');
        }
        if let Some(why) = &rehearsed.failed {
            text += &format!("{}: {}\n", paint.bad("the rehearsal failed"), escape_line(why));
            text += "that is on the copy: nothing of production was touched\n";
        } else {
            text += &self.result(paint);
        }
        if let Some(report) = &rehearsed.load {
            text += &format!("\n{}", load(report, page));
        }
        if let Some(name) = &rehearsed.kept {
            text += &format!("kept: the database {}\n", escape_line(name));
        }
        if let Some(path) = &self.report {
            text += &format!("{}: {}\n", paint.faint("report"), escape_line(&path.display().to_string()));
        }
        text
    }

    fn json(&self) -> Value {
        let rehearsed = &self.rehearsed;
        let backup = &rehearsed.backup;
        let observed = |observed: &Observed| {
            json!({
                "migrations": observed.steps.iter().map(of_step).collect::<Value>(),
                "wal_bytes": observed.steps.iter().map(|step| step.wal).sum::<u64>(),
                "database_bytes": {
                    "before": observed.sizes.before,
                    "peak": observed.sizes.peak,
                    "after": observed.sizes.after,
                },
                "probed": observed.probed,
            })
        };
        let down = match &rehearsed.down {
            Down::NotRun => Value::Null,
            Down::Irreversible { stem } => json!({ "irreversible": stem }),
            Down::Run { observed: seen, stays, diff } => {
                let mut down = observed(seen);
                down["irreversible"] = stays.clone().into();
                down["same_schema"] = (!rehearsed.differs()).into();
                down["changes"] = changes(diff);
                down
            }
        };
        let risks = rehearsed
            .risks
            .iter()
            .map(|(stem, risk)| json!({ "migration": stem, "risk": structured::risk(risk) }));
        json!({
            "backup": {
                "id": backup.id,
                "environment": backup.environment,
                "taken_at": backup.taken_at,
                "database_bytes": backup.database_bytes,
                "verified": backup.verified,
            },
            "server": rehearsed.server,
            "server_version": rehearsed.server_version,
            "own_server": rehearsed.own,
            "restore_ms": milliseconds(rehearsed.restored),
            "up": rehearsed.up.as_ref().map(observed),
            "risks": risks.collect::<Value>(),
            "down": down,
            "longest_wait_ms": rehearsed.longest_wait().map(|(_, wait)| milliseconds(wait)),
            "max_wait_ms": rehearsed.max_wait.map(milliseconds),
            "too_long": rehearsed.is_too_long(),
            "load": rehearsed.load.as_ref().map(of_load),
            "kept": rehearsed.kept,
            "failed": rehearsed.failed,
            "report": self.report,
        })
    }
}

fn of_step(step: &Step) -> Value {
    let (readers, writers) = step.waits();
    let written = |list: &[Written]| -> Value {
        list.iter().map(|one| json!({ "name": one.name, "bytes": one.bytes })).collect()
    };
    let table = |table: &Table| {
        json!({
            "table": table.name,
            "mode": table.mode.name(),
            "held_ms": milliseconds(table.held),
            "reader_wait_ms": table.readers.map(milliseconds),
            "writer_wait_ms": table.writers.map(milliseconds),
            "probed": table.probed,
        })
    };
    json!({
        "migration": step.stem,
        "direction": step.direction.name(),
        "elapsed_ms": step.elapsed.map(milliseconds),
        "attempts": step.attempts,
        "reader_wait_ms": readers.map(milliseconds),
        "writer_wait_ms": writers.map(milliseconds),
        "tables": step.tables.iter().map(table).collect::<Value>(),
        "rewritten": written(&step.rewritten),
        "built": written(&step.built),
        "wal_bytes": step.wal,
    })
}

fn of_load(load: &LoadReport) -> Value {
    let latency = |phase: Phase| {
        let latency: &Latency = &load.latency[phase as usize];
        json!({
            "statements": latency.count(),
            "p50_ms": latency.percentile(50).map(milliseconds),
            "p95_ms": latency.percentile(95).map(milliseconds),
            "max_ms": milliseconds(latency.max()),
        })
    };
    let errors = load.errors.iter().map(|error| {
        let phase = match error.phase {
            Phase::Before => "before",
            Phase::Up => Direction::Up.name(),
            Phase::Down => Direction::Down.name(),
        };
        json!({
            "sqlstate": error.code,
            "line": error.line,
            "count": error.count,
            "first": error.message,
            "phase": phase,
        })
    });
    json!({
        "file": load.file,
        "clients": load.clients,
        "before": latency(Phase::Before),
        "up": latency(Phase::Up),
        "down": latency(Phase::Down),
        "errors": errors.collect::<Value>(),
        "deadlocks": load.deadlocks(),
    })
}

impl RehearseRemark {
    fn message(&self) -> String {
        match &self.0 {
            Remark::LeftBehind { names } => format!(
                "earlier rehearsals left {} there: {}; drop what nobody needs with DROP DATABASE",
                count(names.len(), "database"),
                names.join(", ")
            ),
            Remark::SameServer => {
                "this is the server that the backup is of: whoever uses it will notice the rehearsal"
                    .to_owned()
            }
        }
    }
}

impl View for RehearseRemark {
    fn human(&self, page: Page) -> String {
        format!("{}: {}\n", page.paint.note("note"), escape_line(&self.message()))
    }

    fn json(&self) -> Value {
        match &self.0 {
            Remark::LeftBehind { names } => {
                json!({ "kind": "left_behind", "message": self.message(), "databases": names })
            }
            Remark::SameServer => json!({ "kind": "same_server", "message": self.message() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use migrate_core::Schema;
    use migrate_runtime::rehearsal::LockMode;

    use super::*;
    use crate::rehearse::{Copied, LoadError, Sizes};

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn step(stem: &str, direction: Direction, readers: Option<u64>) -> Step {
        let table = Table {
            name: "public.\"o\u{1b}[2J\"".to_owned(),
            mode: LockMode::AccessExclusive,
            held: MS(1200),
            readers: readers.map(MS),
            writers: readers.map(MS),
            probed: true,
        };
        let weak = Table {
            name: "public.b".to_owned(),
            mode: LockMode::Share,
            held: MS(3),
            readers: None,
            writers: Some(MS(4)),
            probed: false,
        };
        Step {
            stem: stem.to_owned(),
            direction,
            elapsed: Some(MS(1234)),
            attempts: 2,
            tables: vec![table, weak],
            rewritten: vec![Written { name: "public.a".to_owned(), bytes: 1 << 30 }],
            built: vec![],
            wal: 5 << 20,
        }
    }

    fn observed(steps: Vec<Step>) -> Observed {
        let sizes = Sizes { before: 100 << 20, peak: 400 << 20, after: 150 << 20 };
        Observed { steps, sizes, probed: vec!["public.a".to_owned()] }
    }

    fn view() -> RehearseView {
        let (before, after) = ("table a\n", "table a\n    column b integer\n");
        let diff = Schema::parse(before).unwrap().diff(&Schema::parse(after).unwrap());
        let mut load = LoadReport { file: "q.sql".to_owned(), clients: 4, ..LoadReport::default() };
        load.errors.push(LoadError {
            code: "40P01".to_owned(),
            line: 3,
            count: 2,
            message: "deadlock detected\u{7}".to_owned(),
            phase: Phase::Up,
        });
        RehearseView {
            rehearsed: Rehearsed {
                backup: Copied {
                    id: "backup-20261121T193059Z".to_owned(),
                    environment: Some("production".to_owned()),
                    taken_at: "2026-11-21T19:30:59Z".to_owned(),
                    database_bytes: 1 << 30,
                    verified: true,
                },
                server: "a server of our own".to_owned(),
                server_version: 150_018,
                own: true,
                restored: MS(20_000),
                up: Some(observed(vec![
                    step("0002_a", Direction::Up, Some(1300)),
                    step("0003_b", Direction::Up, None),
                ])),
                risks: vec![],
                down: Down::Run {
                    observed: observed(vec![step("0003_b", Direction::Down, None)]),
                    stays: Some("0002_a".to_owned()),
                    diff,
                },
                load: Some(load),
                kept: None,
                failed: None,
                max_wait: Some(MS(500)),
            },
            report: None,
        }
    }

    #[test]
    fn it_is_told_migration_by_migration_and_nothing_reaches_the_terminal_unescaped() {
        let page = Page { width: Some(100), paint: Paint { on: false } };
        let text = view().human(page);
        insta::assert_snapshot!(text);
        let json = view().json();
        assert_eq!((&json["longest_wait_ms"], &json["too_long"]), (&json!(1300.0), &json!(true)));
        assert_eq!(json["down"]["same_schema"], false);
    }

    #[test]
    fn what_failed_says_that_production_was_not_touched() {
        let mut view = view();
        view.rehearsed.failed = Some("migration `0003_b` failed".to_owned());
        let page = Page { width: None, paint: Paint { on: false } };
        let text = view.human(page);
        assert!(text.contains("nothing of production was touched"), "{text}");
        assert!(!text.contains("the longest wait"), "{text}");
    }

    #[test]
    fn loading_is_never_done_before_it_is() {
        assert_eq!(restoring("b", 60 << 20, 100 << 20), "loading b (60 %, 60 MB of 100 MB)");
        assert!(restoring("b", 200, 100).contains("(99 %"));
        assert!(restoring("b", 0, 0).contains("(0 %"));
    }
}
