//! The folders that are not the project's: the user's cache, and where sockets and scratch servers live.

use std::path::{Path, PathBuf};

use crate::{Error, Result, ServerUser};

/// The longest path of a Unix socket that every system takes (macOS: 104 bytes with the final NUL).
const SOCKET_PATH_LIMIT: usize = 103;

/// What a server of ours needs free to be put into memory.
const MEMORY_NEEDED: u64 = 768 * 1024 * 1024;

/// The user's cache for installed servers and fresh clusters, made if missing. `MIGRATE_CACHE_DIR` moves it.
pub(crate) fn folder(part: &str) -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("MIGRATE_CACHE_DIR").unwrap_or_else(|| {
        // Root's home is closed to the user that runs the server, so root's cache is the system's.
        if rustix::process::geteuid().is_root() {
            return PathBuf::from("/var/cache/cargo-migrate");
        }
        let home = variable("HOME").unwrap_or_else(std::env::temp_dir);
        let caches =
            if cfg!(target_os = "macos") { home.join("Library/Caches") } else { home.join(".cache") };
        variable("XDG_CACHE_HOME").unwrap_or(caches).join("cargo-migrate")
    });
    let folder = base.join(part);
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    Ok(folder)
}

/// Where a server that is thrown away lives: in memory where there is room for it.
pub(crate) fn scratch_parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = free_space(memory).unwrap_or_default();
    if free >= MEMORY_NEEDED { memory.to_owned() } else { temporary() }
}

/// How many bytes a user may still write to the file system of a folder; `None` where the system does not say.
pub fn free_space(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|of| of.f_bavail.saturating_mul(of.f_frsize))
}

/// The socket folder of the server whose files are in `folder`: the same each time, and with a short name.
pub(crate) fn socket_folder(user: &ServerUser, folder: &Path) -> Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let parent = runtime.filter(|path| path.is_absolute() && user.can_enter(path)).unwrap_or_else(temporary);
    let name = format!("cargo-migrate-{}-{:016x}", user.uid(), hash(folder.as_os_str().as_encoded_bytes()));
    let socket_folder = [parent, temporary()].into_iter().map(|parent| parent.join(&name));
    let socket_folder = socket_folder
        .into_iter()
        .find(|path| check_socket_folder(path).is_ok())
        .unwrap_or_else(|| Path::new("/tmp").join(&name));
    user.private_folder(&socket_folder)?;
    Ok(socket_folder)
}

/// Refuses a folder in which a socket's name would not fit.
pub(crate) fn check_socket_folder(path: &Path) -> Result<()> {
    if path.join(".s.PGSQL.65535").as_os_str().len() > SOCKET_PATH_LIMIT {
        return Err(Error::SocketPath { path: path.to_owned() });
    }
    Ok(())
}

/// The folder for temporary files, or `/tmp` where that one has a name too long for sockets.
fn temporary() -> PathBuf {
    let folder = std::env::temp_dir();
    if folder.as_os_str().len() <= 56 { folder } else { PathBuf::from("/tmp") }
}

/// FNV-1a: names must be the same from every build of this crate, which the standard hasher does not promise.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_folder_of_a_deep_project_has_a_short_name() {
        let user = ServerUser::current().unwrap();
        let deep = Path::new("/a/very/long/path").join("x".repeat(300));
        let folder = socket_folder(&user, &deep).unwrap();
        assert_eq!(folder, socket_folder(&user, &deep).unwrap());
        assert!(check_socket_folder(&folder).is_ok());
        assert!(check_socket_folder(&deep).is_err());
        std::fs::remove_dir(folder).unwrap();
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
