//! `<verb>-<time>.log`: what a run showed, each line with its time and without colours.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::folder::{self, KEPT, Stamped};

const ENDING: &str = "log";

/// The text of one run.
pub(super) struct TextLog {
    folder: PathBuf,
    verb: String,
    stamp: String,
    open: Option<File>,
}

impl TextLog {
    /// Of a run that began then; the file is made with its first line.
    pub(super) fn new(folder: &Path, verb: &str, stamp: &str) -> Self {
        Self { folder: folder.to_owned(), verb: verb.replace(' ', "-"), stamp: stamp.to_owned(), open: None }
    }

    /// Appends a text of one line or of several.
    pub(super) fn append(&mut self, time: &str, text: &str) -> io::Result<()> {
        let lines: String =
            text.trim_end_matches('\n').split('\n').map(|line| format!("{time} {line}\n")).collect();
        self.file()?.write_all(lines.as_bytes())
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.open.as_ref().is_none_or(is_gone) {
            folder::make(&self.folder)?;
            let (path, file) = self.create()?;
            self.open = Some(file);
            folder::prune(&self.folder, ENDING, |_| true, KEPT, &path);
        }
        self.open.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// A name that nobody has, a link neither: two runs can begin in one second.
    fn create(&self) -> io::Result<(PathBuf, File)> {
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut number = 1;
        loop {
            let path = self.folder.join(Stamped::name(&self.verb, &self.stamp, number, ENDING));
            match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
                opened => return Ok((path, opened?)),
            }
        }
    }
}

/// Whether somebody tidied it away: what is written to it then nobody finds.
#[cfg(unix)]
fn is_gone(file: &File) -> bool {
    file.metadata().is_ok_and(|file| std::os::unix::fs::MetadataExt::nlink(&file) == 0)
}

#[cfg(not(unix))]
fn is_gone(_: &File) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn each_run_has_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["one\ntwo\n", "three"] {
            let mut log = TextLog::new(folder.path(), "backup create", "20261121T193059Z");
            log.append("19:30", text).unwrap();
            log.append("19:31", "end\n").unwrap();
        }
        let path = |name: &str| folder.path().join(name);
        let first = path("backup-create-20261121T193059Z.log");
        assert_eq!(fs::read_to_string(&first).unwrap(), "19:30 one\n19:30 two\n19:31 end\n");
        assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
        let second = fs::read_to_string(path("backup-create-20261121T193059Z-2.log")).unwrap();
        assert_eq!(second, "19:30 three\n19:31 end\n");
    }
}
