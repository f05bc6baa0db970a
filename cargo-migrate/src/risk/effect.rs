//! What one statement does to one table.

use std::borrow::Cow;

use migrate_runtime::rehearsal::LockMode;

use super::name::Name;
use super::safer;

/// What one statement does to one table.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    /// The table; `None` where the text does not show which.
    pub(super) table: Option<Name>,
    /// The lock on it.
    pub(super) mode: LockMode,
    /// What is done while the lock is held.
    pub(super) work: Work,
    /// The table that is worked on, where it is another one: a foreign key locks the table that it refers to while it
    /// reads its own.
    pub(super) work_on: Option<Name>,
    /// What is lost for good.
    pub(super) loss: Option<Loss>,
    /// What the statement is, for people: `` `ALTER COLUMN total TYPE` ``.
    pub(super) form: Cow<'static, str>,
    /// SQL that does the same more safely.
    pub(super) safer: Option<String>,
    /// What has to be known beside it.
    pub(super) remark: Option<&'static str>,
    /// Whatever the server is seen to read or to write anew keeps nobody waiting: TRUNCATE gives an empty file, and to a
    /// materialised view nobody writes but a refresh.
    pub(super) quick: bool,
}

/// What takes longer the larger the table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Catalogs only.
    #[default]
    None,
    /// All rows are read.
    Scan,
    /// An index is built.
    Build,
    /// Every row is updated or deleted in place.
    Rows,
    /// The table gets a new file.
    Rewrite,
}

/// What is lost for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// A column's values.
    Column,
    /// All rows of a table, or the table, or whatever hangs on an object.
    Rows,
}

impl Effect {
    pub(super) fn new(table: Option<Name>, mode: LockMode, form: impl Into<Cow<'static, str>>) -> Self {
        Self {
            table,
            mode,
            work: Work::None,
            work_on: None,
            loss: None,
            form: form.into(),
            safer: None,
            remark: None,
            quick: false,
        }
    }

    /// Stands for a relation that a script made.
    pub(super) fn created(table: Name) -> Self {
        Self::new(Some(table), LockMode::AccessExclusive, "")
    }

    pub(super) fn work(mut self, work: Work) -> Self {
        self.work = work;
        self
    }

    pub(super) fn loss(mut self, loss: Loss) -> Self {
        self.loss = Some(loss);
        self
    }

    pub(super) fn safer(mut self, safer: impl Into<String>) -> Self {
        self.safer = Some(safer.into());
        self
    }

    /// A down is one script: what takes several migrations is nothing to write instead.
    pub(super) fn in_one_script(&mut self) {
        self.safer.take_if(|script| script.contains(safer::NEXT));
    }

    pub(super) fn quick(mut self) -> Self {
        self.quick = true;
        self
    }

    pub(super) fn remark(mut self, remark: &'static str) -> Self {
        self.remark = Some(remark);
        self
    }
}
