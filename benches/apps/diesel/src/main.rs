//! An application with migrations embedded by diesel.

use diesel::{Connection, PgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

include!("../../measure.rs");

#[cfg(feature = "m10")]
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../target/migrations/diesel/10");
#[cfg(feature = "m100")]
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../target/migrations/diesel/100");
#[cfg(feature = "m1000")]
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../target/migrations/diesel/1000");

fn main() -> Outcome {
    measured(run, revert)
}

fn run(url: &str) -> Outcome {
    PgConnection::establish(url)?.run_pending_migrations(MIGRATIONS).map_err(|error| error.to_string())?;
    Ok(())
}

fn revert(url: &str) -> Outcome {
    PgConnection::establish(url)?.revert_all_migrations(MIGRATIONS).map_err(|error| error.to_string())?;
    Ok(())
}
