//! Lines of the audit log that are no migration's: a gate that was passed, a backup, a step of a deployment.

use std::time::Duration;

use crate::history_table::quote_literal;
use crate::record::Line;
use crate::run::Runner;
use crate::{Error, Migrator, history};

/// A line for the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// What it is about: a migration's stem, a backup's name; may be empty.
    pub subject: String,
    /// What was done: `gate`, `backup`, `deploy` …
    pub action: String,
    /// How it ended, or how far it is: `ok`, `failed`, `started` …
    pub outcome: String,
    /// The digest of what it was done with, as hex digits.
    pub checksum: Option<String>,
    /// More about it; secrets are the caller's to leave out.
    pub message: Option<String>,
    /// How long it took.
    pub duration: Option<Duration>,
}

impl Runner<'_> {
    /// Writes a line, and makes the history's tables where they are missing. The lock is held for that only.
    async fn note(&mut self, note: &Note) -> Result<(), Error> {
        self.probe.writable(&self.work)?;
        if let Some(shape) = &self.probe.history {
            history::recognise(&self.settings.history, shape)?;
        }
        history::recognise_log(&self.settings.history, &self.probe)?;
        if history::is_old(&self.probe) {
            self.take_lock().await?;
            let made = history::prepare(&self.work, &self.settings.history, &self.probe).await;
            self.release_lock().await;
            made?;
            self.log_is_made();
        }
        let duration = note.duration.map(|duration| (duration.as_secs_f64() * 1000.0).to_string());
        let sql = self.recorder.log(&Line {
            version: &note.subject,
            action: &note.action,
            outcome: &note.outcome,
            checksum: note.checksum.clone(),
            duration: duration.as_deref(),
            message: note.message.as_deref(),
            ..Line::default()
        });
        self.work.ask("writing the audit log", &sql).await.map(|_| ())
    }

    /// The last line with this action, where there is one and we may read it: its outcome, and the rest of it.
    async fn last_note(&self, action: &str) -> Result<Option<crate::LogEntry>, Error> {
        if !self.readable_log().await? {
            return Ok(None);
        }
        let filter = format!("WHERE action = {}", quote_literal(action));
        Ok(self.log_lines(&filter, Some(1)).await?.pop())
    }

    /// The lines with this action of one run, oldest first; none where they may not be read.
    async fn notes_of_run(&self, action: &str, run: &str) -> Result<Vec<crate::LogEntry>, Error> {
        if !self.readable_log().await? {
            return Ok(Vec::new());
        }
        let filter = format!("WHERE action = {} AND run = {}", quote_literal(action), quote_literal(run));
        self.log_lines(&filter, None).await
    }
}

impl Migrator {
    pub(crate) async fn note_inner(&self, note: &Note) -> Result<(), Error> {
        let mut runner = self.connect().await?;
        let written = runner.note(note).await;
        runner.work.close().await;
        written
    }

    pub(crate) async fn last_note_inner(&self, action: &str) -> Result<Option<crate::LogEntry>, Error> {
        let runner = self.connect_briefly().await?;
        let last = runner.last_note(action).await;
        runner.work.close().await;
        last
    }

    pub(crate) async fn notes_of_run_inner(
        &self,
        action: &str,
        run: &str,
    ) -> Result<Vec<crate::LogEntry>, Error> {
        let runner = self.connect().await?;
        let notes = runner.notes_of_run(action, run).await;
        runner.work.close().await;
        notes
    }
}
