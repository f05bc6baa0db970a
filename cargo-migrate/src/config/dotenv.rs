//! The `.env` file: read, never put into the process's environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migrate_core::text::lines;

use super::Secret;
use crate::Problem;

/// The variables of a `.env` file.
#[derive(Clone, Debug, Default)]
pub struct Dotenv {
    /// The file; empty where there is none.
    pub path: PathBuf,
    /// Its variables.
    pub variables: BTreeMap<String, Secret>,
}

impl Dotenv {
    /// The value of a variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.0.as_str()).filter(|value| !value.is_empty())
    }
}

/// The nearest `.env` from `cwd` up to the project's root. Without a project only `cwd` is looked at: what lies in the
/// folders above has nothing to do with us.
pub(crate) fn find(cwd: &Path, root: Option<&Path>) -> Result<Dotenv, Problem> {
    for folder in cwd.ancestors() {
        let path = folder.join(".env");
        if path.is_file() {
            return read(path);
        }
        if root.is_none_or(|root| folder == root || !folder.starts_with(root)) {
            break;
        }
    }
    Ok(Dotenv::default())
}

fn read(path: PathBuf) -> Result<Dotenv, Problem> {
    let bad = |error: dotenvy::Error| Problem::Dotenv {
        path: path.clone(),
        // dotenvy's message for a bad line holds the line, which may hold a password.
        why: match error {
            dotenvy::Error::LineParse(line, column) => match number_of(&path, &line) {
                Some(number) => format!("line {number} cannot be read, at its byte {column}"),
                None => format!("a line cannot be read, at its byte {column}"),
            },
            dotenvy::Error::Io(error) => error.to_string(),
            _ => "it cannot be read".to_owned(),
        },
    };
    let mut variables = BTreeMap::new();
    for pair in dotenvy::from_path_iter(&path).map_err(bad)? {
        let (name, value) = pair.map_err(bad)?;
        // The first of a name twice wins, as with dotenvy's own loading.
        variables.entry(name).or_insert(Secret(value));
    }
    Ok(Dotenv { path, variables })
}

/// Which line of a file ends so, from 1: of a line dotenvy has the part that it could not read.
fn number_of(path: &Path, line: &str) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let first = lines(line).next().map(str::trim_end).filter(|first| !first.is_empty())?;
    lines(&text).position(|own| own.trim_end().ends_with(first)).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_file_up_to_the_root_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        let inner = root.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(folder.path().join(".env"), "A=outside\n").unwrap();
        assert_eq!(find(&inner, Some(&root)).unwrap().get("A"), None);
        assert_eq!(find(&inner, None).unwrap().get("A"), None);
        fs::write(root.join(".env"), "A=root\nB=\nA=again\n").unwrap();
        let found = find(&inner, Some(&root)).unwrap();
        assert_eq!((found.get("A"), found.get("B")), (Some("root"), None));
        assert_eq!(found.path, root.join(".env"));
    }

    #[test]
    fn a_bad_line_is_told_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".env"), "# ours\nDATABASE_URL=canary line\n").unwrap();
        let problem = find(folder.path(), None).unwrap_err();
        assert!(problem.to_string().contains("line 2 cannot be read"), "{problem}");
        fs::write(folder.path().join(".env"), "DATABASE_URL='canary\n").unwrap();
        let problem = find(folder.path(), None).unwrap_err();
        assert!(matches!(problem, Problem::Dotenv { .. }));
        assert!(!format!("{problem} {problem:?}").contains("canary"));
    }
}
