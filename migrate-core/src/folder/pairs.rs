//! Files to migrations: an up and its down, and no version twice.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Half, Problem};
use crate::{Direction, Migration, Script, Version};

/// One migration as far as its files are there.
#[derive(Default)]
struct Pair {
    up: Option<Half>,
    down: Option<Half>,
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
        match half.direction {
            Direction::Up => pair.up = Some(half),
            Direction::Down => pair.down = Some(half),
        }
    }
    let mut migrations = Vec::new();
    for (version, stems) in versions {
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

/// Whether one version has one up and one down under two names. That is one mistake, not a duplicate and two missing halves.
fn names_differ(stems: &BTreeMap<String, Pair>, problems: &mut Vec<Problem>) -> bool {
    let pairs: Vec<_> = stems.values().collect();
    let &[one, other] = pairs.as_slice() else { return false };
    let (up, down) = match (one, other) {
        (Pair { up: Some(up), down: None }, Pair { up: None, down: Some(down) })
        | (Pair { up: None, down: Some(down) }, Pair { up: Some(up), down: None }) => (up, down),
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
    let (up, down) = match pair {
        Pair { up: Some(up), down } => (up, down),
        Pair { up: None, down } => {
            problems.push(missing(&down?, &stem));
            return None;
        }
    };
    let irreversible =
        |half: &Half| half.script.as_ref().is_some_and(|script| script.directives.irreversible.is_some());
    match &down {
        Some(down) if irreversible(&up) => {
            problems.push(Problem::IrreversibleWithDown { up: up.path.clone(), down: down.path.clone() });
        }
        // Of an up that is no script it is not known whether it has to have a down.
        None if up.script.is_some() && !irreversible(&up) => problems.push(missing(&up, &stem)),
        _ => {}
    }
    let down: Option<Script> = down.and_then(|half| half.script);
    Some(Migration { stem: stem.into(), version, up: up.script?, down })
}

fn missing(half: &Half, stem: &str) -> Problem {
    let other = if half.direction == Direction::Up { "down" } else { "up" };
    let missing = half.path.with_file_name(format!("{stem}.{other}.sql"));
    Problem::MissingHalf { path: half.path.clone(), half: half.direction, missing }
}
