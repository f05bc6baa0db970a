//! Where each migration stands: the set and the history side by side. Status, repair and the planner start from it.

use std::collections::BTreeMap;

use crate::{Checksum, Migration, Row, Set, Version, name};

/// Where a migration or a recorded row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Recorded, and the file is as it was.
    Applied,
    /// In the set, not recorded.
    Pending,
    /// Pending, and older than a recorded one.
    OutOfOrder,
    /// Recorded as started and not finished.
    Dirty,
    /// Recorded, but the file changed since.
    Modified,
    /// Recorded under this number with another description.
    Renamed,
    /// Recorded, not in the set, older than the newest of the set.
    Missing,
    /// Recorded, not in the set, newer than everything in the set.
    Newer,
    /// Recorded with something that is no checksum.
    BadChecksum,
    /// The number is recorded more than once.
    Duplicate,
    /// Recorded with something that does not start with a number.
    BadVersion,
}

/// One migration or row, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// The number; `None` for [`State::BadVersion`].
    pub version: Option<Version>,
    /// Where the set carries it.
    pub migration: Option<&'a Migration>,
    /// Where it is recorded.
    pub row: Option<&'a Row>,
    /// Where it stands.
    pub state: State,
}

impl<'a> Standing<'a> {
    /// The migration's stem, or the recorded version where the set does not carry it or has it under another name.
    pub fn stem(&self) -> &'a str {
        match (self.migration, self.row) {
            (_, Some(row)) if self.state == State::Renamed => &row.version,
            (Some(migration), _) => &migration.stem,
            (None, Some(row)) => &row.version,
            (None, None) => "",
        }
    }

    /// Whether a row of it is there, finished or not.
    pub fn is_recorded(&self) -> bool {
        self.row.is_some()
    }

    /// Whether its row says that it was started and not finished.
    pub fn is_dirty(&self) -> bool {
        self.row.is_some_and(|row| row.dirty)
    }

    /// Whether the recorded checksum is that of the file.
    pub fn is_same_text(&self) -> bool {
        let recorded = self.row.and_then(checksum);
        recorded.is_some() && recorded == self.migration.map(|migration| migration.up.checksum)
    }
}

fn checksum(row: &Row) -> Option<Checksum> {
    row.checksum.as_deref()?.parse().ok()
}

/// The set and the history side by side, in the order of the versions; rows without a version come last.
///
/// A row with digits alone stands for the migration of that number: some tools record it so. `history` may be in any order.
pub fn standings<'a>(set: &'a Set, history: &'a [Row]) -> Vec<Standing<'a>> {
    let mut rows: BTreeMap<Version, Vec<&Row>> = BTreeMap::new();
    let mut unparsable = Vec::new();
    for row in history {
        match name::parse_recorded(&row.version) {
            Some((version, _)) => rows.entry(version).or_default().push(row),
            None => unparsable.push(row),
        }
    }
    let newest_recorded = rows.last_key_value().map(|(&version, _)| version);
    let newest_here = set.migrations.last().map(|migration| migration.version);

    let mut standings = Vec::new();
    for migration in set.migrations.iter().filter(|migration| !rows.contains_key(&migration.version)) {
        let version = Some(migration.version);
        let state = if version < newest_recorded { State::OutOfOrder } else { State::Pending };
        standings.push(Standing { version, migration: Some(migration), row: None, state });
    }
    for (version, mut rows) in rows {
        rows.sort_by(|a, b| a.version.cmp(&b.version));
        let migration = set.get(version);
        let twice = rows.len() > 1;
        standings.extend(rows.into_iter().map(|row| {
            let mut standing =
                Standing { version: Some(version), migration, row: Some(row), state: State::Duplicate };
            if !twice {
                standing.state = match migration {
                    Some(migration) => recorded(&standing, migration, row),
                    None if newest_here.is_some_and(|newest| version < newest) => State::Missing,
                    None => State::Newer,
                };
            }
            standing
        }));
    }
    standings.sort_by_key(|standing| standing.version);
    unparsable.sort_by(|a, b| a.version.cmp(&b.version));
    let unparsable = unparsable.into_iter().map(|row| (None, row));
    standings.extend(unparsable.map(|(version, row)| Standing {
        version,
        migration: None,
        row: Some(row),
        state: State::BadVersion,
    }));
    standings
}

fn recorded(standing: &Standing, migration: &Migration, row: &Row) -> State {
    let description = |stem| name::parse_recorded(stem).and_then(|(_, description)| description);
    let renamed = description(&row.version).is_some_and(|name| Some(name) != description(&migration.stem));
    match checksum(row) {
        _ if renamed => State::Renamed,
        // What was started is compared statement by statement when it is recovered: the usual way out of a failure is to
        // edit the file.
        _ if row.dirty => State::Dirty,
        None => State::BadChecksum,
        Some(_) if standing.is_same_text() => State::Applied,
        Some(_) => State::Modified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{row, set};

    fn states(set: &Set, rows: &[Row]) -> Vec<(String, State)> {
        standings(set, rows).iter().map(|s| (s.stem().to_owned(), s.state)).collect()
    }

    #[test]
    fn one_of_each() {
        let set = set(&["0001_a", "0002_b", "0003_c", "0004_d", "0005_e", "0006_f", "0008_h", "0011_k"]);
        let rows = [
            Row { version: "7.5".to_owned(), ..row("0001_a") },
            Row { version: "x".to_owned(), ..row("0001_a") },
            row("0010_newer"),
            row("0007_gone"),
            Row { checksum: Some("0".repeat(64)), ..row("0003_c") },
            row("0001_a"),
            Row { dirty: true, checksum: None, ..row("0006_f") },
            Row { checksum: None, ..row("0005_e") },
            Row { version: "0004_old".to_owned(), ..row("0004_d") },
            row("0008_h"),
            Row { version: "8".to_owned(), ..row("0008_h") },
        ];
        let expected = [
            ("0001_a", State::Applied),
            ("0002_b", State::OutOfOrder),
            ("0003_c", State::Modified),
            ("0004_old", State::Renamed),
            ("0005_e", State::BadChecksum),
            ("0006_f", State::Dirty),
            ("0007_gone", State::Missing),
            ("0008_h", State::Duplicate),
            ("0008_h", State::Duplicate),
            ("0010_newer", State::Missing),
            ("0011_k", State::Pending),
            ("7.5", State::BadVersion),
            ("x", State::BadVersion),
        ];
        assert_eq!(states(&set, &rows), expected.map(|(stem, state)| (stem.to_owned(), state)));
    }

    #[test]
    fn newer_is_what_comes_after_the_set() {
        let rows = [row("0001_a"), row("0002_b")];
        assert_eq!(states(&set(&["0001_a"]), &rows)[1], ("0002_b".to_owned(), State::Newer));
        assert_eq!(states(&set(&[]), &rows)[0], ("0001_a".to_owned(), State::Newer));
        assert_eq!(states(&set(&["0001_a", "0003_c"]), &rows)[1], ("0002_b".to_owned(), State::Missing));
    }

    #[test]
    fn adopted_rows_match_by_number_and_any_case_of_hex() {
        let set = set(&["0001_a", "0002_b"]);
        let upper = row("0001_a").checksum.map(|hex| hex.to_uppercase());
        let rows = [
            Row { version: "1".to_owned(), checksum: upper, ..row("0001_a") },
            Row { version: "2_b".to_owned(), ..row("0002_b") },
        ];
        assert_eq!(
            states(&set, &rows),
            [("0001_a".to_owned(), State::Applied), ("0002_b".to_owned(), State::Applied)]
        );
    }

    #[test]
    fn what_is_no_checksum() {
        let set = set(&["0001_a"]);
        for bad in [None, Some(""), Some("ba78"), Some("not a checksum"), Some(" ")] {
            let rows = [Row { checksum: bad.map(str::to_owned), ..row("0001_a") }];
            assert_eq!(states(&set, &rows)[0].1, State::BadChecksum, "{bad:?}");
        }
    }
}
