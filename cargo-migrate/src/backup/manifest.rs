//! `manifest.json`: what a backup is a backup of, and how to know that it still is one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::restore::Locale;
use crate::inspection::Identity;

/// The version of the manifest's form. A newer one is refused: what it says may mean something else. The first one had no
/// seal.
pub(crate) const VERSION: u32 = 2;

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
    /// How it keeps text: encoding, provider and names of the locale. `None` in those of version 1.
    #[serde(default)]
    pub(crate) locale: Option<Locale>,
    /// The rows of each table whose data was copied, by its qualified name as SQL writes it. `None` where they were not
    /// counted yet: reading the archive through does that.
    pub(crate) rows: BTreeMap<String, Option<u64>>,
    /// The roles that own something in the database, or may do something with it: a server that is to take it needs them.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
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

impl Format {
    /// The archive's name in a backup's folder.
    pub(crate) fn archive(self) -> &'static str {
        match self {
            Self::Custom => "archive.dump",
            Self::Directory => "archive",
            Self::Plain => "archive.sql.gz",
        }
    }

    /// As pg_dump and people name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Directory => "directory",
            Self::Plain => "plain",
        }
    }
}

impl Manifest {
    /// The major version of the pg_dump that wrote the archive; an older pg_restore cannot read it.
    pub(crate) fn pg_dump_major(&self) -> Option<u32> {
        let version = self.tools.get("pg_dump")?;
        version.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?.parse().ok()
    }

    /// The server's major version.
    pub(crate) fn server_major(&self) -> u32 {
        self.server_version / 10_000
    }
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A manifest of a small backup.
    pub(crate) fn manifest(id: &str) -> Manifest {
        Manifest {
            version: VERSION,
            id: id.to_owned(),
            environment: None,
            server: "postgres://postgres@db:5432/shop".to_owned(),
            server_version: 150_018,
            identity: Identity {
                system: Some("7300000000000000001".to_owned()),
                oid: 16_384,
                database: "shop".to_owned(),
            },
            taken_at: "2026-11-21T10:00:00.000Z".to_owned(),
            elapsed_ms: 1_200,
            format: Format::Custom,
            compression: "gzip".to_owned(),
            scope: Scope::Whole,
            files: BTreeMap::new(),
            bytes: 42_000,
            database_bytes: 9_000_000,
            schema_digest: None,
            locale: None,
            rows: BTreeMap::new(),
            roles: vec!["postgres".to_owned()],
            history: Vec::new(),
            pending: None,
            tools: [("pg_dump", "pg_dump (PostgreSQL) 15.18"), ("cargo-migrate", "0.1.0")]
                .map(|(tool, version)| (tool.to_owned(), version.to_owned()))
                .into(),
            verified: None,
        }
    }

    #[test]
    fn a_manifest_is_read_back_as_it_was_written() {
        let mut written = manifest("backup-20261121T100000Z");
        written.scope = Scope::Affected { tables: vec!["public.orders".to_owned()] };
        written.verified = Some(Verified { at: "2026-11-21T11:00:00.000Z".to_owned(), restored: true });
        let text = serde_json::to_string(&written).unwrap();
        let read: Manifest = serde_json::from_str(&text).unwrap();
        assert_eq!(read, written);
        assert_eq!((read.pg_dump_major(), read.server_major()), (Some(15), 15));
    }
}
