//! The folder of migration files: the one reader of both disk and compile time.

mod pairs;
mod problem;
mod standing;

use std::fs;
use std::path::{Path, PathBuf};

pub use problem::{FileKind, Problem, Problems};
pub use standing::{STANDING, standing_checks};

use crate::lock::{self, Difference, Lock, Recorded};
use crate::name::Part;
use crate::sql::Reason;
use crate::{CheckScript, Migration, Script, ScriptError, Set, Version, file, name, text};

/// The largest file: what PostgreSQL takes in one message (1 GiB − 1, `MaxAllocSize`), less what is sent around it.
pub const MAX_FILE_BYTES: u64 = (1 << 30) - (1 << 20);

/// The name of the folder where none is configured.
pub const DEFAULT: &str = "migrations";

/// How to read a folder.
#[derive(Clone, Debug)]
pub struct Options {
    /// Links may lead anywhere below this folder. Where the migrations folder was named by a path outside it, only below
    /// the migrations folder itself.
    pub project_root: PathBuf,
    /// Links may lead anywhere.
    pub follow_links_outside: bool,
}

impl Options {
    /// Links may lead anywhere below `project_root`.
    pub fn new(project_root: impl Into<PathBuf>) -> Self {
        Self { project_root: project_root.into(), follow_links_outside: false }
    }
}

/// All migrations of a folder.
///
/// Files that do not end in `.sql`, hidden ones and sub-folders are not looked at; everything else has to be one half of a
/// migration, or its checks. Each script gets the [`change`](Script::change) that the folder's `migrations.lock` has of it; whether the
/// lock fits the folder is [`lock::check`]'s to say.
///
/// # Errors
/// Everything that is wrong with the folder, in the order of the paths.
pub fn read(folder: &Path, options: &Options) -> Result<Set, Problems> {
    let mut problems = Vec::new();
    let mut halves = Vec::new();
    match list(folder, &mut problems) {
        Ok(paths) => {
            let home = home(folder, options);
            if let Some(home) = &home
                && let Ok(target) = fs::canonicalize(folder)
                && !target.starts_with(home)
            {
                problems.push(Problem::OutsideProject {
                    path: folder.to_owned(),
                    target,
                    project: home.clone(),
                });
            } else {
                for path in paths {
                    let content =
                        read_file(&path, home.as_deref()).map_err(|problem| problems.push(problem)).ok();
                    halves.extend(Half::named(path, content));
                }
            }
        }
        Err(problem) => problems.push(problem),
    }
    finish(folder, halves, problems, &lock::recorded(folder))
}

/// All migrations of a folder that is not on disk: of a git revision, of an archive. `files` are the paths and contents of
/// everything in it, sub-folders left out; where there is no content, why.
///
/// What counts as a migration, and what is refused, is as in [`read`].
///
/// # Errors
/// Everything that is wrong with the folder, in the order of the paths.
pub fn of_files(
    folder: &Path,
    files: impl IntoIterator<Item = (PathBuf, Result<Vec<u8>, Problem>)>,
) -> Result<Set, Problems> {
    let mut problems = Vec::new();
    let mut halves = Vec::new();
    let mut recorded = Recorded::default();
    for (path, bytes) in files {
        if is_looked_at(&path, &mut problems) {
            let content = bytes.and_then(|bytes| content_of(&path, &bytes));
            halves.extend(Half::named(path, content.map_err(|problem| problems.push(problem)).ok()));
        } else if path.file_name().is_some_and(|name| name == lock::FILE_NAME)
            && let Ok(bytes) = bytes
        {
            recorded = Recorded::read(&bytes);
        }
    }
    finish(folder, halves, problems, &recorded)
}

fn finish(
    folder: &Path,
    halves: Vec<Half>,
    mut problems: Vec<Problem>,
    recorded: &Recorded,
) -> Result<Set, Problems> {
    let mut migrations = pairs::pair(halves, &mut problems);
    for script in migrations.iter_mut().flat_map(Migration::scripts_mut) {
        script.change = recorded.of(script);
    }
    if problems.is_empty() {
        Ok(Set::new(folder.display().to_string(), migrations))
    } else {
        problems.sort_by(|a, b| a.path().cmp(b.path()));
        Err(Problems { folder: folder.to_owned(), problems })
    }
}

/// Whether an entry of the folder has to be a file of a migration. A name that cannot be one goes to `problems`.
fn is_looked_at(path: &Path, problems: &mut Vec<Problem>) -> bool {
    let Some(name) = path.file_name() else { return false };
    match name.to_str() {
        // What editors and file systems leave while a file is open: `.#0001_a.up.sql`, `._0001_a.up.sql`.
        Some(file) => !file.starts_with('.') && name::is_sql(file),
        None => {
            if name.to_string_lossy().to_lowercase().ends_with(".sql") {
                problems.push(Problem::NameNotUtf8 { path: path.to_owned() });
            }
            false
        }
    }
}

/// How a set that was read earlier, for example at compile time, differs from the folder now; `None` where it does not.
///
/// `None` also where the folder is not there (the binary was moved to another machine) or cannot be read (the next build tells
/// why). Links are followed wherever they lead, because a set from them was allowed before.
pub fn newer_than(set: &Set, folder: &Path) -> Option<Vec<Difference>> {
    let options = Options { project_root: folder.to_owned(), follow_links_outside: true };
    let now = read(folder, &options).ok()?;
    Some(Lock::of(set).compare(&now)).filter(|differences| !differences.is_empty())
}

/// What a file of a migration has in it.
enum Content {
    Script(Script),
    Check(CheckScript),
}

/// One file that has the name of a half of a migration, or of its checks.
struct Half {
    path: PathBuf,
    stem: String,
    version: Version,
    part: Part,
    /// `None` where the file is there but makes no sense: a problem of its own, and no missing half.
    content: Option<Content>,
}

impl Half {
    fn named(path: PathBuf, content: Option<Content>) -> Option<Self> {
        let name = name::parse(path.file_name()?.to_str()?).ok()?;
        let (stem, version, part) = (name.stem.to_owned(), name.version, name.part);
        Some(Self { path, stem, version, part, content })
    }

    fn script(&self) -> Option<&Script> {
        match &self.content {
            Some(Content::Script(script)) => Some(script),
            _ => None,
        }
    }

    fn into_script(self) -> Option<Script> {
        match self.content {
            Some(Content::Script(script)) => Some(script),
            _ => None,
        }
    }

    fn into_check(self) -> Option<CheckScript> {
        match self.content {
            Some(Content::Check(check)) => Some(check),
            _ => None,
        }
    }
}

/// The `.sql` entries of a folder in the order of their names, so that problems come in the same order everywhere.
fn list(folder: &Path, problems: &mut Vec<Problem>) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |source| Problem::Unreadable { path: folder.to_owned(), source };
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(Problem::NotAFolder { path: folder.to_owned() }),
        Err(source) => {
            return Err(if is_link(folder) { link_problem(folder, source) } else { unreadable(source) });
        }
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_looked_at(&path, problems) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The folder that links must not leave, without links in its own path; `None` where they may lead anywhere.
fn home(folder: &Path, options: &Options) -> Option<PathBuf> {
    if options.follow_links_outside {
        return None;
    }
    // By the words of the path, not by where it leads: naming a folder elsewhere is a choice, a link that leads there is not.
    let inside = std::path::absolute(folder)
        .ok()
        .zip(std::path::absolute(&options.project_root).ok())
        .is_some_and(|(folder, root)| {
            let folder = without_dots(&folder);
            folder.starts_with(without_dots(&root))
        });
    let root = if inside { fs::canonicalize(&options.project_root).ok() } else { None };
    root.or_else(|| fs::canonicalize(folder).ok())
}

/// A path with `.` and `..` resolved by the words alone.
fn without_dots(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

fn read_file(path: &Path, home: Option<&Path>) -> Result<Content, Problem> {
    let bytes = read_bytes(path, home, |file| name::parse(file).map(drop))?;
    content_of(path, &bytes)
}

/// What is in an ordinary file with a name that is fine, where it is not behind a link that leads out of `home`.
fn read_bytes(
    path: &Path,
    home: Option<&Path>,
    is_named: impl FnOnce(&str) -> Result<(), name::NameError>,
) -> Result<Vec<u8>, Problem> {
    let owned = || path.to_owned();
    // The kind before the name: a device called `x.sql` is a device first.
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(source) if is_link(path) => return Err(link_problem(path, source)),
        Err(source) => return Err(Problem::Unreadable { path: owned(), source }),
    };
    if !metadata.is_file() {
        return Err(Problem::NotAFile { kind: FileKind::of(&metadata), path: owned() });
    }
    if let Some(home) = home
        && is_link(path)
    {
        match fs::canonicalize(path) {
            Ok(target) if target.starts_with(home) => {}
            Ok(target) => {
                return Err(Problem::OutsideProject { path: owned(), target, project: home.to_owned() });
            }
            Err(source) => return Err(Problem::Unreadable { path: owned(), source }),
        }
    }
    if let Err(error) = is_named(file_name(path)) {
        return Err(Problem::Name { path: owned(), error });
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(Problem::TooLarge { path: owned(), bytes: metadata.len() });
    }
    file::read_ordinary(path, &metadata, MAX_FILE_BYTES)
        .map_err(|source| Problem::Unreadable { path: owned(), source })
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|file| file.to_str()).unwrap_or_default()
}

/// What a file of this name with these bytes is.
fn content_of(path: &Path, bytes: &[u8]) -> Result<Content, Problem> {
    let file = file_name(path);
    let name = name::parse(file).map_err(|error| Problem::Name { path: path.to_owned(), error })?;
    let text = text_of(path, bytes)?;
    match name.part {
        Part::Half(_) => Script::parse(file, text).map(Content::Script).map_err(|error| fault(path, error)),
        Part::Check => {
            CheckScript::parse(file, text).map(Content::Check).map_err(|error| check_fault(path, error))
        }
    }
}

fn text_of(path: &Path, bytes: &[u8]) -> Result<String, Problem> {
    let size = bytes.len() as u64;
    if size > MAX_FILE_BYTES {
        return Err(Problem::TooLarge { path: path.to_owned(), bytes: size });
    }
    text::normalise(bytes).map_err(|error| Problem::Text { path: path.to_owned(), error })
}

fn fault(path: &Path, error: ScriptError) -> Problem {
    match error.reason {
        Reason::Empty => Problem::Empty { path: path.to_owned() },
        _ => Problem::Script { path: path.to_owned(), error },
    }
}

fn check_fault(path: &Path, error: ScriptError) -> Problem {
    match error.reason {
        Reason::Empty => Problem::EmptyCheck { path: path.to_owned() },
        _ => Problem::Script { path: path.to_owned(), error },
    }
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// Why a link leads nowhere. Loops are counted here, because their `io::ErrorKind` is not stable.
fn link_problem(path: &Path, source: std::io::Error) -> Problem {
    let mut at = path.to_owned();
    // More than any system follows (Linux: 40, `path_resolution(7)`).
    for _ in 0..64 {
        match fs::read_link(&at) {
            Ok(target) => at = at.parent().unwrap_or(Path::new("")).join(target),
            Err(_) if source.kind() == std::io::ErrorKind::NotFound => {
                return Problem::BrokenLink { path: path.to_owned(), target: at };
            }
            Err(_) => return Problem::Unreadable { path: path.to_owned(), source },
        }
    }
    Problem::LinkLoop { path: path.to_owned() }
}

#[cfg(test)]
mod tests;
