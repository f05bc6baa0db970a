//! One way out for events: the caller's handler and, with the feature `tracing`, the application's subscriber.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::error::DbError;

use crate::Event;

type Handler = Box<dyn FnMut(&Event) + Send>;

/// Hands events to whoever listens. Clones share the handler and the migration in flight.
#[derive(Clone, Default)]
pub(crate) struct Emitter {
    handler: Option<Arc<Mutex<Handler>>>,
    in_flight: Arc<Mutex<Option<String>>>,
}

impl Emitter {
    pub fn new(handler: impl FnMut(&Event) + Send + 'static) -> Self {
        Self { handler: Some(Arc::new(Mutex::new(Box::new(handler)))), in_flight: Arc::default() }
    }

    pub fn emit(&self, event: Event) {
        #[cfg(feature = "tracing")]
        crate::trace::event(&event);
        if let Some(handler) = &self.handler {
            // A handler that panicked once is no reason to lose the events that follow.
            (handler.lock().unwrap_or_else(PoisonError::into_inner))(&event);
        }
    }

    /// Names the migration that notices belong to.
    pub fn set_in_flight(&self, stem: Option<&str>) {
        *self.in_flight.lock().unwrap_or_else(PoisonError::into_inner) = stem.map(str::to_owned);
    }

    /// A notice from the server. Called by the task that drives a connection.
    pub fn notice(&self, notice: &DbError) {
        // "There is no transaction in progress": a ROLLBACK of our own, where a failure may or may not have ended it.
        if notice.code().code() == "25P01" {
            return;
        }
        let stem = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.emit(Event::Notice {
            stem,
            severity: notice.severity().to_owned(),
            code: notice.code().code().to_owned(),
            message: notice.message().to_owned(),
            detail: notice.detail().map(str::to_owned),
            hint: notice.hint().map(str::to_owned),
        });
    }
}
