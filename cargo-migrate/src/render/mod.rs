//! The only place with words: results and events for people, and for programs.

pub(crate) mod checks;
pub(crate) mod error;
mod escape;
pub(crate) mod event;
pub(crate) mod json;
pub(crate) mod meter;
mod paint;
mod progress;
pub(crate) mod review;
pub(crate) mod signals;
mod snippet;
mod table;
mod trace;
mod typed;
mod ui;
pub(crate) mod view;
pub(crate) mod words;

pub(crate) use escape::{escape, escape_json, escape_line};
pub(crate) use event::{Narrator, wordless};
pub(crate) use paint::Paint;
pub(crate) use ui::{Page, SCHEMA, Ui, View};
pub(crate) use words::{bytes, count, time};
