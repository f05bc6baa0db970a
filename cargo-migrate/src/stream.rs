//! Where output goes: a shared writer that outlives a reader who went away.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One of the process's two outputs, or a buffer in a test. Clones write to the same place.
///
/// Writing never fails: a closed pipe must not stop a migration half-way. The first other failure is kept for
/// [`failure`](Stream::failure).
#[derive(Clone)]
pub struct Stream {
    inner: Arc<Mutex<Inner>>,
    terminal: Option<usize>,
}

struct Inner {
    writer: Box<dyn Write + Send>,
    broken: bool,
    failure: Option<io::Error>,
}

impl Stream {
    /// A stream over any writer; `terminal` is the width of the terminal behind it, if it is one.
    pub fn new(writer: impl Write + Send + 'static, terminal: Option<usize>) -> Self {
        let inner = Inner { writer: Box::new(writer), broken: false, failure: None };
        Self { inner: Arc::new(Mutex::new(inner)), terminal }
    }

    /// The process's standard output. `columns` is what `COLUMNS` says, which wins over the terminal's own answer.
    pub fn stdout(columns: Option<usize>) -> Self {
        let stdout = io::stdout();
        let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| usize::from(width.0));
        let terminal = stdout.is_terminal().then(|| columns.or(width).unwrap_or(80));
        Self::new(stdout, terminal)
    }

    /// The process's standard error.
    pub fn stderr(columns: Option<usize>) -> Self {
        let stderr = io::stderr();
        let width = terminal_size::terminal_size_of(&stderr).map(|(width, _)| usize::from(width.0));
        let terminal = stderr.is_terminal().then(|| columns.or(width).unwrap_or(80));
        Self::new(stderr, terminal)
    }

    /// The width of the terminal behind it; `None` where it is a file or a pipe.
    pub fn terminal(&self) -> Option<usize> {
        self.terminal
    }

    /// Writes all of the text at once, so that lines of two threads do not mix.
    pub fn write(&self, text: &str) {
        let mut inner = self.lock();
        if inner.broken {
            return;
        }
        let written = inner.writer.write_all(text.as_bytes());
        if let Err(error) = written.and_then(|()| inner.writer.flush()) {
            inner.broken = true;
            // A reader who has seen enough (`| head -1`) is no failure.
            if error.kind() != io::ErrorKind::BrokenPipe {
                inner.failure = Some(error);
            }
        }
    }

    /// Why not everything was written, where that is worth telling: a full disk, not a closed pipe.
    pub fn failure(&self) -> Option<io::Error> {
        self.lock().failure.take()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        let pipe = Stream::new(Failing(io::ErrorKind::BrokenPipe), None);
        pipe.write("a");
        pipe.write("b");
        assert!(pipe.failure().is_none());
        let full = Stream::new(Failing(io::ErrorKind::StorageFull), None);
        full.write("a");
        assert_eq!(full.failure().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
    }
}
