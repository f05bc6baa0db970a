//! A migration and the set of all of them.

use std::borrow::Cow;

use crate::{CheckScript, Checksum, HistoryDigest, Script, Version, name};

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
    /// What must hold before and behind it; `None` where there is no `.check.sql`. No part of the history's digest: a
    /// check that is added later changes nothing of what was applied.
    pub check: Option<CheckScript>,
}

impl Migration {
    /// The up script, then the down script where there is one.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> {
        std::iter::once(&self.up).chain(&self.down)
    }

    /// The name and the checksum of each of its files: up, down, check.
    pub fn files(&self) -> impl Iterator<Item = (&str, Checksum)> {
        let scripts = self.scripts().map(|script| (script.file.as_ref(), script.checksum));
        scripts.chain(self.check.iter().map(|check| (check.file.as_ref(), check.checksum)))
    }

    /// The [`scripts`](Self::scripts), to be changed.
    pub fn scripts_mut(&mut self) -> impl Iterator<Item = &mut Script> {
        std::iter::once(&mut self.up).chain(&mut self.down)
    }
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

    /// Every script, in the order of the versions, up before down.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> {
        self.migrations.iter().flat_map(Migration::scripts)
    }

    /// Every file, in the order of the versions, with its checksum: up, down, check.
    pub fn files(&self) -> impl Iterator<Item = (&str, Checksum)> {
        self.migrations.iter().flat_map(Migration::files)
    }

    /// The migration with this version.
    pub fn get(&self, version: Version) -> Option<&Migration> {
        let index = self.migrations.binary_search_by_key(&version, |migration| migration.version).ok()?;
        self.migrations.get(index)
    }

    /// The migration that a recorded version names: by its whole stem, or by its number alone, as tools write it
    /// that record only the number.
    pub fn find_recorded(&self, recorded: &str) -> Option<&Migration> {
        let (version, _) = name::parse_recorded(recorded)?;
        self.get(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::set;

    #[test]
    fn is_sorted_by_number() {
        let set = set(&["10_c", "9_b", "0001_a"]);
        let stems: Vec<_> = set.migrations.iter().map(|m| m.stem.as_ref()).collect();
        assert_eq!(stems, ["0001_a", "9_b", "10_c"]);
        assert_eq!(set.get(Version::new(9)).map(|m| m.stem.as_ref()), Some("9_b"));
        assert_eq!(set.get(Version::new(2)), None);
    }

    #[test]
    fn finds_what_was_recorded_by_stem_or_by_number() {
        let set = set(&["0001_a", "0010_b"]);
        for recorded in ["0010_b", "10", "0010", "0010_renamed"] {
            assert_eq!(set.find_recorded(recorded).map(|m| m.stem.as_ref()), Some("0010_b"), "{recorded}");
        }
        for recorded in ["", "2", "b", "+10", " 10"] {
            assert_eq!(set.find_recorded(recorded), None, "{recorded}");
        }
    }
}
