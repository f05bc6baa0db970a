//! The engine's events as a person reads them: at a terminal with a live line, in a log with plain lines.

use std::time::Duration;

use migrate_core::sql::mask_secrets;
use migrate_core::{Direction, Warning};
use migrate_runtime::Event;
use migrate_runtime::event::{Recovery, RetryReason, Session};

use super::Paint;
use super::escape::{escape, escape_line};
use super::progress::LiveLine;
use super::words::{count, session, time};
use crate::Stream;

/// How often a log is told that something still runs or waits.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Tells the events of one run.
pub(crate) struct Narrator {
    line: LiveLine,
    paint: Paint,
    /// `3/14`, while a migration is in flight.
    number: String,
    /// When a log was told last, as the time since the migration or the waiting began.
    told: Duration,
    /// Who was last said to be in the way.
    in_the_way: Vec<i32>,
}

impl Narrator {
    /// Tells on `stderr`; `live` is the width of the terminal that a live line is shown on.
    pub(crate) fn new(stderr: Stream, live: Option<usize>, paint: Paint) -> Self {
        Self {
            line: LiveLine::new(stderr, live),
            paint,
            number: String::new(),
            told: Duration::ZERO,
            in_the_way: Vec::new(),
        }
    }

    /// Takes the live line away.
    pub(crate) fn rest(&mut self) {
        self.line.clear();
    }

    /// Tells one event.
    pub(crate) fn tell(&mut self, event: &Event) {
        let paint = self.paint;
        match event {
            Event::Warning(warning) => {
                self.print(&format!("{}: {}", paint.warn("warning"), escape_line(&warning_text(warning))));
            }
            Event::LockWaiting { waited, holder, migration, .. } => {
                self.waiting(*waited, holder.as_ref(), migration.as_deref());
            }
            Event::LockObtained { waited } => {
                if *waited >= Duration::from_secs(1) {
                    self.print(&format!("the other runner is done, after {}", time(*waited)));
                }
                self.in_the_way.clear();
                self.told = Duration::ZERO;
            }
            Event::Started { stem, direction, number, total, .. } => {
                self.number = format!("{number}/{total}");
                self.told = Duration::ZERO;
                self.in_the_way.clear();
                let text = format!("{} {} {}", self.number, verb(*direction), escape_line(stem));
                self.line.show(&text);
            }
            Event::Running { stem, elapsed, pid, wait, blockers, progress } => {
                self.running(stem, *elapsed, *pid, wait.as_deref(), blockers, progress.as_deref());
            }
            Event::StatementFinished { stem, number, total, elapsed } => self.print(&format!(
                "  {} {}",
                escape_line(stem),
                paint.faint(&format!("statement {number} of {total} done ({})", time(*elapsed)))
            )),
            Event::Retrying { stem, attempt, pause, reason, blockers } => {
                self.print(&format!(
                    "{}: {} {}; its transaction is rolled back, attempt {} follows in {}",
                    paint.warn("retry"),
                    escape_line(stem),
                    reason_text(*reason),
                    attempt + 1,
                    time(*pause)
                ));
                self.blockers("held by", blockers);
                // Each attempt is a new wait, told from its start.
                self.in_the_way.clear();
                self.told = Duration::ZERO;
            }
            Event::Recovering { stem, how } => self.print(&format!(
                "{}: {} was left partly applied; {}",
                paint.warn("recovery"),
                escape_line(stem),
                escape_line(&recovery_text(how))
            )),
            Event::Finished { stem, direction, elapsed } => self.print(&format!(
                "{} {} {}",
                paint.good(match direction {
                    Direction::Up => "     applied",
                    Direction::Down => " rolled back",
                }),
                escape_line(stem),
                paint.faint(&format!("({})", time(*elapsed)))
            )),
            Event::Notice { severity, message, detail, hint, .. } => {
                let severity = match severity.as_str() {
                    "WARNING" => paint.warn("warning"),
                    other => paint.note(&escape_line(&other.to_lowercase())),
                };
                let mut text = format!("  {severity}: {}", escape(&mask_secrets(message)));
                for (name, more) in [("detail", detail), ("hint", hint)] {
                    if let Some(more) = more {
                        text += &format!("\n    {name}: {}", escape(&mask_secrets(more)));
                    }
                }
                self.print(&text);
            }
            Event::LockLost => self.print(&format!(
                "{}: the connection that holds the migration lock is gone; the run stops before the next migration",
                paint.warn("warning")
            )),
            Event::Resolved { stem, committed } => self.print(&format!(
                "{}: the connection broke while {} was in flight; the server had {} it",
                paint.warn("warning"),
                escape_line(stem),
                if *committed { "committed" } else { "rolled back" }
            )),
            Event::LogUnavailable { why } => self.print(&format!(
                "{}: the audit log could not be written: {}",
                paint.warn("warning"),
                escape_line(&mask_secrets(why))
            )),
            // Connected and Planned are for programs; what is new and unknown here has no words yet.
            _ => {}
        }
    }

    fn waiting(&mut self, waited: Duration, holder: Option<&Session>, migration: Option<&str>) {
        let pid = holder.map(|holder| holder.pid);
        let mut who = holder.map_or_else(|| "another runner".to_owned(), session);
        if let Some(migration) = migration {
            who += &format!("; it works on {}", escape_line(migration));
        }
        let changed = self.told.is_zero() || self.in_the_way != Vec::from_iter(pid);
        if changed {
            self.print(&format!("waiting for the migration lock, held by {who}"));
            self.told = waited.max(Duration::from_millis(1));
            self.in_the_way = Vec::from_iter(pid);
        } else if !self.line.is_live() && waited >= self.told + HEARTBEAT {
            self.print(&format!(
                "still waiting for the migration lock after {}, held by {who}",
                time(waited)
            ));
            self.told = waited;
        }
        self.line.show(&format!("waiting for the migration lock {}, held by {who}", time(waited)));
    }

    fn running(
        &mut self,
        stem: &str,
        elapsed: Duration,
        pid: i32,
        wait: Option<&str>,
        blockers: &[Session],
        progress: Option<&str>,
    ) {
        let pids: Vec<_> = blockers.iter().map(|blocker| blocker.pid).collect();
        let stem = escape_line(stem);
        if !blockers.is_empty() && pids != self.in_the_way {
            let what = wait.map_or_else(String::new, |wait| format!(" ({})", escape_line(wait)));
            self.print(&format!("  {stem} waits for a lock{what} after {}", time(elapsed)));
            self.blockers("held by", blockers);
            self.told = elapsed;
        } else if !self.line.is_live() && elapsed >= self.told + HEARTBEAT {
            let mut text = format!("  {stem} still running after {} (server process {pid})", time(elapsed));
            if let Some(wait) = wait {
                text += &format!(", waiting for {}", escape_line(wait));
            }
            if let Some(progress) = progress {
                text += &format!(", {}", escape_line(progress));
            }
            self.print(&text);
            self.blockers("held by", blockers);
            self.told = elapsed;
        }
        self.in_the_way = pids;
        let mut text = format!("{} {stem} {}", self.number, time(elapsed));
        match (blockers.first(), wait, progress) {
            (Some(blocker), ..) if blockers.len() == 1 => {
                text += &format!(", waiting for a lock held by {}", session(blocker));
            }
            (Some(_), ..) => text += &format!(", waiting for {}", count(blockers.len(), "session")),
            (None, _, Some(progress)) => text += &format!(", {}", escape_line(progress)),
            (None, Some(wait), None) => text += &format!(", waiting for {}", escape_line(wait)),
            (None, None, None) => {}
        }
        self.line.show(&text);
    }

    fn blockers(&mut self, word: &str, blockers: &[Session]) {
        for blocker in blockers {
            self.print(&format!("    {word} {}", session(blocker)));
        }
    }

    fn print(&mut self, text: &str) {
        self.line.print(&format!("{text}\n"));
    }
}

fn verb(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "applying",
        Direction::Down => "rolling back",
    }
}

/// What is odd but allowed, in a sentence.
pub(crate) fn warning_text(warning: &Warning) -> String {
    match warning {
        Warning::Newer { versions } => format!(
            "the database has {} newer than every file here: {}",
            count(versions.len(), "migration"),
            versions.join(", ")
        ),
        Warning::OutOfOrder { pending } => format!("out of order, as allowed: {}", pending.join(", ")),
        Warning::Modified { migrations } => {
            format!(
                "rolled back although the up file changed since it was applied: {}",
                migrations.join(", ")
            )
        }
        Warning::StaleBinary { folder, files } => {
            format!("the binary is older than {folder}: {}", files.join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn reason_text(reason: RetryReason) -> &'static str {
    match reason {
        RetryReason::LockTimeout => "did not get a table lock in time (55P03)",
        RetryReason::Deadlock => "was the victim of a deadlock (40P01)",
        RetryReason::Serialization => "could not be serialized (40001)",
        RetryReason::OrphanRunner => "waits for a transaction that a killed runner left on the server",
        _ => "has to be tried again",
    }
}

fn recovery_text(how: &Recovery) -> String {
    match how {
        Recovery::Resume { statement, total } => format!("going on from statement {statement} of {total}"),
        Recovery::DropInvalidIndex { index } => format!("dropping the invalid index {index}"),
        Recovery::DownAndRetry => "running its down script, then its up script from the start".to_owned(),
        other => format!("{other:?}"),
    }
}
