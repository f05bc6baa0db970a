//! Which of the things said holds: argument, then environment variable, then `.env`, then metadata, then the default.

use std::path::{Path, PathBuf};
use std::time::Duration;

use migrate_core::name;
use migrate_runtime::HistoryTable;

use super::sources::{Sources, argument};
use super::{Dotenv, Local, Origin, Project, Secret, Section, Settings, Sourced, Where};
use crate::args::Global;
use crate::{Environment, Problem};

/// The settings that hold. Pure: everything it knows is in its arguments.
///
/// One rule beside the order: the database of an environment that was *named* ranks where its name was given. With
/// `--env staging` the metadata's `env.staging.database` wins over a `DATABASE_URL`: whoever names an environment does
/// not mean the database of another.
pub fn resolve(
    global: &Global,
    locked: Option<bool>,
    env: &Environment,
    dotenv: &Dotenv,
    project: Option<&Project>,
    cwd: &Path,
) -> Result<Settings, Problem> {
    let sources = Sources::new(global, env, dotenv, project)?;

    let root = project.map_or(cwd, |project| &project.root);
    // A relative path of the metadata starts where the metadata stands, one of the command line where it was typed.
    let place = project.and_then(|project| project.metadata.as_ref()).map_or(cwd, |metadata| &metadata.root);
    let folder =
        |given: &Option<PathBuf>, argument, key, name: &str, of: fn(&Section) -> Option<PathBuf>| match (
            given,
            sources.said(key, of),
        ) {
            (Some(folder), _) => Sourced::new(cwd.join(folder), Origin::Argument(argument)),
            (None, Some(said)) => Sourced::new(place.join(said.value), said.origin),
            (None, None) => Sourced::new(root.join(HOME).join(name), Origin::Default),
        };
    let dir = match (&global.dir, sources.said("dir", |section| section.dir.clone())) {
        (Some(dir), _) => Sourced::new(cwd.join(dir), Origin::Argument("--dir")),
        (None, Some(said)) => Sourced::new(place.join(said.value), said.origin),
        (None, None) => {
            let default = project.map_or_else(|| cwd.join("migrations"), Project::default_dir);
            Sourced::new(default, Origin::Default)
        }
    };
    let protected = sources
        .said("protected", |section| section.protected)
        .unwrap_or(Sourced::new(false, Origin::Default));
    let database = sources.database().and_then(|database| match (&database.value, &sources.environment) {
        (Where::Local, environment) if protected.value => Err(Problem::LocalProtected {
            environment: environment.as_ref().map(|environment| environment.value.clone()),
        }),
        _ => Ok(database),
    });
    let locked = match locked {
        Some(locked) => Sourced::new(locked, Origin::Argument("--locked")),
        None if env.get("CI").is_some_and(|ci| !["false", "0", "no"].contains(&ci)) => {
            Sourced::new(true, Origin::Variable("CI".to_owned()))
        }
        None => protected.clone(),
    };
    let mut variables = dotenv.variables.clone();
    variables.extend(env.iter().map(|(name, value)| (name.to_owned(), Secret(value.to_owned()))));
    Ok(Settings {
        protected,
        prove: sources.said("prove", |section| section.prove).unwrap_or(Sourced::new(false, Origin::Default)),
        dir,
        database,
        variables,
        history_table: argument(&global.history_table, "--history-table")
            .or_else(|| sources.said("history-table", |section| section.history_table.clone()))
            .unwrap_or(Sourced::new(HistoryTable::default(), Origin::Default)),
        lock_wait: argument(&global.lock_wait, "--lock-wait")
            .or_else(|| sources.said("lock-wait", |section| section.lock_wait)),
        lock_timeout: argument(&global.lock_timeout, "--lock-timeout")
            .or_else(|| sources.said("lock-timeout", |section| section.lock_timeout)),
        newer: sources.said("newer", |section| section.newer),
        drift_ignore: sources.said("drift-ignore", |section| section.drift_ignore.clone()),
        backup_dir: folder(&global.backup_dir, "--backup-dir", "backup-dir", "backups", |section| {
            section.backup_dir.clone()
        }),
        log_dir: folder(&global.log_dir, "--log-dir", "log-dir", "log", |section| section.log_dir.clone()),
        preflight_max_age: sources
            .said("preflight-max-age", |section| section.preflight_max_age)
            .unwrap_or(Sourced::new(PREFLIGHT_MAX_AGE, Origin::Default)),
        lint: project
            .and_then(|project| project.metadata.as_ref())
            .map(|metadata| metadata.lint.clone())
            .unwrap_or_default(),
        locked,
        root: root.to_owned(),
        local: project.map(|project| Local {
            target: project.target.clone(),
            database: name::slug(&project.name).unwrap_or_else(|| "app".to_owned()),
        }),
        environment: sources.environment,
    })
}

/// What is kept of a project beside its sources, unless it is told elsewhere: `.migrate/backups`, `.migrate/log`.
pub(crate) const HOME: &str = ".migrate";

const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Metadata;

    /// What was said, for one row of a table.
    #[derive(Default)]
    struct Said<'a> {
        url: Option<&'a str>,
        env_argument: Option<&'a str>,
        env: &'a [(&'a str, &'a str)],
        dotenv: &'a [(&'a str, &'a str)],
        metadata: serde_json::Value,
        locked: Option<bool>,
    }

    fn settings(said: &Said) -> Result<Settings, Problem> {
        let global = Global {
            database_url: said.url.map(str::to_owned),
            env: said.env_argument.map(str::to_owned),
            ..Global::default()
        };
        let dotenv = Dotenv {
            path: "/p/.env".into(),
            variables: said.dotenv.iter().map(|(n, v)| ((*n).to_owned(), Secret((*v).to_owned()))).collect(),
        };
        let metadata = (!said.metadata.is_null())
            .then(|| Metadata::read("package.metadata.migrate", "/p".into(), &said.metadata).unwrap());
        let project = Project {
            root: "/p".into(),
            package: "/p".into(),
            target: "/p/target".into(),
            name: "My-App".into(),
            metadata,
        };
        let env = said.env.iter().copied().collect();
        resolve(&global, said.locked, &env, &dotenv, Some(&project), Path::new("/p/src"))
    }

    fn database(said: &Said) -> (String, String) {
        let database = settings(said).unwrap().database.unwrap();
        let place = match database.value {
            Where::Local => "local".to_owned(),
            Where::Variables => "variables".to_owned(),
            Where::Url(Secret(text)) => text,
        };
        (place, database.origin.to_string())
    }

    #[test]
    fn the_nearer_word_names_the_database() {
        let metadata = || {
            json!({ "database": "local", "env": {
                "staging": { "database": "env:STAGING" }, "bare": {}, "fixed": { "database": "postgres://fixed" },
            } })
        };
        const URL: (&str, &str) = ("DATABASE_URL", "postgres://variable");
        const DOT_URL: (&str, &str) = ("DATABASE_URL", "postgres://dotenv");
        const STAGING: (&str, &str) = ("STAGING", "postgres://staging");
        let fixed_key = "package.metadata.migrate.env.fixed.database";
        let table: Vec<(&str, Said, &str, &str)> = vec![
            (
                "argument first",
                Said {
                    url: Some("postgres://argument"),
                    env: &[URL],
                    metadata: metadata(),
                    ..Said::default()
                },
                "postgres://argument",
                "--database-url",
            ),
            (
                "variable before .env",
                Said { env: &[URL], dotenv: &[DOT_URL], metadata: metadata(), ..Said::default() },
                "postgres://variable",
                "DATABASE_URL",
            ),
            (
                "PG* before .env",
                Said { env: &[("PGHOST", "h")], dotenv: &[DOT_URL], metadata: metadata(), ..Said::default() },
                "variables",
                "PGHOST",
            ),
            (
                ".env before metadata",
                Said { dotenv: &[DOT_URL], metadata: metadata(), ..Said::default() },
                "postgres://dotenv",
                "DATABASE_URL in /p/.env",
            ),
            (
                "PG* in .env",
                Said { dotenv: &[("PGDATABASE", "d")], metadata: metadata(), ..Said::default() },
                "variables",
                "PGDATABASE in /p/.env",
            ),
            (
                "PGUSER alone names no database",
                Said {
                    env: &[("PGUSER", "u"), ("PGPASSWORD", "x")],
                    metadata: metadata(),
                    ..Said::default()
                },
                "local",
                "package.metadata.migrate.database",
            ),
            (
                "an empty variable says nothing",
                Said { env: &[("DATABASE_URL", "")], metadata: metadata(), ..Said::default() },
                "local",
                "package.metadata.migrate.database",
            ),
            (
                "a named environment before DATABASE_URL",
                Said {
                    env_argument: Some("staging"),
                    env: &[URL, STAGING],
                    metadata: metadata(),
                    ..Said::default()
                },
                "postgres://staging",
                "STAGING",
            ),
            (
                "its variable may stand in .env",
                Said {
                    env_argument: Some("staging"),
                    env: &[URL],
                    dotenv: &[STAGING],
                    metadata: metadata(),
                    ..Said::default()
                },
                "postgres://staging",
                "STAGING in /p/.env",
            ),
            (
                "an environment without a database of its own names none",
                Said { env_argument: Some("bare"), env: &[URL], metadata: metadata(), ..Said::default() },
                "postgres://variable",
                "DATABASE_URL",
            ),
            (
                "named by a variable",
                Said { env: &[URL, ("MIGRATE_ENV", "fixed")], metadata: metadata(), ..Said::default() },
                "postgres://fixed",
                fixed_key,
            ),
            (
                "named in .env, with DATABASE_URL as a variable",
                Said {
                    env: &[URL],
                    dotenv: &[("MIGRATE_ENV", "fixed")],
                    metadata: metadata(),
                    ..Said::default()
                },
                "postgres://variable",
                "DATABASE_URL",
            ),
            (
                "both in .env",
                Said {
                    dotenv: &[DOT_URL, ("MIGRATE_ENV", "fixed")],
                    metadata: metadata(),
                    ..Said::default()
                },
                "postgres://fixed",
                fixed_key,
            ),
        ];
        for (what, said, place, origin) in table {
            assert_eq!(database(&said), (place.to_owned(), origin.to_owned()), "{what}");
        }
    }

    #[test]
    fn no_database_is_guessed() {
        let nothing = settings(&Said::default()).unwrap();
        assert!(matches!(nothing.database, Err(Problem::NoDatabase { known }) if known.is_empty()));
        let unset = settings(&Said { metadata: json!({"database": "env:NOPE"}), ..Said::default() }).unwrap();
        assert!(matches!(unset.database, Err(Problem::VariableNotSet { .. })));
        let local = Local { target: "/p/target".into(), database: "my_app".into() };
        assert_eq!(nothing.local, Some(local));
    }

    #[test]
    fn a_local_database_is_refused_where_protected() {
        let metadata = json!({ "database": "local", "env": { "production": { "protected": true } } });
        let settings =
            settings(&Said { env_argument: Some("production"), metadata, ..Said::default() }).unwrap();
        assert!(matches!(settings.database, Err(Problem::LocalProtected { .. })));
        assert!(settings.protected.value);
    }

    #[test]
    fn an_unknown_environment_is_refused_with_the_nearest() {
        let metadata = json!({ "env": { "production": {} } });
        match settings(&Said { env_argument: Some("prodction"), metadata, ..Said::default() }) {
            Err(Problem::UnknownEnvironment { near, known, .. }) => {
                assert_eq!((near.as_deref(), known), (Some("production"), vec!["production".to_owned()]));
            }
            other => panic!("{other:?}"),
        }
        assert!(settings(&Said { env_argument: Some("any"), ..Said::default() }).is_err());
    }

    #[test]
    fn the_lock_is_fixed_in_ci_and_where_protected() {
        let protected = || json!({ "protected": true });
        let table = [
            (Said::default(), false, "default"),
            (Said { env: &[("CI", "true")], ..Said::default() }, true, "CI"),
            (Said { env: &[("CI", "false")], ..Said::default() }, false, "default"),
            (Said { env: &[("CI", "1")], locked: Some(false), ..Said::default() }, false, "--locked"),
            (Said { locked: Some(true), ..Said::default() }, true, "--locked"),
            (Said { metadata: protected(), ..Said::default() }, true, "package.metadata.migrate.protected"),
        ];
        for (said, locked, origin) in table {
            let settings = settings(&said).unwrap();
            assert_eq!(
                (settings.locked.value, settings.locked.origin.to_string().as_str()),
                (locked, origin)
            );
        }
    }

    #[test]
    fn an_environment_says_over_the_base_key_by_key() {
        let metadata = json!({
            "dir": "db", "lock-wait": "1s", "lock-timeout": "1s", "history-table": "base",
            "prove": true, "env": { "ci": { "lock-timeout": "2s", "prove": false } },
        });
        let settings = settings(&Said { env_argument: Some("ci"), metadata, ..Said::default() }).unwrap();
        assert_eq!(settings.dir.value, PathBuf::from("/p/db"));
        assert_eq!(settings.lock_wait.map(|wait| wait.value), Some(Duration::from_secs(1)));
        let timeout = settings.lock_timeout.unwrap();
        assert_eq!(timeout.value, Duration::from_secs(2));
        assert_eq!(timeout.origin.to_string(), "package.metadata.migrate.env.ci.lock-timeout");
        assert_eq!(settings.history_table.value.to_string(), "public.base");
        assert!(!settings.prove.value);
        assert_eq!(settings.prove.origin.to_string(), "package.metadata.migrate.env.ci.prove");
    }

    #[test]
    fn arguments_count_from_the_current_folder() {
        let global = Global {
            dir: Some("sql".into()),
            lock_wait: Some(Duration::ZERO),
            history_table: Some(HistoryTable { schema: "a".into(), name: "b".into() }),
            ..Global::default()
        };
        let env = Environment::default();
        let settings = resolve(&global, None, &env, &Dotenv::default(), None, Path::new("/here")).unwrap();
        assert_eq!(settings.dir, Sourced::new("/here/sql".into(), Origin::Argument("--dir")));
        assert_eq!(settings.lock_wait, Some(Sourced::new(Duration::ZERO, Origin::Argument("--lock-wait"))));
        assert_eq!(settings.history_table.origin, Origin::Argument("--history-table"));
        assert_eq!(settings.local, None);
    }

    #[test]
    fn the_process_wins_over_the_file_for_the_connection() {
        let said =
            Said { env: &[("PGUSER", "a")], dotenv: &[("PGUSER", "b"), ("PGPORT", "1")], ..Said::default() };
        let variables = settings(&said).unwrap().variables;
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.0.as_str())).collect();
        assert_eq!(variables, [("PGPORT", "1"), ("PGUSER", "a")]);
    }
}
