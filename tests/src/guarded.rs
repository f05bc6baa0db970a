//! Programs that must not outlive the test that started them.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use migrate_testing::ServerUser;

/// Runs `"$@"` until its own standard input ends, which it does when the process that holds the other end is gone.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
(while read -r _; do :; done; kill -KILL "$child" 2>/dev/null) <&3 &
watcher=$!
exec 3<&-
wait "$child"
code=$?
kill -KILL "$watcher" 2>/dev/null
exit "$code"
"#;

/// A program that runs as the server's user and dies with this process, however that ends, or with this value.
#[derive(Debug)]
pub struct Guarded {
    guardian: Child,
}

impl Guarded {
    /// Starts it; what it prints goes to `log`.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    pub fn start(user: &ServerUser, program: &Path, arguments: &[&str], log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "guarded"]).arg(program).args(arguments);
        user.prepare(&mut command)
            .stdin(Stdio::piped())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .process_group(0);
        Self { guardian: command.spawn().unwrap() }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.guardian.try_wait(), Ok(None))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::until;

    #[test]
    fn the_program_ends_with_the_value() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let user = ServerUser::current().unwrap();
        let script = "echo $$; exec sleep 1000";
        let mut guarded = Guarded::start(&user, Path::new("/bin/sh"), &["-c", script], &log);
        let pid = || std::fs::read_to_string(&log).unwrap().trim().parse::<i32>().ok();
        until("the program to start", || pid().is_some());
        let process = rustix::process::Pid::from_raw(pid().unwrap()).unwrap();
        assert!(guarded.runs());
        assert!(rustix::process::test_kill_process(process).is_ok());
        drop(guarded);
        until("the program to end", || rustix::process::test_kill_process(process).is_err());
    }
}
