//! Running PostgreSQL's programs, and what a running server writes about itself.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::{Error, Result, ServerUser};

/// Runs a program as the server's user to its end and returns what it printed.
pub(crate) fn run<S: AsRef<OsStr>>(user: &ServerUser, program: &Path, arguments: &[S]) -> Result<String> {
    let mut command = Command::new(program);
    user.prepare(command.args(arguments));
    finish(&mut command)
}

/// Runs a prepared command to its end and returns what it printed.
pub(crate) fn finish(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Error::Program {
        program: program.clone(),
        status: "could not be run".to_owned(),
        output: error.to_string(),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Program { program, status: output.status.to_string(), output: tail(&said) })
}

/// The end of a text: what a person needs to see of a log.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().split('\n').collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// The end of a log file.
pub(crate) fn log_tail(log: &Path) -> String {
    std::fs::read(log).map_or_else(|error| error.to_string(), |text| tail(&String::from_utf8_lossy(&text)))
}

/// A TCP port of this machine that nobody listens on at the moment.
///
/// # Errors
///
/// [`Error::Io`] where the loopback interface has none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::io("listen on", "127.0.0.1"))?;
    Ok(listener.local_addr().map_err(Error::io("listen on", "127.0.0.1"))?.port())
}

/// What a running server says about itself in `postmaster.pid` (the lines are listed in PostgreSQL's
/// `src/include/utils/pidfile.h`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostmasterFile {
    /// The process.
    pub pid: i32,
    /// Its port, which is also in the name of its socket.
    pub port: u16,
    /// The folder of its socket.
    pub socket_folder: PathBuf,
    /// Whether it takes connections.
    pub ready: bool,
}

impl PostmasterFile {
    /// Reads the file of the cluster in `data`; `None` where there is none, or it is not complete yet.
    pub fn read(data: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<_> = text.split('\n').map(str::trim).collect();
        let status = *lines.get(7)?;
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            socket_folder: PathBuf::from(lines.get(4)?),
            ready: matches!(status, "ready" | "standby"),
        })
    }

    /// Whether that process really is there and listens: the file outlives a crash.
    pub fn listens(&self) -> bool {
        let socket = self.socket_folder.join(format!(".s.PGSQL.{}", self.port));
        alive(self.pid) && UnixStream::connect(socket).is_ok()
    }
}

/// Whether a process with this number exists.
pub(crate) fn alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Sends a signal; a process that is gone already is no error.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Asks `done` until it answers, at most `limit`. The steps are small at first: a server in memory is there in 30 ms.
pub(crate) fn poll<T>(limit: Duration, mut done: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let start = Instant::now();
    loop {
        if let Some(value) = done()? {
            return Ok(Some(value));
        }
        let waited = start.elapsed();
        if waited > limit {
            return Ok(None);
        }
        std::thread::sleep((waited / 8).clamp(Duration::from_millis(2), Duration::from_millis(50)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_postmaster_file_is_read_only_when_complete() {
        let text = "4711\n/data\n1700000000\n5433\n/run/x\n\n  1  2\nstarting\n";
        let file = PostmasterFile::parse(text).unwrap();
        assert_eq!((file.pid, file.port, file.ready), (4711, 5433, false));
        assert!(PostmasterFile::parse(&text.replace("starting", "ready   ")).unwrap().ready);
        assert_eq!(PostmasterFile::parse("4711\n/data\n1700000000\n"), None);
    }

    #[test]
    fn the_tail_is_the_last_twenty_lines() {
        let text: String = (1..=30).map(|n| format!("{n}\n")).collect();
        assert!(tail(&text).starts_with("11\n"));
        assert!(tail(&text).ends_with("\n30"));
        assert_eq!(tail("one"), "one");
    }

    #[test]
    fn a_failing_program_is_reported_with_what_it_said() {
        let user = ServerUser::current().unwrap();
        let error = run(&user, Path::new("sh"), &["-c", "echo out; echo err >&2; exit 3"]).unwrap_err();
        assert_eq!(error.to_string(), "sh failed (exit status: 3):\nout\nerr");
    }
}
