//! A folder of a repository, and what stands in it at a commit.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::File;
use super::answer::answer;
use super::program::{bytes_of, failed, first_line, git, missing, os_string, run};
use crate::Problem;

/// A folder of a repository.
pub(super) struct Place {
    top: PathBuf,
    /// The folder below it, with `/`, without one at the end; empty for the top itself.
    prefix: Vec<u8>,
}

/// What an entry is.
pub(super) enum Kind {
    /// A file or a link.
    Blob,
    /// A folder or a submodule.
    Folder,
}

/// What stands in a folder.
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) name: OsString,
}

impl Place {
    /// The repository of a folder, which need not be there any more.
    pub(super) fn find(dir: &Path) -> Result<Self, Problem> {
        let mut there = dir;
        while !there.is_dir()
            && let Some(parent) = there.parent()
        {
            there = parent;
        }
        let output = run(git(there).args(["rev-parse", "--show-toplevel", "--show-prefix"]))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(match message.contains("not a git repository") {
                true => Problem::NotInGit { path: dir.to_owned() },
                false => failed("rev-parse", &output),
            });
        }
        let mut lines = output.stdout.split(|&byte| byte == b'\n');
        let (Some(top), Some(prefix)) = (lines.next(), lines.next()) else {
            return Err(failed("rev-parse", &output));
        };
        let mut prefix = prefix.to_owned();
        for part in dir.strip_prefix(there).into_iter().flatten() {
            prefix.extend_from_slice(bytes_of(part));
            prefix.push(b'/');
        }
        prefix.pop();
        Ok(Self { top: os_string(top).into(), prefix })
    }

    pub(super) fn git(&self) -> Command {
        git(&self.top)
    }

    /// The commit that a revision names. From here on only its hash is handed to git, which no option can be taken for.
    pub(super) fn commit(&self, rev: &str) -> Result<String, Problem> {
        let mut git = self.git();
        git.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]).arg(format!("{rev}^{{commit}}"));
        let output = run(&mut git)?;
        let commit = first_line(&output.stdout).filter(|_| output.status.success());
        commit.ok_or_else(|| Problem::NoRevision { rev: rev.to_owned() })
    }

    /// What stands in the folder.
    pub(super) fn list(&self, commit: &str, label: &Path) -> Result<Vec<Entry>, Problem> {
        if !self.prefix.is_empty() {
            let itself = self.tree(commit, &self.prefix)?;
            match itself.first() {
                None => return Ok(Vec::new()),
                Some(Entry { kind: Kind::Folder, .. }) => {}
                Some(_) => {
                    let why = format!("{} is no folder in that revision", label.display());
                    return Err(Problem::Git { command: "ls-tree", why });
                }
            }
        }
        let mut inside = self.prefix.clone();
        if !inside.is_empty() {
            inside.push(b'/');
        }
        self.tree(commit, &inside)
    }

    /// The entries that `git ls-tree` has for a path: itself, or with `/` at its end what is in it.
    fn tree(&self, commit: &str, path: &[u8]) -> Result<Vec<Entry>, Problem> {
        let mut git = self.git();
        git.args(["ls-tree", "-z", commit, "--"]);
        if !path.is_empty() {
            git.arg(os_string(path));
        }
        let output = run(&mut git)?;
        if !output.status.success() {
            return Err(failed("ls-tree", &output));
        }
        let entries = output.stdout.split(|&byte| byte == 0).filter_map(|line| {
            let tab = line.iter().position(|&byte| byte == b'\t')?;
            let kind = match line[..tab].split(|&byte| byte == b' ').nth(1)? {
                b"blob" => Kind::Blob,
                _ => Kind::Folder,
            };
            let name = line[tab + 1..].rsplit(|&byte| byte == b'/').next()?;
            Some(Entry { kind, name: os_string(name) })
        });
        Ok(entries.collect())
    }

    /// The contents of files, all in one process.
    pub(super) fn read(&self, commit: &str, wanted: Vec<(PathBuf, OsString)>) -> Result<Vec<File>, Problem> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut asked = Vec::new();
        for (_, name) in &wanted {
            asked.extend_from_slice(commit.as_bytes());
            asked.push(b':');
            if !self.prefix.is_empty() {
                asked.extend_from_slice(&self.prefix);
                asked.push(b'/');
            }
            asked.extend_from_slice(bytes_of(name));
            asked.push(b'\n');
        }
        let mut git = self.git();
        git.args(["cat-file", "--batch", "--follow-symlinks"]).stdin(Stdio::piped());
        let mut child = git.spawn().map_err(missing)?;
        let stdin = child.stdin.take();
        // Both ends at once: with many files git waits for its output to be read before it reads on.
        let output = std::thread::scope(|scope| {
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(&asked)));
            child.wait_with_output()
        });
        let output = output.map_err(missing)?;
        if !output.status.success() {
            return Err(failed("cat-file", &output));
        }
        let mut rest = output.stdout.as_slice();
        let mut files = Vec::new();
        for (path, _) in wanted {
            let Some((answer, after)) = answer(rest) else { return Err(failed("cat-file", &output)) };
            rest = after;
            files.push((path.clone(), answer.content(path, &self.top)));
        }
        Ok(files)
    }
}
