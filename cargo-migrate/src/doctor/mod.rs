//! What has to be there for `cargo migrate` to work, looked at piece by piece. What cannot be looked at is a finding; it
//! stops nothing else.

mod configuration;
mod database;
mod folders;
mod migrations;
mod privileges;
mod programs;

use crate::command::Call;
use crate::inspection::Severity;

/// What was looked at.
pub(crate) struct Line {
    /// `programs`, `connection` …
    pub(crate) section: &'static str,
    /// `pg_dump`, `latency` …
    pub(crate) name: String,
    /// [`Severity::Info`] where it is as it should be.
    pub(crate) severity: Severity,
    /// What there is, in a few words, not escaped.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: Option<String>,
}

/// The lines of one section.
pub(crate) struct Section {
    name: &'static str,
    lines: Vec<Line>,
}

impl Section {
    fn new(name: &'static str) -> Self {
        Self { name, lines: Vec::new() }
    }

    fn add(&mut self, severity: Severity, name: &str, what: impl Into<String>, remedy: Option<String>) {
        let (section, name, what) = (self.name, name.to_owned(), what.into());
        self.lines.push(Line { section, name, severity, what, remedy });
    }

    fn ok(&mut self, name: &str, what: impl Into<String>) {
        self.add(Severity::Info, name, what, None);
    }

    fn warn(&mut self, name: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, name, what, Some(remedy.into()));
    }

    fn fail(&mut self, name: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Failure, name, what, Some(remedy.into()));
    }
}

/// Looks at everything.
pub(crate) fn look(call: &Call) -> Vec<Line> {
    let (mut lines, settings) = configuration::look(call);
    match settings {
        Some(settings) => {
            let (set, of_migrations) = migrations::look(&settings);
            let (server, of_database) = database::look(call, &settings, set);
            lines.extend(programs::look(call, Some(&settings), server));
            lines.extend(of_migrations);
            lines.extend(folders::look(&settings));
            lines.extend(of_database);
        }
        None => lines.extend(programs::look(call, None, None)),
    }
    lines
}
