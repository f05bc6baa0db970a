//! What a person sees of `cargo migrate`: arguments, configuration, verbs and rendering. The engine is
//! `migrate-runtime`.

pub mod args;
mod base;
mod checked;
pub mod command;
pub mod config;
mod context;
mod exit;
mod expected;
mod files;
mod git;
mod lint;
mod pattern;
mod problem;
mod question;
mod record;
mod render;
mod risk;
mod run;
mod said_once;
mod scratch;
pub mod signals;
mod source;
mod stream;
mod template;

pub use context::{Context, Environment, InFlight, Input};
pub use exit::Exit;
pub use problem::Problem;
pub use run::run;
pub use stream::Stream;
