//! `checks/*.sql` in the migrations folder: what must hold at any time, whichever migrations are applied.
//!
//! They are of no migration, so that nothing that is recorded depends on them: they stand in no lock, and an edited one
//! is in force at once. An application that embeds its migrations does not carry them.

use std::fs;
use std::io;
use std::path::Path;

use super::{Options, Problem, Problems, check_fault, file_name, home, list, read_bytes, text_of};
use crate::{CheckScript, name};

/// The name of the sub-folder.
pub const STANDING: &str = "checks";

/// The standing checks of a migrations folder, in the order of their names; none where it has no `checks`.
///
/// The name of each is told relative to the migrations folder: `checks/orphans.sql`. What is no `.sql` file is not looked at.
///
/// # Errors
///
/// Everything that is wrong with them, in the order of the paths.
pub fn standing_checks(folder: &Path, options: &Options) -> Result<Vec<CheckScript>, Problems> {
    let checks = folder.join(STANDING);
    if fs::symlink_metadata(&checks).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    let home = home(folder, options);
    let mut scripts = Vec::new();
    let inside = |home: &std::path::PathBuf| fs::canonicalize(&checks).is_ok_and(|to| !to.starts_with(home));
    if let Some(project) = home.clone().filter(inside) {
        let target = fs::canonicalize(&checks).unwrap_or_default();
        problems.push(Problem::OutsideProject { path: checks.clone(), target, project });
    } else {
        match list(&checks, &mut problems) {
            Ok(paths) => {
                for path in paths {
                    match read(&path, home.as_deref()) {
                        Ok(script) => scripts.push(script),
                        Err(problem) => problems.push(problem),
                    }
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(scripts)
    } else {
        problems.sort_by(|a, b| a.path().cmp(b.path()));
        Err(Problems { folder: checks, problems })
    }
}

fn read(path: &Path, home: Option<&Path>) -> Result<CheckScript, Problem> {
    let bytes = read_bytes(path, home, name::printable)?;
    let text = text_of(path, &bytes)?;
    let file = format!("{STANDING}/{}", file_name(path));
    CheckScript::parse_standing(&file, text).map_err(|error| check_fault(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(files: &[(&str, &str)]) -> Result<Vec<CheckScript>, Vec<String>> {
        let root = tempfile::tempdir().unwrap();
        if !files.is_empty() {
            fs::create_dir(root.path().join(STANDING)).unwrap();
        }
        for (file, text) in files {
            fs::write(root.path().join(STANDING).join(file), text).unwrap();
        }
        standing_checks(root.path(), &Options::new(root.path())).map_err(|problems| {
            let root = format!("{}/", root.path().display());
            problems.problems.iter().map(|problem| problem.to_string().replace(&root, "")).collect()
        })
    }

    #[test]
    fn every_sql_file_is_a_script_of_checks() {
        let scripts = read_all(&[
            ("b.sql", "-- no orphans\r\nSELECT 1 WHERE false;\r\n"),
            ("a.sql", "TABLE t"),
            (".c.sql", "x"),
            ("README.md", "x"),
        ]);
        let scripts = scripts.unwrap();
        let files: Vec<_> = scripts.iter().map(|script| script.file.as_ref()).collect();
        assert_eq!(files, ["checks/a.sql", "checks/b.sql"]);
        assert_eq!(scripts[1].checks[0].description.as_deref(), Some("no orphans"));
        assert_eq!(read_all(&[]), Ok(vec![]));
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let problems = read_all(&[
            ("a.sql", "DELETE FROM t;"),
            ("b.sql", "-- nothing"),
            ("c.sql", "-- migrate: before\nSELECT 1;"),
            ("d\u{202e}.sql", "SELECT 1;"),
        ]);
        let expected = [
            "checks/a.sql:1:1: `DELETE` in a file of checks, where only queries stand",
            "checks/b.sql: has no query in it",
            "checks/c.sql:1:1: `-- migrate: before` in a standing check, which is of no migration",
            "checks/d\u{202e}.sql: the name has the unprintable character U+202E",
        ];
        assert_eq!(problems.unwrap_err(), expected);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_in_the_project() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("a.sql"), "SELECT 1;").unwrap();
        std::os::unix::fs::symlink(other.path(), root.path().join(STANDING)).unwrap();
        let options = Options::new(root.path());
        let problems = standing_checks(root.path(), &options).unwrap_err();
        assert!(matches!(problems.problems[..], [Problem::OutsideProject { .. }]), "{problems}");
        let options = Options { follow_links_outside: true, ..options };
        assert_eq!(standing_checks(root.path(), &options).unwrap().len(), 1);
        let file = root.path().join("file");
        fs::create_dir(&file).unwrap();
        fs::write(file.join(STANDING), "").unwrap();
        let problems = standing_checks(&file, &options).unwrap_err();
        assert!(matches!(problems.problems[..], [Problem::NotAFolder { .. }]), "{problems}");
    }
}
