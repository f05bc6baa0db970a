//! `-- migrate: …` comments in the head of a file.

use std::borrow::Cow;
use std::time::Duration;

/// What the comments in the head of a file ask for. Constructible in a `static`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `no-transaction`: run statement by statement, with a journal.
    pub no_transaction: bool,
    /// `irreversible <reason>`: this migration has no down on purpose.
    pub irreversible: Option<Cow<'static, str>>,
    /// `lock-timeout 3s`: how long a statement may wait for a table lock before it is tried again.
    pub lock_timeout: Option<Duration>,
    /// `statement-timeout 5min`: how long a statement may run.
    pub statement_timeout: Option<Duration>,
    /// `allow <lint rule> <reason>`.
    pub allow: Cow<'static, [Allow]>,
}

/// One `-- migrate: allow <rule> <reason>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The lint rule's name.
    pub rule: Cow<'static, str>,
    /// Why it is allowed here.
    pub reason: Cow<'static, str>,
}
