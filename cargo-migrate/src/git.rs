//! A folder as it was at a git revision, by the `git` program of the machine.

mod answer;
mod place;
mod program;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use migrate_core::Set;
use migrate_core::folder::{self, FileKind};

use self::place::{Entry, Kind, Place};
use self::program::{bytes_of, failed, first_line, run};
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::program::git;
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
