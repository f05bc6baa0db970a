//! What a deployment came to: one screen with what was done, where it stands now, and what to type next.

use serde_json::{Value, json};

use crate::deploy::{Deployment, Ending, How, OnFailure, Step};
use crate::render::json::milliseconds;
use crate::render::table::{Cell, Column, table};
use crate::render::words::{count, time};
use crate::render::{Page, Paint, View, escape_line};

/// What a deployment came to.
pub(crate) struct DeployView(pub(crate) Deployment);

const COLUMNS: [Column; 4] = [
    Column { title: "step", goes: 0, shrinks_to: None },
    Column { title: "outcome", goes: 0, shrinks_to: None },
    Column { title: "took", goes: 2, shrinks_to: None },
    Column { title: "", goes: 0, shrinks_to: Some(16) },
];

impl DeployView {
    fn failed(&self) -> Option<Step> {
        self.0
            .taken
            .iter()
            .find(|taken| matches!(taken.how, How::Failed | How::CutShort))
            .map(|taken| taken.step)
    }

    /// How it ended, in a sentence.
    fn sentence(&self) -> String {
        let step = self.failed().map_or("it", Step::name);
        match &self.0.ending {
            Ending::Nothing => {
                format!(
                    "nothing to deploy: {} applied",
                    count(self.0.applied_total.unwrap_or(0), "migration")
                )
            }
            Ending::Done => format!("deployed in {}", time(self.0.elapsed)),
            Ending::Refused => format!("{step} failed: nothing was changed"),
            Ending::Stopped => format!("{step} failed: what was applied stays"),
            Ending::Unfinished => "cut short: the same command goes on where it was".to_owned(),
            Ending::RolledBack => "failed, and everything that it had applied is rolled back".to_owned(),
            Ending::Restored { old } => format!(
                "failed, and the backup has taken the place of the database; the database as it was is {old} now"
            ),
            Ending::Stuck { way } => {
                format!("failed, and so did --on-failure {}: this needs a person", way.name())
            }
        }
    }

    /// What is applied now of what was to be.
    fn standing(&self) -> Vec<String> {
        let deployment = &self.0;
        let mut lines = Vec::new();
        let clean: Vec<_> =
            deployment.applied.iter().filter(|stem| !deployment.dirty.contains(stem)).cloned().collect();
        let left: Vec<_> =
            deployment.left.iter().filter(|stem| !deployment.dirty.contains(stem)).cloned().collect();
        for (word, stems) in
            [("applied", clean), ("partly applied", deployment.dirty.clone()), ("not applied", left)]
        {
            if !stems.is_empty() {
                lines.push(format!("{word}: {}", some(&stems)));
            }
        }
        if let Some(total) = deployment.applied_total
            && deployment.ending != Ending::Nothing
        {
            lines.push(format!("the history has {} now", count(total, "migration")));
        }
        lines
    }

    /// `cargo migrate …` for the same environment.
    fn command(&self, rest: &str) -> String {
        match &self.0.environment {
            Some(name) => format!("cargo migrate --env {name} {rest}"),
            None => format!("cargo migrate {rest}"),
        }
    }

    /// What to type next, each with what it is for.
    fn next(&self) -> Vec<(String, String)> {
        let deployment = &self.0;
        let backup = deployment.backup.as_ref().map(|kept| kept.id.as_str());
        let next = |command: &str, what: &str| (self.command(command), what.to_owned());
        let mut all = Vec::new();
        let restore = |all: &mut Vec<_>| {
            if let Some(id) = backup {
                all.push(next(
                    &format!("backup restore {id} --swap"),
                    "back to the backup; what was written since stays in the old database",
                ));
            }
        };
        match &deployment.ending {
            Ending::Nothing | Ending::Done => {}
            Ending::Refused if self.failed() == Some(Step::Preflight) => {
                all.push(next("deploy", "when what it found is put right"));
                all.push(next("deploy --force REASON", "in spite of it; the audit log keeps the reason"));
            }
            Ending::Refused => all.push(next("deploy", "when the cause is put right")),
            Ending::Unfinished => all.push(next("deploy", "goes on where it was")),
            Ending::Stopped if self.failed() == Some(Step::Postflight) => {
                all.push(next("postflight", "when what it found is put right"));
                self.down(&mut all);
                restore(&mut all);
            }
            Ending::Stopped => {
                if deployment.dirty.is_empty() {
                    all.push(next("deploy", "when the file is put right: goes on with what is not applied"));
                } else {
                    let command = "deploy --allow \"history=finish what is partly applied\"";
                    all.push(next(
                        command,
                        "when the cause is put right: goes on with the statement that failed",
                    ));
                }
                self.down(&mut all);
                if !deployment.applied.is_empty() {
                    restore(&mut all);
                }
            }
            Ending::RolledBack | Ending::Restored { .. } => {
                all.push(next("deploy", "when the cause is put right"));
            }
            Ending::Stuck { way } => {
                all.push(next("status", "says what is applied"));
                if *way == OnFailure::Rollback {
                    self.down(&mut all);
                }
                restore(&mut all);
            }
        }
        all
    }

    /// The way back by the down scripts.
    fn down(&self, all: &mut Vec<(String, String)>) {
        if self.0.applied.is_empty() {
            return;
        }
        let command = match &self.0.before {
            Some(before) => self.command(&format!("down --to {before}")),
            None => self.command("down --all"),
        };
        all.push((command, "back to before it".to_owned()));
    }
}

/// Stems, of which a screen has room for so many.
fn some(stems: &[String]) -> String {
    const MOST: usize = 8;
    let mut text = stems.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if stems.len() > MOST {
        text += &format!(" and {} more", stems.len() - MOST);
    }
    text
}

impl View for DeployView {
    fn human(&self, page: Page) -> String {
        let (deployment, paint) = (&self.0, page.paint);
        if deployment.ending == Ending::Nothing {
            return format!("{}\n", self.sentence());
        }
        let rows: Vec<_> = deployment
            .taken
            .iter()
            .map(|taken| {
                let (word, painted): (_, fn(Paint, &str) -> String) = match taken.how {
                    How::Ok => ("ok", Paint::good),
                    How::Earlier => ("done before", Paint::faint),
                    How::Forced => ("forced", Paint::warn),
                    How::Failed => ("failed", Paint::bad),
                    How::CutShort => ("cut short", Paint::bad),
                };
                let took = if taken.how == How::Earlier { String::new() } else { time(taken.elapsed) };
                vec![
                    Cell::plain(taken.step.name()),
                    Cell::painted(word, painted),
                    Cell::plain(&took),
                    Cell::plain(&taken.words),
                ]
            })
            .collect();
        let is_good = deployment.ending == Ending::Done;
        let sentence = escape_line(&self.sentence()).into_owned();
        let sentence = if is_good { paint.good(&sentence) } else { paint.bad(&sentence) };
        let mut text = format!("{}: {sentence}\n", escape_line(&deployment.run));
        text += &table(&COLUMNS, &rows, page.width, paint);
        if !is_good {
            for line in self.standing() {
                text += &format!("{}\n", escape_line(&line));
            }
        }
        if let Some(kept) = &deployment.backup {
            text += &format!("backup: {}\n", escape_line(&kept.folder.display().to_string()));
        }
        // Whole, each on a line of its own: a path that is cut cannot be copied.
        let reports =
            deployment.taken.iter().filter_map(|taken| Some((taken.step.name(), taken.report.as_ref()?)));
        for (of, path) in reports.chain(deployment.report.as_ref().map(|path| ("deploy", path))) {
            text += &format!("{of} report: {}\n", escape_line(&path.display().to_string()));
        }
        if let Some(path) = &deployment.lock_written {
            text += &format!("updated {}: commit it\n", escape_line(&path.display().to_string()));
        }
        if let Some(why) = &deployment.lock_failure {
            text += &format!("{}: {}\n", paint.warn("warning"), escape_line(why));
        }
        let next = self.next();
        if !next.is_empty() {
            text += "next:\n";
        }
        for (command, what) in next {
            text += &format!("  {}  {}\n", escape_line(&command), paint.faint(&format!("# {what}")));
        }
        text
    }

    fn json(&self) -> Value {
        let deployment = &self.0;
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let steps = deployment.taken.iter().map(|taken| {
            json!({
                "step": taken.step.name(), "outcome": taken.how.name(),
                "elapsed_ms": milliseconds(taken.elapsed), "message": taken.words, "report": path(&taken.report),
            })
        });
        json!({
            "run": deployment.run,
            "database": deployment.database,
            "environment": deployment.environment,
            "ending": deployment.ending.name(),
            "exit_code": deployment.exit.code(),
            "resumed": deployment.resumed,
            "steps": steps.collect::<Value>(),
            "failure": deployment.failure,
            "backup": deployment.backup.as_ref().map(|kept| {
                json!({ "id": kept.id, "folder": kept.folder.display().to_string() })
            }),
            "old_database": match &deployment.ending {
                Ending::Restored { old } => Some(old),
                _ => None,
            },
            "applied": deployment.applied,
            "partly_applied": deployment.dirty,
            "not_applied": deployment.left,
            "applied_total": deployment.applied_total,
            "elapsed_ms": milliseconds(deployment.elapsed),
            "next": self.next().into_iter().map(|(command, _)| command).collect::<Vec<_>>(),
            "lock_written": path(&deployment.lock_written),
            "report": path(&deployment.report),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Exit;
    use crate::deploy::{Kept, Taken};

    fn stems(stems: &[&str]) -> Vec<String> {
        stems.iter().map(|&stem| stem.to_owned()).collect()
    }

    fn deployment(ending: Ending, failed: Option<Step>) -> Deployment {
        let taken = |step: Step, how: How, words: &str| Taken {
            step,
            how,
            elapsed: Duration::from_millis(1200),
            words: words.into(),
            report: (step == Step::Preflight).then(|| "log/preflight-report-1.json".into()),
        };
        let mut steps = vec![
            taken(Step::Preflight, How::Earlier, "passed 3 s ago"),
            taken(Step::Backup, How::Ok, "backup-1, verified"),
            taken(Step::Up, How::Ok, "2 migrations"),
            taken(Step::Postflight, How::Ok, "9 checks"),
        ];
        if let Some(failed) = failed {
            steps.retain(|taken| (taken.step as usize) < (failed as usize));
            steps.push(taken(failed, How::Failed, ""));
        }
        Deployment {
            run: "deploy-1".into(),
            database: "postgres://app@db/shop".into(),
            environment: Some("production".into()),
            resumed: None,
            taken: steps,
            exit: Exit::Success,
            failure: None,
            backup: Some(Kept { id: "backup-1".into(), folder: "backups/backup-1".into() }),
            applied: stems(&["0003_c"]),
            dirty: vec![],
            left: stems(&["0004_d\u{1b}"]),
            before: Some("0002_b".into()),
            applied_total: Some(3),
            elapsed: Duration::from_secs(12),
            lock_written: None,
            lock_failure: None,
            report: Some("log/deploy-report-1.json".into()),
            ending,
        }
    }

    fn screen(deployment: Deployment) -> String {
        DeployView(deployment).human(Page { width: None, paint: Paint::default() })
    }

    #[test]
    fn every_ending_says_what_is_applied_where_the_backup_is_and_what_to_type() {
        let restored = Ending::Restored { old: "shop_before_1".into() };
        let endings = [
            (Ending::Done, None),
            (Ending::Refused, Some(Step::Preflight)),
            (Ending::Refused, Some(Step::Backup)),
            (Ending::Stopped, Some(Step::Up)),
            (Ending::Stopped, Some(Step::Postflight)),
            (Ending::Unfinished, Some(Step::Up)),
            (Ending::RolledBack, Some(Step::Up)),
            (restored, Some(Step::Up)),
            (Ending::Stuck { way: OnFailure::Rollback }, Some(Step::Up)),
            (Ending::Stuck { way: OnFailure::Restore }, Some(Step::Up)),
        ];
        let screens: Vec<_> =
            endings.into_iter().map(|(ending, failed)| screen(deployment(ending, failed))).collect();
        for screen in &screens[1..] {
            assert!(screen.contains("next:\n  cargo migrate --env production "), "{screen}");
            assert!(screen.contains("backup: ") && !screen.contains('\u{1b}'), "{screen}");
        }
        insta::assert_snapshot!(screens.join("\n"));
    }

    #[test]
    fn without_anything_before_it_the_way_back_is_all() {
        let deployment =
            Deployment { before: None, environment: None, ..deployment(Ending::Stopped, Some(Step::Up)) };
        assert!(screen(deployment).contains("  cargo migrate down --all  # "));
    }

    #[test]
    fn nothing_to_do_is_one_line() {
        let text = screen(Deployment { taken: vec![], ..deployment(Ending::Nothing, None) });
        assert_eq!(text, "nothing to deploy: 3 migrations applied\n");
    }

    #[test]
    fn for_programs() {
        let view = DeployView(deployment(Ending::Stopped, Some(Step::Up)));
        insta::assert_snapshot!(serde_json::to_string_pretty(&view.json()).unwrap());
    }
}
