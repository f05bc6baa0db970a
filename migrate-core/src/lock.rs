//! `migrations.lock`: the committed list of files and checksums.
//!
//! It is noticed that a file was edited before it reaches a database; two branches that add a migration conflict in git, because
//! both change the last line; and `embed!` includes it, so that adding a migration rebuilds the application.
//!
//! ```text
//! # migrations.lock, format 1: written by `cargo migrate lock`, to be committed and not to be edited
//! 9f86d0…  0001_create_users.up.sql
//! 60303a…  0001_create_users.down.sql
//! # digest 5e8848…
//! ```
//!
//! For files with LF line ends and no byte-order mark `sha256sum -c migrations.lock` says the same as we do.
//!
//! `cargo migrate verify --record` adds to each file what its script did to the schema, and with it the format is 2:
//!
//! ```text
//! 9f86d0…  0001_create_users.up.sql
//! #   change 8c1a5f…  0001_create_users.up.sql
//! ```
//!
//! Where a migration has checks, their file has a line as well, and the format is 3.

mod change;
mod compare;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use change::{Recorded, recorded};
pub use compare::Difference;

use crate::file::{self, FileError};
use crate::{Checksum, Set, name, text};

/// The name of the file, in the migrations folder.
pub const FILE_NAME: &str = "migrations.lock";

/// The newest format that this version knows. It reads and writes 1 too, which has neither changes nor checks, and 2, which
/// has no checks: a folder without them has the lock that it always had.
pub const FORMAT: u32 = 3;

const HEADER: &str = "# migrations.lock, format ";
const HEADER_END: &str = ": written by `cargo migrate lock`, to be committed and not to be edited";
const DIGEST: &str = "# digest ";
const MAX_BYTES: u64 = 1 << 26;

/// The content of a `migrations.lock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// In the order of the versions: up, down, check.
    pub entries: Vec<Entry>,
    /// As it is written at the end of the file; [`Lock::chain`] is what it should be.
    pub digest: Checksum,
}

/// One file of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The file's name, without its folder.
    pub file: String,
    /// Of its normalised text.
    pub checksum: Checksum,
    /// What its script changed in the schema when that was last recorded: [`Diff::digest`](crate::schema::Diff::digest).
    pub change: Option<Checksum>,
}

impl Entry {
    /// Its lines in the file: the checksum as `sha256sum` writes it, the change as a comment to it.
    fn lines(&self) -> String {
        let Self { file, checksum, change } = self;
        let change = change.map(|change| change::line(&change, file));
        format!("{checksum}  {file}\n{}", change.unwrap_or_default())
    }
}

impl Lock {
    /// The lock of a set.
    pub fn of(set: &Set) -> Self {
        let entry = |(file, checksum, change): (&str, Checksum, Option<Checksum>)| Entry {
            file: file.to_owned(),
            checksum,
            change,
        };
        let files = set.migrations.iter().flat_map(|migration| {
            let changes = migration.scripts().map(|script| script.change).chain(std::iter::once(None));
            migration.files().zip(changes).map(|((file, checksum), change)| (file, checksum, change))
        });
        let entries: Vec<_> = files.map(entry).collect();
        Self { digest: Self::chain(&entries), entries }
    }

    /// The digest over a list of files: each link is the SHA-256 of the one before it, in hex, and the lines of the file, so that
    /// no line can be changed, moved or taken out without the last one changing.
    pub fn chain(entries: &[Entry]) -> Checksum {
        let start = Checksum::of(&format!("format {}\n", Self::format(entries)));
        entries.iter().fold(start, |link, entry| Checksum::of(&format!("{link}\n{}", entry.lines())))
    }

    /// The format that these entries need.
    fn format(entries: &[Entry]) -> u32 {
        let has_check = entries.iter().any(|entry| entry.file.ends_with(".check.sql"));
        if has_check {
            3
        } else if entries.iter().any(|entry| entry.change.is_some()) {
            2
        } else {
            1
        }
    }

    /// The text of the file.
    pub fn render(&self) -> String {
        let lines: String = self.entries.iter().map(Entry::lines).collect();
        let format = Self::format(&self.entries);
        format!("{HEADER}{format}{HEADER_END}\n{lines}{DIGEST}{}\n", self.digest)
    }

    /// A lock from the text of its file, with LF or CRLF.
    ///
    /// # Errors
    /// What is wrong, with its line. A digest that does not fit the list is none of these: see [`Lock::compare`].
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut lines = text::lines(text).enumerate().map(|(index, line)| (index + 1, line)).peekable();
        let malformed = |line, error| Err(Malformed { line, error });
        if let Some((line, _)) = text::lines(text).enumerate().find(|(_, line)| is_conflict_marker(line)) {
            return malformed(line + 1, ParseError::Conflict);
        }
        let header = lines.next().and_then(|(_, line)| line.strip_prefix(HEADER)).unwrap_or_default();
        let format = &header[..header.bytes().take_while(u8::is_ascii_digit).count()];
        match format.parse() {
            Ok(1..=FORMAT) => {}
            Ok(found) => return malformed(1, ParseError::Format { found }),
            Err(_) => return malformed(1, ParseError::Header),
        }
        let mut entries: Vec<Entry> = Vec::new();
        let mut files = HashSet::new();
        while let Some((line, content)) = lines.next() {
            if let Some(digest) = content.strip_prefix(DIGEST) {
                let Ok(digest) = digest.parse() else { return malformed(line, ParseError::Digest) };
                return match lines.next() {
                    Some((line, _)) => malformed(line, ParseError::AfterDigest),
                    None => Ok(Self { entries, digest }),
                };
            }
            if let Some((change, file)) = change::parse(content) {
                match entries.last_mut().filter(|entry| entry.change.is_none() && entry.file == file) {
                    Some(entry) => entry.change = Some(change),
                    None => return malformed(line, ParseError::Change { file: file.to_owned() }),
                }
                continue;
            }
            let Some(entry) = entry(content) else { return malformed(line, ParseError::Entry) };
            if !files.insert(entry.file.clone()) {
                return malformed(line, ParseError::Twice { file: entry.file });
            }
            entries.push(entry);
        }
        malformed(text::lines(text).count() + 1, ParseError::NoDigest)
    }

    /// How the lock differs from a set; empty where it does not. What is recorded of changes is not looked at: it is
    /// held against the files by `cargo migrate verify`, which runs them.
    pub fn compare(&self, set: &Set) -> Vec<Difference> {
        compare::compare(self, &Self::of(set))
    }

    /// The lock of a folder.
    ///
    /// # Errors
    /// [`LockError::Missing`], an unreadable file, a malformed one.
    pub fn read(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(FILE_NAME);
        let bytes = match file::read(&path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
                return Err(LockError::Missing { path });
            }
            Err(error) => return Err(LockError::Unreadable(error)),
        };
        let text = match text::normalise(&bytes) {
            Ok(text) => text,
            Err(error) => return Err(LockError::NotText { path, error }),
        };
        Self::parse(&text).map_err(|malformed| LockError::Malformed { path, malformed })
    }

    /// Writes the lock of a folder in one step; nothing where it is the same already. Returns whether anything was written.
    ///
    /// # Errors
    /// I/O errors; the old lock stands.
    pub fn write(&self, folder: &Path) -> Result<bool, FileError> {
        file::replace(&folder.join(FILE_NAME), self.render().as_bytes())
    }
}

/// Whether the lock in a folder fits the set that was read from it.
///
/// # Errors
/// Everything that [`Lock::read`] fails with, and [`LockError::Differs`].
pub fn check(folder: &Path, set: &Set) -> Result<(), LockError> {
    let differences = Lock::read(folder)?.compare(set);
    if differences.is_empty() {
        Ok(())
    } else {
        Err(LockError::Differs { path: folder.join(FILE_NAME), differences })
    }
}

/// A line with a file.
fn entry(line: &str) -> Option<Entry> {
    let (checksum, file) = line.split_once("  ")?;
    name::parse(file).ok()?;
    Some(Entry { file: file.to_owned(), checksum: checksum.parse().ok()?, change: None })
}

fn is_conflict_marker(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker))
}

/// What is wrong with the lock of a folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// There is none.
    #[error("{}: is missing", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("{}: cannot be read: {}", .0.path.display(), .0.source)]
    Unreadable(FileError),
    /// It is not UTF-8.
    #[error("{}: {error}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What is wrong with the bytes.
        error: text::TextError,
    },
    /// It is not in the form that we write.
    #[error("{}:{}: {}", path.display(), malformed.line, malformed.error)]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        malformed: Malformed,
    },
    /// It is not that of the folder.
    #[error("{}: does not fit the folder:{}", path.display(), differences.iter().map(|d| format!("\n  {d}")).collect::<String>())]
    Differs {
        /// The file.
        path: PathBuf,
        /// In the order of the files; never empty.
        differences: Vec<Difference>,
    },
}

impl LockError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => "write it with `cargo migrate lock`, and commit it".to_owned(),
            Self::Unreadable(error) => error.hint(),
            Self::NotText { .. } => "write it anew with `cargo migrate lock`".to_owned(),
            Self::Malformed { malformed, .. } => malformed.error.hint(),
            Self::Differs { .. } => "if the files are as you want them, run `cargo migrate lock` and commit the result; a file that is \
                 applied somewhere must not change: put it back, and write a new migration"
                .to_owned(),
        }
    }
}

/// A text that is not that of a lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {error}")]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub error: ParseError,
}

/// What is wrong with a line of a lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The marks that git leaves where two branches added a migration.
    #[error("git's conflict markers")]
    Conflict,
    /// The first line.
    #[error("the first line is not that of a migrations.lock")]
    Header,
    /// Written by a newer version.
    #[error("format {found} is not known, only formats up to {FORMAT}")]
    Format {
        /// As written.
        found: u32,
    },
    /// A line that is neither a file nor the digest.
    #[error("expected `checksum  file`")]
    Entry,
    /// A change that does not stand behind its file.
    #[error("the change of `{file}` does not stand below its file")]
    Change {
        /// The file.
        file: String,
    },
    /// A file stands twice.
    #[error("`{file}` stands here a second time")]
    Twice {
        /// The file.
        file: String,
    },
    /// The digest is not 64 hex digits.
    #[error("the digest is not 64 hex digits")]
    Digest,
    /// Something follows the digest.
    #[error("something follows the digest")]
    AfterDigest,
    /// The file ends early.
    #[error("the digest at the end is missing")]
    NoDigest,
}

impl ParseError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Conflict => {
                "keep the migrations of both branches, give the one that is not applied yet the next free number, then run \
                 `cargo migrate lock`: it writes the file anew"
            }
            Self::Format { .. } => "use the version of cargo migrate that wrote it, or a newer one",
            _ => "write it anew with `cargo migrate lock`, and look at the difference before you commit it",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests;
