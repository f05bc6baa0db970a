//! Where each migration stands.

use migrate_runtime::{Status, StatusEntry, StatusState};
use serde_json::{Value, json};

use crate::deploy::Past;
use crate::health::Changed;
use crate::render::json::milliseconds;
use crate::render::table::{Cell, Column, table};
use crate::render::words::{count, time};
use crate::render::{Page, Paint, View, escape_line};

/// Where each migration stands.
pub(crate) struct StatusView {
    pub(crate) status: Status,
    /// The deployment that has not ended, where there is one.
    pub(crate) unfinished: Option<Past>,
    /// What is told beside the states, where more was asked for.
    pub(crate) more: Option<StatusMore>,
}

/// What is told beside the states.
pub(crate) struct StatusMore {
    /// Whether the schema was changed beside the migrations.
    pub(crate) changed: Changed,
    /// Files that were modified after they were applied: the migration, the recorded checksum, the file's, and whether
    /// only comments and white space differ, where that is known.
    pub(crate) modified: Vec<(String, String, String, Option<bool>)>,
}

const COLUMNS: [Column<'static>; 6] = [
    Column { title: "migration", goes: 0, shrinks_to: Some(16) },
    Column { title: "state", goes: 0, shrinks_to: None },
    Column { title: "applied at", goes: 2, shrinks_to: Some(19) },
    Column { title: "took", goes: 3, shrinks_to: None },
    Column { title: "by", goes: 4, shrinks_to: Some(8) },
    Column { title: "checksum", goes: 5, shrinks_to: None },
];

/// The state, for people and for programs.
pub(crate) fn name(state: StatusState) -> &'static str {
    match state {
        StatusState::Applied => "applied",
        StatusState::Pending => "pending",
        StatusState::OutOfOrder => "out of order",
        StatusState::Dirty => "dirty",
        StatusState::Modified => "modified",
        StatusState::Renamed => "renamed",
        StatusState::Missing => "missing",
        StatusState::Newer => "newer",
        StatusState::BadChecksum => "bad checksum",
        StatusState::Duplicate => "duplicate",
        StatusState::BadVersion => "bad version",
        _ => "other",
    }
}

/// As JSON has it.
pub(super) fn key(state: StatusState) -> String {
    name(state).replace(' ', "_")
}

fn painted(state: StatusState) -> Cell {
    let paint = match state {
        StatusState::Applied => Paint::good,
        StatusState::Pending => Paint::note,
        StatusState::Newer | StatusState::OutOfOrder => Paint::warn,
        _ => Paint::bad,
    };
    Cell::painted(name(state), paint)
}

impl StatusView {
    /// Whether `status --check` finds something: anything that is not simply applied, or newer than what is here.
    pub(crate) fn finds(&self) -> bool {
        self.status
            .entries
            .iter()
            .any(|entry| !matches!(entry.state, StatusState::Applied | StatusState::Newer))
    }

    fn count(&self, state: StatusState) -> usize {
        self.status.entries.iter().filter(|entry| entry.state == state).count()
    }

    fn summary(&self) -> String {
        let database = escape_line(&self.status.database);
        let states = [
            StatusState::Pending,
            StatusState::OutOfOrder,
            StatusState::Dirty,
            StatusState::Modified,
            StatusState::Renamed,
            StatusState::Missing,
            StatusState::BadChecksum,
            StatusState::Duplicate,
            StatusState::BadVersion,
            StatusState::Newer,
        ];
        let mut parts = vec![format!("{} applied", self.count(StatusState::Applied))];
        parts.extend(
            states
                .into_iter()
                .map(|state| (self.count(state), state))
                .filter(|(number, _)| *number > 0)
                .map(|(number, state)| format!("{number} {}", name(state))),
        );
        let history = if self.status.history_exists { "" } else { " (it has no history table yet)" };
        format!("{database}{history}: {}", parts.join(", "))
    }
}

/// Enough of a checksum to tell it from another.
fn short(checksum: &str) -> &str {
    checksum.get(..12).unwrap_or(checksum)
}

impl StatusView {
    /// The recorded one, or the file's where none is recorded; both where they differ; nothing where it was not asked for.
    fn checksum(&self, entry: &StatusEntry) -> String {
        match (&self.more, &entry.recorded, &entry.found) {
            (None, ..) | (_, None, None) => String::new(),
            (_, Some(one), None) | (_, None, Some(one)) => short(one).to_owned(),
            (_, Some(recorded), Some(found)) if recorded == found => short(recorded).to_owned(),
            (_, Some(recorded), Some(found)) => format!("{} (file: {})", short(recorded), short(found)),
        }
    }
}

impl StatusMore {
    fn human(&self) -> String {
        let mut text = String::new();
        for (stem, _, _, cosmetic) in &self.modified {
            let what = match cosmetic {
                Some(true) => "only comments and white space differ",
                Some(false) => "its statements differ",
                None => "what was applied is not known, so that the two cannot be compared",
            };
            text += &format!("{} was modified after it was applied: {what}\n", escape_line(stem));
        }
        text + &format!("changed beside the migrations: {}\n", super::health::drift(&self.changed))
    }

    fn json(&self) -> Value {
        let modified = |(stem, recorded, found, cosmetic): &(String, String, String, Option<bool>)| json!({ "migration": stem, "recorded": recorded, "found": found, "cosmetic": cosmetic });
        json!({
            "drift": super::health::drift_json(&self.changed),
            "modified": self.modified.iter().map(modified).collect::<Value>(),
        })
    }
}

impl View for StatusView {
    fn human(&self, page: Page) -> String {
        let row = |entry: &StatusEntry| {
            let took = entry.duration.map(time).unwrap_or_default();
            vec![
                Cell::plain(&entry.stem),
                painted(entry.state),
                Cell::plain(entry.applied_at.as_deref().unwrap_or_default()),
                Cell::plain(&took),
                Cell::plain(entry.by.as_deref().unwrap_or_default()),
                Cell::plain(&self.checksum(entry)),
            ]
        };
        let rows: Vec<_> = self.status.entries.iter().map(row).collect();
        let mut text =
            if rows.is_empty() { String::new() } else { table(&COLUMNS, &rows, page.width, page.paint) };
        text += &format!("{}\n", self.summary());
        let one_way = self
            .status
            .entries
            .iter()
            .filter(|entry| entry.state == StatusState::Applied && !entry.reversible);
        match one_way.count() {
            0 => {}
            number => text += &format!("{} cannot be rolled back\n", count(number, "applied migration")),
        }
        if let Some(past) = &self.unfinished {
            text += &format!("{}\n", super::deploy::unfinished(past));
        }
        if let Some(more) = &self.more {
            text += &more.human();
        }
        text
    }

    fn json(&self) -> Value {
        let entry = |entry: &StatusEntry| {
            json!({
                "migration": entry.stem,
                "state": key(entry.state),
                "applied_at": entry.applied_at,
                "elapsed_ms": entry.duration.map(milliseconds),
                "by": entry.by,
                "recorded_checksum": entry.recorded,
                "file_checksum": entry.found,
                "reversible": entry.reversible,
            })
        };
        json!({
            "database": self.status.database,
            "history_exists": self.status.history_exists,
            "up_to_date": !self.finds(),
            "migrations": self.status.entries.iter().map(entry).collect::<Value>(),
            "unfinished_deployment": self.unfinished.as_ref().map(super::deploy::unfinished_json),
            "more": self.more.as_ref().map(StatusMore::json),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    fn entry(stem: &str, state: StatusState) -> StatusEntry {
        let applied = !matches!(state, StatusState::Pending | StatusState::OutOfOrder);
        StatusEntry {
            stem: stem.into(),
            state,
            applied_at: applied.then(|| "2026-11-21T10:00:00Z".into()),
            duration: applied.then_some(Duration::from_millis(12)),
            by: applied.then(|| "app (ci@runner-7)".into()),
            recorded: None,
            found: None,
            reversible: state != StatusState::Applied,
        }
    }

    fn view() -> StatusView {
        StatusView {
            more: None,
            unfinished: None,
            status: Status {
                database: "postgres://app@db.example:5432/shop".into(),
                history_exists: true,
                entries: vec![
                    entry("0001_create_customers", StatusState::Applied),
                    entry("0002_create_\u{1b}[2Jorders_with_a_rather_long_name", StatusState::Modified),
                    entry("0003_x", StatusState::OutOfOrder),
                    entry("0004_index_orders_concurrently", StatusState::Dirty),
                    entry("0005_y", StatusState::Pending),
                    entry("0099_z", StatusState::Newer),
                ],
            },
        }
    }

    #[test]
    fn wide_narrow_and_into_a_file() {
        let text = |width| view().human(Page { width, paint: Paint::default() });
        insta::assert_snapshot!(format!("{}\n{}\n{}", text(None), text(Some(60)), text(Some(20))));
        insta::assert_snapshot!(
            "colour",
            view().human(Page { width: None, paint: Paint { on: true } }).replace('\u{1b}', "␛")
        );
        let mut more = view();
        for (entry, found) in more.status.entries.iter_mut().zip(["a", "b"]) {
            (entry.recorded, entry.found) = (Some("a".repeat(64)), Some(found.repeat(64)));
        }
        let modified = ("0002_x".to_owned(), "a".repeat(64), "b".repeat(64), Some(true));
        more.more =
            Some(StatusMore { changed: Changed::Unknown { why: "of a test" }, modified: vec![modified] });
        let page = Page { width: None, paint: Paint::default() };
        insta::assert_snapshot!("more", format!("{}\n{}", more.human(page), more.json()["more"]));
        insta::assert_snapshot!("json", serde_json::to_string_pretty(&view().json()).unwrap());
    }

    #[test]
    fn only_what_is_applied_or_newer_passes_a_check() {
        let finds = |state| {
            StatusView {
                more: None,
                unfinished: None,
                status: Status {
                    database: String::new(),
                    history_exists: true,
                    entries: vec![entry("1_a", state)],
                },
            }
            .finds()
        };
        assert!(!finds(StatusState::Applied) && !finds(StatusState::Newer));
        for state in [
            StatusState::Pending,
            StatusState::OutOfOrder,
            StatusState::Dirty,
            StatusState::Modified,
            StatusState::Renamed,
            StatusState::Missing,
            StatusState::BadChecksum,
            StatusState::Duplicate,
            StatusState::BadVersion,
        ] {
            assert!(finds(state), "{state:?}");
        }
    }
}
