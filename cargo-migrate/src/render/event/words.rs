//! What of an event is a sentence of its own, on a screen and in a log.

use migrate_core::{Direction, Moment, Warning};
use migrate_runtime::Event;
use migrate_runtime::event::{Recovery, RetryReason};

use crate::render::escape::escape_line;
use crate::render::words::count;

fn side(moment: Moment) -> &'static str {
    match moment {
        Moment::Before => "before",
        Moment::After => "behind",
    }
}

pub(super) fn held(moment: Moment, checks: usize) -> String {
    let verb = if checks == 1 { "holds" } else { "hold" };
    format!("{} {} it {verb}", count(checks, "check"), side(moment))
}

pub(super) fn verb(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "applying",
        Direction::Down => "rolling back",
    }
}

/// What an event comes to that a screen has no words for, because something else shows it there: for a log.
pub(crate) fn wordless(event: &Event) -> String {
    match event {
        Event::Connected { database, server_version, pooled } => format!(
            "connected to {} (PostgreSQL {}{})",
            escape_line(database),
            server_version / 10_000,
            if *pooled { ", through a connection pooler" } else { "" }
        ),
        Event::LockObtained { .. } => "obtained the migration lock".to_owned(),
        Event::Planned { steps } => {
            let steps: Vec<_> = steps.iter().map(|step| step.stem.as_str()).collect();
            match steps.len() {
                0 => "nothing to do".to_owned(),
                number => {
                    format!("planned: {}: {}", count(number, "migration"), escape_line(&steps.join(", ")))
                }
            }
        }
        Event::Started { stem, direction, number, total, .. } => {
            format!("{number}/{total} {} {}", verb(*direction), escape_line(stem))
        }
        Event::Checked { stem, moment, checks, failed, .. } => {
            format!(
                "{}: {failed} of {} {} it failed",
                escape_line(stem),
                count(*checks, "check"),
                side(*moment)
            )
        }
        _ => String::new(),
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
        Warning::MixedWidths { first, second } => format!(
            "versions of different length: {first} runs before {second}, because the number decides; pad them to one length"
        ),
        Warning::StaleBinary { folder, files } => {
            format!("the binary is older than {folder}: {}", files.join(", "))
        }
        other => format!("{other:?}"),
    }
}

pub(super) fn reason_text(reason: RetryReason) -> &'static str {
    match reason {
        RetryReason::LockTimeout => "did not get a table lock in time (55P03)",
        RetryReason::Deadlock => "was the victim of a deadlock (40P01)",
        RetryReason::Serialization => "could not be serialized (40001)",
        RetryReason::SchemaChanged => "was not alone: somebody else changed the schema meanwhile",
        RetryReason::OrphanRunner => "waits for a transaction that a killed runner left on the server",
        _ => "has to be tried again",
    }
}

pub(super) fn recovery_text(how: &Recovery) -> String {
    match how {
        Recovery::Resume { statement, total } => format!("going on from statement {statement} of {total}"),
        Recovery::DropInvalidIndex { index } => format!("dropping the invalid index {index}"),
        Recovery::DownAndRetry => "running its down script, then its up script from the start".to_owned(),
        other => format!("{other:?}"),
    }
}
