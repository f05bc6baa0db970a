//! What runs leave in the log folder: a line for each event, the text of each run, and reports.
//!
//! A log is a help and no more: where it cannot be written, that is said once, and the run goes on as if it could.

mod arguments;
mod folder;
mod journal;
mod level;
mod line;
mod lines;
mod logbook;
mod report;
mod slot;
mod text;

pub(crate) use arguments::shown;
pub(crate) use folder::make as make_folder;
pub(crate) use level::Level;
pub(crate) use line::{TOOL, mask};
pub(crate) use lines::{Lines, read};
pub(crate) use logbook::{Logbook, Run};
pub(crate) use report::{Report, list as reports};
pub use slot::Records;
