//! Events for the application's `tracing` subscriber (feature `tracing`).

use crate::Event;

/// One `tracing` event for each of ours, under the target `migrate`.
pub(crate) fn event(event: &Event) {
    match event {
        Event::Warning(_) | Event::LockLost | Event::LogUnavailable { .. } => {
            tracing::warn!(target: "migrate", ?event);
        }
        Event::Retrying { .. }
        | Event::LockWaiting { .. }
        | Event::Recovering { .. }
        | Event::Resolved { .. } => {
            tracing::warn!(target: "migrate", ?event);
        }
        Event::Started { stem, direction, number, total, .. } => {
            tracing::info!(target: "migrate", %stem, ?direction, number, total, "migration started");
        }
        Event::Finished { stem, direction, elapsed, .. } => {
            tracing::info!(target: "migrate", %stem, ?direction, elapsed_ms = elapsed.as_millis() as u64, "migration finished");
        }
        _ => tracing::debug!(target: "migrate", ?event),
    }
}
