//! A blocking application that brings its database up to date as it starts.
//!
//! `DATABASE_URL=postgres://… cargo run -p migrate-examples --bin shop`
#![allow(clippy::print_stdout, reason = "an application may print")]

use std::error::Error;

migrate_runtime::embed!();

// What the SQL below names is there, or this does not compile.
migrate_runtime::expect!("plans.code: text not null", "plans.price: numeric(12,2)");

fn main() -> Result<(), Box<dyn Error>> {
    let report = match embedded::run() {
        Ok(report) => report,
        Err(error) => return Err(format!("{error}\nhint: {}", error.hint()).into()),
    };
    println!("applied {}, {} in all", report.done.len(), report.applied_total);

    let mut client = postgres::Client::connect(&std::env::var("DATABASE_URL")?, postgres::NoTls)?;
    let plans = client.query("SELECT code, price::text FROM plans ORDER BY price", &[])?;
    for plan in &plans {
        println!("{} costs {}", plan.get::<_, String>(0), plan.get::<_, String>(1));
    }
    println!("open for business with {} plans", plans.len());
    Ok(())
}
