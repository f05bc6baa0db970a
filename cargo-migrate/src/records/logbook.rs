//! What one run writes into the log folder. Nothing here fails, waits or stops anything.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use migrate_core::sql::mask_text;
use migrate_runtime::Event;
use serde_json::{Value, json};

use super::journal::Journal;
use super::line::{self, TOOL};
use super::text::TextLog;
use super::{Level, folder, report};
use crate::render::{Narrator, Page, Paint, SCHEMA, Ui, View, json as structured, wordless};
use crate::{Exit, Stream, clock};

/// What all lines of a run have in common.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// As the audit log has it too.
    pub(crate) name: String,
    /// `up`, `backup create`.
    pub(crate) command: String,
    /// The environment, where one was named.
    pub(crate) environment: Option<String>,
    /// Where the database is, without a password, once that is known.
    pub(crate) database: Option<String>,
}

/// The records of one run. Clones write to the same files.
#[derive(Clone)]
pub(crate) struct Logbook(Arc<Mutex<Inner>>);

struct Inner {
    folder: PathBuf,
    run: Run,
    began: Instant,
    journal: Journal,
    text: TextLog,
    /// Puts events in words, once more beside the one that writes to the screen: that one may be quiet, or speak JSON.
    narrator: Narrator,
    words: Words,
    /// Tells of the first failure; `None` when it has.
    warn: Option<Warn>,
}

/// Tells on the screen that the log folder cannot be written: where, and why.
pub(crate) type Warn = Box<dyn FnOnce(&Path, &str) + Send>;

/// What the narrator said last.
#[derive(Clone, Default)]
struct Words(Arc<Mutex<Vec<u8>>>);

impl Logbook {
    /// In this folder, in which nothing is made before something is written.
    pub(crate) fn new(folder: &Path, run: Run, warn: impl FnOnce(&Path, &str) + Send + 'static) -> Self {
        let words = Words::default();
        let stamp = clock::stamp(SystemTime::now());
        Self(Arc::new(Mutex::new(Inner {
            folder: folder.to_owned(),
            began: Instant::now(),
            journal: Journal::new(folder),
            text: TextLog::new(folder, &run.command, &stamp),
            narrator: Narrator::new(Stream::new(words.clone(), None), None, Paint::default()),
            words,
            warn: Some(Box::new(warn)),
            run,
        })))
    }

    /// Says which database this is about, without its password.
    pub(crate) fn about(&self, database: &str) {
        self.lock().run.database = Some(database.to_owned());
    }

    /// Goes on as this run: what one deployment does has one name, in however many processes.
    pub(crate) fn continues(&self, run: &str) {
        run.clone_into(&mut self.lock().run.name);
    }

    /// The run begins. `arguments` are those of the command line.
    pub(crate) fn begin(&self, arguments: &[String], user: Option<&str>) {
        let mut inner = self.lock();
        let run = &inner.run;
        let environment = run.environment.as_deref().unwrap_or("none");
        let message = format!("cargo migrate {}", arguments.join(" "));
        let text = format!(
            "{message}\n({TOOL}, environment {environment}, run {}, process {}, user {})",
            run.name,
            std::process::id(),
            user.unwrap_or("unknown")
        );
        inner.write_text(&text);
        inner.write_line(Level::Info, "run_started", json!({ "message": message, "user": user }));
    }

    /// The run has ended, with this as its last word.
    pub(crate) fn end(&self, exit: Exit, text: &str) {
        let mut inner = self.lock();
        inner.write_text(text);
        let level = if exit == Exit::Success { Level::Info } else { Level::Error };
        let elapsed = structured::milliseconds(inner.began.elapsed());
        let message = text.trim_end();
        let fields = json!({ "message": message, "elapsed_ms": elapsed, "exit_code": exit.code() });
        inner.write_line(level, "run_finished", fields);
        inner.write_text(&format!("(exit {})", exit.code()));
    }

    /// An event of the engine.
    pub(crate) fn event(&self, event: &Event) {
        let mut inner = self.lock();
        inner.narrator.tell(event);
        inner.narrator.rest();
        let words = inner.words.take();
        let words = (!words.is_empty()).then_some(words);
        let repeats = matches!(event, Event::Running { .. } | Event::LockWaiting { .. });
        // What comes each second is recorded as often as a log is told of it.
        let Some(message) = words.clone().or_else(|| (!repeats).then(|| wordless(event))) else { return };
        if let Some(words) = words {
            inner.write_text(&words);
        }
        let mut fields = structured::event(event);
        let name = fields["event"].as_str().unwrap_or("other").to_owned();
        fields["message"] = message.trim().into();
        inner.write_line(Level::of(event), &name, fields);
    }

    /// An event of the harness. `fields` is an object; `message` in it is what a person reads, and `migration`, `kind`,
    /// `checksum` and `elapsed_ms` go where those of the engine's events go.
    pub(crate) fn line(&self, level: Level, event: &str, fields: Value) {
        let mut inner = self.lock();
        if let Some(message) = fields["message"].as_str() {
            let message = message.to_owned();
            inner.write_text(&message);
        }
        inner.write_line(level, event, fields);
    }

    /// A signal has come, on a thread of its own: it is not recorded where that would have to wait for another.
    pub(crate) fn signal(&self, event: &str, signal: u8, text: &str) {
        if let Ok(mut inner) = self.0.try_lock() {
            inner.write_text(text);
            inner.write_line(Level::Warn, event, json!({ "message": text, "signal": signal }));
        }
    }

    /// A remark that is shown beside the result.
    pub(crate) fn remark(&self, event: &str, view: &dyn View) {
        let text = view.human(PLAIN);
        let mut inner = self.lock();
        inner.write_text(&text);
        let mut fields = match view.json() {
            fields @ Value::Object(_) => fields,
            other => json!({ "value": other }),
        };
        if fields["message"].is_null() {
            // What a person sees as a live line only has no words of its own: `deploy step started: preflight`.
            let wordless = || match fields["step"].as_str() {
                Some(step) => format!("{}: {step}", event.replace('_', " ")),
                None => event.replace('_', " "),
            };
            let message = if text.trim().is_empty() { wordless() } else { text.trim_end().to_owned() };
            fields["message"] = message.into();
        }
        inner.write_line(Level::Info, event, fields);
    }

    /// Writes `<kind>-report-<time>.json`: what `--format json` prints of this view as `result`, and what a person reads
    /// as `text`. The path; `None` where it could not be written, which has been told.
    pub(crate) fn write_view(&self, kind: &str, view: &dyn View) -> Option<PathBuf> {
        let mut inner = self.lock();
        let now = SystemTime::now();
        let run = &inner.run;
        let mut report = json!({
            "schema": SCHEMA,
            "report": kind,
            "at": clock::iso(now),
            "command": run.command,
            "run": run.name,
            "environment": run.environment,
            "database": run.database,
            "tool": TOOL,
            "result": view.json(),
            "text": view.human(PLAIN),
        });
        line::mask(&mut report);
        let written = folder::make(&inner.folder)
            .and_then(|()| report::write(&inner.folder, kind, &clock::stamp(now), &report));
        inner.told(written)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As wide as it is, without colours.
const PLAIN: Page = Ui::PLAIN;

impl Inner {
    fn write_line(&mut self, level: Level, event: &str, fields: Value) {
        let line = line::line(&self.run, &clock::iso(SystemTime::now()), level, event, fields);
        let written = self.journal.append(&line);
        self.told(written);
    }

    fn write_text(&mut self, text: &str) {
        if !text.trim().is_empty() {
            let written = self.text.append(&clock::iso(SystemTime::now()), &mask_text(text));
            self.told(written);
        }
    }

    /// What was written; the first failure is told.
    fn told<T>(&mut self, written: io::Result<T>) -> Option<T> {
        match written {
            Ok(written) => Some(written),
            Err(error) => {
                if let Some(warn) = self.warn.take() {
                    warn(&self.folder, &error.to_string());
                }
                None
            }
        }
    }
}

impl Words {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Words {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
