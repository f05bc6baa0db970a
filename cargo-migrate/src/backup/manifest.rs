//! `manifest.json`: what a backup is a backup of, and how to know that it still is one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::inspection::Identity;

/// The version of the manifest's form. A newer one is refused: what it says may mean something else.
pub(crate) const VERSION: u32 = 1;

/// What a backup is a backup of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// [`VERSION`].
    pub(crate) version: u32,
    /// `backup-20261121T193059Z`, which is its folder's name too.
    pub(crate) id: String,
    /// The environment of the configuration, where one was named.
    pub(crate) environment: Option<String>,
    /// Where the database is, without a password.
    pub(crate) server: String,
    /// `server_version_num`.
    pub(crate) server_version: u32,
    pub(crate) identity: Identity,
    /// The server's time of the snapshot that was copied, ISO 8601.
    pub(crate) taken_at: String,
    pub(crate) elapsed_ms: u64,
    pub(crate) format: Format,
    /// `zstd`, `gzip`.
    pub(crate) compression: String,
    pub(crate) scope: Scope,
    /// Every file beside the manifest, by its path in the folder.
    pub(crate) files: BTreeMap<String, FileEntry>,
    /// All files together.
    pub(crate) bytes: u64,
    /// `pg_database_size`.
    pub(crate) database_bytes: u64,
    /// `cargo migrate schema --digest` of what was copied; `None` where only tables were.
    pub(crate) schema_digest: Option<String>,
    /// The rows of each table whose data was copied, by its qualified name as SQL writes it.
    pub(crate) rows: BTreeMap<String, u64>,
    /// The history: stem, checksum of the up text, whether it is dirty.
    pub(crate) history: Vec<Recorded>,
    /// What the digest over the pending set was, where pending migrations decided what was copied or the backup was made for
    /// a run.
    pub(crate) pending: Option<String>,
    /// Programs and their versions: `pg_dump`, `cargo-migrate`.
    pub(crate) tools: BTreeMap<String, String>,
    /// The last time that it was verified.
    pub(crate) verified: Option<Verified>,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) bytes: u64,
    /// 64 hex digits.
    pub(crate) sha256: String,
}

/// A recorded migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) stem: String,
    pub(crate) checksum: Option<String>,
    pub(crate) dirty: bool,
}

/// pg_dump's formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// One archive for pg_restore.
    #[default]
    Custom,
    /// A folder for pg_restore, written by several jobs at once.
    Directory,
    /// SQL, for `zcat | psql`.
    Plain,
}

/// How much of the database was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Scope {
    /// All of it.
    Whole,
    /// Some tables, their data and what makes them: patterns as pg_dump takes them.
    Tables { tables: Vec<String> },
    /// Whole schemas.
    Schemas { schemas: Vec<String> },
    /// The tables that the pending migrations change or destroy.
    Affected { tables: Vec<String> },
}

/// That a backup was read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verified {
    /// When, ISO 8601.
    pub(crate) at: String,
    /// It was restored into a scratch database too, and schema and row counts were the same.
    pub(crate) restored: bool,
}
