//! What a rehearsal came to.

mod load;
mod remark;
mod statement;
mod step;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use remark::{RehearseRemark, restoring};
use serde_json::{Value, json};

use super::risk;
use super::schema_diff::{changes, lines};
use crate::rehearse::{Down, Observed, Rehearsed, Step};
use crate::render::json::{self as structured, milliseconds};
use crate::render::table::{Cell, Column, table};
use crate::render::words::{bytes, count, time};
use crate::render::{Page, Paint, View, escape_line};
use crate::risk::RiskLevel;

/// The whole of it.
pub(crate) struct RehearseView {
    pub(crate) rehearsed: Rehearsed,
    /// Where it was written down.
    pub(crate) report: Option<PathBuf>,
    /// Why it failed is told right behind it, at its place in the file.
    pub(crate) error_follows: bool,
}

impl RehearseView {
    fn level(&self, stem: &str) -> RiskLevel {
        let risk = self.rehearsed.risks.iter().find(|(of, _)| of == stem);
        risk.map_or(RiskLevel::Low, |(_, risk)| risk.level)
    }

    fn head(&self, paint: Paint) -> String {
        let Rehearsed { backup, placed, .. } = &self.rehearsed;
        let environment = backup.environment.as_ref().map_or_else(String::new, |name| format!("{name}, "));
        let unverified = if backup.verified { "" } else { ", not verified" };
        let size = bytes(backup.database_bytes);
        let copied = format!("{} ({environment}taken at {}, {size}{unverified})", backup.id, backup.taken_at);
        let Some(placed) = placed else {
            return format!("{} {}\n", paint.bold("not loaded:"), escape_line(&copied));
        };
        let head = format!(
            "{copied} on PostgreSQL {} on {}, loaded in {}",
            placed.version / 10_000,
            placed.server,
            time(placed.restored),
        );
        let mut text = format!("{} {}\n", paint.bold("rehearsal on"), escape_line(&head));
        if placed.own {
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

impl View for RehearseView {
    fn human(&self, page: Page) -> String {
        let (rehearsed, paint) = (&self.rehearsed, page.paint);
        let mut text = self.head(paint);
        if !rehearsed.steps().is_empty() {
            text += &format!("\n{}\n", self.table(page));
            for one in rehearsed.steps() {
                text += &step::human(one, paint);
            }
            text.push('\n');
        }
        if let Some(why) = &rehearsed.failed {
            text += &match self.error_follows {
                true => format!("{}\n", paint.bad("the rehearsal failed")),
                false => format!("{}: {}\n", paint.bad("the rehearsal failed"), escape_line(why)),
            };
            text += "that is on the copy: nothing of production was touched\n";
        } else {
            text += &self.result(paint);
        }
        if let Some(report) = &rehearsed.load {
            text += &format!("\n{}", load::human(report, page));
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
        let (backup, placed) = (&rehearsed.backup, rehearsed.placed.as_ref());
        let observed = |observed: &Observed| {
            json!({
                "migrations": observed.steps.iter().map(step::json).collect::<Value>(),
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
            "server": placed.map(|placed| placed.server.as_str()),
            "server_version": placed.map(|placed| placed.version),
            "own_server": placed.map(|placed| placed.own),
            "restore_ms": placed.map(|placed| milliseconds(placed.restored)),
            "up": rehearsed.up.as_ref().map(observed),
            "risks": risks.collect::<Value>(),
            "down": down,
            "longest_wait_ms": rehearsed.longest_wait().map(|(_, wait)| milliseconds(wait)),
            "max_wait_ms": rehearsed.max_wait.map(milliseconds),
            "too_long": rehearsed.is_too_long(),
            "load": rehearsed.load.as_ref().map(load::json),
            "kept": rehearsed.kept,
            "failed": rehearsed.failed,
            "report": self.report,
        })
    }
}

#[cfg(test)]
mod tests {
    use migrate_core::{Direction, Schema};
    use migrate_runtime::rehearsal::LockMode;

    use super::*;
    use crate::rehearse::{Copied, LoadError, LoadReport, Phase, Placed, Sizes, Table, Written};

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
            statements: Vec::new(),
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
                placed: Some(Placed {
                    server: "a server of our own".to_owned(),
                    version: 150_018,
                    own: true,
                    restored: MS(20_000),
                }),
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
            error_follows: false,
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
        assert!(
            !text.contains("the longest wait") && text.contains("failed: migration `0003_b` failed"),
            "{text}"
        );
        // Once is enough where the error itself comes next.
        view.error_follows = true;
        let text = view.human(page);
        assert!(
            text.contains("the rehearsal failed\nthat is on the copy") && !text.contains("`0003_b`"),
            "{text}"
        );
    }

    #[test]
    fn what_needed_no_copy_says_so() {
        let mut view = view();
        let rehearsed = &mut view.rehearsed;
        (rehearsed.placed, rehearsed.up, rehearsed.down, rehearsed.load) = (None, None, Down::NotRun, None);
        rehearsed.max_wait = None;
        let text = view.human(Page { width: None, paint: Paint { on: false } });
        assert_eq!(
            text,
            "not loaded: backup-20261121T193059Z (production, taken at 2026-11-21T19:30:59Z, 1024 MB)\n\
             nothing is pending: the backup has every migration of the folder\n"
        );
        let json = view.json();
        assert_eq!(
            (&json["server"], &json["restore_ms"], &json["up"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
    }
}
