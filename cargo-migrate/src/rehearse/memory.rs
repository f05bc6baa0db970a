//! What rehearsals measured, kept for later estimates: `rehearsal.json` in the log folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
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

fn path(settings: &Settings) -> PathBuf {
    settings.log_dir.value.join("rehearsal.json")
}

fn read(settings: &Settings) -> Book {
    let bytes = file::read(&path(settings), MAX_BYTES).ok();
    let book = bytes.and_then(|bytes| serde_json::from_slice::<Book>(&bytes).ok());
    book.filter(|book| book.version == VERSION).unwrap_or_default()
}

/// How long a migration took the last time that it was rehearsed with exactly this text, on a copy of this database;
/// `None` where it was not.
pub(crate) fn measured(
    settings: &Settings,
    identity: &Identity,
    stem: &str,
    checksum: &Checksum,
) -> Option<Duration> {
    let book = read(settings);
    let entry = book.measured.get(&checksum.to_string())?;
    let same = entry.stem == stem && entry.identity == *identity;
    same.then(|| Duration::try_from_secs_f64(entry.elapsed_ms / 1e3).ok()).flatten()
}

/// Keeps what was measured. Where it cannot be written, there is no estimate, and nothing else is different.
pub(super) fn keep(settings: &Settings, identity: &Identity, at: &str, measured: &[Measured<'_>]) {
    let mut book = read(settings);
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
    if file::private_folder(&settings.log_dir.value).is_ok() {
        let _ = file::replace_private(&path(settings), &text);
    }
}
