//! An asynchronous application that brings its database up to date as it starts, and tells about it.
//!
//! `DATABASE_URL=postgres://… cargo run -p migrate-examples --bin shop-tokio`
#![allow(clippy::print_stdout, reason = "an application may print")]

use std::error::Error;
use std::time::Duration;

use migrate_runtime::Event;
use migrate_runtime::core::Goal;

migrate_runtime::embed!(mod migrations);
migrate_runtime::expect!("plans");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let report = migrations::migrator()
        .tool("shop")
        .lock_wait(Duration::from_secs(120))
        .on_event(|event| match event {
            Event::Finished { stem, elapsed, .. } => println!("{stem} took {elapsed:?}"),
            Event::LockWaiting { waited, .. } => println!("another replica is migrating, waited {waited:?}"),
            _ => {}
        })
        .run_async(Goal::UpAll)
        .await;
    match report {
        Ok(report) => println!("applied {}, {} in all", report.done.len(), report.applied_total),
        Err(error) => return Err(format!("{error}\nhint: {}", error.hint()).into()),
    }
    migrations::verify_async().await?;
    // Rather not open than find out at the first order that somebody changed a column by hand.
    if let Err(error) = migrations::check_schema_async().await {
        return Err(format!("{error}\nhint: {}", error.hint()).into());
    }

    let (client, connection) =
        tokio_postgres::connect(&std::env::var("DATABASE_URL")?, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let plans: i64 = client.query_one("SELECT count(*) FROM plans", &[]).await?.get(0);
    println!("open for business with {plans} plans");
    Ok(())
}
