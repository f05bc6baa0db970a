//! Whether a backup is what its manifest says: the one check that verifying, loading and restoring begin with, before any
//! server is touched.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use migrate_core::Checksum;
use migrate_runtime::{Error as EngineError, Interrupt};

use super::manifest::{FileEntry, Format, VERSION};
use super::store::{Backup, MANIFEST, Store};
use crate::Problem;

/// What is wrong with a backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("it has no manifest")]
    NoManifest,
    #[error("its manifest cannot be read: {why}")]
    BadManifest { why: String },
    #[error("its manifest is of version {version}, and this program reads {VERSION}")]
    NewerManifest { version: u64 },
    #[error("manifest.json was edited after it was written: {}", what.join(", "))]
    EditedManifest { what: Vec<String> },
    #[error("its manifest is that of {id}")]
    OtherName { id: String },
    #[error("{file} is missing")]
    Missing { file: String },
    #[error("{file} cannot be read: {why}")]
    Unreadable { file: String, why: String },
    #[error("{file} is empty")]
    Empty { file: String },
    #[error("{file} is cut off: it has {found} of {expected} bytes")]
    CutOff { file: String, found: u64, expected: u64 },
    #[error("{file} is too long: it has {found} bytes, and {expected} were written")]
    TooLong { file: String, found: u64, expected: u64 },
    #[error("{file} is that of {other}")]
    Swapped { file: String, other: String },
    #[error("{file} was changed: its SHA-256 is {found}, and was {expected}")]
    Changed { file: String, found: String, expected: String },
    #[error("{file} was changed, and cannot be unpacked any more: {why}")]
    BadGzip { file: String, why: String },
    #[error("{file} does not belong to it")]
    Extra { file: String },
    #[error("its manifest names no archive")]
    NoArchive,
    #[error("it cannot be read through: {why}")]
    BadArchive { why: String },
    #[error("{table} has {found} rows in it, and had {expected}")]
    Rows { table: String, found: u64, expected: u64 },
    #[error("restored, it is not what it was: {why}")]
    Restored { why: String },
}

impl Damage {
    /// As a failure of the backup `id`.
    pub(crate) fn problem(&self, id: &str) -> Problem {
        Problem::DamagedBackup { id: id.to_owned(), why: self.to_string() }
    }
}

/// Refuses a backup that is not what its manifest says. Reads every byte of it, and asks no server.
///
/// # Errors
///
/// [`Problem::DamagedBackup`]; [`EngineError::Interrupted`].
pub(crate) fn examine(backup: &Backup, interrupt: &Interrupt) -> anyhow::Result<()> {
    // The manifest may have changed since it was read.
    let backup = Backup::read(&backup.folder).map_err(|damage| damage.problem(backup.id()))?;
    match damage_of(&backup, interrupt)? {
        Some(damage) => Err(damage.problem(backup.id()).into()),
        None => Ok(()),
    }
}

fn damage_of(backup: &Backup, interrupt: &Interrupt) -> anyhow::Result<Option<Damage>> {
    let manifest = &backup.manifest;
    let archive = manifest.format.archive();
    let inside = |file: &str| match manifest.format {
        Format::Directory => Path::new(file).starts_with(archive),
        Format::Custom | Format::Plain => file == archive,
    };
    if !manifest.files.keys().any(|file| inside(file)) {
        return Ok(Some(Damage::NoArchive));
    }
    let found = match files(&backup.folder) {
        Ok(found) => found,
        Err(damage) => return Ok(Some(damage)),
    };
    if let Some(file) = found.iter().find(|file| !manifest.files.contains_key(*file)) {
        return Ok(Some(Damage::Extra { file: file.clone() }));
    }
    for (file, entry) in &manifest.files {
        if let Some(damage) = damage_of_file(backup, file, entry, interrupt)? {
            return Ok(Some(damage));
        }
    }
    Ok(None)
}

fn damage_of_file(
    backup: &Backup,
    file: &str,
    entry: &FileEntry,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Damage>> {
    let path = backup.folder.join(file);
    let name = || file.to_owned();
    let unreadable = |error: io::Error| Damage::Unreadable { file: name(), why: error.to_string() };
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(Damage::Missing { file: name() }));
        }
        Err(error) => return Ok(Some(unreadable(error))),
    };
    if !metadata.is_file() {
        return Ok(Some(Damage::Unreadable { file: name(), why: "it is not an ordinary file".to_owned() }));
    }
    let (found, expected) = (metadata.len(), entry.bytes);
    if found != expected {
        if let Some(other) = owner_by_size(backup, &path, found, interrupt) {
            return Ok(Some(Damage::Swapped { file: name(), other }));
        }
        return Ok(Some(match found {
            0 => Damage::Empty { file: name() },
            _ if found < expected => Damage::CutOff { file: name(), found, expected },
            _ => Damage::TooLong { file: name(), found, expected },
        }));
    }
    let sum = match fs::File::open(&path) {
        Ok(file) => Checksum::of_reader(Interruptible { reader: file, interrupt }),
        Err(error) => Err(error),
    };
    if let Some(signal) = interrupt.triggered() {
        return Err(EngineError::Interrupted { signal, stem: None }.into());
    }
    let sum = match sum {
        Ok((sum, _)) => sum.to_string(),
        Err(error) => return Ok(Some(unreadable(error))),
    };
    if sum == entry.sha256 {
        return Ok(None);
    }
    // Whose it is, or what is wrong with it, says more than two numbers.
    if let Some(other) = owner(backup, &sum) {
        return Ok(Some(Damage::Swapped { file: name(), other }));
    }
    if backup.manifest.format == Format::Plain
        && let Err(error) = unpack(&path, interrupt)
    {
        return Ok(Some(Damage::BadGzip { file: name(), why: error.to_string() }));
    }
    Ok(Some(Damage::Changed { file: name(), found: sum, expected: entry.sha256.clone() }))
}

/// The backup beside this one that a file of this size is from, which only its checksum tells for sure.
fn owner_by_size(backup: &Backup, path: &Path, size: u64, interrupt: &Interrupt) -> Option<String> {
    let others = Store::at(backup.folder.parent()?).list().ok()?;
    let mut others = others.iter().filter(|other| other.id() != backup.id());
    others.find(|other| other.manifest.files.values().any(|entry| entry.bytes == size))?;
    let file = fs::File::open(path).ok()?;
    let (sum, _) = Checksum::of_reader(Interruptible { reader: file, interrupt }).ok()?;
    owner(backup, &sum.to_string())
}

/// The backup beside this one that a file with this checksum belongs to.
fn owner(backup: &Backup, sum: &str) -> Option<String> {
    let others = Store::at(backup.folder.parent()?).list().ok()?;
    let owner = others.into_iter().find(|other| {
        other.id() != backup.id() && other.manifest.files.values().any(|entry| entry.sha256 == sum)
    });
    owner.map(|other| other.manifest.id)
}

fn unpack(path: &Path, interrupt: &Interrupt) -> io::Result<()> {
    let reader = Interruptible { reader: MultiGzDecoder::new(fs::File::open(path)?), interrupt };
    io::copy(&mut { reader }, &mut io::sink()).map(drop)
}

/// Every file under a backup's folder but the manifest, by its path there. A link is a file: it is not followed.
pub(super) fn files(folder: &Path) -> Result<BTreeSet<String>, Damage> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let shown = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
        let unreadable = |error: io::Error| Damage::Unreadable {
            file: match shown(&next) {
                name if name.is_empty() => "its folder".to_owned(),
                name => name,
            },
            why: error.to_string(),
        };
        for entry in fs::read_dir(&next).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = shown(&entry.path());
            match entry.file_type().map_err(unreadable)?.is_dir() {
                true => folders.push(entry.path()),
                // The manifest, and what a manifest that is being written is called.
                false if name == MANIFEST || name.starts_with(&format!(".{MANIFEST}.")) => {}
                false => drop(found.insert(name)),
            }
        }
    }
    Ok(found)
}

/// A reader that ends with an error where we are to stop.
pub(super) struct Interruptible<'a, R> {
    pub(super) reader: R,
    pub(super) interrupt: &'a Interrupt,
}

impl<R: Read> Read for Interruptible<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.interrupt.triggered() {
            // Not `Interrupted`: that one means "try again".
            Some(_) => Err(io::Error::other("interrupted")),
            None => self.reader.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::store::tests::store;
    use super::*;

    const ONE: &str = "backup-20261120T100000Z";
    const TWO: &str = "backup-20261121T100000Z";

    /// A plain backup, intact.
    fn plain(store: &Store) -> Backup {
        let mut backup = store.get(ONE).unwrap();
        fs::remove_file(backup.archive()).unwrap();
        backup.manifest.format = Format::Plain;
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all("-- PostgreSQL database dump complete\n".repeat(100).as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        fs::write(backup.archive(), &packed).unwrap();
        record(&mut backup);
        backup
    }

    fn record(backup: &mut Backup) {
        let of = |file: String| {
            let bytes = fs::read(backup.folder.join(&file)).unwrap();
            let sha256 = Checksum::of_bytes(&bytes).to_string();
            (file, FileEntry { bytes: bytes.len() as u64, sha256 })
        };
        backup.manifest.files = files(&backup.folder).unwrap().into_iter().map(of).collect();
        backup.write().unwrap();
    }

    fn told(backup: &Backup) -> String {
        match examine(backup, &Interrupt::new()) {
            Ok(()) => "intact".to_owned(),
            Err(error) => error.to_string().replace(&format!("backup {ONE} is damaged: "), ""),
        }
    }

    #[test]
    fn each_mutilation_has_words_of_its_own() {
        let (_folder, store) = store(&[ONE, TWO]);
        for id in [ONE, TWO] {
            record(&mut store.get(id).unwrap());
        }
        let backup = store.get(ONE).unwrap();
        let archive = backup.archive();
        let name = archive.file_name().unwrap().to_str().unwrap().to_owned();
        let whole = fs::read(&archive).unwrap();
        assert_eq!(told(&backup), "intact");
        fs::write(&archive, &whole[..5]).unwrap();
        assert_eq!(told(&backup), format!("{name} is cut off: it has 5 of {} bytes", whole.len()));
        fs::write(&archive, "").unwrap();
        assert_eq!(told(&backup), format!("{name} is empty"));
        fs::write(&archive, [&whole[..], b"x"].concat()).unwrap();
        assert!(told(&backup).starts_with(&format!("{name} is too long: ")), "{}", told(&backup));
        fs::write(&archive, "y".repeat(whole.len())).unwrap();
        assert!(told(&backup).starts_with(&format!("{name} was changed: its SHA-256")), "{}", told(&backup));
        fs::copy(store.get(TWO).unwrap().archive(), &archive).unwrap();
        assert_eq!(told(&backup), format!("{name} is that of {TWO}"));
        fs::remove_file(&archive).unwrap();
        assert_eq!(told(&backup), format!("{name} is missing"));
        fs::create_dir(&archive).unwrap();
        assert_eq!(told(&backup), format!("{name} cannot be read: it is not an ordinary file"));
        fs::remove_dir(&archive).unwrap();
        fs::write(&archive, &whole).unwrap();
        fs::write(backup.folder.join("more"), "").unwrap();
        assert_eq!(told(&backup), "more does not belong to it");
        fs::remove_file(backup.folder.join("more")).unwrap();
        fs::write(backup.folder.join(MANIFEST), "[]").unwrap();
        assert!(told(&backup).starts_with("its manifest cannot be read: "), "{}", told(&backup));
    }

    #[test]
    fn a_flipped_bit_in_gzip_is_told_as_what_it_breaks() {
        let (_folder, store) = store(&[ONE]);
        let backup = plain(&store);
        assert_eq!(told(&backup), "intact");
        let mut bytes = fs::read(backup.archive()).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(backup.archive(), bytes).unwrap();
        assert!(
            told(&backup).contains("was changed, and cannot be unpacked any more: "),
            "{}",
            told(&backup)
        );
    }

    #[test]
    fn an_interrupt_ends_the_reading() {
        let (_folder, store) = store(&[ONE]);
        let mut backup = store.get(ONE).unwrap();
        record(&mut backup);
        let interrupt = Interrupt::new();
        interrupt.trigger(2);
        let error = examine(&backup, &interrupt).unwrap_err();
        assert_eq!(crate::Exit::of(&error).code(), 130);
    }
}
