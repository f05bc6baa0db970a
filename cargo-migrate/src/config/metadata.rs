//! `[package.metadata.migrate]`: its keys, and a refusal of any other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use glob::Pattern;
use migrate_core::Newer;
use migrate_runtime::HistoryTable;
use serde_json::{Map, Value};

use super::{Lint, Secret};
use crate::{Problem, args, pattern};

/// The metadata of a package or workspace.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// Where it stands: `package.metadata.migrate`.
    pub place: String,
    /// The folder of the manifest, which relative paths start from.
    pub root: PathBuf,
    /// What holds in every environment that does not say otherwise.
    pub base: Section,
    /// `env.<name>`.
    pub environments: BTreeMap<String, Section>,
    /// `lint`.
    pub lint: Lint,
}

/// The settings of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The folder of migration files.
    pub dir: Option<PathBuf>,
    /// `local`, `env:VARIABLE` or a URL.
    pub database: Option<Secret>,
    /// Production.
    pub protected: Option<bool>,
    /// Migrations have to change the schema as recorded.
    pub prove: Option<bool>,
    /// The history table.
    pub history_table: Option<HistoryTable>,
    /// How long to wait for another runner.
    pub lock_wait: Option<Duration>,
    /// How long a statement may wait for a table lock.
    pub lock_timeout: Option<Duration>,
    /// Recorded versions newer than everything in the folder.
    pub newer: Option<Newer>,
    /// What `drift` leaves out.
    pub drift_ignore: Option<Vec<Pattern>>,
    /// Where backups are kept.
    pub backup_dir: Option<PathBuf>,
    /// Where logs, reports and markers are kept.
    pub log_dir: Option<PathBuf>,
    /// For how long a passed preflight is one.
    pub preflight_max_age: Option<Duration>,
}

impl Metadata {
    /// The keys of a [`Section`], as they are written.
    pub const KEYS: [&str; 12] = [
        "dir",
        "database",
        "protected",
        "prove",
        "history-table",
        "lock-wait",
        "lock-timeout",
        "newer",
        "drift-ignore",
        "backup-dir",
        "log-dir",
        "preflight-max-age",
    ];

    /// Reads the value of `place`, of the manifest in `root`.
    pub fn read(place: &str, root: PathBuf, value: &Value) -> Result<Self, Problem> {
        let table = object(place, value)?;
        let mut metadata = Self { place: place.to_owned(), root, ..Self::default() };
        let mut base = table.clone();
        if let Some(environments) = base.remove("env") {
            let place = format!("{place}.env");
            for (name, value) in object(&place, &environments)? {
                let section =
                    section(&format!("{place}.{name}"), object(&format!("{place}.{name}"), value)?, &[])?;
                metadata.environments.insert(name.clone(), section);
            }
        }
        if let Some(lint) = base.remove("lint") {
            let place = format!("{place}.lint");
            metadata.lint = Lint::read(&place, object(&place, &lint)?)?;
        }
        metadata.base = section(place, &base, &["env", "lint"])?;
        Ok(metadata)
    }
}

fn object<'a>(place: &str, value: &'a Value) -> Result<&'a Map<String, Value>, Problem> {
    value
        .as_object()
        .ok_or_else(|| Problem::BadValue { key: place.to_owned(), why: "a table is expected".to_owned() })
}

fn section(place: &str, table: &Map<String, Value>, others: &[&str]) -> Result<Section, Problem> {
    let mut section = Section::default();
    for (key, value) in table {
        let place = format!("{place}.{key}");
        match key.as_str() {
            "dir" => section.dir = Some(text(&place, value)?.into()),
            "database" => section.database = Some(Secret(text(&place, value)?.to_owned())),
            "protected" => section.protected = Some(flag(&place, value)?),
            "prove" => section.prove = Some(flag(&place, value)?),
            "history-table" => section.history_table = Some(parse(&place, value, args::history_table)?),
            "lock-wait" => section.lock_wait = Some(parse(&place, value, args::duration)?),
            "lock-timeout" => section.lock_timeout = Some(parse(&place, value, args::duration)?),
            "drift-ignore" => section.drift_ignore = Some(patterns(&place, value)?),
            "backup-dir" => section.backup_dir = Some(text(&place, value)?.into()),
            "log-dir" => section.log_dir = Some(text(&place, value)?.into()),
            "preflight-max-age" => section.preflight_max_age = Some(parse(&place, value, args::duration)?),
            "newer" => section.newer = Some(parse(&place, value, newer)?),
            _ => {
                let known = Metadata::KEYS.iter().chain(others).copied();
                return Err(Problem::UnknownKey { near: nearest(key, known), key: place });
            }
        }
    }
    Ok(section)
}

fn patterns(place: &str, value: &Value) -> Result<Vec<Pattern>, Problem> {
    let list = value.as_array().ok_or_else(|| bad(place, "a list of texts is expected"))?;
    list.iter().map(|value| parse(place, value, pattern::parse)).collect()
}

fn newer(text: &str) -> Result<Newer, String> {
    match text {
        "ok" => Ok(Newer::Ok),
        "warn" => Ok(Newer::Warn),
        "refuse" => Ok(Newer::Refuse),
        _ => Err("ok, warn or refuse is expected".to_owned()),
    }
}

fn parse<T>(place: &str, value: &Value, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Problem> {
    read(text(place, value)?).map_err(|why| bad(place, &why))
}

fn flag(place: &str, value: &Value) -> Result<bool, Problem> {
    value.as_bool().ok_or_else(|| bad(place, "true or false is expected"))
}

fn text<'a>(place: &str, value: &'a Value) -> Result<&'a str, Problem> {
    value.as_str().ok_or_else(|| bad(place, "a text in quotes is expected"))
}

pub(super) fn bad(place: &str, why: &str) -> Problem {
    Problem::BadValue { key: place.to_owned(), why: why.to_owned() }
}

/// The known name most like this one, where one is like it at all.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&name.to_lowercase().replace('_', "-"), known), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Metadata, Problem> {
        Metadata::read("package.metadata.migrate", PathBuf::from("/p"), &value)
    }

    #[test]
    fn every_key_is_read() {
        let metadata = read(json!({
            "dir": "db", "database": "local", "history-table": "app.history", "lock-wait": "1min",
            "lock-timeout": "2s", "newer": "refuse", "prove": false, "drift-ignore": ["public.tmp_*"],
            "backup-dir": "/b", "log-dir": "l", "preflight-max-age": "1h",
            "env": { "production": { "database": "env:PROD", "protected": true, "prove": true } },
        }))
        .unwrap();
        assert_eq!(metadata.base.dir, Some("db".into()));
        assert_eq!(metadata.base.lock_wait, Some(Duration::from_secs(60)));
        assert_eq!(metadata.base.lock_timeout, Some(Duration::from_secs(2)));
        assert_eq!(metadata.base.newer, Some(Newer::Refuse));
        assert_eq!(
            metadata.base.history_table.map(|table| table.to_string()),
            Some("app.history".to_owned())
        );
        assert_eq!(metadata.base.drift_ignore, Some(vec![Pattern::new("public.tmp_*").unwrap()]));
        assert_eq!(metadata.base.prove, Some(false));
        assert_eq!(metadata.base.backup_dir, Some("/b".into()));
        assert_eq!(metadata.base.log_dir, Some("l".into()));
        assert_eq!(metadata.base.preflight_max_age, Some(Duration::from_secs(3600)));
        let production = &metadata.environments["production"];
        assert_eq!(
            (production.protected, production.prove, &production.database),
            (Some(true), Some(true), &Some(Secret("env:PROD".into())))
        );
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest_known() {
        let table = [
            (json!({"databse": "local"}), "package.metadata.migrate.databse", Some("database")),
            (json!({"history_table": "x"}), "package.metadata.migrate.history_table", Some("history-table")),
            (json!({"environments": {}}), "package.metadata.migrate.environments", Some("env")),
            (json!({"zzz": 1}), "package.metadata.migrate.zzz", None),
            (json!({"env": {"a": {"env": {}}}}), "package.metadata.migrate.env.a.env", None),
            (
                json!({"env": {"a": {"protectd": true}}}),
                "package.metadata.migrate.env.a.protectd",
                Some("protected"),
            ),
        ];
        for (value, place, known) in table {
            match read(value.clone()) {
                Err(Problem::UnknownKey { key, near }) => {
                    assert_eq!((key.as_str(), near.as_deref()), (place, known), "{value}");
                }
                other => panic!("{value}: {other:?}"),
            }
        }
    }

    #[test]
    fn values_of_the_wrong_kind_are_refused_by_key() {
        for value in [
            json!(3),
            json!({"database": 3}),
            json!({"protected": "yes"}),
            json!({"prove": 1}),
            json!({"lock-wait": "5"}),
            json!({"newer": "maybe"}),
            json!({"drift-ignore": "x"}),
            json!({"drift-ignore": ["["]}),
            json!({"env": []}),
            json!({"env": {"a": 1}}),
            json!({"history-table": ""}),
        ] {
            assert!(matches!(read(value.clone()), Err(Problem::BadValue { .. })), "{value}");
        }
    }
}
