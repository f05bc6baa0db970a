//! An application with migrations embedded by refinery, which has no rollback.

use postgres::{Client, NoTls};

include!("../../measure.rs");

mod embedded {
    #[cfg(feature = "m10")]
    refinery::embed_migrations!("../../target/migrations/refinery/10");
    #[cfg(feature = "m100")]
    refinery::embed_migrations!("../../target/migrations/refinery/100");
    #[cfg(feature = "m1000")]
    refinery::embed_migrations!("../../target/migrations/refinery/1000");
}

fn main() -> Outcome {
    measured(run, |_| Err("refinery has no rollback".into()))
}

fn run(url: &str) -> Outcome {
    let mut client = Client::connect(url, NoTls)?;
    embedded::migrations::runner().run(&mut client)?;
    client.close()?;
    Ok(())
}
