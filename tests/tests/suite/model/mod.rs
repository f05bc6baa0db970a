//! T39: sequences of everything that people and accidents do, against a model of what must then be true.
//!
//! A failing sequence is shrunk and printed with its seed: `MIGRATE_TEST_SEED=17` runs that one alone. A few sequences
//! belong to every run of the tests; 1,000 are run where `MIGRATE_TEST_NIGHTLY` is set.

mod operation;
mod random;
mod world;

use operation::Operation;
use random::Random;
use world::World;

/// The most steps of a sequence.
const STEPS: usize = 30;

#[test]
fn whatever_is_done_effects_and_history_agree() {
    let seed = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    let seeds = match (seed("MIGRATE_TEST_SEED"), std::env::var_os("MIGRATE_TEST_NIGHTLY")) {
        (Some(seed), _) => seed..=seed,
        (None, Some(_)) => 1..=1_000,
        (None, None) => 1..=12,
    };
    let mut done = std::collections::BTreeMap::<String, usize>::new();
    for seed in seeds {
        let mut random = Random::new(seed);
        let operations: Vec<Operation> =
            (0..random.below(STEPS) + 3).map(|_| Operation::any(&mut random)).collect();
        match run(&operations) {
            Ok(outcomes) => outcomes.into_iter().for_each(|outcome| *done.entry(outcome).or_default() += 1),
            Err(why) => {
                let (operations, why) = shrink(operations, why);
                panic!(
                    "MIGRATE_TEST_SEED={seed}: {why}\nafter these {} steps: {operations:#?}",
                    operations.len()
                );
            }
        }
    }
    println!("{done:#?}");
}

/// Runs a sequence; says how each step ended, or what was not as it must be.
fn run(operations: &[Operation]) -> Result<Vec<String>, String> {
    let mut world = World::new();
    let mut outcomes = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        let outcome = world.perform(operation).and_then(|outcome| world.check().map(|()| outcome));
        outcomes.push(outcome.map_err(|why| format!("step {}, {operation:?}: {why}", index + 1))?);
    }
    world.converge().map_err(|why| format!("at the end: {why}"))?;
    Ok(outcomes)
}

/// Leaves out steps for as long as something still goes wrong.
fn shrink(mut operations: Vec<Operation>, mut why: String) -> (Vec<Operation>, String) {
    let mut index = operations.len();
    while index > 0 {
        index -= 1;
        let mut fewer = operations.clone();
        fewer.remove(index);
        if let Err(found) = run(&fewer) {
            (operations, why) = (fewer, found);
            index = index.min(operations.len());
        }
    }
    (operations, why)
}
