//! Running a program: the one place where output is captured, and searched for the canary.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::until;

/// The password that every connection of a test environment has. It must never be seen again (promise 8, T33): each
/// output of the whole suite is searched for it.
pub const CANARY: &str = "c4n4ry-p4ssw0rd";

/// What a program left.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its exit code, or 128 + the number of the signal that ended it, as a shell says it.
    pub code: i32,
    /// The result.
    pub stdout: String,
    /// Progress and diagnostics.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

impl Output {
    /// # Panics
    ///
    /// Where the exit code is another one; with both outputs.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(self.code, code, "the exit code\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// # Panics
    ///
    /// Where the exit code is not 0; with both outputs.
    #[track_caller]
    pub fn success(&self) -> &Self {
        self.expect(0)
    }

    /// Both outputs with headings, as snapshots have them.
    pub fn snapshot(&self, redactor: &crate::Redactor) -> String {
        let (stdout, stderr) = (redactor.redact(&self.stdout), redactor.redact(&self.stderr));
        format!("exit {}\n--- stdout\n{stdout}--- stderr\n{stderr}", self.code)
    }

    #[track_caller]
    pub(crate) fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8], took: Duration) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        let output = Self { code, stdout: text(stdout), stderr: text(stderr), took };
        output.search("the standard output", &output.stdout);
        output.search("the standard error", &output.stderr);
        assert!(!output.stderr.contains("panicked at"), "the program panicked:\n{}", output.stderr);
        output
    }

    #[track_caller]
    fn search(&self, place: &str, text: &str) {
        assert!(!leaks(text), "the password is in {place}:\n{text}");
    }
}

/// Whether a text has the canary in it, plainly or as a URL would have it.
pub fn leaks(text: &str) -> bool {
    text.contains(CANARY)
        || text.contains(&CANARY.replace('-', "%2D"))
        || text.contains(&CANARY.replace('-', "%2d"))
}

/// Runs a program to its end.
///
/// # Panics
///
/// Where it cannot be run, panics itself, or prints the canary.
#[track_caller]
pub fn capture(command: &mut Command) -> Output {
    spawn(command).wait()
}

/// Starts a program.
///
/// # Panics
///
/// Where it cannot be run.
#[track_caller]
pub fn spawn(command: &mut Command) -> Running {
    let program = command.get_program().to_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program:?} cannot be run: {error}"));
    let stdout = Stream::of(child.stdout.take().unwrap());
    let stderr = Stream::of(child.stderr.take().unwrap());
    Running { child: Some(child), stdout, stderr, started: Instant::now() }
}

/// A program that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Option<Child>,
    stdout: Stream,
    stderr: Stream,
    started: Instant,
}

impl Running {
    /// Its process number.
    pub fn pid(&self) -> i32 {
        self.child.as_ref().map_or(0, |child| child.id() as i32)
    }

    /// What it printed to standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it printed to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until it has printed `text` to standard error.
    ///
    /// # Panics
    ///
    /// After 30 seconds, or when it has ended without having printed that.
    #[track_caller]
    pub fn wait_for_stderr(&mut self, text: &str) {
        until(&format!("`{text}` on the standard error"), || {
            let ended = self.ended();
            let found = self.stderr().contains(text);
            assert!(found || !ended, "it ended without `{text}`:\n{}", self.stderr());
            found
        });
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid()) {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Kills it (SIGKILL) and takes what it had printed.
    pub fn kill(self) -> Output {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// After 120 seconds, or where it printed the canary.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        let limit = Duration::from_secs(120);
        while !self.ended() {
            let (stdout, stderr) = (self.stdout(), self.stderr());
            let late = self.started.elapsed() > limit;
            assert!(!late, "it still runs after {limit:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
            std::thread::sleep(Duration::from_millis(2));
        }
        let status = self.child.take().unwrap().wait().unwrap();
        let took = self.started.elapsed();
        Output::new(status, &self.stdout.finish(), &self.stderr.finish(), took)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// One of a program's outputs, read as it comes so that the program never waits for us.
#[derive(Debug)]
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn of(mut source: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = source.read(&mut buffer) {
                into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..read]);
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn finish(&mut self) -> Vec<u8> {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        std::mem::take(&mut self.text.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_and_the_code_are_captured() {
        let output = capture(&mut sh("echo out; echo err >&2; exit 3"));
        output.expect(3);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(capture(&mut sh("kill -KILL $$")).code, 137);
    }

    #[test]
    #[should_panic(expected = "the password is in the standard error")]
    fn a_password_in_an_output_fails_the_test_that_captured_it() {
        let text = CANARY.replace('-', "%2D");
        capture(sh(r#"echo "$1" >&2"#).args(["sh", &format!("postgres://a:{text}@b/c")]));
    }

    #[test]
    fn a_running_program_is_watched_and_signalled() {
        let mut running = spawn(&mut sh("echo ready >&2; exec sleep 1000"));
        running.wait_for_stderr("ready");
        assert!(!running.ended());
        running.signal(Signal::TERM);
        assert_eq!(running.wait().code, 143);
    }
}
