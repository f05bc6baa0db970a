//! The engine's events as a person reads them: at a terminal with a live line, in a log with plain lines.

mod words;

use std::time::Duration;

use migrate_core::Direction;
use migrate_core::sql::mask_text;
use migrate_runtime::Event;
use migrate_runtime::event::Session;

use super::Paint;
use super::escape::{escape, escape_line};
use super::progress::LiveLine;
use super::words::{count, session, time};
use crate::Stream;
use words::{held, reason_text, recovery_text, verb};
pub(crate) use words::{warning_text, wordless};

/// How often a log is told that something still runs or waits.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(10);

/// Tells the events of one run.
pub(crate) struct Narrator {
    line: LiveLine,
    paint: Paint,
    /// `3/14`, while a migration is in flight.
    number: String,
    /// When a log was told last, as the time since the migration or the waiting began.
    told: Option<Duration>,
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
            told: None,
            in_the_way: Vec::new(),
        }
    }

    /// Takes the live line away.
    pub(crate) fn rest(&mut self) {
        self.line.clear();
    }

    /// Whether there is a terminal to show it on.
    pub(super) fn is_live(&self) -> bool {
        self.line.is_live()
    }

    /// Shows what is being done, where there is a terminal.
    pub(crate) fn show(&mut self, text: &str) {
        self.line.show(text);
    }

    /// Writes lines of another origin, around the live line.
    pub(crate) fn write(&mut self, text: &str) {
        self.line.print(text);
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
                self.rest();
                self.in_the_way.clear();
                self.told = None;
            }
            Event::Started { stem, direction, number, total, .. } => {
                self.number = format!("{number}/{total}");
                self.told = None;
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
            // Those that failed are in the error, with what they found.
            Event::Checked { failed: 1.., .. } => {}
            Event::Checked { stem, moment, checks, elapsed, .. } => self.print(&format!(
                "  {} {}",
                escape_line(stem),
                paint.faint(&format!("{} ({})", held(*moment, *checks), time(*elapsed)))
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
                self.told = None;
            }
            Event::Recovering { stem, how } => self.print(&format!(
                "{}: {} was left partly applied; {}",
                paint.warn("recovery"),
                escape_line(stem),
                escape_line(&recovery_text(how))
            )),
            Event::Finished { stem, direction, elapsed, .. } => {
                self.rest();
                self.print(&format!(
                    "{} {} {}",
                    paint.good(match direction {
                        Direction::Up => "     applied",
                        Direction::Down => " rolled back",
                    }),
                    escape_line(stem),
                    paint.faint(&format!("({})", time(*elapsed)))
                ));
            }
            Event::Notice { severity, message, detail, hint, .. } => {
                let severity = match severity.as_str() {
                    "WARNING" => paint.warn("warning"),
                    other => paint.note(&escape_line(&other.to_lowercase())),
                };
                let mut text = format!("  {severity}: {}", escape(&mask_text(message)));
                for (name, more) in [("detail", detail), ("hint", hint)] {
                    if let Some(more) = more {
                        text += &format!("\n    {name}: {}", escape(&mask_text(more)));
                    }
                }
                self.print(&text);
            }
            Event::LockLost => self.print(&format!(
                "{}: the connection that holds the migration lock is gone; the run stops before the next migration",
                paint.warn("warning")
            )),
            Event::Resolved { stem, committed } => self.print(&format!(
                "{}: the connection broke while {} was in flight; the server {}",
                paint.warn("warning"),
                escape_line(stem),
                if *committed { "had committed it" } else { "has rolled it back" }
            )),
            Event::LogUnavailable { why } => self.print(&format!(
                "{}: the audit log could not be written: {}",
                paint.warn("warning"),
                escape_line(&mask_text(why))
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
        let changed = self.told.is_none() || self.in_the_way != Vec::from_iter(pid);
        if changed {
            self.print(&format!("waiting for the migration lock, held by {who}"));
            self.told = Some(waited);
            self.in_the_way = Vec::from_iter(pid);
        } else if !self.line.is_live() && waited >= self.next() {
            self.print(&format!(
                "still waiting for the migration lock after {}, held by {who}",
                time(waited)
            ));
            self.told = Some(waited);
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
            self.told = Some(elapsed);
        } else if !self.line.is_live() && elapsed >= self.next() {
            let mut text = format!("  {stem} still running after {} (server process {pid})", time(elapsed));
            if let Some(wait) = wait {
                text += &format!(", waiting for {}", escape_line(wait));
            }
            if let Some(progress) = progress {
                text += &format!(", {}", escape_line(progress));
            }
            self.print(&text);
            self.blockers("held by", blockers);
            self.told = Some(elapsed);
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

    /// When a log is to be told again.
    fn next(&self) -> Duration {
        self.told.unwrap_or_default() + HEARTBEAT
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

#[cfg(test)]
pub(crate) mod tests {
    use migrate_core::{Checksum, Moment, Warning};
    use migrate_runtime::event::{Recovery, RetryReason};

    use super::*;
    use crate::context::testing::Buffer;
    use crate::render::progress::testing::Screen;

    fn session_of(pid: i32) -> Session {
        Session {
            pid,
            application: Some("psql".into()),
            user: Some("alice".into()),
            client: Some("10.0.0.3".into()),
            state: Some("idle in transaction".into()),
            transaction_age: Some(Duration::from_secs(600)),
            query: Some("LOCK TABLE orders\u{1b}[2J".into()),
        }
    }

    fn running(seconds: u64, blockers: Vec<Session>, progress: Option<&str>) -> Event {
        Event::Running {
            stem: "0002_b".into(),
            elapsed: Duration::from_secs(seconds),
            pid: 99,
            wait: (!blockers.is_empty()).then(|| "Lock/relation".into()),
            blockers,
            progress: progress.map(str::to_owned),
        }
    }

    fn waiting(seconds: u64, pid: i32) -> Event {
        let migration = Some("0007_big".to_owned());
        Event::LockWaiting { waited: Duration::from_secs(seconds), holder: Some(session_of(pid)), migration }
    }

    /// One of every kind, in an order in which they can happen.
    pub(crate) fn all() -> Vec<Event> {
        let stem = || "0002_b".to_owned();
        let second = Duration::from_secs(1);
        vec![
            Event::Connected {
                database: "postgres://app@db/shop".into(),
                server_version: 150_018,
                pooled: false,
            },
            Event::Warning(Warning::Newer { versions: vec!["0099_z".into()] }),
            waiting(0, 7),
            Event::LockObtained { waited: Duration::from_secs(3) },
            Event::Planned { steps: vec![] },
            Event::Started {
                stem: stem(),
                direction: Direction::Up,
                number: 1,
                total: 2,
                transactional: true,
                checksum: Checksum::of(""),
            },
            Event::Recovering { stem: stem(), how: Recovery::Resume { statement: 2, total: 3 } },
            running(1, vec![session_of(8)], None),
            Event::Checked { stem: stem(), moment: Moment::Before, checks: 2, failed: 0, elapsed: second },
            Event::Checked { stem: stem(), moment: Moment::After, checks: 1, failed: 1, elapsed: second },
            Event::StatementFinished { stem: stem(), number: 2, total: 3, elapsed: second },
            Event::Retrying {
                stem: stem(),
                attempt: 1,
                pause: second,
                reason: RetryReason::LockTimeout,
                blockers: vec![session_of(8)],
            },
            Event::Notice {
                stem: Some(stem()),
                severity: "NOTICE".into(),
                code: "00000".into(),
                message: "relation \"a\u{9b}\" already exists, skipping".into(),
                detail: Some("more".into()),
                hint: None,
            },
            Event::Finished {
                stem: stem(),
                direction: Direction::Up,
                elapsed: second,
                checksum: Checksum::of(""),
            },
            Event::LockLost,
            Event::LogUnavailable { why: "permission denied".into() },
            Event::Resolved { stem: stem(), committed: true },
        ]
    }

    fn told(events: &[Event], live: Option<usize>) -> String {
        let buffer = Buffer::default();
        let mut narrator = Narrator::new(Stream::new(buffer.clone(), live), live, Paint::default());
        events.iter().for_each(|event| narrator.tell(event));
        narrator.rest();
        buffer.text()
    }

    #[test]
    fn every_event_in_a_log() {
        insta::assert_snapshot!(told(&all(), None));
    }

    #[test]
    fn a_log_hears_every_ten_seconds_and_at_once_of_a_new_blocker() {
        let mut events: Vec<_> =
            (1..=35).map(|second| running(second, vec![], Some("building index: 41 %"))).collect();
        events.extend((36..=50).map(|second| running(second, vec![session_of(8)], None)));
        insta::assert_snapshot!(told(&events, None));
    }

    #[test]
    fn waiting_is_told_at_once_then_every_ten_seconds_and_for_each_holder() {
        let mut events: Vec<_> = (0..=22).map(|second| waiting(second, 7)).collect();
        events.extend((23..=25).map(|second| waiting(second, 8)));
        insta::assert_snapshot!(told(&events, None));
    }

    #[test]
    fn a_terminal_has_it_in_one_line_that_fits() {
        let screen = Screen::new(60);
        let stream = Stream::new(screen.clone(), Some(60));
        let mut narrator = Narrator::new(stream, Some(60), Paint::default());
        let (stem, direction) = ("0002_b".to_owned(), Direction::Up);
        let checksum = Checksum::of("");
        narrator.tell(&Event::Started {
            stem,
            direction,
            number: 3,
            total: 14,
            transactional: true,
            checksum,
        });
        let mut shown = screen.text();
        for event in [running(2, vec![], Some("building index: 41 %")), running(3, vec![session_of(8)], None)]
        {
            narrator.tell(&event);
            shown += &format!("--\n{}", screen.text());
        }
        narrator.rest();
        insta::assert_snapshot!(format!("{shown}--\n{}", screen.text()));
        for width in 1..30 {
            told(&all(), Some(width));
        }
    }

    #[test]
    fn the_schema_is_described_event_by_event() {
        let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json.md")).unwrap();
        for event in all() {
            let value = crate::render::json::event(&event);
            let name = value["event"].as_str().unwrap();
            let row = docs.split('\n').find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/json.md does not have {name}"));
            for field in value.as_object().unwrap().keys().filter(|field| *field != "event") {
                assert!(row.contains(&format!("`{field}`")), "docs/json.md: {name} lacks {field}");
            }
        }
    }
}
