//! What was measured while a script ran.

use std::ops::Range;
use std::time::Duration;

/// What was measured while one script ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// How long the whole script took, its commit included.
    pub duration: Duration,
    /// Each of its statements, in order.
    pub statements: Vec<MeasuredStatement>,
}

/// What was measured while one statement ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredStatement {
    /// Where it stands in the script's text, in bytes.
    pub span: Range<usize>,
    /// Its line in the file, from 1.
    pub line: usize,
    /// How long it took.
    pub duration: Duration,
    /// The table locks that it took and that the statements before it had not: of each table the strongest.
    pub locks: Vec<TableLock>,
    /// Tables and indexes that were there before and have new files now: `relfilenode` changed.
    pub rewritten: Vec<Relation>,
    /// Tables that were there before and were read from end to end (`seq_scan` in `pg_stat_xact_all_tables`).
    pub scanned: Vec<Relation>,
    /// Indexes that were built, on tables that were there before the migration.
    pub built: Vec<Relation>,
}

/// A lock on a table, as `pg_locks` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableLock {
    /// The table.
    pub table: Relation,
    /// The strongest mode.
    pub mode: LockMode,
}

/// A table or an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// As SQL writes it, qualified: `public.orders`.
    pub name: String,
    /// The table that an index belongs to.
    pub table: Option<String>,
    /// Whether this very script made it: nobody else can be waiting for it.
    pub new: bool,
}

/// A mode of a table lock, weakest first ("Explicit Locking" in PostgreSQL's manual).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl LockMode {
    /// All modes, weakest first.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// As the manual and `LOCK TABLE` write it: `ACCESS EXCLUSIVE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// From the `mode` of `pg_locks`: `AccessExclusiveLock`.
    pub fn from_catalog(mode: &str) -> Option<Self> {
        let plain = |text: &str| text.replace(' ', "").to_ascii_lowercase();
        let mode = plain(mode.strip_suffix("Lock")?);
        Self::ALL.into_iter().find(|known| plain(known.name()) == mode)
    }

    /// Whether two sessions cannot have these on one table at the same time (`LockConflicts` of lock.c).
    pub fn conflicts(self, other: Self) -> bool {
        use LockMode::*;
        let (weak, strong) = if self <= other { (self, other) } else { (other, self) };
        match strong {
            AccessShare | RowShare | RowExclusive => false,
            ShareUpdateExclusive => weak == ShareUpdateExclusive,
            // Not with itself: two indexes can be built at a time.
            Share => matches!(weak, RowExclusive | ShareUpdateExclusive),
            ShareRowExclusive => weak >= RowExclusive,
            Exclusive => weak >= RowShare,
            AccessExclusive => true,
        }
    }

    /// Whether a session that holds this keeps others from reading (`SELECT`).
    pub fn blocks_reads(self) -> bool {
        self == Self::AccessExclusive
    }

    /// Whether a session that holds this keeps others from writing (`INSERT`, `UPDATE`, `DELETE`).
    pub fn blocks_writes(self) -> bool {
        self >= Self::Share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of "Explicit Locking", row by row.
    #[test]
    fn conflicts_are_those_of_the_manual() {
        let table =
            ["       X", "      XX", "    XXXX", "   XXXXX", "  XX XXX", "  XXXXXX", " XXXXXXX", "XXXXXXXX"];
        for (one, row) in LockMode::ALL.into_iter().zip(table) {
            for (other, sign) in LockMode::ALL.into_iter().zip(row.chars()) {
                assert_eq!(one.conflicts(other), sign == 'X', "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn modes_are_known_by_the_names_of_the_catalog() {
        for (catalog, mode) in [
            ("AccessShareLock", LockMode::AccessShare),
            ("ShareUpdateExclusiveLock", LockMode::ShareUpdateExclusive),
            ("ShareRowExclusiveLock", LockMode::ShareRowExclusive),
            ("AccessExclusiveLock", LockMode::AccessExclusive),
        ] {
            assert_eq!(LockMode::from_catalog(catalog), Some(mode));
        }
        assert_eq!(LockMode::from_catalog("SIReadLock"), None);
        assert!(
            LockMode::ShareUpdateExclusive < LockMode::Share
                && !LockMode::ShareUpdateExclusive.blocks_writes()
        );
    }
}
