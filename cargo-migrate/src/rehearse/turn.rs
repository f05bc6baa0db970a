//! How far a rehearsal goes back, and the schema that it is to come back to.

use std::sync::{Arc, Mutex, PoisonError};

use migrate_core::{Migration, Schema};
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Event, Migrator};

/// How far back the way goes.
pub(super) struct Turn {
    /// The newest that cannot be rolled back.
    pub(super) stays: Option<String>,
    /// How many come after it.
    pub(super) reversible: usize,
}

impl Turn {
    pub(super) fn of(pending: &[Migration]) -> Self {
        let stays = pending.iter().rposition(|migration| migration.down.is_none());
        Self {
            stays: stays.map(|index| pending[index].stem.to_string()),
            reversible: pending.len() - stays.map_or(0, |index| index + 1),
        }
    }

    /// Reads the schema behind the newest one that stays.
    pub(super) fn keeper(
        &self,
        migrator: &Migrator,
        options: &SchemaOptions,
        into: &Arc<Mutex<Option<Schema>>>,
    ) -> impl FnMut(&Event) + Send + 'static {
        let (stays, into) = (self.stays.clone(), Arc::clone(into));
        let (migrator, options) = (migrator.clone(), options.clone());
        move |event| {
            let Event::Finished { stem, .. } = event else { return };
            if stays.as_ref() != Some(stem) {
                return;
            }
            // On a thread of its own: this one drives the engine's runtime.
            let (migrator, options) = (migrator.clone(), options.clone());
            let read = std::thread::spawn(move || migrator.schema(&options)).join();
            if let Ok(Ok(schema)) = read {
                *into.lock().unwrap_or_else(PoisonError::into_inner) = Some(schema);
            }
        }
    }
}
