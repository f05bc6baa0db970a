//! What a snapshot takes in.

use crate::HistoryTable;

/// What a snapshot takes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaOptions {
    /// Who owns each object.
    pub owners: bool,
    /// Who may do what with each object, and default privileges.
    pub grants: bool,
    /// Our own tables, which are left out: no migration makes them.
    pub history: Option<HistoryTable>,
}

impl SchemaOptions {
    /// Without owners and grants: what is the same wherever the same migrations ran, whoever ran them.
    pub fn portable() -> Self {
        Self { owners: false, grants: false, ..Self::default() }
    }
}

impl Default for SchemaOptions {
    /// Everything but the default history table and its log.
    fn default() -> Self {
        Self { owners: true, grants: true, history: Some(HistoryTable::default()) }
    }
}
