//! What a person sees of `cargo migrate`: arguments, configuration, verbs and rendering. The engine is
//! `migrate-runtime`.

pub mod args;
mod backup;
mod base;
mod checked;
mod clock;
pub mod command;
pub mod config;
mod context;
mod deploy;
mod doctor;
mod drift;
mod exit;
mod expected;
mod files;
mod gate;
mod git;
mod health;
mod inspection;
mod lint;
mod loss;
mod loudness;
mod pattern;
mod postflight;
mod preflight;
mod problem;
mod process;
mod question;
mod record;
mod records;
mod rehearse;
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
pub use records::Records;
pub use run::run;
pub use stream::Stream;
