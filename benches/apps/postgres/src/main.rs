//! An application with `postgres` and nothing else: what the others are counted against. It sends every up (or, newest
//! first, every down) file of a folder in one message each, and records nothing: the least that applying can cost.

use postgres::{Client, NoTls};

include!("../../measure.rs");

fn main() -> Outcome {
    measured(|url| send(url, ".up.sql", false), |url| send(url, ".down.sql", true))
}

fn send(url: &str, kind: &str, newest_first: bool) -> Outcome {
    let folder = std::env::var("MIGRATIONS")?;
    let mut files: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.file_name().to_string_lossy().ends_with(kind));
    files.sort_by_key(std::fs::DirEntry::file_name);
    if newest_first {
        files.reverse();
    }
    let mut client = Client::connect(url, NoTls)?;
    for file in files {
        client.batch_execute(&std::fs::read_to_string(file.path())?)?;
    }
    client.close()?;
    Ok(())
}
