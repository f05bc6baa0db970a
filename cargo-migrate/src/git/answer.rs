//! What `git cat-file --batch` answers.

use std::path::{Path, PathBuf};

use migrate_core::folder::{self, FileKind};

use super::program::os_string;

/// One answer of `git cat-file --batch --follow-symlinks`.
pub(super) struct Answer<'a> {
    what: &'a [u8],
    content: &'a [u8],
}

/// The first answer of an output, and what follows: `HASH blob SIZE`, or `symlink SIZE`, `dangling SIZE`, `loop SIZE`,
/// each with as many bytes on the lines after it; or `NAME missing`.
pub(super) fn answer(output: &[u8]) -> Option<(Answer<'_>, &[u8])> {
    let end = output.iter().position(|&byte| byte == b'\n')?;
    let (head, rest) = (&output[..end], &output[end + 1..]);
    let mut words = head.rsplitn(3, |&byte| byte == b' ');
    let last = words.next()?;
    let what = words.next()?;
    if last == b"missing" || last == b"ambiguous" {
        return Some((Answer { what: last, content: what }, rest));
    }
    let size: usize = std::str::from_utf8(last).ok()?.parse().ok()?;
    let content = rest.get(..size)?;
    Some((Answer { what, content }, rest.get(size + 1..)?))
}

impl Answer<'_> {
    /// The bytes of a file, or why it has none.
    pub(super) fn content(&self, path: PathBuf, top: &Path) -> Result<Vec<u8>, folder::Problem> {
        let target = || PathBuf::from(os_string(self.content));
        match self.what {
            b"blob" => Ok(self.content.to_owned()),
            b"symlink" => {
                let (target, project) = (target(), top.to_owned());
                Err(folder::Problem::OutsideProject { path, target, project })
            }
            b"loop" => Err(folder::Problem::LinkLoop { path }),
            b"tree" | b"commit" => Err(folder::Problem::NotAFile { path, kind: FileKind::Folder }),
            // `dangling` repeats what was asked for, not where the link leads.
            _ => {
                let source = std::io::Error::from(std::io::ErrorKind::NotFound);
                Err(folder::Problem::Unreadable { path, source })
            }
        }
    }
}
