//! The backup before a change: one that is made now and read through, or one that is there and is of the database as it is.

use jiff::Timestamp;
use migrate_runtime::{Applied, Error as EngineError, LogFilter, Migrator};

use crate::Problem;
use crate::backup::{self, Backup, CreateOptions, Manifest, Scope, Store, Whose, owner};
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::Identity;

/// The backup that a change was made after.
pub(crate) struct Saved {
    pub(crate) backup: Backup,
    /// It was there before.
    pub(crate) taken: bool,
}

/// A verified backup of the whole database as it is now: the one that was named, or one that is made.
///
/// # Errors
///
/// [`Problem::UnfitBackup`] for one that was named; whatever making one can fail with.
pub(crate) fn whole(
    call: &Call,
    settings: &Settings,
    migrator: &Migrator,
    identity: &Identity,
    named: Option<&str>,
    options: &CreateOptions,
) -> anyhow::Result<Saved> {
    let Some(id) = named else {
        let made = backup::create(call, settings, options)?;
        let backup = verified(call, settings, made)?;
        return Ok(Saved { backup, taken: false });
    };
    let backup = self::named(settings, migrator, identity, id)?;
    Ok(Saved { backup: verified(call, settings, backup)?, taken: true })
}

/// The backup that was named, where it is of the whole database as it is now, as its manifest says.
///
/// # Errors
///
/// [`Problem::UnfitBackup`]; where there is none of this name.
pub(super) fn named(
    settings: &Settings,
    migrator: &Migrator,
    identity: &Identity,
    id: &str,
) -> anyhow::Result<Backup> {
    let whose = Whose::of(settings).with(identity);
    let backup = Store::open(settings).find(id, &whose)?;
    // A copy of production's disk has its identity, and not its name.
    let other = settings.environment.as_ref().zip(backup.manifest.environment.as_ref());
    if let Some((here, _)) = other.filter(|(here, of)| here.value != **of) {
        let why = format!("it is of {}, and this is {}", owner(&backup.manifest), here.value);
        return Err(Problem::UnfitBackup { id: backup.manifest.id, why }.into());
    }
    fits(&backup.manifest, identity, &migrator.applied()?, last_change(migrator)?)
        .map_err(|why| Problem::UnfitBackup { id: backup.manifest.id.clone(), why })?;
    Ok(backup)
}

/// The backup, read through; one that was before is read again: the disk may have changed its mind since.
pub(crate) fn verified(call: &Call, settings: &Settings, backup: Backup) -> anyhow::Result<Backup> {
    backup::verify(call, &backup, false)?;
    // The manifest says so now.
    Store::open(settings).get(&backup.manifest.id)
}

/// When the history changed last, as the audit log has it; `None` where it tells of no change. One line is asked for: a
/// log has as many as a database has had years.
fn last_change(migrator: &Migrator) -> Result<Option<Timestamp>, EngineError> {
    let actions = ["up", "down", "statement", "repair"].map(str::to_owned).to_vec();
    let newest = migrator.log_of(&LogFilter { actions, ..LogFilter::default() }, Some(1))?;
    Ok(newest.first().and_then(|line| line.at.parse().ok()))
}

/// Whether a backup is one of all of this database, and nothing was migrated since.
fn fits(
    manifest: &Manifest,
    identity: &Identity,
    applied: &[Applied],
    last_change: Option<Timestamp>,
) -> Result<(), String> {
    if !manifest.identity.is_same(identity) {
        return Err(format!("it is of {}, and this is {identity}", manifest.identity));
    }
    if manifest.scope != Scope::Whole {
        return Err("it has only a part of the database".to_owned());
    }
    let mut then: Vec<_> = manifest.history.iter().map(|one| (&one.stem, &one.checksum, one.dirty)).collect();
    let mut now: Vec<_> = applied.iter().map(|one| (&one.version, &one.checksum, one.dirty)).collect();
    then.sort();
    now.sort();
    let taken: Option<Timestamp> = manifest.taken_at.parse().ok();
    // The log's times are cut to seconds.
    let is_older = taken.zip(last_change).is_none_or(|(taken, change)| taken < change);
    if then != now || (last_change.is_some() && is_older) {
        return Err(format!("the database was migrated since it was taken ({})", manifest.taken_at));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use migrate_core::Set;
    use migrate_runtime::{Database, Note};

    use super::*;

    fn identity(oid: u32) -> Identity {
        Identity { system: Some("7".into()), oid, database: "shop".into() }
    }

    fn manifest() -> Manifest {
        let manifest = crate::backup::testing::backup("backup-20261121T100000Z").manifest;
        let taken_at = "2026-11-21T10:00:00.500Z".into();
        let history = serde_json::json!([{ "stem": "0001_a", "checksum": "c", "dirty": false }]);
        let history = serde_json::from_value(history).unwrap();
        Manifest { identity: identity(5), scope: Scope::Whole, taken_at, history, ..manifest }
    }

    fn applied(versions: &[&str]) -> Vec<Applied> {
        let one = |version: &&str| Applied {
            version: (*version).to_owned(),
            dirty: false,
            checksum: Some("c".into()),
            up: None,
        };
        versions.iter().map(one).collect()
    }

    #[test]
    fn one_of_this_database_as_it_is() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let before = at("2026-11-21T10:00:00Z");
        let fit = |manifest: &Manifest, versions: &[&str], last| {
            fits(manifest, &identity(5), &applied(versions), last)
        };
        fit(&manifest(), &["0001_a"], before).unwrap();
        fit(&manifest(), &["0001_a"], None).unwrap();
        let migrated = |why: Result<(), String>| why.unwrap_err().contains("migrated since");
        assert!(migrated(fit(&manifest(), &["0001_a", "0002_b"], before)));
        // Down and up again leave the same history, and other rows.
        assert!(migrated(fit(&manifest(), &["0001_a"], at("2026-11-21T10:00:01Z"))));
        let unreadable = Manifest { taken_at: "x".into(), ..manifest() };
        assert!(migrated(fit(&unreadable, &["0001_a"], before)));
        let part = Manifest { scope: Scope::Tables { tables: vec!["a".into()] }, ..manifest() };
        assert!(fit(&part, &["0001_a"], before).unwrap_err().contains("part"));
        let other = Manifest { identity: identity(6), ..manifest() };
        assert!(fit(&other, &["0001_a"], before).unwrap_err().contains("oid 6"));
    }

    #[test]
    fn only_what_changes_the_history_counts() {
        let scratch = migrate_testing::scratch().unwrap();
        let mut client = scratch.connect().unwrap();
        let database = Database::resolve(Some(scratch.url()), &|_| None).unwrap();
        let migrator = Migrator::new(Set::new("", Vec::new())).database(database);
        assert_eq!(last_change(&migrator).unwrap(), None);
        let note = Note {
            subject: "up".into(),
            action: "gate".into(),
            outcome: "passed".into(),
            checksum: None,
            message: None,
            duration: None,
        };
        // Makes the tables.
        migrator.note(&note).unwrap();
        assert_eq!(last_change(&migrator).unwrap(), None);
        let line = "INSERT INTO schema_migrations_log (at, version, action, outcome) \
                    SELECT $1::text::timestamptz, '0001_a', $2, 'ok' FROM generate_series(1, $3::int)";
        client.execute(line, &[&"2026-11-21T09:00:00Z", &"up", &100_000]).unwrap();
        client.execute(line, &[&"2026-11-21T10:00:00Z", &"up", &1]).unwrap();
        client.execute(line, &[&"2026-11-21T11:00:00Z", &"gate", &100_000]).unwrap();
        assert_eq!(last_change(&migrator).unwrap(), "2026-11-21T10:00:00Z".parse().ok());
    }
}
