//! How a signal handler or another thread asks a run to stop.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::Error;

/// How soon it is noticed.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Asks a run to stop: the statement in flight is cancelled on the server and its transaction rolled back.
///
/// Clones share one state. Safe to trigger from any thread.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// An interrupt that nobody has triggered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop. `signal` is what asked (2 for SIGINT, 15 for SIGTERM); it comes back in
    /// [`Error::Interrupted`].
    pub fn trigger(&self, signal: u8) {
        self.0.store(signal, Ordering::SeqCst);
    }

    /// What asked, if anything did.
    pub fn triggered(&self) -> Option<u8> {
        Some(self.0.load(Ordering::SeqCst)).filter(|&signal| signal != 0)
    }
    /// Does something that changes nothing, such as connecting, and gives it up when the interrupt comes.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut work = pin!(work);
        loop {
            if let Some(signal) = self.triggered() {
                return Err(Error::Interrupted { signal, stem: None });
            }
            if let Either::Left((output, _)) = select(work.as_mut(), pin!(tokio::time::sleep(TICK))).await {
                return output;
            }
        }
    }
}
