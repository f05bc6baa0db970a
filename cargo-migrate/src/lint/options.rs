//! What a check is told: which migrations, which levels, for which server.

use std::collections::{BTreeMap, BTreeSet};

use migrate_core::Version;
use migrate_runtime::HistoryTable;

use super::Level;

/// What a check is told.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) scope: Scope,
    /// Rules whose level is not their default; only names that [`find`](super::find) knows.
    pub(crate) levels: BTreeMap<String, Level>,
    /// The major version of the server.
    pub(crate) server_version: u16,
    pub(crate) history_table: HistoryTable,
}

/// Which migrations are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All: a table that an earlier migration created is a table in use.
    All,
    /// Those after this version, each as under `All`: how a project begins that has a history already.
    After(Version),
    /// Those that will be applied together: a table that one of them creates has no readers yet.
    Pending(BTreeSet<Version>),
}

impl Scope {
    pub(crate) fn has(&self, version: Version) -> bool {
        match self {
            Self::All => true,
            Self::After(last) => version > *last,
            Self::Pending(versions) => versions.contains(&version),
        }
    }

    /// Whether what this migration creates has no users when another migration of the scope is applied.
    pub(crate) fn is_new(&self, version: Version) -> bool {
        matches!(self, Self::Pending(versions) if versions.contains(&version))
    }
}

/// The oldest server that is supported: advice that holds for it holds for all.
pub(crate) const OLDEST_SERVER: u16 = 14;

impl Default for Options {
    fn default() -> Self {
        Self {
            scope: Scope::All,
            levels: BTreeMap::new(),
            server_version: OLDEST_SERVER,
            history_table: HistoryTable::default(),
        }
    }
}
