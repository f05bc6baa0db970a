//! What a preflight came to.

use std::path::PathBuf;
use std::time::Duration;

use super::marker::Allowed;
use crate::inspection::{Examined, Identity, Pending};

/// What a preflight came to.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The database for people, without the password.
    pub(crate) database: String,
    /// The environment, where one was named.
    pub(crate) environment: Option<String>,
    pub(crate) identity: Identity,
    /// `server_version_num`.
    pub(crate) server_version: u32,
    /// The server's time, ISO 8601.
    pub(crate) at: String,
    pub(crate) pending: Pending,
    /// What each check found, in their order.
    pub(crate) examined: Vec<Examined>,
    /// The failures that were allowed.
    pub(crate) allowed: Vec<Allowed>,
    /// The marker of a pass.
    pub(crate) marker: Option<PathBuf>,
    /// Why there is no marker of a pass.
    pub(crate) marker_failure: Option<String>,
    /// For how long the marker is good.
    pub(crate) good_for: Duration,
    /// Where this report is kept.
    pub(crate) file: Option<PathBuf>,
    pub(crate) elapsed: Duration,
}

impl Report {
    /// Whether nothing stops a run.
    pub(crate) fn passed(&self) -> bool {
        Examined::all_passed(&self.examined)
    }
}
