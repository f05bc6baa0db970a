//! The marker that a passed preflight leaves in the log folder: of which database, of which pending migrations, and when,
//! by the server's clock. What changes a protected environment asks for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use migrate_core::file::{self, FileError};
use serde::{Deserialize, Serialize};

use crate::Problem;
use crate::config::Settings;
use crate::inspection::{Identity, Pending};
use crate::render::words::time;

/// A marker is a page at most, whatever the number of migrations.
const MAX_BYTES: u64 = 16 << 20;

/// How far in the future a marker may be: two servers of one system do not show the same millisecond.
const SKEW: Duration = Duration::from_secs(60);

/// A preflight that was passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    schema: Form,
    /// The environment, where one was named.
    pub(crate) environment: Option<String>,
    /// The database that was looked at.
    pub(crate) identity: Identity,
    /// The migrations that were pending.
    pub(crate) pending: Bound,
    /// The server's time, ISO 8601.
    pub(crate) at: String,
    /// The tool and its version.
    pub(crate) tool: String,
    /// Failures that were allowed, with the reasons: whoever goes on writes them into the audit log.
    pub(crate) allowed: Vec<Allowed>,
}

/// The form of the file: another one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Form {
    #[serde(rename = "cargo-migrate/preflight-passed/1")]
    One,
}

/// The pending migrations that a marker is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bound {
    /// [`Pending::digest`]
    pub(crate) digest: String,
    /// Their files, in order.
    pub(crate) files: Vec<File>,
}

/// One file of a pending migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File {
    /// The file's name.
    pub(crate) name: String,
    /// SHA-256 of its text.
    pub(crate) checksum: String,
}

/// A failure that a person allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allowed {
    /// The check.
    pub(crate) check: String,
    /// Why.
    pub(crate) reason: String,
}

impl Bound {
    fn of(pending: &Pending) -> Self {
        let files = pending.migrations().iter().flat_map(|migration| migration.files());
        let files =
            files.map(|(file, checksum)| File { name: file.to_owned(), checksum: checksum.to_string() });
        Self { digest: pending.digest().to_string(), files: files.collect() }
    }

    /// Whether the digest is that of the files: one that was edited by hand is not.
    fn is_whole(&self) -> bool {
        let lines = self.files.iter().map(|file| format!("{}  {}\n", file.checksum, file.name));
        migrate_core::Checksum::of(&lines.collect::<String>()).to_string() == self.digest
    }

    /// The files that are not in both, or not the same.
    fn differences(&self, now: &Self) -> Vec<String> {
        let side = |one: &Self, other: &Self, what: &str| -> Vec<String> {
            let missing = one.files.iter().filter(|a| !other.files.iter().any(|b| a.name == b.name));
            missing.map(|file| format!("{} {what}", file.name)).collect()
        };
        let changed = self.files.iter().filter(|then| {
            now.files.iter().any(|now| now.name == then.name && now.checksum != then.checksum)
        });
        let mut all = side(now, self, "is new");
        all.extend(side(self, now, "is not pending any more"));
        all.extend(changed.map(|file| format!("{} was changed", file.name)));
        if all.is_empty() {
            all.push("their order".to_owned());
        }
        all
    }
}

/// Where the marker of this environment is; of a database where no environment is named.
pub(crate) fn path(settings: &Settings, identity: &Identity) -> PathBuf {
    named(settings, identity, "preflight-passed")
}

/// A file of an environment in the log folder.
pub(super) fn named(settings: &Settings, identity: &Identity, what: &str) -> PathBuf {
    let name = settings.environment_name().unwrap_or_else(|| identity.database.clone());
    settings.log_dir.value.join(format!("{what}-{}.json", file_name(&name)))
}

/// The name as it is where it is a plain one; otherwise what is plain of it, and a digest that tells it from others.
fn file_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain) {
        return name.to_owned();
    }
    let plain: String = name.chars().filter(|c| is_plain(*c)).take(40).collect();
    format!("{plain}-{}", &migrate_core::Checksum::of(name).to_string()[..12])
}

/// Writes the marker of a preflight that was passed at this time of the server's.
///
/// # Errors
///
/// Where the log folder cannot be written to.
pub(crate) fn write(
    settings: &Settings,
    identity: &Identity,
    pending: &Pending,
    server_now: &str,
    allowed: Vec<Allowed>,
) -> Result<PathBuf, FileError> {
    let passed = Passed {
        schema: Form::One,
        environment: settings.environment_name(),
        identity: identity.clone(),
        pending: Bound::of(pending),
        at: server_now.to_owned(),
        tool: concat!("cargo-migrate ", env!("CARGO_PKG_VERSION")).to_owned(),
        allowed,
    };
    let path = path(settings, identity);
    write_json(&path, &passed)?;
    Ok(path)
}

pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        file::private_folder(folder)?;
    }
    // A tree of texts and numbers cannot fail to be written.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    file::replace_private(path, format!("{text}\n").as_bytes())
}

/// Takes the marker away: the last preflight was not passed.
///
/// # Errors
///
/// Where it is there and stays.
pub(crate) fn remove(settings: &Settings, identity: &Identity) -> Result<(), Problem> {
    let path = path(settings, identity);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Problem::io(path)(error)),
        _ => Ok(()),
    }
}

/// Whether a preflight was passed on this database, with just these migrations pending, and not too long before
/// `server_now` (ISO 8601).
///
/// # Errors
///
/// One [`Problem`] for each way in which it was not.
pub(crate) fn check(
    settings: &Settings,
    identity: &Identity,
    pending: &Pending,
    server_now: &str,
) -> Result<Passed, Problem> {
    let path = path(settings, identity);
    let environment = settings.environment_name();
    let unreadable = |why: String| Problem::PreflightUnreadable {
        environment: environment.clone(),
        path: path.clone(),
        why,
    };
    if let Err(error) = std::fs::symlink_metadata(&path)
        && error.kind() == std::io::ErrorKind::NotFound
    {
        return Err(Problem::PreflightMissing { environment });
    }
    let bytes = file::read(&path, MAX_BYTES).map_err(|error| unreadable(error.source.to_string()))?;
    let passed: Passed = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    if !passed.pending.is_whole() {
        return Err(unreadable("its digest is not that of its migrations".to_owned()));
    }
    let timestamp = |text: &str| text.parse::<Timestamp>();
    let (Ok(at), Ok(now)) = (timestamp(&passed.at), timestamp(server_now)) else {
        return Err(unreadable("it has no time".to_owned()));
    };
    if passed.identity != *identity {
        return Err(Problem::PreflightOtherDatabase {
            environment,
            passed: passed.identity.to_string(),
            here: identity.to_string(),
        });
    }
    let bound = Bound::of(pending);
    if passed.pending.digest != bound.digest {
        return Err(Problem::PreflightOtherPending {
            environment,
            differences: passed.pending.differences(&bound),
        });
    }
    let limit = settings.preflight_max_age.value;
    let age = now.duration_since(at);
    // A clock that was set back makes no preflight younger.
    let stale = match Duration::try_from(age) {
        Ok(age) => (age > limit).then(|| time(age)),
        Err(_) if age.unsigned_abs() <= SKEW => None,
        Err(_) => Some(format!("-{}", time(age.unsigned_abs()))),
    };
    match stale {
        Some(age) => Err(Problem::PreflightStale { environment, age, limit: time(limit) }),
        None => Ok(passed),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::{Origin, Sourced};

    const NOW: &str = "2026-11-21T19:30:59.123Z";

    fn settings(folder: &Path, environment: Option<&str>) -> Settings {
        fn said<T>(value: T) -> Sourced<T> {
            Sourced::new(value, Origin::Default)
        }
        Settings {
            environment: environment.map(|name| said(name.to_owned())),
            protected: said(true),
            prove: said(false),
            dir: said("migrations".into()),
            database: Err(Problem::NoDatabase { known: Vec::new() }),
            variables: BTreeMap::new(),
            history_table: said(Default::default()),
            lock_wait: None,
            lock_timeout: None,
            newer: None,
            drift_ignore: None,
            backup_dir: said(folder.join("backups")),
            log_dir: said(folder.join("log")),
            preflight_max_age: said(Duration::from_secs(900)),
            lint: Default::default(),
            locked: said(true),
            root: folder.to_owned(),
            local: None,
        }
    }

    fn identity(oid: u32) -> Identity {
        Identity { system: Some("7431".to_owned()), oid, database: "shop".to_owned() }
    }

    fn pending(up: &[(&str, &str)]) -> Pending {
        use migrate_core::{Migration, Script, Version};
        let script = |stem: &str, half: &str, text: &str| {
            Script::parse(&format!("{stem}.{half}.sql"), text.to_owned()).unwrap()
        };
        Pending::from(
            up.iter()
                .enumerate()
                .map(|(number, (stem, text))| Migration {
                    stem: (*stem).to_owned().into(),
                    version: Version::new(number as u64 + 1),
                    up: script(stem, "up", text),
                    down: Some(script(stem, "down", "SELECT 1")),
                    check: None,
                })
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_pass_is_one_of_this_database_these_migrations_and_this_quarter_of_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), Some("production"));
        let (here, two) = (identity(16_384), pending(&[("0001_a", "SELECT 1"), ("0002_b", "SELECT 2")]));
        let check = |identity: &Identity, pending: &Pending, now: &str| {
            super::check(&settings, identity, pending, now)
        };
        let missing = check(&here, &two, NOW).unwrap_err();
        assert!(matches!(&missing, Problem::PreflightMissing { .. }));
        assert!(missing.hint().contains("cargo migrate preflight --env production"), "{}", missing.hint());

        let allowed = vec![Allowed { check: "replication-slots".into(), reason: "known".into() }];
        let path = write(&settings, &here, &two, NOW, allowed.clone()).unwrap();
        assert_eq!(path, folder.path().join("log/preflight-passed-production.json"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let passed = check(&here, &two, "2026-11-21T19:45:59.123Z").unwrap();
        assert_eq!((passed.allowed, passed.environment.as_deref()), (allowed, Some("production")));
        check(&here, &two, "2026-11-21T19:30:00Z").unwrap();

        let other = check(&identity(16_385), &two, NOW).unwrap_err().to_string();
        assert!(other.contains("oid 16384") && other.contains("oid 16385"), "{other}");
        let three = pending(&[("0001_a", "SELECT 1"), ("0002_b", "SELECT 3"), ("0003_c", "SELECT 1")]);
        let other = check(&here, &three, NOW).unwrap_err().to_string();
        assert!(
            other.contains("0003_c.up.sql is new") && other.contains("0002_b.up.sql was changed"),
            "{other}"
        );
        let fewer = check(&here, &pending(&[("0001_a", "SELECT 1")]), NOW).unwrap_err().to_string();
        assert!(fewer.contains("0002_b.up.sql is not pending any more"), "{fewer}");
        let stale = check(&here, &two, "2026-11-21T19:46:00Z").unwrap_err();
        assert!(
            stale.to_string().contains("15 min 0 s old") || stale.to_string().contains("15 min old"),
            "{stale}"
        );
        let future = check(&here, &two, "2026-11-21T18:30:59Z").unwrap_err();
        assert!(matches!(future, Problem::PreflightStale { .. }), "{future}");

        remove(&settings, &here).unwrap();
        remove(&settings, &here).unwrap();
        assert!(matches!(check(&here, &two, NOW), Err(Problem::PreflightMissing { .. })));
    }

    #[test]
    fn what_is_not_of_our_making_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), None);
        let (here, one) = (identity(1), pending(&[("0001_a", "SELECT 1")]));
        let path = write(&settings, &here, &one, NOW, vec![]).unwrap();
        assert!(path.ends_with("preflight-passed-shop.json"));
        let good = std::fs::read_to_string(&path).unwrap();
        for bad in [
            String::new(),
            "{}".to_owned(),
            good.replace("preflight-passed/1", "preflight-passed/2"),
            good.replace(NOW, "yesterday"),
            good.replace("0001_a.up.sql", "0001_b.up.sql"),
            good[..good.len() / 2].to_owned(),
        ] {
            std::fs::write(&path, bad).unwrap();
            let problem = check(&settings, &here, &one, NOW).unwrap_err();
            assert!(matches!(&problem, Problem::PreflightUnreadable { .. }), "{problem}");
            assert!(problem.hint().contains("cargo migrate preflight"), "{}", problem.hint());
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(check(&settings, &here, &one, NOW), Err(Problem::PreflightUnreadable { .. })));
    }

    #[test]
    fn a_name_of_any_letters_makes_a_file_name_of_its_own() {
        assert_eq!(file_name("production"), "production");
        assert!(file_name("a/../b").starts_with("ab-") && file_name("a/../b") != file_name("ab"));
        assert_ne!(file_name("ä"), file_name("ö"));
        assert!(file_name(&"x".repeat(300)).len() < 64);
    }
}
