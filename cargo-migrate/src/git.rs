//! A folder as it was at a git revision, by the `git` program of the machine.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use migrate_core::Set;
use migrate_core::folder::{self, FileKind};

use crate::Problem;

/// A file of a revision: its path, `main:migrations/0001_a.up.sql`, and its bytes or why it has none.
pub(crate) type File = (PathBuf, Result<Vec<u8>, folder::Problem>);

/// The migrations of a folder at a revision. A folder that was not there has none.
///
/// # Errors
/// What git could not do ([`Problem`]), and everything that is wrong with the folder at that revision
/// ([`folder::Problems`], with paths like `main:migrations/0001_a.up.sql`).
pub(crate) fn set_at(root: &Path, dir: &Path, rev: &str) -> anyhow::Result<Set> {
    let files = files_at(root, dir, rev)?;
    Ok(folder::of_files(&label(root, dir, rev), files)?)
}

/// Everything that stood in a folder at a revision, sub-folders as files that cannot be read. Links are followed as far as
/// they stay in the repository. Empty where the folder was not there.
///
/// # Errors
/// No git, no repository, no such revision, a file or a link in the folder's place.
pub(crate) fn files_at(root: &Path, dir: &Path, rev: &str) -> Result<Vec<File>, Problem> {
    let place = Place::find(&root.join(dir))?;
    let commit = place.commit(rev)?;
    let label = label(root, dir, rev);
    let mut files = Vec::new();
    let mut wanted = Vec::new();
    for Entry { kind, name } in place.list(&commit, &label)? {
        let path = label.join(&name);
        match kind {
            // Its name makes it a problem whatever its content is, and git's protocol asks for a line a name.
            Kind::Blob if bytes_of(&name).contains(&b'\n') => files.push((path, Ok(Vec::new()))),
            Kind::Blob => wanted.push((path, name)),
            Kind::Folder => {
                let problem = folder::Problem::NotAFile { path: path.clone(), kind: FileKind::Folder };
                files.push((path, Err(problem)));
            }
        }
    }
    files.extend(place.read(&commit, wanted)?);
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

/// Whether a name is a revision of the repository of a folder; not where there is no git, or no repository.
pub(crate) fn knows(root: &Path, dir: &Path, rev: &str) -> bool {
    Place::find(&root.join(dir)).is_ok_and(|place| place.commit(rev).is_ok())
}

/// The commit where this checkout and a revision parted: what a pull request is compared with.
///
/// # Errors
/// As [`files_at`], and a history that has no such commit, or not any more.
pub(crate) fn merge_base(root: &Path, dir: &Path, rev: &str) -> Result<String, Problem> {
    let place = Place::find(&root.join(dir))?;
    let commit = place.commit(rev)?;
    let output = run(place.git().args(["merge-base", "HEAD", &commit]))?;
    match (output.status.code(), first_line(&output.stdout)) {
        (Some(0), Some(base)) => Ok(base),
        (Some(1), _) => Err(Problem::NoMergeBase { rev: rev.to_owned() }),
        _ => Err(failed("merge-base", &output)),
    }
}

/// How messages name the folder: `main:migrations`.
fn label(root: &Path, dir: &Path, rev: &str) -> PathBuf {
    let shown = dir.strip_prefix(root).unwrap_or(dir);
    let mut label = OsString::from(format!("{rev}:"));
    label.push(shown);
    label.into()
}

/// A folder of a repository.
struct Place {
    top: PathBuf,
    /// The folder below it, with `/`, without one at the end; empty for the top itself.
    prefix: Vec<u8>,
}

enum Kind {
    /// A file or a link.
    Blob,
    /// A folder or a submodule.
    Folder,
}

struct Entry {
    kind: Kind,
    name: OsString,
}

impl Place {
    /// The repository of a folder, which need not be there any more.
    fn find(dir: &Path) -> Result<Self, Problem> {
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

    fn git(&self) -> Command {
        git(&self.top)
    }

    /// The commit that a revision names. From here on only its hash is handed to git, which no option can be taken for.
    fn commit(&self, rev: &str) -> Result<String, Problem> {
        let mut git = self.git();
        git.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]).arg(format!("{rev}^{{commit}}"));
        let output = run(&mut git)?;
        let commit = first_line(&output.stdout).filter(|_| output.status.success());
        commit.ok_or_else(|| Problem::NoRevision { rev: rev.to_owned() })
    }

    /// What stands in the folder.
    fn list(&self, commit: &str, label: &Path) -> Result<Vec<Entry>, Problem> {
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
    fn read(&self, commit: &str, wanted: Vec<(PathBuf, OsString)>) -> Result<Vec<File>, Problem> {
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

/// One answer of `git cat-file --batch --follow-symlinks`.
struct Answer<'a> {
    what: &'a [u8],
    content: &'a [u8],
}

/// The first answer of an output, and what follows: `HASH blob SIZE`, or `symlink SIZE`, `dangling SIZE`, `loop SIZE`,
/// each with as many bytes on the lines after it; or `NAME missing`.
fn answer(output: &[u8]) -> Option<(Answer<'_>, &[u8])> {
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
    fn content(&self, path: PathBuf, top: &Path) -> Result<Vec<u8>, folder::Problem> {
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

/// git in a folder, speaking English and finding its repository by that folder: in a hook git sets variables that name
/// one relative to another folder (githooks(5)).
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        git.env_remove(variable);
    }
    git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    git
}

fn run(git: &mut Command) -> Result<Output, Problem> {
    git.output().map_err(missing)
}

fn missing(error: std::io::Error) -> Problem {
    Problem::Program { program: "git".to_owned(), why: error.to_string() }
}

fn failed(command: &'static str, output: &Output) -> Problem {
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let why = if message.is_empty() { output.status.to_string() } else { message };
    Problem::Git { command, why }
}

fn first_line(output: &[u8]) -> Option<String> {
    let line = output.split(|&byte| byte == b'\n').next()?;
    String::from_utf8(line.to_owned()).ok().filter(|line| !line.is_empty())
}

#[cfg(unix)]
fn bytes_of(text: &OsStr) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(text)
}

#[cfg(not(unix))]
fn bytes_of(text: &OsStr) -> &[u8] {
    text.to_str().unwrap_or_default().as_bytes()
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_owned())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A repository with commits.
    struct Repository(tempfile::TempDir);

    impl Repository {
        fn new() -> Self {
            let repository = Self(tempfile::tempdir().unwrap());
            repository.git(&["init", "--quiet", "--initial-branch=main"]);
            repository
        }

        fn root(&self) -> PathBuf {
            self.0.path().to_owned()
        }

        fn git(&self, arguments: &[&str]) {
            let mut git = git(self.0.path());
            let identity = ["user.name=x", "user.email=x@example.org", "commit.gpgsign=false"];
            for setting in identity {
                git.args(["-c", setting]);
            }
            let output = git.args(arguments).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }

        fn write(&self, path: &str, text: &str) -> &Self {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn commit(&self) -> &Self {
            self.git(&["add", "--all"]);
            self.git(&["commit", "--quiet", "--allow-empty", "-m", "x"]);
            self
        }

        fn at(&self, rev: &str) -> Vec<String> {
            let set = set_at(&self.root(), Path::new("a b/migrations"), rev).unwrap();
            set.migrations.iter().map(|migration| migration.up.text.trim().to_owned()).collect()
        }
    }

    #[test]
    fn a_folder_is_read_as_it_was() {
        let repository = Repository::new();
        repository.write("x", "").commit();
        for (stem, sql) in [("0001_a", "SELECT 1;\r\n"), ("0002_b", "SELECT 2;")] {
            repository.write(&format!("a b/migrations/{stem}.up.sql"), sql);
            repository.write(&format!("a b/migrations/{stem}.down.sql"), "SELECT 0;").commit();
        }
        fs::remove_dir_all(repository.root().join("a b")).unwrap();
        assert_eq!(repository.at("HEAD"), ["SELECT 1;", "SELECT 2;"]);
        assert_eq!(repository.at("main~1"), ["SELECT 1;"]);
        assert!(repository.at("main~2").is_empty());
    }

    #[test]
    fn a_pull_request_is_compared_with_where_it_began() {
        let repository = Repository::new();
        repository.write("x", "").commit();
        repository.git(&["checkout", "--quiet", "-b", "feature"]);
        repository.write("y", "").commit();
        repository.git(&["checkout", "--quiet", "main"]);
        repository.write("z", "").commit();
        repository.git(&["checkout", "--quiet", "feature"]);
        let place = Place::find(&repository.root()).unwrap();
        let base = merge_base(&repository.root(), Path::new("."), "main").unwrap();
        assert_eq!(base, place.commit("main~1").unwrap());
        repository.git(&["checkout", "--quiet", "--orphan", "other"]);
        repository.commit();
        let error = merge_base(&repository.root(), Path::new("."), "main").unwrap_err();
        assert_eq!(error.kind(), "no_merge_base");
    }

    #[test]
    fn what_git_cannot_do_is_told_apart() {
        let repository = Repository::new();
        repository.write("migrations", "a file").commit();
        let kind = |dir: &str, rev: &str| {
            files_at(&repository.root(), Path::new(dir), rev).map(|_| ()).unwrap_err().kind()
        };
        for rev in ["nowhere", "", "--help", "-h", "--output=x", "HEAD:migrations"] {
            assert_eq!(kind("m", rev), "no_revision", "{rev}");
        }
        assert_eq!(kind("migrations", "HEAD"), "git");
        let elsewhere = tempfile::tempdir().unwrap();
        let error = files_at(elsewhere.path(), Path::new("migrations"), "HEAD").unwrap_err();
        assert_eq!(error.kind(), "not_in_git");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_the_repository_only() {
        use std::os::unix::fs::symlink;
        let repository = Repository::new();
        repository.write("shared/a.sql", "SELECT 7;").write("migrations/0001_a.down.sql", "SELECT 0;");
        let folder = repository.root().join("migrations");
        symlink("../shared/a.sql", folder.join("0001_a.up.sql")).unwrap();
        repository.commit();
        let set = set_at(&repository.root(), &folder, "HEAD").unwrap();
        assert_eq!(set.migrations[0].up.text, "SELECT 7;");

        symlink("../../outside.sql", folder.join("0002_b.up.sql")).unwrap();
        symlink("nowhere.sql", folder.join("0003_c.up.sql")).unwrap();
        symlink("0004_d.up.sql", folder.join("0004_d.up.sql")).unwrap();
        repository.write("migrations/0005_e.up.sql/x", "").write("migrations/0006\n_f.up.sql", "").commit();
        let error = set_at(&repository.root(), &folder, "HEAD").unwrap_err();
        let problems = error.downcast::<folder::Problems>().unwrap().problems;
        let told: Vec<_> = problems.iter().map(|p| (p.path().display().to_string(), p)).collect();
        let paths: Vec<_> =
            told.iter().map(|(path, _)| path.trim_start_matches("HEAD:migrations/")).collect();
        assert_eq!(
            paths,
            ["0002_b.up.sql", "0003_c.up.sql", "0004_d.up.sql", "0005_e.up.sql", "0006\n_f.up.sql"]
        );
        assert!(matches!(told[0].1, folder::Problem::OutsideProject { .. }), "{told:?}");
        assert!(matches!(told[1].1, folder::Problem::Unreadable { .. }), "{told:?}");
        assert!(matches!(told[2].1, folder::Problem::LinkLoop { .. }), "{told:?}");
        assert!(matches!(told[3].1, folder::Problem::NotAFile { .. }), "{told:?}");
    }

    #[test]
    fn a_thousand_files_are_one_process() {
        let repository = Repository::new();
        for index in 0..1000 {
            repository.write(&format!("migrations/{index:04}_a.up.sql"), &"SELECT 1;\n".repeat(100));
            repository.write(&format!("migrations/{index:04}_a.down.sql"), "SELECT 2;");
        }
        repository.commit();
        let set = set_at(&repository.root(), Path::new("migrations"), "HEAD").unwrap();
        assert_eq!(set.migrations.len(), 1000);
    }
}
