//! The planner against a model: the steps of a plan, carried out on a list of rows, reach the goal.

use super::*;
use crate::testing::{row, set};

/// A small generator with a seed (xorshift64*), so that every run sees the same cases and a failure names its case.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}

fn goal(random: &mut Random) -> Goal {
    let (steps, version) = (random.below(4), Version::new(random.below(12) as u64));
    match random.below(7) {
        0 => Goal::UpAll,
        1 => Goal::UpSteps(steps),
        2 => Goal::UpTo(version),
        3 => Goal::DownSteps(steps),
        4 => Goal::DownTo(version),
        5 => Goal::DownAll,
        _ => Goal::Redo(steps),
    }
}

/// What the engine does with a step, as far as the rows are concerned; `None` where it could not be done.
fn carry_out(rows: &mut Vec<Row>, step: &Step) -> Option<()> {
    let recorded = |rows: &[Row], row: &Row| rows.iter().position(|other| other == row);
    match step.direction {
        Direction::Up => {
            let migration = step.migration?;
            if let Some(old) = &step.row {
                rows.remove(recorded(rows, old).filter(|_| old.dirty)?);
            }
            if rows.iter().any(|row| row.version == migration.stem) {
                return None;
            }
            rows.push(row(&migration.stem));
        }
        Direction::Down => {
            rows.remove(recorded(rows, step.row.as_ref()?)?);
        }
    }
    Some(())
}

fn number(row: &Row) -> u64 {
    row.version.split('_').next().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX)
}

fn numbers(rows: &[Row]) -> Vec<u64> {
    let mut numbers: Vec<_> = rows.iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Whether the rows are where the goal says, counted without the planner's own means.
fn reached(set: &Set, before: &[Row], after: &[Row], goal: Goal) -> bool {
    let (old, new) = (numbers(before), numbers(after));
    let carried = |limit: u64| {
        set.migrations.iter().map(|m| m.version.number()).filter(|&n| n <= limit).collect::<Vec<_>>()
    };
    let kept = |count: usize| new == old[..old.len().saturating_sub(count)];
    let forward = |limit: u64| {
        carried(limit).iter().all(|n| new.contains(n))
            && old.iter().all(|n| new.contains(n))
            && new.iter().all(|n| old.contains(n) || *n <= limit)
    };
    let clean = after.iter().all(|row| !row.dirty);
    match goal {
        Goal::UpAll => clean && forward(u64::MAX),
        Goal::UpTo(version) => clean && forward(version.number()),
        Goal::UpSteps(steps) => {
            let pending = carried(u64::MAX).iter().filter(|n| !old.contains(n)).count();
            clean && old.iter().all(|n| new.contains(n)) && new.len() == old.len() + steps.min(pending)
        }
        Goal::DownSteps(steps) => kept(steps),
        Goal::DownAll => new.is_empty(),
        Goal::DownTo(version) => {
            let zero = version.number() == 0;
            new == old.iter().copied().filter(|&n| !zero && n <= version.number()).collect::<Vec<_>>()
        }
        Goal::Redo(_) => clean && new == old,
    }
}

#[test]
fn a_plan_that_is_carried_out_reaches_its_goal() {
    let (mut planned, mut refused) = (0, 0);
    for seed in 1..=20_000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let stems: Vec<String> =
            (1..=10).filter(|_| !random.one_in(5)).map(|n| format!("{n:04}_m{n}")).collect();
        let set = set(&stems.iter().map(String::as_str).collect::<Vec<_>>());
        let mut rows: Vec<Row> = stems.iter().filter(|_| !random.one_in(3)).map(|stem| row(stem)).collect();
        if random.one_in(4) {
            rows.truncate(random.below(4));
        }
        if random.one_in(6) {
            rows.push(row("0011_newer"));
        }
        if let Some(last) = rows.last_mut()
            && random.one_in(3)
        {
            last.dirty = true;
        }
        if !rows.is_empty() && random.one_in(8) {
            let index = random.below(rows.len());
            rows[index].checksum =
                [None, Some("0".repeat(64)), Some("short".to_owned())][random.below(3)].clone();
        }
        let goal = goal(&mut random);
        let policy = Policy {
            allow_out_of_order: random.one_in(2),
            newer: [Newer::Ok, Newer::Warn, Newer::Refuse][random.below(3)],
        };

        let plan_of = |rows: &[Row]| plan(&set, rows, goal, &policy);
        let first = plan_of(&rows);
        let mut shuffled = rows.clone();
        random.shuffle(&mut shuffled);
        assert_eq!(first, plan_of(&shuffled), "seed {seed}: the order of the rows matters");
        let Ok(plan) = first else {
            refused += 1;
            continue;
        };
        planned += 1;
        let before = rows.clone();
        for step in &plan.steps {
            assert!(carry_out(&mut rows, step).is_some(), "seed {seed}: {goal:?} cannot do {}", step.stem);
        }
        assert!(reached(&set, &before, &rows, goal), "seed {seed}: {goal:?} from {before:?} to {rows:?}");
        if matches!(goal, Goal::UpAll | Goal::UpTo(_) | Goal::DownAll) {
            let again = super::plan(&set, &rows, goal, &policy).map(|plan| plan.steps.len());
            assert!(
                matches!(again, Ok(0) | Err(Refusal::UnknownTarget { .. })),
                "seed {seed}: {goal:?} is not done: {again:?}"
            );
        }
    }
    assert!(
        planned > 5_000 && refused > 2_000,
        "{planned} planned, {refused} refused: the cases are lopsided"
    );
}

#[test]
fn no_history_makes_it_panic() {
    let words = [
        "",
        "1",
        "0001_m1",
        "_",
        "x",
        "1_",
        "18446744073709551616",
        "0002_m2",
        "2",
        "\0",
        "é_1",
        "-1",
        "0003_m3",
    ];
    let set = set(&["0001_m1", "0002_m2", "0003_m3"]);
    for seed in 1..=20_000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let rows: Vec<Row> = (0..random.below(5))
            .map(|_| Row {
                version: words[random.below(words.len())].to_owned(),
                applied_at: String::new(),
                checksum: if random.one_in(2) { row("0001_m1").checksum } else { None },
                dirty: random.one_in(2),
            })
            .collect();
        let made = plan(&set, &rows, goal(&mut random), &Policy::default());
        if let Err(refusal) = made {
            assert!(!refusal.hint().is_empty() && !refusal.to_string().is_empty(), "seed {seed}");
        }
    }
}
