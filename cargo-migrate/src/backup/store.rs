//! The backup folder: what is in it, found by name, and `latest`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use migrate_core::file;

use super::examine::Damage;
use super::manifest::{self, Manifest};
use super::seal;
use super::whose::{Whose, owner};
use crate::Problem;
use crate::config::Settings;

/// The name of the link to the newest.
pub(crate) const LATEST: &str = "latest";

/// What the names of all backups begin with.
pub(crate) const PREFIX: &str = "backup-";

/// The manifest's name.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The largest manifest that is read: one of a hundred thousand tables has some 20 MB.
const MAX_MANIFEST: u64 = 256 << 20;

/// The backup folder.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

/// A backup, as its manifest describes it.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
}

/// A backup, or what was one.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Readable(Box<Backup>),
    /// Its manifest says nothing that can be relied on.
    Broken {
        id: String,
        damage: Damage,
    },
}

impl Store {
    /// The one that is configured; it need not be there.
    pub(crate) fn open(settings: &Settings) -> Self {
        Self::at(&settings.backup_dir.value)
    }

    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The backups whose manifest can be read, newest first.
    ///
    /// # Errors
    ///
    /// [`Problem::Io`] where the folder cannot be read. One that is not there has no backups.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<Backup>> {
        let readable = |entry| match entry {
            Entry::Readable(backup) => Some(*backup),
            Entry::Broken { .. } => None,
        };
        Ok(self.entries()?.into_iter().filter_map(readable).collect())
    }

    /// All that is named as a backup, newest first.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, Problem> {
        let mut names = Vec::new();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Problem::io(&self.folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(Problem::io(&self.folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(PREFIX) && entry.path().is_dir() {
                names.push(name);
            }
        }
        // The names begin with the time.
        names.sort_unstable_by(|one, other| other.cmp(one));
        Ok(names
            .into_iter()
            .map(|id| match Backup::read(&self.folder.join(&id)) {
                Ok(backup) => Entry::Readable(Box::new(backup)),
                Err(damage) => Entry::Broken { id, damage },
            })
            .collect())
    }

    /// The backup that a person means: `latest` is the newest of their own, everything else is a name as [`get`](Self::get)
    /// takes it, whosever it is.
    ///
    /// A damaged one that is newer than the newest of their own is refused: nobody can say whose it is, and an older one in
    /// its place would be a surprise.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), and [`Problem::NoOwnBackup`].
    pub(crate) fn find(&self, name: &str, whose: &Whose) -> anyhow::Result<Backup> {
        if name != LATEST {
            return self.get(name);
        }
        let entries = self.entries()?;
        let could_be = |entry: &&Entry| match entry {
            Entry::Readable(backup) => whose.owns(&backup.manifest),
            Entry::Broken { .. } => true,
        };
        let named = self.latest();
        let by_link = entries.iter().find(|entry| Some(entry.id()) == named.as_deref()).filter(could_be);
        if let Some(found) = by_link.or_else(|| entries.iter().find(could_be)) {
            return opened(found);
        }
        let mut others: Vec<_> = entries.iter().filter_map(Entry::owner).collect();
        others.sort();
        others.dedup();
        Err(match others.is_empty() {
            true => Problem::NoBackup { name: name.to_owned(), folder: self.folder.clone() },
            false => Problem::NoOwnBackup { of: whose.name(), folder: self.folder.clone(), others },
        }
        .into())
    }

    /// The backup of this name: an id, or the beginning of one, with or without `backup-`.
    ///
    /// # Errors
    ///
    /// [`Problem::NoBackup`], [`Problem::SeveralBackups`]; [`Problem::DamagedBackup`] where its manifest cannot be read.
    pub(crate) fn get(&self, name: &str) -> anyhow::Result<Backup> {
        let entries = self.entries()?;
        let no_backup = || Problem::NoBackup { name: name.to_owned(), folder: self.folder.clone() };
        let fits =
            |id: &str| id.starts_with(name) || id.strip_prefix(PREFIX).is_some_and(|id| id.starts_with(name));
        if let Some(same) = entries.iter().find(|entry| entry.id() == name) {
            return opened(same);
        }
        let found: Vec<_> = entries.iter().filter(|entry| fits(entry.id())).collect();
        match (&found[..], name.is_empty()) {
            (_, true) | ([], _) => Err(no_backup().into()),
            ([one], _) => opened(one),
            (several, _) => {
                let found = several.iter().map(|entry| entry.id().to_owned()).collect();
                Err(Problem::SeveralBackups { name: name.to_owned(), found }.into())
            }
        }
    }

    /// What `latest` points to.
    pub(crate) fn latest(&self) -> Option<String> {
        let target = fs::read_link(self.folder.join(LATEST)).ok()?;
        Some(folder_name(&target)).filter(|name| self.folder.join(name).is_dir())
    }

    /// Points `latest` to a backup, in one step.
    pub(super) fn set_latest(&self, id: &str) -> Result<(), Problem> {
        let temporary = self.folder.join(format!(".{LATEST}.{}.tmp", std::process::id()));
        let link = self.folder.join(LATEST);
        let mut tries = 0;
        loop {
            let _ = fs::remove_file(&temporary);
            std::os::unix::fs::symlink(id, &temporary).map_err(Problem::io(&temporary))?;
            tries += 1;
            match fs::rename(&temporary, &link) {
                // Somebody swept in this moment and took it for one that was left.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 10 => {}
                Err(error) => {
                    let _ = fs::remove_file(&temporary);
                    return Err(Problem::io(&link)(error));
                }
                Ok(()) => return Ok(()),
            }
        }
    }
}

/// Whether this is the name of a `latest` before it has its own, as a killed process leaves it. A living one makes it again
/// where it was swept.
pub(super) fn is_unnamed_latest(name: &str) -> bool {
    let number = name.strip_prefix(&format!(".{LATEST}.")).and_then(|rest| rest.strip_suffix(".tmp"));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Entry {
    /// Its folder's name.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Readable(backup) => backup.id(),
            Self::Broken { id, .. } => id,
        }
    }

    fn owner(&self) -> Option<String> {
        match self {
            Self::Readable(backup) => Some(owner(&backup.manifest)),
            Self::Broken { .. } => None,
        }
    }
}

fn opened(entry: &Entry) -> anyhow::Result<Backup> {
    match entry {
        Entry::Readable(backup) => Ok((**backup).clone()),
        Entry::Broken { id, damage } => Err(damage.problem(id).into()),
    }
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Backup {
    /// Reads the manifest in a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, Damage> {
        let path = folder.join(MANIFEST);
        let bytes = file::read(&path, MAX_MANIFEST).map_err(|error| match error.source.kind() {
            io::ErrorKind::NotFound => Damage::NoManifest,
            _ => Damage::Unreadable { file: MANIFEST.to_owned(), why: error.source.to_string() },
        })?;
        let bad = |error: serde_json::Error| Damage::BadManifest { why: error.to_string() };
        // What a newer version means by the rest nobody here knows.
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(bad)?;
        let version = value["version"].as_u64().unwrap_or_default();
        if version > u64::from(manifest::VERSION) {
            return Err(Damage::NewerManifest { version });
        }
        let what = seal::broken(&value);
        if !what.is_empty() {
            return Err(Damage::EditedManifest { what });
        }
        let manifest: Manifest = serde_json::from_value(value).map_err(bad)?;
        let name = folder_name(folder);
        if manifest.id != name {
            return Err(Damage::OtherName { id: manifest.id });
        }
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Its name.
    pub(crate) fn id(&self) -> &str {
        &self.manifest.id
    }

    /// Seals a manifest and writes it, in one step.
    pub(super) fn write(&self) -> Result<(), file::FileError> {
        // A tree of texts and numbers cannot fail to be written.
        let mut value = serde_json::to_value(&self.manifest).unwrap_or_default();
        seal::seal(&mut value);
        let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
        text.push('\n');
        file::replace_private(&self.folder.join(MANIFEST), text.as_bytes())
    }

    /// The archive: one file, or the folder that pg_dump made.
    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.join(self.manifest.format.archive())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::symlink;

    use super::super::manifest::tests::manifest;
    use super::super::whose::tests::whose;
    use super::*;

    /// A backup folder with these backups in it, each with an archive of its own.
    pub(crate) fn store(ids: &[&str]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        for id in ids {
            let backup = Backup { folder: folder.path().join(id), manifest: manifest(id) };
            fs::create_dir(&backup.folder).unwrap();
            fs::write(backup.archive(), format!("PGDMP of {id}")).unwrap();
            backup.write().unwrap();
        }
        (folder, store)
    }

    const ONE: &str = "backup-20261120T100000Z";
    const TWO: &str = "backup-20261121T100000Z";
    const THREE: &str = "backup-20261121T110000Z";

    #[test]
    fn backups_are_found_by_their_names() {
        let (folder, store) = store(&[TWO, ONE, THREE]);
        fs::create_dir(folder.path().join(".backup-20261121T120000Z.partial")).unwrap();
        fs::write(folder.path().join("backup-notes.txt"), "").unwrap();
        let ids: Vec<_> = store.list().unwrap().into_iter().map(|backup| backup.manifest.id).collect();
        assert_eq!(ids, [THREE, TWO, ONE]);
        let get = |name: &str| match store.get(name) {
            Ok(backup) => backup.manifest.id,
            Err(error) => error.to_string(),
        };
        assert_eq!(get(ONE), ONE);
        assert_eq!(get("backup-20261120"), ONE);
        assert_eq!(get("20261121T11"), THREE);
        assert_eq!(get("20261121"), format!("`20261121` may mean {THREE}, {TWO}"));
        assert!(get("").starts_with("there is no backup ``"));
        assert!(get("2025").starts_with("there is no backup `2025` in "));
    }

    #[test]
    fn latest_is_what_it_points_to_or_else_the_newest() {
        let (folder, store) = store(&[ONE, TWO]);
        let latest = || store.find(LATEST, &Whose::default()).unwrap().manifest.id;
        assert_eq!(latest(), TWO);
        store.set_latest(ONE).unwrap();
        store.set_latest(ONE).unwrap();
        assert_eq!(latest(), ONE);
        assert_eq!(fs::read_link(folder.path().join(LATEST)).unwrap(), Path::new(ONE));
        fs::remove_file(folder.path().join(LATEST)).unwrap();
        symlink("backup-gone", folder.path().join(LATEST)).unwrap();
        assert_eq!(latest(), TWO);
        assert!(Store::at(Path::new("/nonexistent")).find(LATEST, &Whose::default()).is_err());
    }

    #[test]
    fn latest_is_the_newest_of_ones_own() {
        let (folder, store) = store(&[ONE, TWO, THREE]);
        for (id, environment) in [(ONE, "production"), (TWO, "production"), (THREE, "staging")] {
            let mut backup = store.get(id).unwrap();
            backup.manifest.environment = Some(environment.to_owned());
            backup.write().unwrap();
        }
        store.set_latest(THREE).unwrap();
        let latest = |environment| match store.find(LATEST, &whose(Some(environment), None)) {
            Ok(backup) => backup.manifest.id,
            Err(error) => error.to_string(),
        };
        assert_eq!((latest("production").as_str(), latest("staging").as_str()), (TWO, THREE));
        let none = latest("test");
        assert!(none.starts_with("there is no backup of `test` in "), "{none}");
        assert!(none.ends_with(", only of shop (production), shop (staging)"), "{none}");
        assert_eq!(store.find(ONE, &whose(Some("staging"), None)).unwrap().id(), ONE);
        // Whose this one was nobody knows.
        fs::write(folder.path().join(THREE).join(MANIFEST), "{").unwrap();
        assert!(latest("production").contains("its manifest cannot be read"));
    }

    #[test]
    fn a_manifest_that_says_nothing_reliable_is_told_as_damage() {
        let (folder, store) = store(&[ONE, TWO]);
        let write = |text: &str| fs::write(folder.path().join(ONE).join(MANIFEST), text).unwrap();
        let why = || store.get(ONE).unwrap_err().to_string();
        write("{");
        assert!(why().contains("its manifest cannot be read: EOF"), "{}", why());
        write("{\"version\": 7}");
        assert!(why().contains("its manifest is of version 7"), "{}", why());
        let mut unsealed = serde_json::to_value(manifest(ONE)).unwrap();
        write(&unsealed.to_string());
        assert!(why().contains("was edited after it was written: `seal` is missing"), "{}", why());
        // Of a version that had none.
        unsealed["version"] = 1.into();
        write(&unsealed.to_string());
        assert_eq!(store.get(ONE).unwrap().id(), ONE);
        let other = fs::read_to_string(folder.path().join(TWO).join(MANIFEST)).unwrap();
        write(&other);
        assert!(why().contains(&format!("its manifest is that of {TWO}")), "{}", why());
        fs::remove_file(folder.path().join(ONE).join(MANIFEST)).unwrap();
        assert!(why().contains("it has no manifest"), "{}", why());
        assert_eq!(store.list().unwrap().len(), 1);
        assert_eq!(store.entries().unwrap().len(), 2);
    }
}
