//! Where the records of a run are handed around before it is known whether and where there are any.

use std::sync::{Arc, OnceLock};

use super::Logbook;

/// The records of one run, once its verb and its settings are known, and if they are kept. Clones share them.
#[derive(Clone, Default)]
pub struct Records(Arc<OnceLock<Logbook>>);

impl Records {
    pub(crate) fn get(&self) -> Option<&Logbook> {
        self.0.get()
    }

    /// Whether these are the first.
    pub(crate) fn set(&self, logbook: Logbook) -> bool {
        self.0.set(logbook).is_ok()
    }
}
