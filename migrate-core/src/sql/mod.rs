//! SQL text: tokens, statements, and what they are.

pub mod position;

mod classify;
mod compare;
mod concurrent;
mod error;
mod lexer;
mod meta_command;
mod secrets;
mod split;
mod transaction;
mod words;

pub use compare::same_tokens;
pub use concurrent::{ConcurrentTarget, concurrent_target, waits_by_design};
pub use error::{Reason, ScriptError};
pub use position::LineColumn;
pub use secrets::mask_secrets;

pub(crate) use split::{Piece, Split, split};
pub(crate) use transaction::{Control, control_of};
