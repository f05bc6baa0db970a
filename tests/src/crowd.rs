//! Many programs that start at one instant.

use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::output::{self, Output, Running};

/// Waits at a barrier, a pipe that ends for everybody at once, and becomes the program.
const SCRIPT: &str = r#"
exec 3<"$0"
echo ready >&2
read -r _ <&3
exec 3<&-
exec "$@"
"#;

/// Programs that stand ready.
#[derive(Debug)]
pub struct Crowd {
    programs: Vec<Running>,
    /// Open for writing: nobody starts before it is closed.
    barrier: File,
    _folder: TempDir,
}

impl Crowd {
    /// Brings so many to the barrier, each with the command that is made for its number.
    ///
    /// # Panics
    ///
    /// Where one of them does not get there.
    #[track_caller]
    pub fn assemble(count: usize, command: impl Fn(usize) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("barrier");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // For both, so that opening it waits for nobody; children do not inherit it.
        let barrier = File::options().read(true).write(true).open(&pipe).unwrap();
        let mut programs: Vec<_> = (0..count).map(|number| spawn(&pipe, &command(number))).collect();
        for program in &mut programs {
            program.wait_for_stderr("ready");
        }
        Self { programs, barrier, _folder: folder }
    }

    /// Lets all of them go, and waits for all.
    ///
    /// # Panics
    ///
    /// As [`Running::wait`].
    #[track_caller]
    pub fn go(self) -> Vec<Output> {
        drop(self.barrier);
        self.programs.into_iter().map(Running::wait).collect()
    }
}

fn spawn(pipe: &PathBuf, command: &Command) -> Running {
    let mut waiting = Command::new("sh");
    waiting.arg("-c").arg(SCRIPT).arg(pipe).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        waiting.current_dir(folder);
    }
    // A crowd's environment is exactly that of its command, as a test environment makes it.
    waiting.env_clear();
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    waiting.envs(set.collect::<Vec<(&OsStr, &OsStr)>>());
    if !command.get_envs().any(|(name, _)| name == "PATH") {
        waiting.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    }
    output::spawn(&mut waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_starts_before_all_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let crowd = Crowd::assemble(5, |number| {
            let mut command = Command::new("sh");
            command.args(["-c", r#"echo "$1" >> "$2""#, "sh", &number.to_string()]).arg(&log);
            command
        });
        assert!(!log.exists());
        assert!(crowd.go().iter().all(|output| output.code == 0));
        let mut lines: Vec<_> =
            std::fs::read_to_string(&log).unwrap().split_whitespace().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["0", "1", "2", "3", "4"]);
    }
}
