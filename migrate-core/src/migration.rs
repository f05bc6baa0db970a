//! A migration and the set of all of them.

use std::borrow::Cow;

use crate::{HistoryDigest, Script, Version};

/// One migration: an up script and, unless it is irreversible, a down script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The identity, as recorded in the history: `0010_add_products`.
    pub stem: Cow<'static, str>,
    /// The number that decides the order.
    pub version: Version,
    /// What applies it.
    pub up: Script,
    /// What rolls it back; `None` where the up file says `-- migrate: irreversible`.
    pub down: Option<Script>,
}

/// All migrations of a folder or of an application, in the order of their versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// In the order of their versions; no version twice.
    pub migrations: Cow<'static, [Migration]>,
    /// What the history digests to when exactly this set is applied.
    pub digest: HistoryDigest,
    /// The folder that the set was read from, for messages; `embed!` writes its path relative to the crate.
    pub folder: Cow<'static, str>,
}

impl Set {
    /// A set of these migrations, sorted by version. The caller has seen to it that no version stands twice.
    pub fn new(folder: impl Into<Cow<'static, str>>, mut migrations: Vec<Migration>) -> Self {
        migrations.sort_by_key(|migration| migration.version);
        let digest =
            HistoryDigest::of(migrations.iter().map(|m| (m.stem.as_ref(), m.up.checksum.to_string())));
        Self { migrations: migrations.into(), digest, folder: folder.into() }
    }

    /// The migration with this version.
    pub fn get(&self, version: Version) -> Option<&Migration> {
        let index = self.migrations.binary_search_by_key(&version, |migration| migration.version).ok()?;
        self.migrations.get(index)
    }

    /// The migration that a recorded version names: by its whole stem, or by its number alone, as tools write it
    /// that record only the number.
    pub fn find_recorded(&self, recorded: &str) -> Option<&Migration> {
        let digits = recorded.split('_').next()?;
        self.get(Version::new(digits.parse().ok()?))
    }
}
