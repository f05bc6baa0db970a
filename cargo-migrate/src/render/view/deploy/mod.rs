//! A deployment: what is told while it goes on, what it came to, and what it would do.

mod note;
mod plan;
mod result;
mod unfinished;

pub(crate) use note::DeployNote;
pub(crate) use plan::DeployPlanView;
pub(crate) use result::DeployView;
pub(crate) use unfinished::{unfinished, unfinished_json};
