//! SQL text: tokens, statements, and what they are.

pub mod position;

mod classify;
mod cluster_wide;
mod compare;
mod concurrent;
mod error;
pub(crate) mod lexer;
mod meta_command;
mod other_tools;
mod secrets;
mod split;
mod tables;
mod transaction;
mod words;

pub use cluster_wide::cluster_wide;
pub(crate) use compare::same_but_for_white_space;
pub use compare::same_tokens;
pub use concurrent::{
    ConcurrentDetach, ConcurrentTarget, concurrent_detach, concurrent_target, waits_by_design,
};
pub use error::{Reason, ScriptError};
pub use position::LineColumn;
pub use secrets::{mask_secrets, mask_text};
pub use tables::{TableChange, table_change};

pub(crate) use split::{Piece, Split, split};
pub use transaction::{Control, control_of};

/// The first word of a statement, which says what kind of statement it is; empty where it begins with something else.
pub fn first_word(statement: &str) -> &str {
    statement.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// The statements of a text, in order, whichever way they would be run: unlike [`Script::parse`](crate::Script::parse)
/// this takes directives for comments and lets transaction control pass.
///
/// # Errors
///
/// Where the text is broken, or is not for a server (commands and variables of psql). The file in the error is empty.
pub fn statements(text: &str) -> Result<Vec<crate::Statement>, ScriptError> {
    let split = split(text).map_err(|(offset, reason)| ScriptError::new("", text, offset, reason))?;
    Ok(split.pieces.iter().map(Into::into).collect())
}
