//! `-- migrate: …` comments in the head of a file.

use std::borrow::Cow;
use std::time::Duration;

use crate::check::Moment;
use crate::schema::name::distance;
use crate::sql::Reason;

/// What the comments in the head of a file ask for. Constructible in a `static`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `no-transaction`: run statement by statement, with a journal.
    pub no_transaction: bool,
    /// `irreversible <reason>`: this migration has no down on purpose.
    pub irreversible: Option<Cow<'static, str>>,
    /// `lock-timeout 3s`: how long a statement may wait for a table lock before it is tried again. Zero is no limit, as
    /// for PostgreSQL.
    pub lock_timeout: Option<Duration>,
    /// `statement-timeout 5min`: how long a statement may run. Zero is no limit.
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

/// The names of all directives.
pub const NAMES: [&str; 5] = [NO_TRANSACTION, IRREVERSIBLE, LOCK_TIMEOUT, STATEMENT_TIMEOUT, ALLOW];

/// The names of those that a file of checks may have.
pub(crate) const OF_CHECKS: [&str; 3] = [BEFORE, AFTER, STATEMENT_TIMEOUT];

const NO_TRANSACTION: &str = "no-transaction";
const IRREVERSIBLE: &str = "irreversible";
const LOCK_TIMEOUT: &str = "lock-timeout";
pub(crate) const STATEMENT_TIMEOUT: &str = "statement-timeout";
const ALLOW: &str = "allow";
pub(crate) const BEFORE: &str = "before";
pub(crate) const AFTER: &str = "after";

/// What stands behind `-- migrate`, where a line comment starts like that.
fn behind_migrate(comment: &str) -> Option<&str> {
    const WORD: &str = "migrate";
    let text = comment.trim_start_matches('-').trim_start();
    let (word, rest) = text.split_at_checked(WORD.len())?;
    word.eq_ignore_ascii_case(WORD).then_some(rest)
}

/// Whether a line comment is a directive, or is so near to one that taking it for a comment would be a trap:
/// `-- migrate no-transaction`, without the colon.
pub(crate) fn looks_like_one(comment: &str) -> bool {
    behind_migrate(comment)
        .is_some_and(|rest| rest.trim_start().starts_with(':') || without_colon(rest).is_some())
}

/// The directive that `rest` names though the colon is missing. `allow` is left out: `-- migrate allow lists to …` is a
/// comment that people write.
fn without_colon(rest: &str) -> Option<&'static str> {
    let name = rest.strip_prefix([' ', '\t'])?.split_whitespace().next()?;
    NAMES.into_iter().find(|known| *known == name && *known != ALLOW)
}

/// A directive of a file of checks.
pub(crate) enum OfCheck {
    /// `before`, `after`.
    Section(Moment),
    /// `statement-timeout`.
    StatementTimeout(Duration),
}

/// The directive that a comment is that [`looks_like_one`], in a file of checks.
pub(crate) fn of_check(comment: &str) -> Result<OfCheck, Reason> {
    let (name, argument) = name_and_argument(comment)?;
    let section = |directive, moment| match argument {
        "" => Ok(OfCheck::Section(moment)),
        value => Err(Reason::UnexpectedArgument { directive, value: value.to_owned() }),
    };
    match name {
        BEFORE => section(BEFORE, Moment::Before),
        AFTER => section(AFTER, Moment::After),
        STATEMENT_TIMEOUT => duration(argument, STATEMENT_TIMEOUT).map(OfCheck::StatementTimeout),
        _ => Err(Reason::NotOfChecks { found: name.to_owned(), nearest: nearest(name, &OF_CHECKS) }),
    }
}

/// The section that a comment is meant to begin, where only its colon is missing: `-- migrate before`, and no more.
pub(crate) fn section_without_colon(comment: &str) -> Option<&'static str> {
    let rest = behind_migrate(comment)?.trim();
    [BEFORE, AFTER].into_iter().find(|name| *name == rest)
}

/// The parts of a comment that [`looks_like_one`].
fn name_and_argument(comment: &str) -> Result<(&str, &str), Reason> {
    let rest = behind_migrate(comment).unwrap_or_default();
    let Some(body) = rest.trim_start().strip_prefix(':') else {
        let directive = without_colon(rest).unwrap_or_default();
        return Err(Reason::MissingColon { directive });
    };
    let body = body.trim();
    let (name, argument) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    Ok((name, argument.trim_start()))
}

impl Directives {
    /// Takes in a comment that [`looks_like_one`].
    pub(crate) fn read(&mut self, comment: &str, is_down: bool) -> Result<(), Reason> {
        let (name, argument) = name_and_argument(comment)?;
        match name {
            NO_TRANSACTION if !argument.is_empty() => {
                Err(Reason::UnexpectedArgument { directive: NO_TRANSACTION, value: argument.to_owned() })
            }
            NO_TRANSACTION if self.no_transaction => {
                Err(Reason::RepeatedDirective { directive: NO_TRANSACTION })
            }
            NO_TRANSACTION => {
                self.no_transaction = true;
                Ok(())
            }
            IRREVERSIBLE if is_down => Err(Reason::IrreversibleDown),
            IRREVERSIBLE if argument.is_empty() => {
                Err(Reason::MissingArgument { directive: IRREVERSIBLE, missing: "reason" })
            }
            IRREVERSIBLE => set(&mut self.irreversible, argument.to_owned().into(), IRREVERSIBLE),
            LOCK_TIMEOUT => set(&mut self.lock_timeout, duration(argument, LOCK_TIMEOUT)?, LOCK_TIMEOUT),
            STATEMENT_TIMEOUT => {
                set(&mut self.statement_timeout, duration(argument, STATEMENT_TIMEOUT)?, STATEMENT_TIMEOUT)
            }
            ALLOW => {
                let (rule, reason) = argument.split_once(char::is_whitespace).unwrap_or((argument, ""));
                let missing = if rule.is_empty() { Some("rule") } else { None };
                let missing = missing.or(if reason.trim().is_empty() { Some("reason") } else { None });
                if let Some(missing) = missing {
                    return Err(Reason::MissingArgument { directive: ALLOW, missing });
                }
                let allow = Allow { rule: rule.to_owned().into(), reason: reason.trim().to_owned().into() };
                self.allow.to_mut().push(allow);
                Ok(())
            }
            "" => Err(Reason::NoDirective),
            _ => Err(Reason::UnknownDirective { found: name.to_owned(), nearest: nearest(name, &NAMES) }),
        }
    }
}

fn set<T>(place: &mut Option<T>, value: T, directive: &'static str) -> Result<(), Reason> {
    match place.replace(value) {
        Some(_) => Err(Reason::RepeatedDirective { directive }),
        None => Ok(()),
    }
}

fn duration(text: &str, directive: &'static str) -> Result<Duration, Reason> {
    crate::duration::parse(text).ok_or_else(|| Reason::BadDuration { directive, value: text.to_owned() })
}

/// The directive that is fewest edits away, if that is few enough to be a slip.
fn nearest(found: &str, names: &[&'static str]) -> Option<&'static str> {
    let found: String = found.chars().take(40).collect::<String>().to_lowercase().replace('_', "-");
    let (edits, name) = names.iter().map(|name| (distance(&found, name), *name)).min()?;
    (edits <= 1 + name.len() / 4).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Directives, Reason> {
        let mut directives = Directives::default();
        for line in lines {
            assert!(looks_like_one(line), "{line}");
            directives.read(line, false)?;
        }
        Ok(directives)
    }

    #[test]
    fn all_directives() {
        let directives = read(&[
            "-- migrate: no-transaction",
            "--migrate:irreversible  the old rows are gone ",
            "-- Migrate : lock-timeout 500ms",
            "---- MIGRATE: statement-timeout 5 min",
            "-- migrate: allow drop-column not read since 2.3",
            "-- migrate: allow rename the view stays",
        ])
        .unwrap();
        let allow =
            |rule: &'static str, reason: &'static str| Allow { rule: rule.into(), reason: reason.into() };
        let expected = Directives {
            no_transaction: true,
            irreversible: Some("the old rows are gone".into()),
            lock_timeout: Some(Duration::from_millis(500)),
            statement_timeout: Some(Duration::from_secs(300)),
            allow: vec![allow("drop-column", "not read since 2.3"), allow("rename", "the view stays")].into(),
        };
        assert_eq!(directives, expected);
    }

    #[test]
    fn a_time_that_is_none_is_told_as_written() {
        let value = "3m".to_owned();
        assert_eq!(
            read(&["-- migrate: lock-timeout 3m"]),
            Err(Reason::BadDuration { directive: LOCK_TIMEOUT, value })
        );
    }

    #[test]
    fn an_unknown_directive_names_the_nearest() {
        for (found, nearest) in [
            ("no-transactions", Some("no-transaction")),
            ("no_transaction", Some("no-transaction")),
            ("NO-TRANSACTION", Some("no-transaction")),
            ("lock_timout", Some("lock-timeout")),
            ("statement-time", Some("statement-timeout")),
            ("ireversible", Some("irreversible")),
            ("alow", Some("allow")),
            ("frobnicate", None),
            ("é", None),
        ] {
            let line = format!("-- migrate: {found} 3s");
            let expected = Reason::UnknownDirective { found: found.to_owned(), nearest };
            assert_eq!(read(&[&line]), Err(expected));
        }
    }

    #[test]
    fn mistakes() {
        for (line, reason) in [
            ("-- migrate:", Reason::NoDirective),
            (
                "-- migrate: irreversible",
                Reason::MissingArgument { directive: IRREVERSIBLE, missing: "reason" },
            ),
            ("-- migrate: allow", Reason::MissingArgument { directive: ALLOW, missing: "rule" }),
            ("-- migrate: allow rule ", Reason::MissingArgument { directive: ALLOW, missing: "reason" }),
            (
                "-- migrate: no-transaction please",
                Reason::UnexpectedArgument { directive: NO_TRANSACTION, value: "please".to_owned() },
            ),
            ("-- migrate no-transaction", Reason::MissingColon { directive: NO_TRANSACTION }),
        ] {
            assert_eq!(read(&[line]), Err(reason), "{line}");
        }
        for directive in ["no-transaction", "irreversible x", "lock-timeout 1s", "statement-timeout 1s"] {
            let line = format!("-- migrate: {directive}");
            let Err(Reason::RepeatedDirective { directive: named }) = read(&[&line, &line]) else {
                panic!("{line}")
            };
            assert!(directive.starts_with(named));
        }
        let mut down = Directives::default();
        assert_eq!(down.read("-- migrate: irreversible x", true), Err(Reason::IrreversibleDown));
    }

    #[test]
    fn other_comments_are_comments() {
        for line in [
            "-- migrate the rows: in two steps",
            "-- migrate allow lists to tables",
            "-- migration: 3",
            "-- mig",
            "--",
        ] {
            assert!(!looks_like_one(line), "{line}");
        }
    }
}
