//! Who runs the server: us, or, where we are root, somebody without privileges.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Error, Result};

/// Who runs the server programs. PostgreSQL refuses to run as root, so root hands them to `postgres` or `nobody`;
/// everybody else runs them as themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUser {
    /// The user to change to; `None` where we already are the right one.
    switch: Option<(u32, u32)>,
}

impl ServerUser {
    /// The user for this process.
    ///
    /// # Errors
    ///
    /// [`Error::NoUser`] where we are root and the system has neither `postgres` nor `nobody`.
    pub fn current() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { switch: None });
        }
        let path = Path::new("/etc/passwd");
        let passwd = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let switch =
            ["postgres", "nobody"].iter().find_map(|name| entry(&passwd, name)).ok_or(Error::NoUser)?;
        Ok(Self { switch: Some(switch) })
    }

    /// The numeric id that files of the server belong to.
    pub fn uid(&self) -> u32 {
        self.switch.map_or_else(|| rustix::process::geteuid().as_raw(), |(uid, _)| uid)
    }

    /// Makes `command` run as this user, in `/` and with an environment that no setting of ours leaks into.
    pub fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let keep = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"];
        command.env_clear().envs(keep.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
        if let Some((uid, gid)) = self.switch {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a file or folder of ours to this user.
    pub fn own(&self, path: &Path) -> Result<()> {
        match self.switch {
            Some((uid, gid)) => {
                chown(path, Some(uid), Some(gid)).map_err(Error::io("change the owner of", path))
            }
            None => Ok(()),
        }
    }

    /// Makes a folder that this user alone (and root) can enter, or takes the one that is there.
    pub fn private_folder(&self, path: &Path) -> Result<()> {
        match std::fs::create_dir(path) {
            Ok(()) => self.own(path)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("create", path)(error)),
        }
        // A folder in a place that everybody writes to may have been put there for us to trip over: a link is not
        // followed, and what belongs to others is not used.
        let found = std::fs::symlink_metadata(path).map_err(Error::io("read", path))?;
        if !found.is_dir() || found.uid() != self.uid() {
            return Err(Error::Foreign { path: path.to_owned(), owner: found.uid() });
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
            .map_err(Error::io("change the permissions of", path))
    }

    /// Whether this user can enter the folder, which a project under root's home does not allow.
    pub fn can_enter(&self, folder: &Path) -> bool {
        if self.switch.is_none() {
            return folder.is_dir();
        }
        let mut command = Command::new("sh");
        self.prepare(command.args(["-c", r#"cd -- "$1""#, "sh"]).arg(folder));
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// The ids of `name` in a passwd file.
fn entry(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.split('\n').find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passwd_entry_is_found_by_whole_name() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:8::/:/bin/sh\npostgres:x:101:104:PG:/x:/bin/sh\n";
        assert_eq!(entry(passwd, "postgres"), Some((101, 104)));
        assert_eq!(entry(passwd, "nobody"), None);
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        let user = ServerUser::current().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/etc", &link).unwrap();
        assert!(matches!(user.private_folder(&link), Err(Error::Foreign { .. })));
        let own = folder.path().join("own");
        user.private_folder(&own).unwrap();
        user.private_folder(&own).unwrap();
        assert_eq!(std::fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
