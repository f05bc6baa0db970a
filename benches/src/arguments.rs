//! What to measure, and how often.

use crate::Result;
use crate::tool::{self, Tool};

pub const HELP: &str = "\
usage: benches/run MEASURE… [--counts 10,100,1000] [--tools ours,sqlx,refinery,diesel] [--runs N] [--scales 7,80] [--built PROGRAM]
                            [--no-fsync] [--data FOLDER]

measures
  time      apply all, nothing to do, roll back all
  wire      round trips and bytes, and the time at 5 ms each way
  memory    peak of resident memory
  rebuild   one edited migration, until the application is built again
  build     clean build, and crates, of an application with 100 migrations embedded
  status    `cargo migrate status` on an up-to-date database
  parts     what each part of our message costs, beside the body alone
  schema    the schema of 1,000 tables as text, its digest, and again after a change, beside pg_dump
  verify    `cargo migrate verify` beside the same cycle with psql and pg_dump
  backup    `cargo migrate backup create` beside pg_dump alone, and its memory, on databases of --scales
  all       all of the above
  quick     time and wire with 10 and 100 migrations, and the number of crates

  --counts  how many migrations (default 10,100,1000)
  --tools   whom to run (default all; ours is always one of them)
  --runs    runs of each timing, of which the median is shown (default 7)
  --scales  pgbench's scales for `backup`, about 15 MB each (default 7,80: 100 MB and more than 1 GB)
  --built   a release build of cargo-migrate for `backup`, instead of one that is built first
  --no-fsync  a server that does not wait for its disk: what is left is what the tools cost
  --data    where the throwaway server keeps its data (default: the system's folder for temporary files)";

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Time,
    Wire,
    Memory,
    Rebuild,
    Crates,
    Build,
    Status,
    Parts,
    Schema,
    Verify,
    Backup,
}

#[derive(Debug)]
pub struct Arguments {
    pub measures: Vec<Measure>,
    pub counts: Vec<usize>,
    pub tools: Vec<Tool>,
    pub runs: usize,
    /// A cargo-migrate that is there already, for `backup`.
    pub built: Option<std::path::PathBuf>,
    /// pgbench's, for `backup`.
    pub scales: Vec<u32>,
    pub fsync: bool,
    pub data: std::path::PathBuf,
}

pub fn parse(words: impl Iterator<Item = String>) -> Result<Arguments> {
    use Measure::{Backup, Build, Crates, Memory, Parts, Rebuild, Schema, Status, Time, Verify, Wire};
    let mut arguments = Arguments {
        measures: vec![],
        counts: vec![10, 100, 1000],
        tools: tool::ALL.to_vec(),
        runs: 7,
        built: None,
        scales: vec![7, 80],
        fsync: true,
        data: std::env::temp_dir(),
    };
    let mut words = words;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n\n{HELP}"));
        match word.as_str() {
            "time" => arguments.measures.push(Time),
            "wire" => arguments.measures.push(Wire),
            "memory" => arguments.measures.push(Memory),
            "rebuild" => arguments.measures.push(Rebuild),
            "build" => arguments.measures.extend([Crates, Build]),
            "status" => arguments.measures.push(Status),
            "parts" => arguments.measures.push(Parts),
            "schema" => arguments.measures.push(Schema),
            "verify" => arguments.measures.push(Verify),
            "backup" => arguments.measures.push(Backup),
            "all" => {
                arguments.measures.extend([
                    Time, Wire, Memory, Rebuild, Crates, Build, Status, Parts, Schema, Verify, Backup,
                ]);
            }
            "quick" => {
                arguments.measures.extend([Time, Wire, Crates]);
                arguments.counts = vec![10, 100];
            }
            "--counts" => {
                arguments.counts = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                if let Some(count) = arguments.counts.iter().find(|count| ![10, 100, 1000].contains(*count)) {
                    return Err(format!("{count} migrations: the applications embed 10, 100 or 1000").into());
                }
            }
            "--tools" => arguments.tools = tools(&value()?)?,
            "--runs" => arguments.runs = value()?.parse::<usize>()?.max(1),
            "--scales" => {
                arguments.scales = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                if arguments.scales.contains(&0) {
                    return Err("a scale of 0 is an empty database".into());
                }
            }
            "--built" => arguments.built = Some(std::path::absolute(value()?)?),
            "--no-fsync" => arguments.fsync = false,
            "--data" => arguments.data = value()?.into(),
            _ => return Err(format!("{word}?\n\n{HELP}").into()),
        }
    }
    if arguments.measures.is_empty() {
        return Err(HELP.into());
    }
    Ok(arguments)
}

/// In the order of [`tool::ALL`], ours first: it is what the others are compared with.
fn tools(names: &str) -> Result<Vec<Tool>> {
    let names: Vec<_> = names.split(',').collect();
    if let Some(name) = names.iter().find(|name| !tool::ALL.iter().any(|tool| tool.name() == **name)) {
        return Err(format!("{name} is none of the tools\n\n{HELP}").into());
    }
    let wanted = |tool: &Tool| *tool == Tool::Ours || names.contains(&tool.name());
    Ok(tool::ALL.into_iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Arguments> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn counts_that_no_application_embeds_are_refused() {
        assert_eq!(words("time --counts 10,1000").unwrap().counts, [10, 1000]);
        assert!(words("time --counts 7").unwrap_err().to_string().contains("7 migrations"));
    }

    #[test]
    fn scales_are_numbers_above_nothing() {
        assert_eq!(words("backup --scales 3").unwrap().scales, [3]);
        assert_eq!(words("backup").unwrap().scales, [7, 80]);
        assert!(words("backup --scales 0").is_err() && words("backup --scales x").is_err());
    }

    #[test]
    fn ours_is_always_one_of_the_tools() {
        assert_eq!(words("time --tools sqlx").unwrap().tools, [Tool::Ours, Tool::Sqlx]);
        assert!(words("time --tools flyway").is_err());
    }

    #[test]
    fn a_later_argument_overrides_what_quick_says() {
        let arguments = words("quick --counts 1000 --runs 3 --no-fsync").unwrap();
        assert_eq!((arguments.counts.as_slice(), arguments.runs, arguments.fsync), (&[1000][..], 3, false));
        assert!(words("").is_err());
        assert!(words("time --runs").is_err());
    }
}
