//! How one run of the command line speaks: as a person or as a program reads it, loudly or quietly.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use migrate_runtime::Event;
use serde_json::{Map, Value, json};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::escape::{escape_json, escape_line};
use super::event::Narrator;
use super::meter::Meter;
use super::review::Review;
use super::trace::{Layer, Trace};
use super::view::Note;
use super::{Paint, error, json as structured, typed};
use crate::args::{Format, Global};
use crate::loudness::Loudness;
use crate::records::{Level, Records};
use crate::{Context, Exit, Stream};

/// The name and version of the JSON schema; `docs/json.md` describes it.
pub(crate) const SCHEMA: &str = "cargo-migrate/1";

/// A result: what a verb found or did.
pub(crate) trait View {
    /// For people, with a line end at its end; empty where there is nothing to say.
    fn human(&self, page: Page) -> String;

    /// For programs.
    fn json(&self) -> Value;

    /// Whether its text is to be kept to the letter: SQL, a schema, what an earlier run printed. In every other one the
    /// commands to type name the environment.
    fn is_exact(&self) -> bool {
        false
    }

    /// What a reviewer is told, of the verbs that review migrations: Markdown, SARIF and annotations are made of it.
    fn review(&self) -> Option<Review> {
        None
    }
}

/// What the text is written on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// The width of the terminal, if it is one.
    pub(crate) width: Option<usize>,
    /// Colours.
    pub(crate) paint: Paint,
}

/// Speaks for one run.
pub(crate) struct Ui {
    stdout: Stream,
    stderr: Stream,
    format: Format,
    loudness: Loudness,
    verbose: u8,
    out: Page,
    err: Page,
    narrator: Arc<Mutex<Narrator>>,
    done: Arc<Mutex<Vec<Value>>>,
    /// Everything is written there too, at full loudness and without colours, where this run is recorded.
    records: Records,
    /// As `--env` has it; what MIGRATE_ENV says holds for what is typed next, too.
    environment: Option<String>,
}

impl Ui {
    pub(crate) fn new(global: &Global, context: &Context) -> Self {
        // Who exports COLUMNS means it for files and pipes too.
        let columns = context.env.get("COLUMNS").and_then(|columns| columns.parse().ok());
        let page = |stream: &Stream| Page {
            width: stream.terminal().or(columns),
            paint: Paint::of(stream, global.color, &context.env),
        };
        let (out, err) = (page(&context.stdout), page(&context.stderr));
        // A dumb terminal cannot go back to the start of a line: it gets plain lines, as a file does.
        let dumb = context.env.get("TERM") == Some("dumb");
        let live = context.stderr.terminal().filter(|_| !dumb);
        context.as_events.store(global.format == Format::Json, Ordering::SeqCst);
        Self {
            stdout: context.stdout.clone(),
            stderr: context.stderr.clone(),
            format: global.format,
            loudness: Loudness::of(global, &context.env),
            verbose: global.verbose,
            out,
            err,
            narrator: Arc::new(Mutex::new(Narrator::new(context.stderr.clone(), live, err.paint))),
            done: Arc::default(),
            records: context.records.clone(),
            environment: global.env.clone(),
        }
    }

    /// A text for people, with commands that mean the same database.
    fn named(&self, text: String) -> String {
        typed::for_environment(text, self.environment.as_deref())
    }

    /// Whether settings and their origins are to be told.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Shows what the engine traces, as far as it was asked for, until the guard is dropped: on this thread, which is the
    /// one that runs.
    pub(crate) fn trace(&self) -> Option<DefaultGuard> {
        if let Some((variable, said)) = &self.loudness.unknown {
            self.remark(&Note::UnknownLevel { variable, said: said.clone() }, "note");
        }
        let filter = self.loudness.filter.as_deref()?;
        let filter = match EnvFilter::try_new(filter) {
            Ok(filter) => filter,
            Err(_) => {
                self.remark(&Note::UnknownLevel { variable: "RUST_LOG", said: filter.to_owned() }, "note");
                return None;
            }
        };
        let (stderr, as_json, paint) = (self.stderr.clone(), self.format == Format::Json, self.err.paint);
        let narrator = Arc::clone(&self.narrator);
        let with_fields = self.verbose != 1;
        let layer = Layer(move |trace: Trace| match (trace.is_told(as_json), as_json) {
            (true, _) => {}
            (false, true) => write_line(&stderr, trace.json()),
            (false, false) => lock(&narrator).write(&trace.human(paint, with_fields)),
        });
        Some(tracing_subscriber::registry().with(filter).with(layer).set_default())
    }

    /// A remark beside the result.
    pub(crate) fn remark(&self, view: &dyn View, kind: &str) {
        if let Some(logbook) = self.records.get() {
            logbook.remark(kind, view);
        }
        match (self.format, self.loudness.quiet) {
            (Format::Json, _) | (_, false) => self.put(view, kind),
            (_, true) => {}
        }
    }

    /// What a question is about: said however quiet a run is, or nobody knows what they say yes to. A remark like others
    /// where `yes` was said beforehand.
    pub(crate) fn before_question(&self, view: &dyn View, kind: &str, yes: bool) {
        if yes {
            return self.remark(view, kind);
        }
        if let Some(logbook) = self.records.get() {
            logbook.remark(kind, view);
        }
        self.put(view, kind);
    }

    fn put(&self, view: &dyn View, kind: &str) {
        self.rest();
        match self.format {
            Format::Json => self.line(kind, view.json()),
            _ => self.stderr.write(&self.named(view.human(self.err))),
        }
    }

    /// What the engine is given to tell what happens.
    pub(crate) fn listener(&self) -> impl FnMut(&Event) + Send + 'static {
        let (stderr, format, quiet) = (self.stderr.clone(), self.format, self.loudness.quiet);
        let (narrator, done) = (Arc::clone(&self.narrator), Arc::clone(&self.done));
        let records = self.records.clone();
        move |event| {
            if let Some(logbook) = records.get() {
                logbook.event(event);
            }
            let value = structured::event(event);
            if matches!(event, Event::Finished { .. }) {
                lock(&done).push(structured::done_of_event(event));
            }
            match format {
                Format::Json => write_line(&stderr, value),
                _ if quiet => {}
                _ => lock(&narrator).tell(event),
            }
        }
    }

    /// What shows on a terminal what is being done, until something else is written.
    pub(crate) fn live(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let narrator = Arc::clone(&self.narrator);
        let silent = self.loudness.quiet || self.format != Format::Human;
        move |text| {
            if !silent {
                lock(&narrator).show(text);
            }
        }
    }

    /// What tells how far something long is; `event` is its name for programs.
    pub(crate) fn meter(&self, event: &'static str) -> Meter {
        Meter {
            narrator: Arc::clone(&self.narrator),
            stderr: self.stderr.clone(),
            format: self.format,
            quiet: self.loudness.quiet,
            page: self.err,
            event,
            told: Mutex::new(Instant::now()),
        }
    }

    /// Takes the live line away, before anything else is written.
    pub(crate) fn rest(&self) {
        lock(&self.narrator).rest();
    }

    /// Writes the result.
    pub(crate) fn answer(&self, command: &str, view: &dyn View, exit: Exit) {
        self.rest();
        let text = text_of(self.format, command, view, exit, self.out);
        let names = self.format == Format::Human && !view.is_exact();
        self.stdout.write(&if names { self.named(text) } else { text });
        if let Some(logbook) = self.records.get() {
            logbook.end(exit, &view.human(Self::PLAIN));
        }
    }

    /// As a file has it: as wide as it is, and without colours.
    pub(crate) const PLAIN: Page = Page { width: None, paint: Paint { on: false } };

    /// What tells that the log folder cannot be written: once, and without a part in what it tells of.
    pub(crate) fn warner(&self) -> impl FnOnce(&Path, &str) + Send + 'static {
        let (stderr, format, quiet, paint) =
            (self.stderr.clone(), self.format, self.loudness.quiet, self.err.paint);
        let narrator = Arc::clone(&self.narrator);
        move |folder, why| {
            let folder = folder.display().to_string();
            match format {
                Format::Json => write_line(
                    &stderr,
                    json!({ "event": "records_unavailable", "folder": folder, "why": why }),
                ),
                _ if quiet => {}
                _ => {
                    lock(&narrator).rest();
                    stderr.write(&format!(
                        "{}: the log folder {} cannot be written ({}); the run goes on, and is not recorded there\n",
                        paint.warn("warning"),
                        escape_line(&folder),
                        escape_line(why)
                    ));
                }
            }
        }
    }

    /// The result as a report file has it: without colours, and as wide as it is.
    pub(crate) fn report(format: Format, command: &str, view: &dyn View, exit: Exit) -> String {
        text_of(format, command, view, exit, Self::PLAIN)
    }

    /// Writes why there is no result. `dir` is the folder of migration files, for the paths in it.
    pub(crate) fn fail(&self, command: &str, failure: &anyhow::Error, exit: Exit, dir: Option<&Path>) {
        if let Some(logbook) = self.records.get() {
            let mut error = structured::error(failure, dir);
            // What kind of error is no type of migration.
            let kind = error.as_object_mut().and_then(|error| error.remove("kind"));
            let fields = json!({ "message": error["message"], "kind": kind, "error": error });
            logbook.line(Level::Error, "error", fields);
            logbook.end(exit, &error::human(failure, dir, Self::PLAIN));
        }
        self.rest();
        match self.format {
            Format::Human | Format::Markdown | Format::Sarif | Format::Github => {
                self.stderr.write(&self.named(error::human(failure, dir, self.err)));
            }
            Format::Json => {
                let mut error = structured::error(failure, dir);
                self.line("error", json!({ "error": error }));
                if let Some(error) = error.as_object_mut() {
                    let done = std::mem::take(&mut *lock(&self.done));
                    error.insert("done".to_owned(), done.into());
                }
                self.stdout.write(&document(command, exit, "error", error));
            }
        }
    }

    /// Writes what went wrong in a run that has a result all the same. `dir` as for [`fail`](Self::fail).
    pub(crate) fn complain(&self, failure: &anyhow::Error, dir: Option<&Path>) {
        self.rest();
        match self.format {
            Format::Json => self.line("error", json!({ "error": structured::error(failure, dir) })),
            _ => self.stderr.write(&self.named(error::human(failure, dir, self.err))),
        }
    }

    fn line(&self, event: &str, value: Value) {
        let mut line = Map::new();
        line.insert("event".to_owned(), event.into());
        line.extend(value.as_object().cloned().unwrap_or_default());
        write_line(&self.stderr, line.into());
    }
}

fn text_of(format: Format, command: &str, view: &dyn View, exit: Exit, page: Page) -> String {
    let review = match format {
        Format::Human | Format::Json => None,
        _ => view.review(),
    };
    match (format, review) {
        (Format::Json, _) => document(command, exit, "result", view.json()),
        (Format::Markdown, Some(review)) => review.markdown(),
        (Format::Sarif, Some(review)) => review.sarif(),
        (Format::Github, Some(review)) => review.github(),
        // A verb without a review was refused before it ran.
        _ => view.human(page),
    }
}

fn document(command: &str, exit: Exit, key: &str, value: Value) -> String {
    let document = json!({ "schema": SCHEMA, "command": command, "exit_code": exit.code(), key: value });
    // A document of a value tree cannot fail to be written.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    format!("{}\n", escape_json(&text))
}

pub(super) fn write_line(stderr: &Stream, value: Value) {
    let mut line = Map::new();
    line.insert("schema".to_owned(), SCHEMA.into());
    line.extend(value.as_object().cloned().unwrap_or_default());
    let text = Value::Object(line).to_string();
    stderr.write(&format!("{}\n", escape_json(&text)));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
