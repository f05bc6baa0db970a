//! Checks: queries that must find nothing, beside a migration (`NNNN_name.check.sql`) or standing on their own
//! (`checks/*.sql`).
//!
//! A query passes where it returns no row, or one row with one boolean that is true.

mod query;

use std::borrow::Cow;
use std::time::Duration;

use crate::sql::{LineColumn, Piece, Reason, ScriptError, Split, split};
use crate::{Checksum, directive};

/// The queries of one file. All fields can be written in a `static`, as those of [`Script`](crate::Script).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckScript {
    /// The file, relative to the migrations folder: `0010_add_products.check.sql`, `checks/orphans.sql`.
    pub file: Cow<'static, str>,
    /// The normalised text: what is hashed and what runs.
    pub text: Cow<'static, str>,
    /// SHA-256 of `text`.
    pub checksum: Checksum,
    /// `-- migrate: statement-timeout 5min`: how long a query may run. Zero is no limit.
    pub statement_timeout: Option<Duration>,
    /// The queries, in order; never empty.
    pub checks: Cow<'static, [Check]>,
}

/// One query that must find nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Where its first token starts in the text.
    pub start: usize,
    /// Where its last token ends; the semicolon is not included.
    pub end: usize,
    /// Before the migration's up script, or behind it.
    pub moment: Moment,
    /// What the comment right above the query says.
    pub description: Option<Cow<'static, str>>,
}

/// When a check is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Before the up script: what it relies on.
    Before,
    /// Behind the up script, and by every postflight: what it left.
    After,
}

impl Moment {
    /// The directive that begins its section: `before`, `after`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => directive::BEFORE,
            Self::After => directive::AFTER,
        }
    }
}

impl CheckScript {
    /// Reads the check file of a migration. `file` is its name, `text` its normalised text.
    ///
    /// A section directive, `-- migrate: before` or `-- migrate: after`, holds for the queries behind it; those at the
    /// head are of `after`.
    ///
    /// # Errors
    ///
    /// What is broken, what is no query, and what a query can be seen to change. What cannot be seen is left to the
    /// server, that runs a check read-only.
    pub fn parse(file: &str, text: String) -> Result<Self, ScriptError> {
        Self::read(file, text, false)
    }

    /// Reads a standing check: as [`parse`](Self::parse), without sections.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); a section directive.
    pub fn parse_standing(file: &str, text: String) -> Result<Self, ScriptError> {
        Self::read(file, text, true)
    }

    fn read(file: &str, text: String, standing: bool) -> Result<Self, ScriptError> {
        match queries(&text, standing) {
            Ok((statement_timeout, checks)) => Ok(Self {
                file: file.to_owned().into(),
                checksum: Checksum::of(&text),
                statement_timeout,
                checks: checks.into(),
                text: text.into(),
            }),
            Err((offset, reason)) => Err(ScriptError::new(file, &text, offset, reason)),
        }
    }

    /// The SQL of a check, without its semicolon.
    pub fn sql(&self, check: &Check) -> &str {
        &self.text[check.start..check.end]
    }

    /// The line of a check's query, from 1.
    pub fn line(&self, check: &Check) -> usize {
        LineColumn::of(&self.text, check.start).line
    }

    /// The checks of one moment, in order.
    pub fn of(&self, moment: Moment) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(move |check| check.moment == moment)
    }
}

type Queries = (Option<Duration>, Vec<Check>);

fn queries(text: &str, standing: bool) -> Result<Queries, (usize, Reason)> {
    let Split { pieces, dropped, directives } = split(text)?;
    if let Some(&(start, _)) = dropped.first() {
        return Err((start, Reason::NotAQuery { command: "\\restrict".to_owned() }));
    }
    let mut timeout = None;
    let mut sections = vec![(0, Moment::After)];
    for comment in directives {
        let at = comment.start;
        let found = directive::of_check(&text[at..comment.end]).map_err(|reason| (at, reason))?;
        match found {
            directive::OfCheck::StatementTimeout(_) if !comment.in_head => {
                return Err((at, Reason::LateDirective));
            }
            directive::OfCheck::StatementTimeout(time) if timeout.is_none() => timeout = Some(time),
            directive::OfCheck::StatementTimeout(_) => {
                return Err((at, Reason::RepeatedDirective { directive: directive::STATEMENT_TIMEOUT }));
            }
            directive::OfCheck::Section(moment) if standing => {
                return Err((at, Reason::SectionInStanding { directive: moment.name() }));
            }
            directive::OfCheck::Section(moment)
                if pieces.iter().any(|piece| piece.start < at && at < end_of(piece)) =>
            {
                return Err((at, Reason::SectionInQuery { directive: moment.name() }));
            }
            directive::OfCheck::Section(moment) => sections.push((at, moment)),
        }
    }
    let mut checks = Vec::new();
    let mut behind = 0;
    for piece in &pieces {
        let sql = &text[piece.start..piece.end];
        query::judge(sql).map_err(|(offset, reason)| (piece.start + offset, reason))?;
        let moment = sections.iter().rev().find(|(at, _)| *at <= piece.start).map_or(Moment::After, |s| s.1);
        let description = query::description(text, behind, piece.start)?;
        checks.push(Check { start: piece.start, end: piece.end, moment, description });
        behind = end_of(piece);
    }
    query::description(text, behind, text.len())?;
    for (index, &(at, moment)) in sections.iter().enumerate().skip(1) {
        let end = sections.get(index + 1).map_or(text.len(), |(next, _)| *next);
        if !pieces.iter().any(|piece| at < piece.start && piece.start < end) {
            return Err((at, Reason::EmptySection { directive: moment.name() }));
        }
    }
    if checks.is_empty() {
        return Err((0, Reason::Empty));
    }
    Ok((timeout, checks))
}

/// Behind a statement and its semicolon.
fn end_of(piece: &Piece) -> usize {
    piece.semicolon.map_or(piece.end, |semicolon| semicolon + 1)
}

#[cfg(test)]
mod tests;
