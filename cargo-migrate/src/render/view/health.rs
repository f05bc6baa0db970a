//! How a database stands, on one screen.

use std::time::Duration;

use migrate_core::sql::mask_text;
use migrate_runtime::StatusState;
use serde_json::{Value, json};

use crate::health::{Changed, Health};
use crate::render::json::{milliseconds, session as session_json};
use crate::render::words::{count, session, time};
use crate::render::{Page, View, escape_line};

/// How a database stands.
pub(crate) struct HealthView(pub(crate) Health);

impl HealthView {
    fn history(&self) -> String {
        let health = &self.0;
        let applied = count(health.count(StatusState::Applied), "migration");
        let found: Vec<_> = health
            .attention()
            .into_iter()
            .filter_map(|name| {
                let of = |state| {
                    health.status.entries.iter().filter(move |entry| super::status::key(entry.state) == state)
                };
                let number = of(name).count();
                let first = of(name).next()?;
                let more = if number > 1 { format!(" and {} more", number - 1) } else { String::new() };
                Some(format!("{number} {} ({}{more})", name.replace('_', " "), escape_line(&first.stem)))
            })
            .collect();
        let newer = match health.count(StatusState::Newer) {
            0 => String::new(),
            number => format!("; {number} newer than every file here"),
        };
        let none = if health.status.history_exists { "" } else { " (there is no history table yet)" };
        match found.is_empty() {
            true => format!("up to date: {applied} applied{newer}{none}"),
            false => format!("{}; {applied} applied{newer}{none}", found.join(", ")),
        }
    }

    fn drift(&self) -> String {
        drift(&self.0.changed)
    }

    fn last_run(&self) -> String {
        let Some(run) = &self.0.last_run else { return "none that is known of".to_owned() };
        let what = match run.migrations {
            1 => escape_line(&run.last).into_owned(),
            number => format!("{} up to {}", count(number, "migration"), escape_line(&run.last)),
        };
        let by = run.by.as_ref().map_or_else(String::new, |by| format!(", by {}", escape_line(by)));
        format!(
            "{}: {} {what}: {} in {}{by}",
            escape_line(&run.at),
            escape_line(&run.action),
            escape_line(&run.outcome),
            time(run.elapsed)
        )
    }
}

/// Whether the schema was changed beside the migrations, in words.
pub(super) fn drift(changed: &Changed) -> String {
    match changed {
        Changed::No { against } => format!("none: as {}", escape_line(against)),
        Changed::Found { against, objects } => {
            let objects = objects.map_or_else(String::new, |number| format!(": {}", count(number, "object")));
            format!(
                "found{objects}: the schema is not as {}; `cargo migrate drift` shows it",
                escape_line(against)
            )
        }
        Changed::Unknown { why } => {
            format!("not checked: {why}; `cargo migrate health --drift` looks in full")
        }
    }
}

/// The same for programs.
pub(super) fn drift_json(changed: &Changed) -> Value {
    let (state, against, why, objects) = match changed {
        Changed::No { against } => ("none", Some(against.as_str()), None, None),
        Changed::Found { against, objects } => ("found", Some(against.as_str()), None, *objects),
        Changed::Unknown { why } => ("not_checked", None, Some(*why), None),
    };
    json!({ "state": state, "against": against, "why": why, "objects": objects })
}

fn ago(age: Option<Duration>) -> String {
    age.map_or_else(String::new, |age| format!("{} ago, ", time(Duration::from_secs(age.as_secs()))))
}

impl View for HealthView {
    fn human(&self, page: Page) -> String {
        let (health, paint) = (&self.0, page.paint);
        let attention = health.attention();
        let verdict = match attention.is_empty() {
            true => paint.good("healthy"),
            false => paint.bad(&format!("needs attention: {}", attention.join(", ").replace('_', " "))),
        };
        let environment = match &health.environment {
            Some(environment) => format!(" (environment {})", escape_line(environment)),
            None => String::new(),
        };
        let backup = match &health.backup {
            Some(backup) => format!(
                "{}: {}{}",
                escape_line(&backup.id),
                ago(backup.age),
                match backup.verified {
                    Some("restored") => "verified by a restore",
                    Some(_) => "verified",
                    None => "never verified",
                }
            ),
            None => "none of this database in the backup folder".to_owned(),
        };
        let preflight = match &health.preflight {
            Some(preflight) => format!(
                "{}{}",
                ago(preflight.age),
                match preflight.passed {
                    Some(true) => "passed",
                    Some(false) => "failed: `cargo migrate report show --kind preflight`",
                    None => "its outcome cannot be read",
                }
            ),
            None => "none in the log folder".to_owned(),
        };
        let server = &health.server;
        let longest = match (&server.longest, server.sees_all) {
            (Some(longest), _) => session(longest),
            (None, true) => "none".to_owned(),
            (None, false) => "none of this role; others are seen with GRANT pg_read_all_stats".to_owned(),
        };
        let connection = format!(
            "{} to connect, {} a round trip; PostgreSQL {}, {}",
            time(server.connected),
            time(server.round_trip),
            escape_line(&server.name),
            if server.standby { "a standby" } else { "a primary" }
        );
        let mut text = format!("{verdict}: {}{environment}\n", escape_line(&health.database));
        for (name, line) in [
            ("history", self.history()),
            ("drift", self.drift()),
            ("last run", self.last_run()),
            ("deployment", health.unfinished.as_ref().map(super::deploy::unfinished).unwrap_or_default()),
            ("last backup", backup),
            ("last preflight", preflight),
            ("oldest transaction", longest),
            ("connection", connection),
        ] {
            if line.is_empty() {
                continue;
            }
            text += &format!("{} {line}\n", paint.faint(&format!("{name:>19} ")));
        }
        text
    }

    fn json(&self) -> Value {
        let health = &self.0;
        let attention = health.attention();
        let not_applied = health.status.entries.iter().filter(|entry| entry.state != StatusState::Applied);
        let server = &health.server;
        json!({
            "healthy": attention.is_empty(),
            "attention": attention,
            "database": health.database,
            "environment": health.environment,
            "history": {
                "exists": health.status.history_exists,
                "applied": health.count(StatusState::Applied),
                "pending": health.count(StatusState::Pending) + health.count(StatusState::OutOfOrder),
                "dirty": health.count(StatusState::Dirty),
                "not_applied": not_applied.map(|entry| {
                    json!({ "migration": entry.stem, "state": super::status::key(entry.state) })
                }).collect::<Value>(),
            },
            "drift": drift_json(&health.changed),
            "last_run": health.last_run.as_ref().map(|run| json!({
                "run": run.run, "at": run.at, "action": run.action, "outcome": run.outcome,
                "migrations": run.migrations, "last": run.last, "elapsed_ms": milliseconds(run.elapsed),
                "by": run.by, "tool": run.tool,
            })),
            "unfinished_deployment": health.unfinished.as_ref().map(super::deploy::unfinished_json),
            "backup": health.backup.as_ref().map(|backup| json!({
                "id": backup.id, "at": backup.at, "age_ms": backup.age.map(milliseconds),
                "verified": backup.verified,
            })),
            "preflight": health.preflight.as_ref().map(|preflight| json!({
                "id": preflight.id, "at": preflight.at, "age_ms": preflight.age.map(milliseconds),
                "passed": preflight.passed,
            })),
            "server": {
                "version": mask_text(&server.name), "server_version": server.version, "standby": server.standby,
                "connect_ms": milliseconds(server.connected), "round_trip_ms": milliseconds(server.round_trip),
                "oldest_transaction": server.longest.as_ref().map(session_json), "sees_all": server.sees_all,
            },
        })
    }
}
