//! Where the database is and how to reach it, as libpq means it.

mod attempt;
mod backend_pid;
mod database;
#[cfg_attr(not(feature = "tls"), path = "no_encryption.rs")]
mod encryption;
mod environment;
mod failure;
mod hint;
mod keyword;
mod keyword_text;
mod link;
mod open;
mod passfile;
mod percent;
mod resolve;
mod service;
mod sslmode;
mod target;
mod url;
mod variables;

pub use database::Database;
pub use hint::hint;
pub use link::Link;

/// Where a setting that is not in the text comes from: a variable of the environment by its name.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Settings that make no sense.
pub(crate) fn refuse(message: impl Into<String>, hint: impl Into<String>) -> crate::Error {
    crate::Error::Settings { message: message.into(), hint: hint.into() }
}
