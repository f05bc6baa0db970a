//! Where a scratch server finds room for a copy of production.

use std::path::{Path, PathBuf};

use migrate_testing::free_space;

use crate::Problem;
use crate::render::words;

/// How much a rehearsal takes on the disk: the copy, as much again for a table that is written anew, its log, the server.
pub(super) fn needed(database: u64) -> u64 {
    const GIB: u64 = 1 << 30;
    database.saturating_mul(2).saturating_add(database.min(GIB)).saturating_add(GIB / 4)
}

/// The folder that was named, or else the first of the usual ones with room.
///
/// # Errors
///
/// Where there is not enough.
pub(super) fn folder(named: Option<&Path>, needed: u64) -> Result<PathBuf, Problem> {
    let usual = || vec![std::env::temp_dir(), PathBuf::from("/var/tmp"), PathBuf::from("/dev/shm")];
    let folders = named.map_or_else(usual, |named| vec![named.to_owned()]);
    choose(folders, needed, free_space)
}

fn choose(
    folders: Vec<PathBuf>,
    needed: u64,
    free: impl Fn(&Path) -> Option<u64>,
) -> Result<PathBuf, Problem> {
    let sized: Vec<_> = folders.into_iter().filter_map(|folder| Some((free(&folder)?, folder))).collect();
    if let Some((_, folder)) = sized.iter().find(|(free, _)| *free >= needed) {
        return Ok(folder.clone());
    }
    let free: Vec<_> = sized
        .iter()
        .map(|(free, folder)| format!("{} in {}", words::bytes(*free), folder.display()))
        .collect();
    Err(Problem::Usage {
        what: format!(
            "there is no room for the copy: it takes {}, and free is {}",
            words::bytes(needed),
            if free.is_empty() { "nothing that can be seen".to_owned() } else { free.join(", ") }
        ),
        hint: "name a folder on a larger file system with --scratch-dir, or a server with --server"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_with_room_is_taken() {
        let free = |folder: &Path| match folder.to_str() {
            Some("/a") => Some(10 << 30),
            Some("/b") => Some(40 << 30),
            _ => None,
        };
        let folders = || ["/none", "/a", "/b"].map(PathBuf::from).to_vec();
        assert_eq!(choose(folders(), 5 << 30, free).unwrap(), Path::new("/a"));
        assert_eq!(choose(folders(), 20 << 30, free).unwrap(), Path::new("/b"));
        let refused = choose(folders(), 50 << 30, free).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "there is no room for the copy: it takes 50 GB, and free is 10 GB in /a, 40 GB in /b"
        );
        assert!(needed(0) >= 200 << 20 && needed(10 << 30) >= 21 << 30);
    }
}
