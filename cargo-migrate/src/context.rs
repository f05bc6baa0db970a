//! What a run of the command line takes from its process, handed in so that tests can hand in their own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use migrate_runtime::Interrupt;

use crate::Stream;
use crate::records::Records;

/// The surroundings of one run.
pub struct Context {
    /// Results.
    pub stdout: Stream,
    /// Progress and diagnostics.
    pub stderr: Stream,
    /// Answers to questions.
    pub stdin: Input,
    /// The environment variables.
    pub env: Environment,
    /// The folder that relative paths start from.
    pub cwd: PathBuf,
    /// The time of day, for `new --timestamp` only: what is recorded carries the server's time.
    pub now: SystemTime,
    /// Stops a run of the engine.
    pub interrupt: Interrupt,
    /// How many works of the engine are under way, one within the other. Where there are any, a signal must ask the engine to
    /// stop instead of ending the process.
    pub in_flight: Arc<AtomicUsize>,
    /// Set where a program reads the output: what a signal is answered with is an event then, too.
    pub as_events: Arc<AtomicBool>,
    /// What is shown is written there too, once it is known that this run is recorded, and where.
    pub records: Records,
}

impl Context {
    /// The process's own streams, variables and folder.
    pub fn of_process() -> Self {
        let env = Environment::of_process();
        let columns = env.get("COLUMNS").and_then(|columns| columns.parse().ok());
        Self {
            stdout: Stream::stdout(columns),
            stderr: Stream::stderr(columns),
            stdin: Input::new(io::BufReader::new(io::stdin()), io::stdin().is_terminal()),
            env,
            // Where the folder itself is gone, relative paths fail later with the path in the message.
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            now: SystemTime::now(),
            interrupt: Interrupt::new(),
            in_flight: Arc::default(),
            as_events: Arc::default(),
            records: Records::default(),
        }
    }

    /// Marks the engine as working until the guard is dropped.
    pub fn engine_works(&self) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight(Arc::clone(&self.in_flight))
    }

    /// Marks that all waits for a person until the guard is dropped, whatever works around it: there is nothing that a signal
    /// could ask to stop.
    pub(crate) fn waits_for_a_person(&self) -> Waiting {
        Waiting { around: self.in_flight.swap(0, Ordering::SeqCst), in_flight: Arc::clone(&self.in_flight) }
    }
}

/// The engine works while this lives.
pub struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A person is asked while this lives.
pub(crate) struct Waiting {
    around: usize,
    in_flight: Arc<AtomicUsize>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.in_flight.fetch_add(self.around, Ordering::SeqCst);
    }
}

/// Where answers to questions come from.
pub struct Input {
    reader: Mutex<Box<dyn BufRead + Send>>,
    terminal: bool,
}

impl Input {
    /// An input; `terminal` says whether a person sits at it.
    pub fn new(reader: impl BufRead + Send + 'static, terminal: bool) -> Self {
        Self { reader: Mutex::new(Box::new(reader)), terminal }
    }

    /// Whether a person sits at it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The next line without its end; `None` at the end of the input.
    pub fn line(&self) -> io::Result<Option<String>> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = String::new();
        // An answer is a word. Whoever pipes a gigabyte into a question does not get it into memory.
        let read = reader.by_ref().take(4096).read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

/// The environment variables of a run.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Those of the process.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The value of a variable; an empty one counts as not set, as libpq and cargo have it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(OsString::from(name).as_os_str())?.to_str().filter(|value| !value.is_empty())
    }

    /// The variables whose names and values are Unicode.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A context whose output can be read, with nothing of this process in it.

    use std::io::Write;
    use std::path::Path;

    use super::*;

    #[derive(Clone, Default)]
    pub(crate) struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What was written.
    pub(crate) struct Written {
        pub(crate) stdout: Buffer,
        pub(crate) stderr: Buffer,
    }

    /// A context in a folder, that is no terminal and knows no variable but where programs are.
    pub(crate) fn context(cwd: &Path) -> (Context, Written) {
        let written = Written { stdout: Buffer::default(), stderr: Buffer::default() };
        let env = std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME" || name == "CARGO");
        let context = Context {
            stdout: Stream::new(written.stdout.clone(), None),
            stderr: Stream::new(written.stderr.clone(), None),
            stdin: Input::new(io::empty(), false),
            env: env.collect(),
            cwd: cwd.to_owned(),
            now: SystemTime::UNIX_EPOCH,
            interrupt: Interrupt::new(),
            in_flight: Arc::default(),
            as_events: Arc::default(),
            records: Records::default(),
        };
        (context, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_stand_in_works_and_a_question_in_all_of_them() {
        let (context, _) = testing::context(std::path::Path::new("/"));
        let under_way = || context.in_flight.load(Ordering::SeqCst);
        let outer = context.engine_works();
        drop(context.engine_works());
        assert_eq!(under_way(), 1);
        let asked = context.waits_for_a_person();
        assert_eq!(under_way(), 0);
        drop(asked);
        assert_eq!(under_way(), 1);
        drop(outer);
        assert_eq!(under_way(), 0);
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let env: Environment = [("A", ""), ("B", "x")].into_iter().collect();
        assert_eq!(env.get("A"), None);
        assert_eq!(env.get("B"), Some("x"));
        assert_eq!(env.get("C"), None);
    }

    #[test]
    fn answers_come_line_by_line() {
        let input = Input::new(io::Cursor::new("yes\r\nno"), true);
        assert_eq!(input.line().unwrap().as_deref(), Some("yes"));
        assert_eq!(input.line().unwrap().as_deref(), Some("no"));
        assert_eq!(input.line().unwrap(), None);
    }
}
