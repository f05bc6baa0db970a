//! Files to migrations: an up, its down and its checks, and no version twice.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Half, Problem};
use crate::name::Part;
use crate::{Direction, Migration, Version};

/// One migration as far as its files are there.
#[derive(Default)]
struct Pair {
    up: Option<Half>,
    down: Option<Half>,
    check: Option<Half>,
}

impl Pair {
    fn first_path(&self) -> Option<&PathBuf> {
        self.up.as_ref().or(self.down.as_ref()).map(|half| &half.path)
    }
}

/// The migrations that these files make; what is wrong goes to `problems`.
pub(super) fn pair(halves: Vec<Half>, problems: &mut Vec<Problem>) -> Vec<Migration> {
    let mut versions: BTreeMap<Version, BTreeMap<String, Pair>> = BTreeMap::new();
    for half in halves {
        let pair = versions.entry(half.version).or_default().entry(half.stem.clone()).or_default();
        match half.part {
            Part::Half(Direction::Up) => pair.up = Some(half),
            Part::Half(Direction::Down) => pair.down = Some(half),
            Part::Check => pair.check = Some(half),
        }
    }
    let mut migrations = Vec::new();
    for (version, mut stems) in versions {
        orphans(&mut stems, problems);
        if names_differ(&stems, problems) {
            continue;
        }
        duplicates(version, &stems, problems);
        for (stem, pair) in stems {
            migrations.extend(complete(version, stem, pair, problems));
        }
    }
    migrations
}

/// Takes out the checks that have neither an up nor a down beside them.
fn orphans(stems: &mut BTreeMap<String, Pair>, problems: &mut Vec<Problem>) {
    let mut named = stems.iter().filter(|(_, pair)| pair.first_path().is_some());
    let instead = named.next().map(|(stem, _)| stem.clone()).filter(|_| named.next().is_none());
    stems.retain(|_, pair| {
        let is_migration = pair.first_path().is_some();
        if let Some(check) = pair.check.as_ref().filter(|_| !is_migration) {
            problems.push(Problem::OrphanCheck { path: check.path.clone(), instead: instead.clone() });
        }
        is_migration
    });
}

/// Whether one version has one up and one down under two names. That is one mistake, not a duplicate and two missing halves.
fn names_differ(stems: &BTreeMap<String, Pair>, problems: &mut Vec<Problem>) -> bool {
    let pairs: Vec<_> = stems.values().collect();
    let &[one, other] = pairs.as_slice() else { return false };
    let (up, down) = match (one, other) {
        (Pair { up: Some(up), down: None, .. }, Pair { up: None, down: Some(down), .. })
        | (Pair { up: None, down: Some(down), .. }, Pair { up: Some(up), down: None, .. }) => (up, down),
        _ => return false,
    };
    problems.push(Problem::NamesDiffer { up: up.path.clone(), down: down.path.clone() });
    true
}

fn duplicates(version: Version, stems: &BTreeMap<String, Pair>, problems: &mut Vec<Problem>) {
    let mut stems = stems.iter().filter_map(|(stem, pair)| Some((stem, pair.first_path()?)));
    let Some((first_stem, first)) = stems.next() else { return };
    for (stem, second) in stems {
        let (first, second) = (first.clone(), second.clone());
        problems.push(if first_stem.to_lowercase() == stem.to_lowercase() {
            Problem::CaseOnly { first, second }
        } else {
            Problem::DuplicateVersion { version, first, second }
        });
    }
}

/// The migration of one stem, with what is wrong about its halves. `None` where a half is no script.
fn complete(version: Version, stem: String, pair: Pair, problems: &mut Vec<Problem>) -> Option<Migration> {
    let (up, down, check) = match pair {
        Pair { up: Some(up), down, check } => (up, down, check),
        Pair { up: None, down, .. } => {
            problems.push(missing(&down?, &stem, Direction::Down));
            return None;
        }
    };
    let irreversible =
        |half: &Half| half.script().is_some_and(|script| script.directives.irreversible.is_some());
    match &down {
        Some(down) if irreversible(&up) => {
            problems.push(Problem::IrreversibleWithDown { up: up.path.clone(), down: down.path.clone() });
        }
        // Of an up that is no script it is not known whether it has to have a down.
        None if up.content.is_some() && !irreversible(&up) => {
            problems.push(missing(&up, &stem, Direction::Up));
        }
        _ => {}
    }
    let (down, check) = (down.and_then(Half::into_script), check.and_then(Half::into_check));
    Some(Migration { stem: stem.into(), version, up: up.into_script()?, down, check })
}

fn missing(half: &Half, stem: &str, direction: Direction) -> Problem {
    let other = if direction == Direction::Up { "down" } else { "up" };
    let missing = half.path.with_file_name(format!("{stem}.{other}.sql"));
    Problem::MissingHalf { path: half.path.clone(), half: direction, missing }
}
