//! Which old backups may go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::manifest::{Manifest, Scope};
use super::store::{Backup, Store};
use crate::Problem;

/// What may go: what is beyond the number *and* older than the time, of those that are said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    /// So many of each database stay.
    pub(crate) keep: Option<usize>,
    /// What is younger stays.
    pub(crate) older_than: Option<Duration>,
}

/// The backups that may go, newest first. Of each database the newest stays, and the newest one that was verified, and both
/// of the whole database too, where parts of it are newer, whatever the rule says. `backups` are the newest first; a rule that
/// says nothing lets nothing go.
pub(crate) fn choose(backups: &[Backup], rule: Rule, now: SystemTime) -> Vec<Backup> {
    if rule == Rule::default() {
        return Vec::new();
    }
    let mut databases: BTreeMap<_, Vec<&Backup>> = BTreeMap::new();
    for backup in backups {
        let Manifest { identity, environment, .. } = &backup.manifest;
        // By its name and not its oid: one that was restored and swapped is the same to whoever looks after its backups. By
        // the environment too: a copy of production's disk has its system identifier and its names.
        databases.entry((&identity.system, &identity.database, environment)).or_default().push(backup);
    }
    let mut going = BTreeSet::new();
    for own in databases.values() {
        let is_verified = |backup: &&Backup| backup.manifest.verified.is_some();
        let is_whole = |backup: &&Backup| backup.manifest.scope == Scope::Whole;
        // What was taken of some tables cannot stand for the database.
        let staying: BTreeSet<_> = [
            own.first().copied(),
            own.iter().copied().find(is_verified),
            own.iter().copied().find(is_whole),
            own.iter().copied().find(|backup| is_whole(backup) && is_verified(backup)),
        ]
        .into_iter()
        .flatten()
        .map(Backup::id)
        .collect();
        for (number, backup) in own.iter().enumerate() {
            let beyond = rule.keep.is_none_or(|keep| number >= keep);
            let old = rule.older_than.is_none_or(|limit| age(backup, now).is_some_and(|age| age > limit));
            if beyond && old && !staying.contains(backup.id()) {
                going.insert(backup.id());
            }
        }
    }
    backups.iter().filter(|backup| going.contains(backup.id())).cloned().collect()
}

/// How long ago it was taken; `None` where that cannot be read.
pub(crate) fn age(backup: &Backup, now: SystemTime) -> Option<Duration> {
    let taken = SystemTime::from(backup.manifest.taken_at.parse::<Timestamp>().ok()?);
    // A server's clock may be ahead of ours.
    Some(now.duration_since(taken).unwrap_or_default())
}

/// Removes a backup. Killed meanwhile, it leaves nothing under the backup's name; what is left is swept by the next one.
pub(crate) fn remove(store: &Store, backup: &Backup) -> Result<(), Problem> {
    let going = store.folder().join(format!(".{}.partial", backup.id()));
    fs::rename(&backup.folder, &going).map_err(Problem::io(&backup.folder))?;
    fs::remove_dir_all(&going).map_err(Problem::io(&going))
}

#[cfg(test)]
mod tests {
    use super::super::manifest::Verified;
    use super::super::manifest::tests::manifest;
    use super::*;

    const DAY: u64 = 86_400;

    /// Backups that were taken so many days ago, `v` for those that were verified, `o` for those of another database, `s` for
    /// those of another environment, `p` for those of a part.
    fn backups(days: &[(u64, &str)]) -> Vec<Backup> {
        let now = Timestamp::UNIX_EPOCH.as_second() + i64::try_from(1000 * DAY).unwrap();
        let backup = |(days, marks): &(u64, &str)| {
            let mut manifest = manifest(&format!("backup-{days:03}{marks}"));
            let taken = Timestamp::from_second(now - i64::try_from(days * DAY).unwrap()).unwrap();
            manifest.taken_at = taken.to_string();
            manifest.verified =
                marks.contains('v').then(|| Verified { at: taken.to_string(), restored: false });
            if marks.contains('o') {
                manifest.identity.database = "other".to_owned();
            }
            manifest.environment = marks.contains('s').then(|| "staging".to_owned());
            if marks.contains('p') {
                manifest.scope = Scope::Tables { tables: Vec::new() };
            }
            Backup { folder: manifest.id.clone().into(), manifest }
        };
        days.iter().map(backup).collect()
    }

    fn going(days: &[(u64, &str)], keep: Option<usize>, older_than: Option<u64>) -> Vec<String> {
        let rule = Rule { keep, older_than: older_than.map(|days| Duration::from_secs(days * DAY)) };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 * DAY);
        let chosen = choose(&backups(days), rule, now);
        chosen.iter().map(|backup| backup.id().trim_start_matches("backup-").to_owned()).collect()
    }

    #[test]
    fn the_newest_and_the_newest_verified_one_stay() {
        let all = [(1, ""), (2, ""), (5, "v"), (9, "v"), (20, "")];
        assert_eq!(going(&all, Some(2), None), ["009v", "020"]);
        assert_eq!(going(&all, Some(0), None), ["002", "009v", "020"]);
        assert_eq!(going(&all, None, Some(7)), ["009v", "020"]);
        assert_eq!(going(&all, Some(4), Some(7)), ["020"]);
        assert_eq!(going(&all, Some(1), Some(0)), ["002", "009v", "020"]);
        assert_eq!(going(&all, None, None), [""; 0]);
        assert_eq!(going(&[(900, "")], Some(0), None), [""; 0]);
        assert_eq!(going(&[(1, "v"), (900, "v")], Some(0), Some(1)), ["900v"]);
    }

    #[test]
    fn databases_are_counted_apart() {
        let all = [(1, "o"), (2, ""), (3, "o"), (4, "")];
        assert_eq!(going(&all, Some(1), None), ["003o", "004"]);
        // A clone of the disk: the same identity.
        let all = [(1, "s"), (2, "v"), (3, "sv"), (4, "v"), (5, "s")];
        assert_eq!(going(&all, Some(1), None), ["004v", "005s"]);
    }

    #[test]
    fn a_part_does_not_stand_for_the_database() {
        let all = [(1, "pv"), (2, "p"), (3, ""), (4, "v"), (5, "v")];
        assert_eq!(going(&all, Some(1), None), ["002p", "005v"]);
    }
}
