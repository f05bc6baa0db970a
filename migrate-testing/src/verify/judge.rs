//! Failures and differences as findings.

use migrate_runtime::Error as EngineError;
use migrate_runtime::core::Direction;
use migrate_runtime::core::schema::Diff;
use migrate_runtime::core::sql::LineColumn;
use migrate_runtime::error::{self, ServerError};

use super::error::Result;
use super::report::{Failure, Finding};

/// What a script came to: its result, or why it failed.
pub(super) type Outcome<T> = std::result::Result<T, Box<Failure>>;

/// Tells a script that failed, which is a finding, from an engine that cannot go on.
pub(super) fn outcome<T>(result: std::result::Result<T, EngineError>) -> Result<Outcome<T>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => failure_of(error).map(Err),
    }
}

fn failure_of(error: EngineError) -> Result<Box<Failure>> {
    match error {
        EngineError::Failed { failure }
        | EngineError::RollbackFailed { failure }
        | EngineError::TableLock { failure, .. }
        | EngineError::Dirty { failure: Some(failure), .. } => Ok(Box::new(Failure::from(*failure))),
        // `CREATE INDEX CONCURRENTLY IF NOT EXISTS` that found an invalid index of its name.
        EngineError::Dirty { stem, invalid_indexes, failure: None, .. } => Ok(Box::new(Failure {
            file: format!("{stem}.up.sql"),
            stem,
            direction: Direction::Up,
            line: None,
            offset: None,
            server: ServerError {
                severity: "ERROR".to_owned(),
                message: format!("it leaves an invalid index: {}", invalid_indexes.join(", ")),
                ..ServerError::default()
            },
        })),
        error => Err(error.into()),
    }
}

impl From<error::Failure> for Failure {
    fn from(failure: error::Failure) -> Self {
        let offset = failure.position.or(failure.statement.map(|(start, _)| start));
        let offset = offset.map(|offset| failure.text.floor_char_boundary(offset.min(failure.text.len())));
        Self {
            line: offset.map(|offset| LineColumn::of(&failure.text, offset).line),
            offset,
            stem: failure.stem,
            direction: failure.direction,
            file: failure.file,
            server: failure.server,
        }
    }
}

/// A difference after a down or after a second up, as what it is.
pub(super) fn differs(diff: Diff, as_what: fn(Diff) -> Finding) -> Option<Finding> {
    if diff.is_empty() {
        None
    } else if diff.is_order_only() {
        Some(Finding::OrderOnly(diff))
    } else if diff.is_white_space_only() {
        Some(Finding::WhiteSpaceOnly(diff))
    } else {
        Some(as_what(diff))
    }
}
