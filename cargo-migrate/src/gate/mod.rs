//! The gate of a protected environment: nothing is changed there without a fresh passing preflight and a backup, unless
//! somebody says in words why it is. What let a change through, or who forced it and why, is in the audit log.

mod backup;
mod foresee;
mod passage;

pub(crate) use backup::{Saved, verified, whole};
pub(crate) use foresee::{backup_is_possible, foresee, may_write};
pub(crate) use passage::{Request, pass, preview, wait_for_others};
