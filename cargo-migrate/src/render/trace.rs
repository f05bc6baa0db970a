//! The engine's `tracing` on the screen: for `-vv`, RUST_LOG and LOG_LEVEL.

use std::fmt::{Debug, Write as _};

use migrate_core::sql::mask_text;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;

use super::Paint;
use super::escape::escape_line;
use super::words::one_line;

/// How much of one value a person is shown: of a script, its beginning.
const SHOWN: usize = 2000;

/// One event of `tracing`.
pub(crate) struct Trace {
    level: Level,
    target: String,
    message: String,
    fields: Map<String, Value>,
}

/// Hands each event on.
pub(crate) struct Layer<F>(pub(crate) F);

impl<S: Subscriber, F: Fn(Trace) + 'static> tracing_subscriber::Layer<S> for Layer<F> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut trace = Trace {
            level: *metadata.level(),
            target: metadata.target().to_owned(),
            message: String::new(),
            fields: Map::new(),
        };
        event.record(&mut trace);
        (self.0)(trace);
    }
}

impl Trace {
    /// Whether it is one of the engine's events that is told in words, or as an event of JSON, whatever the level.
    pub(crate) fn is_told(&self, as_json: bool) -> bool {
        self.target == "migrate" && (as_json || self.level <= Level::INFO)
    }

    /// For people, in one line with its end. `with_fields`: not just what, but also how long and with what.
    pub(crate) fn human(&self, paint: Paint, with_fields: bool) -> String {
        let level = self.level.to_string().to_lowercase();
        let mut text = format!("{level} {}:", self.target);
        if !self.message.is_empty() {
            text += &format!(" {}", self.message);
        }
        if with_fields || self.message.is_empty() {
            for (name, value) in &self.fields {
                let value = value.as_str().map_or_else(|| value.to_string(), |text| one_line(text, SHOWN));
                // Writing to a String cannot fail.
                let _ = write!(text, " {name}={value}");
            }
        }
        format!("{}\n", paint.faint(&escape_line(&text)))
    }

    /// For programs.
    pub(crate) fn json(self) -> Value {
        serde_json::json!({
            "event": "trace",
            "level": self.level.to_string().to_lowercase(),
            "target": self.target,
            "message": self.message,
            "fields": self.fields,
        })
    }

    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Trace {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, mask_text(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, mask_text(&format!("{value:?}")).into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn what_is_traced_is_masked_and_harmless() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        let layer = Layer(move |trace| into.lock().unwrap().push(trace));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::trace!(target: "migrate::sql", sql = "ALTER ROLE a\n PASSWORD 'canary' \u{1b}[2J", "sent");
            tracing::info!(target: "migrate", number = 1u64, yes = true, why = ?"password=canary");
        });
        let traces = std::mem::take(&mut *seen.lock().unwrap());
        let paint = Paint::default();
        assert_eq!(
            traces[0].human(paint, true),
            "trace migrate::sql: sent sql=ALTER ROLE a PASSWORD '***' \\u{1b}[2J\n"
        );
        assert_eq!(traces[0].human(paint, false), "trace migrate::sql: sent\n");
        assert!(traces[1].is_told(false) && !traces[0].is_told(true));
        let texts: Vec<_> = traces
            .into_iter()
            .map(|trace| format!("{} {}", trace.human(paint, false), trace.json()))
            .collect();
        assert!(!texts.concat().contains("canary"), "{texts:?}");
        assert!(texts[1].starts_with("info migrate: number=1 yes=true why="), "{texts:?}");
    }
}
