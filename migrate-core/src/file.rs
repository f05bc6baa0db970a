//! Files, whole: written in one step or not at all, read only where they are ordinary files. Every error has its path.

mod temporary;

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use temporary::Temporary;

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} {}", path.display())]
pub struct FileError {
    /// `read`, `write`, `replace` …
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self.source.kind() {
            io::ErrorKind::PermissionDenied => "check the permissions of the file and of its folder",
            io::ErrorKind::NotFound => "check the path: no such file, or not the folder that it should be in",
            io::ErrorKind::AlreadyExists => "choose another name, or remove the file first",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "make room on the disk; nothing was changed"
            }
            io::ErrorKind::FileTooLarge => "make the file smaller",
            _ => "see the cause",
        }
        .to_owned()
    }
}

/// Replaces a file's content in one step: a reader sees all of the old or all of the new, also after a power cut.
///
/// A link is followed, so that it stays a link; the permissions of a file that is there are kept. Where the content is the same
/// already nothing is written, so that no build is started by a new time stamp. Returns whether anything was written.
///
/// # Errors
/// I/O errors. No temporary file is left, and the old content stands.
pub fn replace(path: &Path, content: &[u8]) -> Result<bool, FileError> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |action| move |source| FileError { action, path: path.to_owned(), source };
    if let Ok(old) = fs::metadata(&target)
        && old.is_file()
        && old.len() == content.len() as u64
        && fs::read(&target).is_ok_and(|old| old == content)
    {
        return Ok(false);
    }
    let temporary = Temporary::write(&target, content, false).map_err(failed("write"))?;
    if let Ok(old) = fs::metadata(&target) {
        temporary.set_permissions(old.permissions()).map_err(failed("set the permissions of"))?;
    }
    temporary.rename_to(&target).map_err(failed("replace"))?;
    Ok(true)
}

/// Writes a file that nobody but its owner may read, in one step, as [`replace`] does. A link of this name is replaced, not
/// followed: where it leads, others may be able to read.
///
/// # Errors
/// I/O errors. No temporary file is left, and the old content stands.
pub fn replace_private(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let failed = |action| move |source| FileError { action, path: path.to_owned(), source };
    let temporary = Temporary::write(path, content, true).map_err(failed("write"))?;
    temporary.rename_to(path).map_err(failed("replace"))
}

/// Makes a folder that nobody but its owner may enter, and those above it where they are missing. One that is there stays as
/// it is.
///
/// # Errors
/// I/O errors.
pub fn private_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| FileError { action: "create", path: path.to_owned(), source })
}

/// Creates files with all of their content, or none of them where one of these names is taken or one cannot be written.
///
/// All content is on the disk under hidden names before the first of the names is given, so that whoever is killed or out
/// of room leaves no half-written file; killed between two names, it leaves the first without the second, each whole.
///
/// # Errors
/// I/O errors, with the path of the file; [`io::ErrorKind::AlreadyExists`] where there is one.
pub fn create_all(files: &[(PathBuf, String)]) -> Result<(), FileError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError { action: "create", path, source }
    };
    let mut written = Vec::with_capacity(files.len());
    for (path, content) in files {
        written.push(Temporary::write(path, content.as_bytes(), false).map_err(failed(path))?);
    }
    for (index, ((path, _), temporary)) in files.iter().zip(written).enumerate() {
        if let Err(error) = temporary.name(path) {
            for (named, _) in &files[..index] {
                // The error that led here is the one to tell.
                let _ = fs::remove_file(named);
            }
            return Err(failed(path)(error));
        }
    }
    Ok(())
}

/// The bytes of an ordinary file of at most `limit` bytes.
///
/// A device, a FIFO or a folder is recognised before it is opened, because opening a FIFO waits for a writer.
///
/// # Errors
/// I/O errors; [`io::ErrorKind::InvalidInput`] where it is not an ordinary file, [`io::ErrorKind::FileTooLarge`] where it is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let read = || {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not an ordinary file"));
        }
        read_ordinary(path, &metadata, limit)
    };
    read().map_err(|source| FileError { action: "read", path: path.to_owned(), source })
}

pub(crate) fn read_ordinary(path: &Path, metadata: &Metadata, limit: u64) -> io::Result<Vec<u8>> {
    let too_large =
        || io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"));
    if metadata.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // The limit again, because a file can grow while it is read.
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[cfg(unix)]
    #[test]
    fn what_is_private_is_nobody_elses() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (inside, path) = (folder.path().join("a/b"), folder.path().join("a/b/c"));
        private_folder(&inside).unwrap();
        private_folder(&inside).unwrap();
        fs::write(folder.path().join("public"), "old").unwrap();
        std::os::unix::fs::symlink(folder.path().join("public"), &path).unwrap();
        replace_private(&path, b"secret").unwrap();
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inside), mode(&path)), (0o700, 0o600));
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        assert_eq!(fs::read(folder.path().join("public")).unwrap(), b"old");
    }

    #[test]
    fn replaces_and_says_whether_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(replace(&path, b"one").unwrap());
        assert!(!replace(&path, b"one").unwrap());
        assert!(replace(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_failed_replacement_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        // A folder that is not empty is what no file can be renamed over, whoever runs the test.
        fs::create_dir_all(path.join("inside")).unwrap();
        let error = replace(&path, b"x").unwrap_err();
        assert_eq!(error.path, path);
        assert_eq!(names(folder.path()), ["a"]);
        let error = replace(&folder.path().join("no/such/a"), b"x").unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
        assert!(!error.hint().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn keeps_links_and_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        assert!(replace(&link, b"new").unwrap());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn creates_only_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = |name: &str, content: &str| (folder.path().join(name), content.to_owned());
        create_all(&[file("a", "one")]).unwrap();
        let error = create_all(&[file("b", "two"), file("a", "two"), file("c", "two")]).unwrap_err();
        assert_eq!((error.source.kind(), error.path), (io::ErrorKind::AlreadyExists, path.clone()));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["a"]);
        let error = create_all(&[file("b", "two"), file("no/such/c", "two")]).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn reads_ordinary_files_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().source.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(folder.path(), 4).unwrap_err().source.kind(), io::ErrorKind::InvalidInput);
        #[cfg(unix)]
        assert_eq!(read(Path::new("/dev/zero"), 4).unwrap_err().source.kind(), io::ErrorKind::InvalidInput);
    }
}
