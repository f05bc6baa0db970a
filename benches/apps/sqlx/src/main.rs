//! An application with migrations embedded by sqlx.

use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};

include!("../../measure.rs");

#[cfg(feature = "m10")]
static MIGRATIONS: Migrator = sqlx::migrate!("../../target/migrations/sqlx/10");
#[cfg(feature = "m100")]
static MIGRATIONS: Migrator = sqlx::migrate!("../../target/migrations/sqlx/100");
#[cfg(feature = "m1000")]
static MIGRATIONS: Migrator = sqlx::migrate!("../../target/migrations/sqlx/1000");

fn main() -> Outcome {
    measured(|url| block(run(url)), |url| block(undo(url)))
}

fn block(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

async fn run(url: &str) -> Outcome {
    let mut connection = PgConnection::connect(url).await?;
    MIGRATIONS.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn undo(url: &str) -> Outcome {
    let mut connection = PgConnection::connect(url).await?;
    MIGRATIONS.undo(&mut connection, 0).await?;
    connection.close().await?;
    Ok(())
}
