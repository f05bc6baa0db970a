//! `migrations.jsonl`: one line an event, appended by as many processes as there are, rotated by size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The name of the newest file; older ones have a number behind it, 1 the next older.
pub(crate) const NAME: &str = "migrations.jsonl";

/// When a new one is begun, in bytes.
const LIMIT: u64 = 10_000_000;

/// How many older ones are kept.
pub(crate) const OLDER: u32 = 5;

/// The file that is appended to.
pub(super) struct Journal {
    folder: PathBuf,
    limit: u64,
    open: Option<File>,
    /// The last line was cut short: what comes next starts a line of its own.
    torn: bool,
}

impl Journal {
    /// In this folder, which is made when the first line is written.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), limit: LIMIT, open: None, torn: false }
    }

    /// Appends one line, which has its end.
    ///
    /// With `O_APPEND` a write goes to the end of the file as one, whoever else writes: lines of two processes do not mix.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        let mut file = self.current()?;
        if file.metadata()?.len() >= self.limit && self.rotate()? {
            file = self.current()?;
        }
        let torn;
        let line = match self.torn {
            true => {
                torn = format!("\n{line}");
                torn.as_str()
            }
            false => line,
        };
        let written = loop {
            match file.write(line.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written?,
            }
        };
        self.torn = written < line.len();
        match self.torn {
            // The rest would stand behind what others wrote meanwhile.
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    /// The file under the name: opened anew where another process has rotated it away.
    fn current(&mut self) -> io::Result<File> {
        let path = self.folder.join(NAME);
        if let Some(open) = &self.open
            && fs::metadata(&path).is_ok_and(|named| open.metadata().is_ok_and(|open| same(&named, &open)))
        {
            return open.try_clone();
        }
        super::folder::make(&self.folder)?;
        // A pipe that nobody reads would hold up the run, where it is opened already.
        if fs::metadata(&path).is_ok_and(|named| !named.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not an ordinary file"));
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        self.torn = false;
        let file = options.open(&path)?;
        self.open = Some(file.try_clone()?);
        Ok(file)
    }

    /// Gives every file the next number. Whether this or another process has done it; where another is at it, this one
    /// goes on with the file it has.
    fn rotate(&mut self) -> io::Result<bool> {
        // The folder itself is what is locked: a file for it would be one more to explain. The lock goes with the handle.
        let lock = File::open(&self.folder)?;
        if lock.try_lock().is_err() {
            return Ok(false);
        }
        let path = self.folder.join(NAME);
        // Another process may have rotated since the size was looked at, and not begun the next file yet.
        let size = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            named => named?.len(),
        };
        if size >= self.limit {
            let numbered = |number: u32| self.folder.join(format!("{NAME}.{number}"));
            for number in (1..OLDER).rev() {
                match fs::rename(numbered(number), numbered(number + 1)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            fs::rename(&path, numbered(1))?;
        }
        Ok(true)
    }
}

#[cfg(unix)]
fn same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Without such numbers it is opened anew each time.
#[cfg(not(unix))]
fn same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}

/// The files that there are, oldest first.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let older = (1..=OLDER).rev().map(|number| folder.join(format!("{NAME}.{number}")));
    older.chain([folder.join(NAME)]).filter(|path| path.is_file()).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    use super::*;

    #[test]
    fn it_is_made_private_and_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/log");
        for _ in 0..2 {
            Journal::new(&folder).append("{}\n").unwrap();
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(NAME))), (0o700, 0o600));
        assert_eq!(fs::read_to_string(folder.join(NAME)).unwrap(), "{}\n{}\n");
    }

    #[test]
    fn several_writers_rotate_without_losing_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let (writers, lines) = (8, 250);
        thread::scope(|scope| {
            for writer in 0..writers {
                let folder = folder.path();
                scope.spawn(move || {
                    // Together they write a bit less than the five files that are kept can hold.
                    let mut journal = Journal { limit: 7000, ..Journal::new(folder) };
                    let lock = File::open(folder).unwrap();
                    for line in 0..lines {
                        if fs::metadata(folder.join(NAME)).is_ok_and(|named| named.len() >= 7000) {
                            // Whoever rotates may be left standing by the scheduler, and how large a file becomes by then
                            // is not what is tested.
                            lock.lock().unwrap();
                            lock.unlock().unwrap();
                        }
                        journal.append(&format!("{{\"w\":{writer},\"l\":{line:03}}}\n")).unwrap();
                    }
                });
            }
        });
        let files = files(folder.path());
        assert!((3..=6).contains(&files.len()), "{files:?}");
        let mut seen = Vec::new();
        for file in &files {
            let text = fs::read_to_string(file).unwrap();
            // While one of them rotates, the others go on with the file that they have.
            assert!(text.len() < 2 * 7000, "{}", text.len());
            seen.extend(text.split_terminator('\n').map(str::to_owned));
        }
        let of_one: Vec<_> = seen.iter().filter(|line| line.starts_with("{\"w\":3,")).collect();
        // In the order in which they were written, over all files.
        assert!(of_one.is_sorted(), "{of_one:?}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), writers * lines);
    }

    #[test]
    fn the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal { limit: 1, ..Journal::new(folder.path()) };
        for line in 0..8 {
            journal.append(&format!("{line}\n")).unwrap();
        }
        let texts: Vec<_> =
            files(folder.path()).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        assert_eq!(texts, ["2\n", "3\n", "4\n", "5\n", "6\n", "7\n"]);
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_no_wait() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join(NAME)).unwrap();
        Journal::new(folder.path()).append("{}\n").unwrap_err();
        fs::write(folder.path().join("file"), "").unwrap();
        Journal::new(&folder.path().join("file")).append("{}\n").unwrap_err();
    }
}
