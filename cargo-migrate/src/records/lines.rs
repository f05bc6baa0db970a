//! `migrations.jsonl` read back: what can be read of it, whatever a full disk or a killed process left in between.

use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use migrate_runtime::{LogFilter, Since};
use serde_json::{Map, Value};

use super::journal;
use crate::Problem;
use crate::render::SCHEMA;

/// What the files say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// Those that fit, oldest first.
    pub(crate) lines: Vec<Map<String, Value>>,
    /// How many could not be read.
    pub(crate) unreadable: usize,
    /// How many files there are.
    pub(crate) files: usize,
}

/// Larger than what is rotated: somebody else's.
const LARGEST: u64 = 256 << 20;

/// Reads the newest file and the older ones; `limit` keeps the newest lines.
pub(crate) fn read(folder: &Path, filter: &LogFilter, limit: usize) -> Result<Lines, Problem> {
    let mut found = Lines::default();
    let since = filter.since.as_ref().and_then(|since| match since {
        Since::Ago(ago) => Timestamp::try_from(SystemTime::now().checked_sub(*ago)?).ok(),
        Since::At(time) => time.parse().ok(),
    });
    for path in journal::files(folder) {
        let bytes =
            migrate_core::file::read(&path, LARGEST).map_err(|error| Problem::io(&path)(error.source))?;
        found.files += 1;
        for line in String::from_utf8_lossy(&bytes).split('\n').filter(|line| !line.trim().is_empty()) {
            match parse(line) {
                Some(line) if fits(&line, filter, since) => found.lines.push(line),
                Some(_) => {}
                None => found.unreadable += 1,
            }
        }
    }
    let surplus = found.lines.len().saturating_sub(limit);
    found.lines.drain(..surplus);
    Ok(found)
}

/// A line; where another was cut short before it, what is behind that.
fn parse(line: &str) -> Option<Map<String, Value>> {
    let object = |text: &str| match serde_json::from_str(text) {
        Ok(Value::Object(line)) => Some(line),
        _ => None,
    };
    object(line).or_else(|| {
        let head = format!("{{\"schema\":\"{SCHEMA}\"");
        object(&line[line.rfind(&head)?..])
    })
}

fn fits(line: &Map<String, Value>, filter: &LogFilter, since: Option<Timestamp>) -> bool {
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let is_migration = |migration: &str| {
        let version = text("version").unwrap_or_default();
        let number =
            |text: &str| text.split('_').next().map(|number| number.trim_start_matches('0').to_owned());
        match migration.bytes().all(|byte| byte.is_ascii_digit()) {
            true => number(version) == number(migration),
            false => version == migration,
        }
    };
    let is_action =
        |action: &String| [text("type"), text("event"), text("command")].contains(&Some(action.as_str()));
    filter.migration.as_deref().is_none_or(is_migration)
        && (filter.actions.is_empty() || filter.actions.iter().any(is_action))
        && filter.run.as_deref().is_none_or(|run| text("run") == Some(run))
        && (!filter.failed || text("level") == Some("error"))
        && since.is_none_or(|since| {
            text("timestamp")
                .and_then(|time| time.parse::<Timestamp>().ok())
                .is_some_and(|time| time >= since)
        })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    fn line(time: &str, level: &str, version: &str, run: &str) -> String {
        format!(
            "{{\"schema\":\"{SCHEMA}\",\"timestamp\":\"{time}\",\"level\":\"{level}\",\"event\":\"finished\",\
             \"version\":\"{version}\",\"type\":\"up\",\"command\":\"up\",\"run\":\"{run}\"}}"
        )
    }

    #[test]
    fn what_was_cut_short_costs_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let old = line("2026-11-20T10:00:00.000Z", "info", "0001_a", "r1");
        let new = line("2026-11-21T10:00:00.000Z", "error", "0010_b", "r2");
        fs::write(folder.path().join("migrations.jsonl.1"), format!("{old}\n{}", &old[..40])).unwrap();
        fs::write(folder.path().join("migrations.jsonl"), format!("{}{new}\n\u{0}\n\n{new}", &old[..50]))
            .unwrap();
        let read = |filter: LogFilter| read(folder.path(), &filter, 100).unwrap();
        let all = read(LogFilter::default());
        assert_eq!((all.lines.len(), all.unreadable, all.files), (3, 2, 2));
        assert_eq!(all.lines[0]["run"], "r1");
        let count = |filter: LogFilter| read(filter).lines.len();
        let none = LogFilter::default;
        assert_eq!(count(LogFilter { migration: Some("10".into()), ..none() }), 2);
        assert_eq!(count(LogFilter { migration: Some("0001_a".into()), ..none() }), 1);
        assert_eq!(count(LogFilter { migration: Some("0001".into()), ..none() }), 1);
        assert_eq!(count(LogFilter { run: Some("r1".into()), ..none() }), 1);
        assert_eq!(count(LogFilter { failed: true, ..none() }), 2);
        assert_eq!(count(LogFilter { actions: vec!["finished".into()], ..none() }), 3);
        assert_eq!(count(LogFilter { actions: vec!["down".into()], ..none() }), 0);
        let since = |since| count(LogFilter { since: Some(since), ..none() });
        assert_eq!(since(Since::At("2026-11-21T10:00:00Z".into())), 2);
        assert_eq!(since(Since::Ago(Duration::from_secs(3_000_000_000))), 3);
        assert_eq!(super::read(folder.path(), &none(), 1).unwrap().lines.len(), 1);
        assert_eq!(super::read(&folder.path().join("no"), &none(), 1).unwrap().files, 0);
    }
}
