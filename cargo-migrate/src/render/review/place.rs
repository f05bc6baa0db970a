//! Where in a file, and where the file is in its repository.

use std::ops::Range;
use std::path::Path;

use migrate_core::sql::LineColumn;

/// A range of a file as programs name it: lines and columns from 1, columns in characters, the end behind the last
/// character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
}

impl Place {
    /// A byte range of a text; `None` for an empty one at its start, which stands for the whole file.
    pub(crate) fn of(text: &str, span: &Range<usize>) -> Option<Self> {
        if span.is_empty() && span.start == 0 {
            return None;
        }
        let (start, end) = (LineColumn::of(text, span.start), LineColumn::of(text, span.end.max(span.start)));
        Some(Self { line: start.line, column: start.column, end_line: end.line, end_column: end.column })
    }

    /// The start of a line.
    pub(crate) fn line(line: usize) -> Self {
        Self::at(line, 1)
    }

    /// A place without a length.
    pub(crate) fn at(line: usize, column: usize) -> Self {
        Self { line, column, end_line: line, end_column: column }
    }
}

/// The folder from the root of the git repository that it is in, or from `cwd` where there is none, with slashes: what
/// GitHub shows a finding at. As it is where it is in neither.
pub(crate) fn folder_in_repository(dir: &Path, cwd: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| cwd.join(dir));
    // A worktree and a submodule have a file of that name.
    let root = dir.ancestors().find(|folder| folder.join(".git").exists());
    let cwd = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
    let Ok(relative) = dir.strip_prefix(root.unwrap_or(&cwd)) else { return dir.display().to_string() };
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_lines_and_columns() {
        let text = "é a\nbc\n";
        let place = |line, column, end_line, end_column| Some(Place { line, column, end_line, end_column });
        assert_eq!(Place::of(text, &(3..4)), place(1, 3, 1, 4));
        assert_eq!(Place::of(text, &(3..7)), place(1, 3, 2, 3));
        assert_eq!(Place::of(text, &(5..5)), place(2, 1, 2, 1));
        assert_eq!(Place::of(text, &(0..0)), None);
        assert_eq!(Place::of(text, &(0..2)), place(1, 1, 1, 2));
    }

    #[test]
    fn paths_start_at_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("apps/shop/migrations");
        std::fs::create_dir_all(&dir).unwrap();
        let shop = root.path().join("apps/shop");
        assert_eq!(folder_in_repository(&dir, &shop), "migrations");
        assert_eq!(folder_in_repository(Path::new("migrations"), &shop), "migrations");
        assert!(folder_in_repository(&dir, &root.path().join("other")).ends_with("apps/shop/migrations"));
        std::fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(folder_in_repository(&dir, &shop), "apps/shop/migrations");
        assert_eq!(folder_in_repository(root.path(), &shop), "");
    }
}
