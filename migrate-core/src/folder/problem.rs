//! What can be wrong with a migrations folder.

use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use crate::ScriptError;
use crate::name::NameError;
use crate::text::TextError;
use crate::{Direction, Version};

/// Everything that is wrong with a folder.
#[derive(Debug)]
pub struct Problems {
    /// The folder.
    pub folder: PathBuf,
    /// In the order of the paths; never empty.
    pub problems: Vec<Problem>,
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => one.fmt(f),
            many => {
                write!(f, "{} problems in {}", many.len(), self.folder.display())?;
                many.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl Problems {
    /// What to do about them: the hint of each, once.
    pub fn hint(&self) -> String {
        let mut hints: Vec<String> = Vec::new();
        for hint in self.problems.iter().map(Problem::hint) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        hints.join("\n")
    }
}

/// What stands under a name that should be a file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A folder.
    Folder,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
    /// Something else.
    Other,
}

impl FileKind {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_dir() {
            Self::Folder
        } else if kind.is_fifo() {
            Self::Fifo
        } else if kind.is_socket() {
            Self::Socket
        } else if kind.is_char_device() || kind.is_block_device() {
            Self::Device
        } else {
            Self::Other
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        if metadata.is_dir() { Self::Folder } else { Self::Other }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "a folder",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Other => "something else",
        })
    }
}

/// One thing that is wrong with a migrations folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The folder or a file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder is something else.
    #[error("{}: is not a folder", path.display())]
    NotAFolder {
        /// What was given as the folder.
        path: PathBuf,
    },
    /// A name that ends in `.sql` is not UTF-8.
    #[error("{}: the name is not UTF-8", path.display())]
    NameNotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// A `.sql` file that is not named as a migration.
    #[error("{}: {error}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with the name.
        error: NameError,
    },
    /// Not UTF-8, or a NUL in it.
    #[error("{}: {error}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong with the bytes.
        error: TextError,
    },
    /// The SQL or a directive of it makes no sense.
    #[error("{}:{}:{}: {}", path.display(), error.line, error.column, error.reason)]
    Script {
        /// The file.
        path: PathBuf,
        /// What is wrong, and on which line.
        error: ScriptError,
    },
    /// Only white space and comments.
    #[error("{}: has no statement in it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file of checks with white space and comments only.
    #[error("{}: has no query in it", path.display())]
    EmptyCheck {
        /// The file.
        path: PathBuf,
    },
    /// A file of checks beside no migration.
    #[error("{}: is the check of a migration that is not there", path.display())]
    OrphanCheck {
        /// The file.
        path: PathBuf,
        /// The stem that the one migration of its version has.
        instead: Option<String>,
    },
    /// More than PostgreSQL takes in one message.
    #[error("{}: is {bytes} bytes, more than PostgreSQL takes in one message (1 GiB)", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A folder, a device, a named pipe.
    #[error("{}: is {kind}, not a file", path.display())]
    NotAFile {
        /// What has the name of a file.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
    },
    /// A link to something that is not there.
    #[error("{}: is a link to {}, which is not there", path.display(), target.display())]
    BrokenLink {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Links that lead to each other.
    #[error("{}: is a link that leads back to itself", path.display())]
    LinkLoop {
        /// The link.
        path: PathBuf,
    },
    /// A link that leaves the project.
    #[error("{}: is a link to {}, outside the project", path.display(), target.display())]
    OutsideProject {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
        /// What it must not leave.
        project: PathBuf,
    },
    /// An up without a down or the other way round.
    #[error("{}: has no {} beside it", path.display(), missing.display())]
    MissingHalf {
        /// The file that is there.
        path: PathBuf,
        /// Which half that is.
        half: Direction,
        /// The file that is not.
        missing: PathBuf,
    },
    /// The up and the down of one version have different descriptions.
    #[error("{} and {} are of one version but their names differ", up.display(), down.display())]
    NamesDiffer {
        /// The up file.
        up: PathBuf,
        /// The down file.
        down: PathBuf,
    },
    /// Two names that are one where case does not count.
    #[error("{} and {} differ only in case", first.display(), second.display())]
    CaseOnly {
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Two migrations with one number; `1`, `01` and `001` are one.
    #[error("{} and {} have the same version {version}", first.display(), second.display())]
    DuplicateVersion {
        /// The number.
        version: Version,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The up file says `irreversible`, and there is a down file.
    #[error("{} says `-- migrate: irreversible` but {} is there", up.display(), down.display())]
    IrreversibleWithDown {
        /// The up file.
        up: PathBuf,
        /// The down file.
        down: PathBuf,
    },
}

impl Problem {
    /// The file or folder, the first of two.
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. }
            | Self::NotAFolder { path }
            | Self::NameNotUtf8 { path }
            | Self::Name { path, .. }
            | Self::Text { path, .. }
            | Self::Script { path, .. }
            | Self::Empty { path }
            | Self::EmptyCheck { path }
            | Self::OrphanCheck { path, .. }
            | Self::TooLarge { path, .. }
            | Self::NotAFile { path, .. }
            | Self::BrokenLink { path, .. }
            | Self::LinkLoop { path }
            | Self::OutsideProject { path, .. }
            | Self::MissingHalf { path, .. } => path,
            Self::NamesDiffer { up, .. } | Self::IrreversibleWithDown { up, .. } => up,
            Self::CaseOnly { first, .. } | Self::DuplicateVersion { first, .. } => first,
        }
    }

    /// The line in the file, from 1, where one is to blame.
    pub fn line(&self) -> Option<usize> {
        if let Self::Script { error, .. } = self { Some(error.line) } else { None }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "create it with `cargo migrate init`, or name the folder that has the migrations"
            }
            Self::Unreadable { .. } => "check its permissions",
            Self::NotAFolder { .. } => "name the folder that has the migrations",
            Self::NameNotUtf8 { .. } => "rename the file with letters of ASCII or UTF-8",
            Self::Name { error, .. } => return error.hint(),
            Self::Text { error, .. } => return error.hint(),
            Self::Script { error, .. } => return error.hint(),
            Self::Empty { .. } => {
                "write its SQL, or `SELECT 1;` where nothing is to do; a down that is not wanted is said in the up file: \
                 `-- migrate: irreversible <reason>`"
            }
            Self::EmptyCheck { .. } => "write a query that must find nothing, or remove the file",
            Self::OrphanCheck { instead: Some(stem), .. } => {
                return format!("name it `{stem}.check.sql`, as the migration is named");
            }
            Self::OrphanCheck { instead: None, .. } => {
                "name it as its migration is named, up to `.check.sql`; a check that is of no migration is a file in `checks/`"
            }
            Self::TooLarge { .. } => {
                "split it into several migrations, or load the data outside the migrations"
            }
            Self::NotAFile { .. } => "move it out of the migrations folder, or rename it without `.sql`",
            Self::BrokenLink { .. } | Self::LinkLoop { .. } => {
                "remove the link, or put the file itself there"
            }
            Self::OutsideProject { .. } => {
                "put the file itself there: another checkout has not got what is outside"
            }
            Self::MissingHalf { half: Direction::Up, missing, .. } => {
                return format!(
                    "write {}, or say `-- migrate: irreversible <reason>` in the head of the up file",
                    missing.display()
                );
            }
            Self::MissingHalf { half: Direction::Down, missing, .. } => {
                return format!("write {}, or remove the down file", missing.display());
            }
            Self::NamesDiffer { .. } => "give both the same name up to `.up.sql` and `.down.sql`",
            Self::CaseOnly { .. } => {
                "rename one: where case does not count (macOS, Windows) a checkout would have only one of them"
            }
            Self::DuplicateVersion { .. } => {
                "give the one that is not applied anywhere yet the next free number; `cargo migrate history --action up` shows what is applied"
            }
            Self::IrreversibleWithDown { .. } => "remove the directive, or the down file",
        };
        hint.to_owned()
    }
}
