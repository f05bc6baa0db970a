//! What the lock says that each script changes in the schema, and which of it still holds.

use std::collections::HashMap;
use std::path::Path;

use super::{FILE_NAME, Lock, MAX_BYTES, ParseError, entry};
use crate::{Checksum, Script, file, text};

/// Before the digest of a change. A comment to `sha256sum -c`.
const CHANGE: &str = "#   change ";

/// The line of a change.
pub(super) fn line(change: &Checksum, file: &str) -> String {
    format!("{CHANGE}{change}  {file}\n")
}

/// The change, and the file that it is of.
pub(super) fn parse(line: &str) -> Option<(Checksum, &str)> {
    let (change, file) = line.strip_prefix(CHANGE)?.split_once("  ")?;
    Some((change.parse().ok()?, file))
}

/// The recorded changes of a folder, by file and checksum: what was recorded of another text says nothing.
#[derive(Default)]
pub(crate) struct Recorded(HashMap<(String, Checksum), Option<Checksum>>);

impl Recorded {
    /// What is recorded in a lock. Nothing, where it is not as we wrote it: a change that nobody measured would let the
    /// wrong migration through.
    ///
    /// Only where git left its conflict markers is the digest no help, and there the lines are taken one by one, as far
    /// as both sides agree: `cargo migrate lock`, which mends that, should not forget the changes of all other files.
    pub(crate) fn read(lock: &[u8]) -> Self {
        let Ok(text) = text::normalise(lock) else { return Self::default() };
        match Lock::parse(&text) {
            Ok(lock) if Lock::chain(&lock.entries) == lock.digest => {
                let entries = lock.entries.into_iter().filter(|entry| entry.change.is_some());
                Self(entries.map(|entry| ((entry.file, entry.checksum), entry.change)).collect())
            }
            Err(malformed) if malformed.error == ParseError::Conflict => of_both_sides(&text),
            _ => Self::default(),
        }
    }

    /// The change of this script.
    pub(crate) fn of(&self, script: &Script) -> Option<Checksum> {
        // An empty list is the usual one, and needs no key.
        if self.0.is_empty() {
            return None;
        }
        *self.0.get(&(script.file.to_string(), script.checksum))?
    }
}

/// What is recorded in the lock of a folder, if there is one.
pub(crate) fn recorded(folder: &Path) -> Recorded {
    file::read(&folder.join(FILE_NAME), MAX_BYTES)
        .map_or_else(|_| Recorded::default(), |bytes| Recorded::read(&bytes))
}

/// The changes of a lock with conflict markers in it; none for a file that has two.
fn of_both_sides(text: &str) -> Recorded {
    let mut recorded = HashMap::new();
    let mut last = None;
    for line in text::lines(text) {
        if let Some((change, file)) = parse(line) {
            if let Some(key) = last.take_if(|(name, _)| name == file) {
                let known = recorded.entry(key).or_insert(Some(change));
                *known = known.filter(|known| *known == change);
            }
        } else if let Some(entry) = entry(line) {
            last = Some((entry.file, entry.checksum));
        }
    }
    Recorded(recorded)
}
