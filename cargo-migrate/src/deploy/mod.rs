//! A production run as one plan: preflight, backup, up, postflight, each step written down before and after.

mod back;
mod begin;
mod deployment;
mod dry_run;
mod journal;
mod lock;
mod plan;
mod run;

pub(crate) use begin::tell_unfinished;
pub(crate) use deployment::{Deployment, Ending, How, Kept, Taken};
pub(crate) use dry_run::{Preview, dry_run};
pub(crate) use journal::{Detail, Journal, Mark, Past, PastBackup, Step};
pub(crate) use lock::DeployLock;
pub use plan::OnFailure;
pub(crate) use plan::Plan;
pub(crate) use run::{Options, run};
