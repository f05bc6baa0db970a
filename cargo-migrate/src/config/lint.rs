//! `[package.metadata.migrate.lint]`: the levels of rules, and what the linter cannot see in the files.

use std::collections::BTreeMap;

use migrate_core::{Version, name};
use serde_json::{Map, Value};

use super::metadata::{bad, nearest};
use crate::Problem;
use crate::lint::{self, Level};

/// What `lint` is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lint {
    /// By the rules' own names.
    pub(crate) levels: BTreeMap<String, Level>,
    /// The major version of the server.
    pub(crate) server_version: Option<u16>,
    /// The last migration that is not looked at.
    pub(crate) start_after: Option<Version>,
}

const SERVER_VERSION: &str = "server-version";
const START_AFTER: &str = "start-after";

impl Lint {
    /// Reads the table at `place`.
    pub(super) fn read(place: &str, table: &Map<String, Value>) -> Result<Self, Problem> {
        let mut lint = Self::default();
        for (key, value) in table {
            let place = format!("{place}.{key}");
            match key.as_str() {
                SERVER_VERSION => {
                    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
                    let version = number.and_then(|number| server_version(&number.to_string()).ok());
                    lint.server_version = Some(
                        version.ok_or_else(|| bad(&place, "a major version is expected, for example 15"))?,
                    );
                }
                START_AFTER => {
                    let version = value.as_str().and_then(|text| Some(name::parse_recorded(text)?.0));
                    let why = "a version or a migration is expected, for example \"0041\"";
                    lint.start_after = Some(version.ok_or_else(|| bad(&place, why))?);
                }
                rule => {
                    let Some(rule) = lint::find(rule) else {
                        let rules = lint::rules().iter().map(|rule| rule.name);
                        let known = rules.chain([SERVER_VERSION, START_AFTER]);
                        return Err(Problem::UnknownKey { near: nearest(rule, known), key: place });
                    };
                    let level = match value.as_str() {
                        Some("allow") => Level::Allow,
                        Some("warn") => Level::Warn,
                        Some("deny") => Level::Deny,
                        _ => return Err(bad(&place, "\"allow\", \"warn\" or \"deny\" is expected")),
                    };
                    lint.levels.insert(rule.name.to_owned(), level);
                }
            }
        }
        Ok(lint)
    }
}

/// A major version of the server that this tool knows.
pub(crate) fn server_version(text: &str) -> Result<u16, String> {
    let major = text.split('.').next().unwrap_or_default().parse().ok();
    major
        .filter(|major| (lint::OLDEST_SERVER..=99).contains(major))
        .ok_or_else(|| format!("a major version of PostgreSQL is expected, {} or newer", lint::OLDEST_SERVER))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Lint, Problem> {
        Lint::read("package.metadata.migrate.lint", value.as_object().unwrap())
    }

    #[test]
    fn levels_server_and_start() {
        let lint = read(json!({
            "truncate": "warn", "prefer-timestamptz": "deny", "server-version": 16, "start-after": "0041_add_phone",
        }))
        .unwrap();
        assert_eq!(lint.levels["truncate"], Level::Warn);
        assert_eq!(lint.levels["prefer-timestamp-tz"], Level::Deny);
        assert_eq!((lint.server_version, lint.start_after), (Some(16), Some(Version::new(41))));
        assert_eq!(read(json!({"server-version": "15.4"})).unwrap_or_default().server_version, None);
        assert_eq!(read(json!({"server-version": "15"})).unwrap().server_version, Some(15));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (value, near) in [
            (json!({"truncat": "warn"}), Some("truncate")),
            (json!({"server_version": 15}), Some("server-version")),
            (json!({"xyzzy": "warn"}), None),
        ] {
            match read(value.clone()) {
                Err(Problem::UnknownKey { key, near: found }) => {
                    assert!(key.starts_with("package.metadata.migrate.lint."), "{key}");
                    assert_eq!(found.as_deref(), near, "{value}");
                }
                other => panic!("{value}: {other:?}"),
            }
        }
        for value in [
            json!({"truncate": "error"}),
            json!({"truncate": true}),
            json!({"server-version": 9}),
            json!({"server-version": []}),
            json!({"start-after": 41}),
            json!({"start-after": "first"}),
        ] {
            assert!(matches!(read(value.clone()), Err(Problem::BadValue { .. })), "{value}");
        }
    }
}
