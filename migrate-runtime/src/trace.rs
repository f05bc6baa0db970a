//! Events for the application's `tracing` subscriber (feature `tracing`): those of a run under the target `migrate`, what
//! is asked of a server under `migrate::ask`, and the SQL that is sent under `migrate::sql`. Passwords in them are masked.

use std::time::Duration;

use migrate_core::sql::{mask_secrets, mask_text};

use crate::Event;

/// One `tracing` event for each of ours.
pub(crate) fn event(event: &Event) {
    match event {
        Event::Warning(_) | Event::LockLost | Event::LogUnavailable { .. } => {
            tracing::warn!(target: "migrate", event = %shown(event));
        }
        Event::Retrying { .. }
        | Event::LockWaiting { .. }
        | Event::Recovering { .. }
        | Event::Resolved { .. } => {
            tracing::warn!(target: "migrate", event = %shown(event));
        }
        Event::Started { stem, direction, number, total, .. } => {
            tracing::info!(target: "migrate", %stem, ?direction, number, total, "migration started");
        }
        Event::Finished { stem, direction, elapsed, .. } => {
            tracing::info!(target: "migrate", %stem, ?direction, elapsed_ms = elapsed.as_millis() as u64, "migration finished");
        }
        _ => tracing::debug!(target: "migrate", event = %shown(event)),
    }
}

/// What the server says, and what other sessions run, can have a password in it. Only called where somebody listens.
fn shown(event: &Event) -> String {
    mask_text(&format!("{event:?}")).into_owned()
}

/// Something of the engine's own was asked and answered.
pub(crate) fn asked(doing: &str, elapsed: Duration) {
    tracing::debug!(target: "migrate::ask", elapsed_us = elapsed.as_micros() as u64, "{doing}");
}

/// A message is sent.
pub(crate) fn sent(sql: &str) {
    // A script can have megabytes: masked only where somebody listens.
    if tracing::enabled!(target: "migrate::sql", tracing::Level::TRACE) {
        tracing::trace!(target: "migrate::sql", sql = %mask_secrets(sql), "sent");
    }
}
