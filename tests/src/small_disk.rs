//! A file system that is soon full.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A small file system in memory, seen by everybody for as long as this lives. It is unmounted also where the test is
/// killed: by a process that waits for the end of its standard input, the other end of which we hold.
#[derive(Debug)]
pub struct SmallDisk(Child);

impl SmallDisk {
    /// Mounts one on an empty folder; `size` is as mount takes it, `64k`. `None` where we may not: it takes root.
    pub fn mount(folder: &Path, size: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder);
        if !mount.output().is_ok_and(|output| output.status.success()) {
            return None;
        }
        let mut keeper = Command::new("sh");
        keeper.args(["-c", "read -r _; exec umount -l \"$1\"", "small-disk"]).arg(folder);
        // A Ctrl-C at the terminal is not meant for it.
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Some(Self(keeper.spawn().unwrap()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gone_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        // The table of mounts has the path without links.
        let path = folder.path().canonicalize().unwrap();
        let is_mounted =
            || std::fs::read_to_string("/proc/self/mounts").unwrap().contains(path.to_str().unwrap());
        let Some(disk) = SmallDisk::mount(&path, "64k") else { return };
        assert!(is_mounted());
        drop(disk);
        assert!(!is_mounted());
    }
}
