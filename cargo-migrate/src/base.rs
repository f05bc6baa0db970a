//! The migrations folder against an earlier git revision: what is new, and what must not have changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use migrate_core::{Checksum, Direction, Migration, Set, Version, name, text};

use crate::{Problem, git};

/// A folder held against an earlier revision of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// As it was given: `origin/main`.
    pub(crate) rev: String,
    /// The commit that was looked at: where this checkout and the revision parted.
    pub(crate) commit: String,
    /// The stems that the revision has not, in order.
    pub(crate) new: Vec<String>,
    /// What became of files that the revision has, by file.
    pub(crate) changes: Vec<Change>,
}

/// What must not become of a file that others may have applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has another text.
    Edited {
        /// The file's name.
        file: String,
    },
    /// It is gone.
    Deleted {
        /// The file's name.
        file: String,
    },
    /// It is gone, and the same text stands under another name.
    Renamed {
        /// The file's old name.
        file: String,
        /// The new one.
        to: String,
    },
    /// It is new, and older than one that the revision has: where that one is applied, it is out of order.
    OutOfOrder {
        /// The up file's name.
        file: String,
        /// The newest migration of the revision.
        newest: String,
    },
}

impl Base {
    /// Whether the revision has no migration of this name.
    pub(crate) fn is_new(&self, stem: &str) -> bool {
        self.new.iter().any(|new| new == stem)
    }
}

impl Change {
    /// The file that it is about.
    pub(crate) fn file(&self) -> &str {
        match self {
            Self::Edited { file }
            | Self::Deleted { file }
            | Self::Renamed { file, .. }
            | Self::OutOfOrder { file, .. } => file,
        }
    }

    /// A short name for programs, kept stable.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Edited { .. } => "edited",
            Self::Deleted { .. } => "deleted",
            Self::Renamed { .. } => "renamed",
            Self::OutOfOrder { .. } => "out_of_order",
        }
    }
}

/// Holds the set of a folder against what the folder was where this checkout and `rev` parted.
pub(crate) fn compare(root: &Path, dir: &Path, rev: &str, set: &Set) -> Result<Base, Problem> {
    let commit = git::merge_base(root, dir, rev)?;
    let old = files(git::files_at(root, dir, &commit)?);
    let (new, changes) = judge(&old, set);
    Ok(Base { rev: rev.to_owned(), commit, new, changes })
}

/// The migrations that are not there, or not the same, where this checkout and `rev` parted.
///
/// # Errors
///
/// As [`compare`].
pub(crate) fn changed_since(
    root: &Path,
    dir: &Path,
    rev: &str,
    set: &Set,
) -> Result<BTreeSet<Version>, Problem> {
    let commit = git::merge_base(root, dir, rev)?;
    Ok(changed(&files(git::files_at(root, dir, &commit)?), set))
}

/// The version says which file was which: a migration that was given another name is the same one.
fn changed(old: &Files, set: &Set) -> BTreeSet<Version> {
    let then: HashMap<_, _> = old
        .iter()
        .filter_map(|(file, checksum)| {
            name::parse(file).ok().map(|name| ((name.version, name.part), *checksum))
        })
        .collect();
    let is_same = |migration: &&Migration| {
        let half = |way| then.get(&(migration.version, name::Part::Half(way))).copied();
        half(Direction::Up) == Some(Some(migration.up.checksum))
            && half(Direction::Down) == migration.down.as_ref().map(|down| Some(down.checksum))
    };
    set.migrations.iter().filter(|one| !is_same(one)).map(|migration| migration.version).collect()
}

/// What the files were; `None` where they were no text. A folder that was not in order is compared all the same. Checks
/// are left out: nothing that is applied depends on them, and so they may change.
type Files = BTreeMap<String, Option<Checksum>>;

fn files(files: Vec<git::File>) -> Files {
    let migrations = files.into_iter().filter_map(|(path, bytes)| {
        let file = path.file_name()?.to_str()?.to_owned();
        name::parse(&file).ok().filter(|name| name.part != name::Part::Check)?;
        let checksum = bytes.ok().and_then(|bytes| text::normalise(&bytes).ok());
        Some((file, checksum.map(|text| Checksum::of(&text))))
    });
    migrations.collect()
}

fn judge(old: &Files, set: &Set) -> (Vec<String>, Vec<Change>) {
    let now: BTreeMap<_, _> =
        set.scripts().map(|script| (script.file.to_string(), script.checksum)).collect();
    let stems: BTreeSet<_> =
        old.keys().filter_map(|file| name::parse(file).ok()).map(|name| name.stem).collect();
    let newest: Option<(Version, &str)> =
        old.keys().filter_map(|file| name::parse(file).ok()).map(|name| (name.version, name.stem)).max();
    let mut changes = Vec::new();
    for (file, checksum) in old {
        match now.get(file) {
            Some(found) if Some(*found) == *checksum => {}
            Some(_) => changes.push(Change::Edited { file: file.clone() }),
            None => {
                let same = |(new, found): &(&String, &Checksum)| {
                    !old.contains_key(*new) && Some(**found) == *checksum && part(new) == part(file)
                };
                changes.push(match now.iter().find(same) {
                    Some((to, _)) => Change::Renamed { file: file.clone(), to: to.clone() },
                    None => Change::Deleted { file: file.clone() },
                });
            }
        }
    }
    let is_new = |stem: &str| !stems.contains(stem);
    let renamed: BTreeSet<_> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Renamed { to, .. } => Some(to.clone()),
            _ => None,
        })
        .collect();
    let mut new = Vec::new();
    for migration in set.migrations.iter().filter(|migration| is_new(&migration.stem)) {
        new.push(migration.stem.to_string());
        let file = migration.up.file.to_string();
        if let Some((version, newest)) = newest
            && migration.version < version
            && !renamed.contains(&file)
        {
            changes.push(Change::OutOfOrder { file, newest: newest.to_owned() });
        }
    }
    changes.sort_by(|a, b| a.file().cmp(b.file()));
    (new, changes)
}

fn part(file: &str) -> Option<name::Part> {
    name::parse(file).ok().map(|name| name.part)
}

#[cfg(test)]
mod tests {
    use migrate_core::Script;

    use super::*;

    fn set(migrations: &[(&str, &str, &str)]) -> Set {
        let migration = |(stem, up, down): &(&str, &str, &str)| {
            let script = |half: &str, text: &str| {
                Script::parse(&format!("{stem}.{half}.sql"), (*text).to_owned()).unwrap()
            };
            Migration {
                stem: (*stem).to_owned().into(),
                version: name::parse_recorded(stem).unwrap().0,
                up: script("up", up),
                down: Some(script("down", down)),
                check: None,
            }
        };
        Set::new("migrations", migrations.iter().map(migration).collect())
    }

    fn old(migrations: &[(&str, &str, &str)]) -> Files {
        let files = migrations.iter().flat_map(|(stem, up, down)| {
            [
                (format!("{stem}.up.sql"), Some(Checksum::of(up))),
                (format!("{stem}.down.sql"), Some(Checksum::of(down))),
            ]
        });
        files.collect()
    }

    const A: (&str, &str, &str) = ("0001_a", "SELECT 1", "SELECT 2");
    const B: (&str, &str, &str) = ("0003_b", "SELECT 3", "SELECT 4");

    #[test]
    fn what_is_only_added_at_the_end_is_fine() {
        let (new, changes) = judge(&old(&[A, B]), &set(&[A, B, ("0004_c", "SELECT 5", "SELECT 6")]));
        assert_eq!(new, ["0004_c"]);
        assert_eq!(changes, []);
        let (new, changes) = judge(&Files::new(), &set(&[A, B]));
        assert_eq!((new.len(), changes.len()), (2, 0));
    }

    #[test]
    fn what_was_added_or_edited_changed_and_what_has_another_name_did_not() {
        let now = set(&[A, ("0003_c", B.1, B.2), ("0004_d", "SELECT 5", "SELECT 6")]);
        let version = |stem| name::parse_recorded(stem).unwrap().0;
        assert_eq!(changed(&old(&[A, B]), &now), BTreeSet::from([version("0004_d")]));
        let now = set(&[A, (B.0, B.1, "SELECT 40")]);
        assert_eq!(changed(&old(&[A, B]), &now), BTreeSet::from([version(B.0)]));
        let mut migrations = set(&[A]).migrations.into_owned();
        migrations[0].down = None;
        let without = Set::new("migrations", migrations);
        assert_eq!(changed(&old(&[A]), &without).len(), 1, "a half that is gone is a change");
    }

    #[test]
    fn what_became_of_files_that_others_have_is_told() {
        let file = |file: &str| file.to_owned();
        let now = set(&[
            ("0001_a", "SELECT 1 -- now with a comment", "SELECT 2"),
            ("0002_late", "SELECT 5", "SELECT 6"),
            ("0005_b", "SELECT 3", "SELECT 40"),
        ]);
        let (new, changes) = judge(&old(&[A, B]), &now);
        assert_eq!(new, ["0002_late", "0005_b"]);
        assert_eq!(
            changes,
            [
                Change::Edited { file: file("0001_a.up.sql") },
                Change::OutOfOrder { file: file("0002_late.up.sql"), newest: file("0003_b") },
                Change::Deleted { file: file("0003_b.down.sql") },
                Change::Renamed { file: file("0003_b.up.sql"), to: file("0005_b.up.sql") },
            ]
        );
    }
}
