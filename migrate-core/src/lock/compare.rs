//! How two lists of files differ.

use std::collections::HashMap;

use super::Lock;
use crate::Checksum;

/// One difference between `migrations.lock` and the folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// A file is not in the lock.
    #[error("{file} is not in migrations.lock")]
    Added {
        /// The file's name.
        file: String,
    },
    /// A file of the lock is gone.
    #[error("{file} is in migrations.lock but not in the folder")]
    Removed {
        /// The file's name.
        file: String,
    },
    /// A file was edited.
    #[error("{file} was edited: its checksum is {found}, in migrations.lock it is {locked}")]
    Changed {
        /// The file's name.
        file: String,
        /// As the lock has it.
        locked: Checksum,
        /// Of the file now.
        found: Checksum,
    },
    /// The lock has the right files in the wrong order.
    #[error("{file} stands in migrations.lock out of order")]
    Reordered {
        /// The first file that is not where it should be.
        file: String,
    },
    /// The lock was edited by hand.
    #[error(
        "the digest at the end of migrations.lock does not fit its lines: it was edited or merged by hand"
    )]
    WrongDigest {
        /// As written.
        locked: Checksum,
        /// Over the lines as they are.
        found: Checksum,
    },
}

impl Difference {
    /// The file's name: the lock's own for a wrong digest.
    pub fn file(&self) -> &str {
        match self {
            Self::Added { file }
            | Self::Removed { file }
            | Self::Changed { file, .. }
            | Self::Reordered { file } => file,
            Self::WrongDigest { .. } => super::FILE_NAME,
        }
    }
}

/// Removed files first, then the others in the order of the folder, then order and digest of the lock itself.
pub(super) fn compare(lock: &Lock, now: &Lock) -> Vec<Difference> {
    let mut locked: HashMap<&str, Checksum> =
        lock.entries.iter().map(|e| (e.file.as_str(), e.checksum)).collect();
    let mut differences = Vec::new();
    let mut common = Vec::new();
    for entry in &now.entries {
        let file = entry.file.clone();
        match locked.remove(entry.file.as_str()) {
            None => differences.push(Difference::Added { file }),
            Some(checksum) => {
                common.push(entry.file.as_str());
                if checksum != entry.checksum {
                    differences.push(Difference::Changed { file, locked: checksum, found: entry.checksum });
                }
            }
        }
    }
    let removed = lock.entries.iter().filter(|entry| locked.contains_key(entry.file.as_str()));
    let removed = removed.map(|entry| Difference::Removed { file: entry.file.clone() });
    differences.splice(0..0, removed.collect::<Vec<_>>());

    let in_lock =
        lock.entries.iter().map(|entry| entry.file.as_str()).filter(|file| !locked.contains_key(file));
    if let Some((file, _)) = in_lock.zip(common).find(|(locked, now)| locked != now) {
        differences.push(Difference::Reordered { file: file.to_owned() });
    }
    let found = Lock::chain(&lock.entries);
    if found != lock.digest {
        differences.push(Difference::WrongDigest { locked: lock.digest, found });
    }
    differences
}
