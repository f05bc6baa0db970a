//! Restoring a backup into a new database beside the old one, and putting it in the old one's place.
//!
//! Until it is whole and verified the new database has another name, with a mark in its comment: a crash leaves something
//! that is known for what it is. The old database is renamed and never dropped.

mod binds;
pub(crate) mod discard;
mod into_new;
mod likeness;
mod locale;
mod making;
mod mark;
mod name;
mod place;
mod progress;
mod refusal;
mod setting;
pub(crate) mod swap;
mod tables;
mod taken;
mod vacate;
mod verify;

pub(crate) use into_new::{Options, Restored, existing, into_new};
pub(crate) use likeness::Likeness;
pub(crate) use locale::{Locale, create_like};
pub(crate) use mark::State;
pub(crate) use name::unfinished;
pub(crate) use place::{Marked, Place};
pub(crate) use progress::{At, Progress, Watch};
pub use refusal::Refusal;
pub(crate) use refusal::shell;
pub(crate) use swap::{SWAP_BACK, Swapped, swap};
#[cfg(test)]
pub(crate) use verify::Compared;

/// What a server said, where it was a server that failed.
fn said(error: &migrate_runtime::Error) -> Option<String> {
    let migrate_runtime::Error::Server { source, .. } = error else { return None };
    let said = source.as_db_error().map(|error| {
        let detail = error.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        format!("{}{detail}", error.message())
    });
    Some(said.unwrap_or_else(|| source.to_string()))
}
