//! A blocking application that brings its database up to date as it starts.
//!
//! `DATABASE_URL=postgres://… cargo run -p migrate-examples --bin shop`
#![allow(clippy::print_stdout, reason = "an application may print")]

use std::error::Error;

migrate_runtime::embed!();

fn main() -> Result<(), Box<dyn Error>> {
    let report = match embedded::run() {
        Ok(report) => report,
        Err(error) => return Err(format!("{error}\nhint: {}", error.hint()).into()),
    };
    println!("applied {}, {} in all", report.done.len(), report.applied_total);

    let mut client = postgres::Client::connect(&std::env::var("DATABASE_URL")?, postgres::NoTls)?;
    let plans: i64 = client.query_one("SELECT count(*) FROM plans", &[])?.get(0);
    println!("open for business with {plans} plans");
    Ok(())
}
