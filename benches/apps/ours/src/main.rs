//! An application with our migrations embedded.

use migrate_runtime::Database;
use migrate_runtime::core::Goal;

include!("../../measure.rs");

#[cfg(feature = "m10")]
migrate_runtime::embed!("../../target/migrations/ours/10");
#[cfg(feature = "m100")]
migrate_runtime::embed!("../../target/migrations/ours/100");
#[cfg(feature = "m1000")]
migrate_runtime::embed!("../../target/migrations/ours/1000");

fn main() -> Outcome {
    measured(|url| run(url, Goal::UpAll), |url| run(url, Goal::DownAll))
}

fn run(url: &str, goal: Goal) -> Outcome {
    embedded::migrator().database(Database::parse(url)?).run(goal)?;
    Ok(())
}
