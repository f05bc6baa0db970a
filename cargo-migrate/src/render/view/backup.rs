//! Backups: one, all, how far one is, and what became of verifying and pruning them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::backup::{self, Backup, Damage, Entry, Manifest, Progress, Room, Scope};
use crate::render::meter::bar;
use crate::render::table::{Cell, Column, table};
use crate::render::words::{bytes, count, server_version, time};
use crate::render::{Page, Paint, View, escape_line};

/// How far a backup is.
pub(crate) struct BackupProgress<'a>(pub(crate) &'a Progress);

impl View for BackupProgress<'_> {
    fn human(&self, _: Page) -> String {
        let Progress { done, total, table } = self.0;
        let table = table.as_deref().unwrap_or_default();
        format!(
            "backup {} {} of {} {}\n",
            bar(*done, *total),
            bytes(*done),
            bytes(*total),
            escape_line(table)
        )
    }

    fn json(&self) -> Value {
        json!({ "done_bytes": self.0.done, "total_bytes": self.0.total, "table": self.0.table })
    }
}

/// That a backup may not fit on its disk.
pub(crate) struct BackupRoom<'a>(pub(crate) &'a Room);

impl View for BackupRoom<'_> {
    fn human(&self, page: Page) -> String {
        format!(
            "{}: the backup may not fit on the disk of {}: {}\n",
            page.paint.warn("warning"),
            escape_line(&self.0.folder.display().to_string()),
            escape_line(&self.0.in_words())
        )
    }

    fn json(&self) -> Value {
        let last = self.0.last.as_ref().map(|(id, bytes)| json!({ "id": id, "bytes": bytes }));
        json!({
            "folder": self.0.folder.display().to_string(), "free_bytes": self.0.free,
            "expected_bytes": self.0.expected, "table_bytes": self.0.tables, "last": last,
        })
    }
}

/// One backup: what was made, and what `show` shows.
pub(crate) struct BackupView {
    pub(crate) backup: Backup,
    pub(crate) latest: bool,
    pub(crate) now: SystemTime,
    /// It was just made.
    pub(crate) made: bool,
    /// What was pruned after it.
    pub(crate) pruned: Vec<String>,
}

impl View for BackupView {
    fn human(&self, page: Page) -> String {
        let paint = page.paint;
        let manifest = &self.backup.manifest;
        let mut text = String::new();
        if self.made {
            text += &format!(
                "{} {} in {}\n",
                paint.good("backed up:"),
                escape_line(&manifest.server),
                time(Duration::from_millis(manifest.elapsed_ms))
            );
        }
        for (name, value) in rows(self) {
            text += &format!("{} {}\n", paint.faint(&format!("{name:>14}")), escape_line(&value));
        }
        if !self.pruned.is_empty() {
            text += &format!("removed: {}\n", self.pruned.join(", "));
        }
        if self.made {
            text += &format!("check it: cargo migrate backup verify {}\n", escape_line(self.backup.id()));
        }
        text
    }

    fn json(&self) -> Value {
        let mut value = whole(&self.backup, self.latest, self.now);
        if let Some(object) = value.as_object_mut()
            && self.made
        {
            object.insert("pruned".to_owned(), self.pruned.clone().into());
        }
        value
    }
}

fn rows(view: &BackupView) -> Vec<(&'static str, String)> {
    let manifest = &view.backup.manifest;
    let mut rows = vec![
        ("backup", manifest.id.clone() + if view.latest { " (latest)" } else { "" }),
        ("folder", view.backup.folder.display().to_string()),
        ("of", format!("{}, PostgreSQL {}", manifest.server, server_version(manifest.server_version))),
        ("database", manifest.identity.to_string()),
    ];
    rows.extend(manifest.environment.clone().map(|environment| ("environment", environment)));
    rows.extend([
        ("taken at", format!("{}, {} ago", manifest.taken_at, aged(&view.backup, view.now))),
        ("copied", scope(&manifest.scope)),
        (
            "size",
            format!(
                "{} in {} ({}, {}), of a database of {}",
                bytes(manifest.bytes),
                count(manifest.files.len(), "file"),
                manifest.format.name(),
                manifest.compression,
                bytes(manifest.database_bytes)
            ),
        ),
        ("rows", counted(&manifest.rows)),
        ("history", history(manifest)),
    ]);
    rows.extend(manifest.schema_digest.clone().map(|digest| ("schema digest", digest)));
    if !view.made {
        rows.extend(manifest.tools.iter().map(|(tool, version)| {
            let version = version.strip_prefix(&format!("{tool} ")).unwrap_or(version);
            ("made with", format!("{tool} {version}"))
        }));
        rows.push(("verified", verified(manifest)));
    }
    rows
}

fn counted(tables: &BTreeMap<String, Option<u64>>) -> String {
    let known: Vec<u64> = tables.values().copied().flatten().collect();
    let sum = known.iter().fold(0_u64, |sum, rows| sum.saturating_add(*rows));
    match tables.len() - known.len() {
        0 => format!("{sum} in {}", count(known.len(), "table")),
        larger if known.is_empty() => {
            format!("{}, not counted yet: `backup verify` does", count(larger, "table"))
        }
        larger => format!(
            "{sum} in {}; {} more, not counted yet: `backup verify` does",
            count(known.len(), "table"),
            count(larger, "larger table")
        ),
    }
}

fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Whole => "the whole database".to_owned(),
        Scope::Tables { tables } => format!("tables: {}", tables.join(", ")),
        Scope::Schemas { schemas } => format!("schemas: {}", schemas.join(", ")),
        Scope::Affected { tables } => {
            format!("tables that pending migrations change: {}", tables.join(", "))
        }
    }
}

fn short_scope(scope: &Scope) -> String {
    match scope {
        Scope::Whole => "whole".to_owned(),
        Scope::Tables { tables } => count(tables.len(), "table"),
        Scope::Schemas { schemas } => count(schemas.len(), "schema"),
        Scope::Affected { tables } => format!("affected: {}", count(tables.len(), "table")),
    }
}

fn history(manifest: &Manifest) -> String {
    match manifest.history.last() {
        None => "none".to_owned(),
        Some(newest) => {
            let dirty = manifest.history.iter().filter(|recorded| recorded.dirty).count();
            let dirty = if dirty > 0 { format!(", {dirty} dirty") } else { String::new() };
            format!("{}, newest {}{dirty}", count(manifest.history.len(), "migration"), newest.stem)
        }
    }
}

fn verified(manifest: &Manifest) -> String {
    match &manifest.verified {
        None => "never".to_owned(),
        Some(verified) if verified.restored => format!("{}, restored", verified.at),
        Some(verified) => format!("{}, read", verified.at),
    }
}

fn aged(backup: &Backup, now: SystemTime) -> String {
    let Some(age) = backup::age(backup, now) else { return "?".to_owned() };
    let days = age.as_secs() / 86_400;
    if days >= 2 { format!("{days} days") } else { time(Duration::from_secs(age.as_secs())) }
}

/// The manifest, and what is known beside it.
fn whole(backup: &Backup, latest: bool, now: SystemTime) -> Value {
    // What serde writes to a file it writes here.
    let mut value = serde_json::to_value(&backup.manifest).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("folder".to_owned(), backup.folder.display().to_string().into());
        object.insert("latest".to_owned(), latest.into());
        object.insert("age_s".to_owned(), backup::age(backup, now).map(|age| age.as_secs()).into());
    }
    value
}

/// All backups, newest first.
pub(crate) struct BackupListView {
    pub(crate) folder: PathBuf,
    pub(crate) entries: Vec<Entry>,
    pub(crate) latest: Option<String>,
    pub(crate) now: SystemTime,
}

const COLUMNS: [Column; 8] = [
    Column { title: "backup", goes: 0, shrinks_to: None },
    Column { title: "of", goes: 4, shrinks_to: Some(8) },
    Column { title: "age", goes: 2, shrinks_to: None },
    Column { title: "size", goes: 3, shrinks_to: None },
    Column { title: "format", goes: 6, shrinks_to: None },
    Column { title: "copied", goes: 5, shrinks_to: None },
    Column { title: "newest migration", goes: 7, shrinks_to: Some(12) },
    Column { title: "verified", goes: 1, shrinks_to: None },
];

impl View for BackupListView {
    fn human(&self, page: Page) -> String {
        if self.entries.is_empty() {
            return format!("there are no backups in {}\n", escape_line(&self.folder.display().to_string()));
        }
        let rows: Vec<_> = self.entries.iter().map(|entry| self.row(entry)).collect();
        let mut text = table(&COLUMNS, &rows, page.width, page.paint);
        text += &format!(
            "{} in {}\n",
            count(rows.len(), "backup"),
            escape_line(&self.folder.display().to_string())
        );
        for entry in &self.entries {
            if let Entry::Broken { id, damage } = entry {
                text += &format!(
                    "{} {}: {}\n",
                    page.paint.bad("damaged:"),
                    escape_line(id),
                    escape_line(&damage.to_string())
                );
            }
        }
        text
    }

    fn json(&self) -> Value {
        let entry = |entry: &Entry| match entry {
            Entry::Readable(backup) => whole(backup, self.is_latest(backup.id()), self.now),
            Entry::Broken { id, damage } => json!({ "id": id, "damage": damage.to_string() }),
        };
        json!({
            "folder": self.folder.display().to_string(),
            "backups": self.entries.iter().map(entry).collect::<Value>(),
        })
    }
}

impl BackupListView {
    fn is_latest(&self, id: &str) -> bool {
        self.latest.as_deref() == Some(id)
    }

    fn row(&self, entry: &Entry) -> Vec<Cell> {
        let backup = match entry {
            Entry::Readable(backup) => backup,
            Entry::Broken { id, .. } => {
                let mut cells = vec![Cell::plain(id)];
                cells.extend((2..COLUMNS.len()).map(|_| Cell::plain("")));
                cells.push(Cell::painted("damaged", Paint::bad));
                return cells;
            }
        };
        let manifest = &backup.manifest;
        let mark = if self.is_latest(backup.id()) { " (latest)" } else { "" };
        vec![
            Cell::plain(&format!("{}{mark}", backup.id())),
            Cell::plain(&backup::owner(manifest)),
            Cell::plain(&aged(backup, self.now)),
            Cell::plain(&bytes(manifest.bytes)),
            Cell::plain(manifest.format.name()),
            Cell::plain(&short_scope(&manifest.scope)),
            Cell::plain(manifest.history.last().map_or("", |newest| newest.stem.as_str())),
            match &manifest.verified {
                None => Cell::painted("no", Paint::warn),
                Some(verified) if verified.restored => Cell::painted("restored", Paint::good),
                Some(_) => Cell::painted("read", Paint::good),
            },
        ]
    }
}

/// What became of verifying one.
pub(crate) struct VerifiedView {
    pub(crate) id: String,
    /// `None` where it is good.
    pub(crate) why: Option<String>,
    pub(crate) restored: bool,
    /// How much was compared.
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    pub(crate) tables: usize,
    pub(crate) elapsed: Duration,
}

impl View for VerifiedView {
    fn human(&self, page: Page) -> String {
        let paint = page.paint;
        let id = escape_line(&self.id);
        if let Some(why) = &self.why {
            return format!(
                "{} {id}: {}\n{}: take another one (`cargo migrate backup list`), or make a new one\n",
                paint.bad("damaged:"),
                crate::render::escape(why),
                paint.note("hint")
            );
        }
        let how = if self.restored {
            "restored: schema and rows are what they were"
        } else {
            "read through; --restore tries it out"
        };
        format!(
            "{} {id}: {} of {} and the rows of {} compared, {how} ({})\n",
            paint.good("good:"),
            count(self.files, "checksum"),
            bytes(self.bytes),
            count(self.tables, "table"),
            time(self.elapsed)
        )
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "good": self.why.is_none(), "why": self.why, "restored": self.restored,
            "files": self.files, "bytes": self.bytes, "tables": self.tables,
            "elapsed_ms": crate::render::json::milliseconds(self.elapsed),
        })
    }
}

/// What may go, or went.
pub(crate) struct PrunedView {
    pub(crate) going: Vec<Backup>,
    /// It is gone.
    pub(crate) done: bool,
    pub(crate) kept: usize,
    /// Of other databases, and not looked at.
    pub(crate) others: usize,
    pub(crate) broken: Vec<(String, Damage)>,
    pub(crate) now: SystemTime,
}

impl View for PrunedView {
    fn human(&self, _: Page) -> String {
        let mut text = String::new();
        let verb = if self.done { "removed" } else { "would go" };
        for backup in &self.going {
            text += &format!(
                "{verb}: {} of {}, {} old, {}\n",
                escape_line(backup.id()),
                escape_line(&backup::owner(&backup.manifest)),
                aged(backup, self.now),
                bytes(backup.manifest.bytes)
            );
        }
        let all = self.going.iter().fold(0_u64, |sum, backup| sum.saturating_add(backup.manifest.bytes));
        let size = bytes(all);
        text += &match (self.going.len(), self.done) {
            (0, _) => format!("nothing may go; {} kept\n", count(self.kept, "backup")),
            (gone, true) => {
                format!("{} removed, {}; {} kept\n", count(gone, "backup"), size, self.kept)
            }
            (gone, false) => format!("{}, {}; {} kept\n", count(gone, "backup"), size, self.kept),
        };
        if self.others > 0 {
            text += &format!(
                "left alone: {} of other databases in the folder (--all)\n",
                count(self.others, "backup")
            );
        }
        for (id, damage) in &self.broken {
            text += &format!(
                "left alone, for it is damaged: {} ({})\n",
                escape_line(id),
                escape_line(&damage.to_string())
            );
        }
        text
    }

    fn json(&self) -> Value {
        let ids = |backups: &[Backup]| backups.iter().map(|backup| backup.id().to_owned()).collect::<Value>();
        json!({
            "removed": if self.done { ids(&self.going) } else { json!([]) },
            "would_remove": if self.done { json!([]) } else { ids(&self.going) },
            "kept": self.kept, "others": self.others,
            "damaged": self.broken.iter().map(|(id, _)| id.clone()).collect::<Value>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::backup::testing::backup;

    fn page(width: Option<usize>) -> Page {
        Page { width, paint: Paint::default() }
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_300_000)
    }

    #[test]
    fn one_backup() {
        let mut view = BackupView {
            backup: backup("backup-20261121T100000Z"),
            latest: true,
            now: now(),
            made: false,
            pruned: Vec::new(),
        };
        let shown = view.human(page(None));
        view.made = true;
        view.pruned = vec!["backup-20261101T100000Z".to_owned()];
        insta::assert_snapshot!(format!("{shown}\n{}", view.human(page(None))));
    }

    #[test]
    fn all_backups() {
        let view = BackupListView {
            folder: "/b".into(),
            entries: vec![
                Entry::Readable(Box::new(backup("backup-20261121T100000Z"))),
                Entry::Broken { id: "backup-2026\u{1b}".to_owned(), damage: Damage::NoManifest },
            ],
            latest: Some("backup-20261121T100000Z".to_owned()),
            now: now(),
        };
        insta::assert_snapshot!(format!("{}\n{}", view.human(page(None)), view.human(page(Some(60)))));
        let none = BackupListView { entries: Vec::new(), ..view };
        assert_eq!(none.human(page(None)), "there are no backups in /b\n");
    }

    #[test]
    fn what_may_go() {
        let mut view = PrunedView {
            going: vec![backup("backup-20261121T100000Z")],
            done: false,
            kept: 2,
            others: 0,
            broken: vec![("backup-x".to_owned(), Damage::NoManifest)],
            now: now(),
        };
        let shown = view.human(page(None));
        view.done = true;
        insta::assert_snapshot!(format!("{shown}\n{}", view.human(page(None))));
    }

    #[test]
    fn what_was_not_counted_is_said() {
        let tables = |rows: &[Option<u64>]| {
            counted(&rows.iter().enumerate().map(|(table, rows)| (table.to_string(), *rows)).collect())
        };
        assert_eq!(tables(&[Some(7), Some(3)]), "10 in 2 tables");
        assert_eq!(
            tables(&[Some(7), None]),
            "7 in 1 table; 1 larger table more, not counted yet: `backup verify` does"
        );
        assert_eq!(tables(&[None, None]), "2 tables, not counted yet: `backup verify` does");
    }

    #[test]
    fn progress_is_one_line() {
        let progress =
            Progress { done: 420_000_000, total: 930_000_000, table: Some("public.a\nb".to_owned()) };
        let line = BackupProgress(&progress).human(page(None));
        assert_eq!(line, "backup [#########-----------] 45 % 400 MB of 886 MB public.a\\nb\n");
    }
}
