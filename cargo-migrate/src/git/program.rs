//! The `git` program of the machine.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::Problem;

/// git in a folder, speaking English and finding its repository by that folder: in a hook git sets variables that name
/// one relative to another folder (githooks(5)).
pub(super) fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        git.env_remove(variable);
    }
    git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    git
}

pub(super) fn run(git: &mut Command) -> Result<Output, Problem> {
    git.output().map_err(missing)
}

pub(super) fn missing(error: std::io::Error) -> Problem {
    Problem::Program { program: "git".to_owned(), why: error.to_string() }
}

pub(super) fn failed(command: &'static str, output: &Output) -> Problem {
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let why = if message.is_empty() { output.status.to_string() } else { message };
    Problem::Git { command, why }
}

pub(super) fn first_line(output: &[u8]) -> Option<String> {
    let line = output.split(|&byte| byte == b'\n').next()?;
    String::from_utf8(line.to_owned()).ok().filter(|line| !line.is_empty())
}

#[cfg(unix)]
pub(super) fn bytes_of(text: &OsStr) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(text)
}

#[cfg(not(unix))]
pub(super) fn bytes_of(text: &OsStr) -> &[u8] {
    text.to_str().unwrap_or_default().as_bytes()
}

#[cfg(unix)]
pub(super) fn os_string(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_owned())
}

#[cfg(not(unix))]
pub(super) fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
