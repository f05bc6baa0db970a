//! How far something long is: on a terminal in the live line, in a log every ten seconds, to a program as an event a
//! second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::event::{HEARTBEAT, Narrator};
use super::ui::{Page, View, write_line};
use crate::Stream;
use crate::args::Format;

/// How often a program is told.
const EVENT: Duration = Duration::from_secs(1);

/// Tells how far one thing is.
pub(crate) struct Meter {
    pub(super) narrator: Arc<Mutex<Narrator>>,
    pub(super) stderr: Stream,
    pub(super) format: Format,
    pub(super) quiet: bool,
    pub(super) page: Page,
    /// The event's name.
    pub(super) event: &'static str,
    pub(super) told: Mutex<Instant>,
}

impl Meter {
    /// Tells it, where it is time to.
    pub(crate) fn tell(&self, view: &dyn View) {
        let due = |every: Duration| {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let due = told.elapsed() >= every;
            if due {
                *told = Instant::now();
            }
            due
        };
        match self.format {
            Format::Json if due(EVENT) => {
                let mut line = Map::new();
                line.insert("event".to_owned(), self.event.into());
                line.extend(view.json().as_object().cloned().unwrap_or_default());
                write_line(&self.stderr, Value::Object(line));
            }
            Format::Json => {}
            _ if self.quiet => {}
            _ => {
                let mut narrator = self.narrator.lock().unwrap_or_else(PoisonError::into_inner);
                let text = view.human(self.page);
                if narrator.is_live() {
                    narrator.show(text.trim_end());
                } else if due(HEARTBEAT) {
                    self.stderr.write(&text);
                }
            }
        }
    }
}

/// `[######----------] 37 %`
pub(crate) fn bar(done: u64, total: u64) -> String {
    const WIDTH: u64 = 20;
    let done = done.min(total);
    let share = |of: u64| {
        let share = u128::from(done) * u128::from(of);
        u64::try_from(share.checked_div(u128::from(total)).unwrap_or(u128::from(of))).unwrap_or(of)
    };
    let full = usize::try_from(share(WIDTH)).unwrap_or_default();
    format!("[{}{}] {} %", "#".repeat(full), "-".repeat(20 - full), share(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_it_is() {
        assert_eq!(bar(0, 10), "[--------------------] 0 %");
        assert_eq!(bar(37, 100), "[#######-------------] 37 %");
        assert_eq!(bar(u64::MAX, u64::MAX), "[####################] 100 %");
        assert_eq!(bar(0, 0), "[####################] 100 %");
        assert_eq!(bar(7, 5), "[####################] 100 %");
    }
}
