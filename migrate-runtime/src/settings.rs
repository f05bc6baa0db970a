//! What a runner was told: every setting with the default that is right for an application.

use std::collections::BTreeMap;
use std::time::Duration;

use migrate_core::{Newer, Policy};

use crate::look::Looks;
use crate::{Database, HistoryTable, Interrupt};

/// How long a runner waits for another one where nobody said.
pub const DEFAULT_LOCK_WAIT: Duration = Duration::from_secs(300);

/// How long a statement waits for a table lock where nobody said.
pub const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// What a runner was told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub database: Option<Database>,
    pub history: HistoryTable,
    pub lock_wait: Duration,
    pub lock_timeout: Duration,
    pub lock_retry: Duration,
    pub statement_timeout: Option<Duration>,
    pub newer: Newer,
    pub allow_out_of_order: bool,
    pub auto_recover: bool,
    pub single_transaction: bool,
    pub prove: bool,
    /// Who is told what a script did, statement by statement.
    pub looks: Option<Looks>,
    pub prefer_file_down: Option<bool>,
    /// The same for single migrations, by stem.
    pub file_down_of: BTreeMap<String, bool>,
    pub tool: String,
    pub reason: Option<String>,
    /// What the lines of this run are told apart by in the audit log; made up where it is not given.
    pub run: Option<String>,
    pub interrupt: Interrupt,
    /// The folder that `embed!` read, in debug builds: to tell a binary that is older than its folder.
    pub built_from: Option<&'static str>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database: None,
            history: HistoryTable::default(),
            lock_wait: DEFAULT_LOCK_WAIT,
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            lock_retry: Duration::from_secs(60),
            statement_timeout: None,
            newer: Newer::Warn,
            allow_out_of_order: false,
            auto_recover: true,
            single_transaction: false,
            prove: false,
            looks: None,
            prefer_file_down: None,
            file_down_of: BTreeMap::new(),
            tool: concat!("migrate-runtime ", env!("CARGO_PKG_VERSION")).to_owned(),
            reason: None,
            run: None,
            interrupt: Interrupt::new(),
            built_from: None,
        }
    }
}

impl Settings {
    pub fn policy(&self) -> Policy {
        Policy { allow_out_of_order: self.allow_out_of_order, newer: self.newer }
    }
}
