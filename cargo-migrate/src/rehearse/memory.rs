//! What rehearsals measured, kept for later estimates: `rehearsal.json` in the log folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use migrate_core::{Checksum, file};
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::inspection::Identity;

/// The version of the file's form. Another one is read as nothing: it is a help and no more.
const VERSION: u32 = 1;
/// The most that is read.
const MAX_BYTES: u64 = 1 << 24;
/// More are not kept: the oldest go.
const KEPT: usize = 2000;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Book {
    version: u32,
    /// By the checksum of the up text.
    measured: BTreeMap<String, Entry>,
}

/// What was measured of one migration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    stem: String,
    /// Of the database whose backup it ran on.
    identity: Identity,
    elapsed_ms: f64,
    /// When, ISO 8601.
    at: String,
}

/// One migration that was applied in a rehearsal.
pub(super) struct Measured<'a> {
    pub(super) stem: &'a str,
    pub(super) checksum: Checksum,
    pub(super) elapsed: Duration,
}

/// The file's name in the log folder.
const NAME: &str = "rehearsal.json";

fn read(folder: &Path) -> Book {
    let bytes = file::read(&folder.join(NAME), MAX_BYTES).ok();
    let book = bytes.and_then(|bytes| serde_json::from_slice::<Book>(&bytes).ok());
    book.filter(|book| book.version == VERSION).unwrap_or_default()
}

/// How long a migration took the last time that it was rehearsed with exactly this text, on a copy of this database, and
/// when that was (ISO 8601); `None` where it was not.
pub(crate) fn measured(
    settings: &Settings,
    identity: &Identity,
    stem: &str,
    checksum: &Checksum,
) -> Option<(Duration, String)> {
    in_folder(&settings.log_dir.value, identity, stem, checksum)
}

fn in_folder(
    folder: &Path,
    identity: &Identity,
    stem: &str,
    checksum: &Checksum,
) -> Option<(Duration, String)> {
    let book = read(folder);
    let entry = book.measured.get(&checksum.to_string())?;
    let same = entry.stem == stem && entry.identity == *identity;
    let elapsed = Duration::try_from_secs_f64(entry.elapsed_ms / 1e3).ok()?;
    same.then(|| (elapsed, entry.at.clone()))
}

/// Keeps what was measured. Where it cannot be written, there is no estimate, and nothing else is different.
pub(super) fn keep(settings: &Settings, identity: &Identity, at: &str, measured: &[Measured<'_>]) {
    keep_in(&settings.log_dir.value, identity, at, measured);
}

fn keep_in(folder: &Path, identity: &Identity, at: &str, measured: &[Measured<'_>]) {
    let mut book = read(folder);
    book.version = VERSION;
    for one in measured {
        let entry = Entry {
            stem: one.stem.to_owned(),
            identity: identity.clone(),
            elapsed_ms: one.elapsed.as_secs_f64() * 1e3,
            at: at.to_owned(),
        };
        book.measured.insert(one.checksum.to_string(), entry);
    }
    while book.measured.len() > KEPT {
        let oldest = book.measured.iter().min_by(|(_, a), (_, b)| a.at.cmp(&b.at));
        let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
        book.measured.remove(&oldest);
    }
    let Ok(text) = serde_json::to_vec_pretty(&book) else { return };
    if file::private_folder(folder).is_ok() {
        let _ = file::replace_private(&folder.join(NAME), &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_counts_for_this_text_on_this_database() {
        let folder = tempfile::tempdir().unwrap();
        let folder = &folder.path().join("log");
        let here = Identity { system: Some("1".to_owned()), oid: 5, database: "shop".to_owned() };
        let checksum = Checksum::of("ALTER TABLE a ADD b int");
        let took = |stem: &str, identity: &Identity, checksum: &Checksum| {
            in_folder(folder, identity, stem, checksum).map(|(took, _)| took)
        };
        assert_eq!(took("0001_a", &here, &checksum), None);
        let one = |millis| Measured { stem: "0001_a", checksum, elapsed: Duration::from_millis(millis) };
        keep_in(folder, &here, "2026-11-21T19:00:00Z", &[one(7)]);
        keep_in(folder, &here, "2026-11-21T19:30:00Z", &[one(9)]);
        assert_eq!(took("0001_a", &here, &checksum), Some(Duration::from_millis(9)));
        let at = in_folder(folder, &here, "0001_a", &checksum).map(|(_, at)| at);
        assert_eq!(at.as_deref(), Some("2026-11-21T19:30:00Z"));
        assert_eq!(took("0002_a", &here, &checksum), None);
        assert_eq!(took("0001_a", &here, &Checksum::of("other")), None);
        assert_eq!(took("0001_a", &Identity { oid: 6, ..here.clone() }, &checksum), None);
        // A file that makes no sense, or of another version, is none.
        for text in ["{", "{\"version\":2,\"measured\":{}}"] {
            std::fs::write(folder.join(NAME), text).unwrap();
            assert_eq!(took("0001_a", &here, &checksum), None);
        }
        let many: Vec<_> = (0..KEPT + 3).map(|number| Checksum::of(&number.to_string())).collect();
        let many: Vec<_> = many
            .iter()
            .map(|checksum| Measured { stem: "0001_a", checksum: *checksum, elapsed: Duration::ZERO })
            .collect();
        keep_in(folder, &here, "2026-11-21T19:00:00Z", &many);
        keep_in(folder, &here, "2026-11-21T19:30:00Z", &[one(9)]);
        assert_eq!(
            (read(folder).measured.len(), took("0001_a", &here, &checksum)),
            (KEPT, Some(Duration::from_millis(9)))
        );
    }
}
