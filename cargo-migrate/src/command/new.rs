//! `new`: write the two files of a migration.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use migrate_core::file::{self, FileError};
use migrate_core::{Version, name};

use super::call::{Answer, Call, Outcome};
use crate::args::Parameter;
use crate::config::Origin;
use crate::render::view::{NewView, TemplatesView};
use crate::template::{self, Filled};
use crate::{Problem, clock, files};

/// Write the up and down files of a new migration
///
/// The name says what it does, such as add_price_to_products. Templates fill in SQL that is safe on tables in use;
/// a template with several phases makes several migrations.
#[derive(Debug, Args)]
pub struct New {
    /// What it does, such as add_price_to_products
    #[arg(required_unless_present = "template")]
    name: Option<String>,

    /// Start from a template; `help` lists them
    #[arg(short, long, value_name = "TEMPLATE")]
    template: Option<String>,

    /// Values for the template's placeholders
    #[arg(short, long = "param", value_name = "KEY=VALUE", num_args = 1.., requires = "template")]
    params: Vec<Parameter>,

    /// Number it by the time (YYYYMMDDHHMMSS, UTC) instead of by the next number; the default where the newest is
    #[arg(long)]
    timestamp: bool,

    /// Write a .check.sql file as well: queries that must find nothing before and after the migration
    #[arg(long)]
    check: bool,
}

impl New {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let dir = settings.dir.value.as_path();
        if self.template.as_deref() == Some("help") {
            return Answer::ok(TemplatesView(template::all(dir)?));
        }
        let Some(title) = &self.name else {
            return Err(Problem::Usage {
                what: "the migration has no name".to_owned(),
                hint: "cargo migrate new NAME --template TEMPLATE".to_owned(),
            }
            .into());
        };
        let description = name::slug(title).ok_or_else(|| Problem::BadName { name: title.clone() })?;
        if settings.local.is_none() && settings.dir.origin == Origin::Default && !dir.is_dir() {
            return Err(Problem::NoProject { folder: call.context.cwd.clone() }.into());
        }
        let migrations = match &self.template {
            Some(template) => template::find(dir, template)?.fill(&description, &self.params)?,
            None => vec![skeleton(&description)],
        };
        fs::create_dir_all(dir).map_err(Problem::io(dir))?;
        let first = self.first_version(dir, call.context.now)?;
        let made = write(dir, &first, &migrations, self.check)?;
        // What is written has to hold also where somebody else wrote a migration in the same moment.
        for digits in &made.digits {
            if let Some(path) = other_of_version(dir, digits, &made.files)? {
                remove(&made.files);
                return Err(Problem::VersionTaken { version: digits.clone(), path }.into());
            }
        }
        let lock_failure = match files::read(&settings) {
            Ok(_) if settings.locked.value => Some(format!("it is locked ({})", settings.locked.origin)),
            Ok(set) => files::update_lock(&settings, &set).err(),
            Err(error) => Some(error.to_string()),
        };
        Answer::ok(NewView { files: made.files, lock_failure, empty: self.template.is_none() || self.check })
    }

    /// The digits of the first file: the next number, or the time.
    fn first_version(&self, dir: &Path, now: SystemTime) -> Result<String, Problem> {
        let used = used(dir)?;
        let next = name::next_digits(used.iter().map(|(digits, _)| digits.as_str()));
        let next = next.ok_or_else(|| Problem::Usage {
            what: format!("there is no version after {}", u64::MAX),
            hint: "rename the newest file with a smaller version".to_owned(),
        })?;
        let newest =
            used.iter().max_by_key(|(digits, _)| name::parse_version(digits).map_or(0, Version::number));
        let by_time = self.timestamp || newest.is_some_and(|(digits, _)| digits.len() == TIMESTAMP_DIGITS);
        if !by_time {
            return Ok(next);
        }
        let now = clock::digits(now);
        match newest {
            Some((digits, path)) if *digits == now => {
                Err(Problem::VersionTaken { version: now, path: path.clone() })
            }
            // The clock is behind whoever wrote the newest one: what is new still comes after it.
            Some((digits, _)) if name::parse_version(digits) > name::parse_version(&now) => Ok(next),
            _ => Ok(now),
        }
    }
}

/// Of [`clock::digits`].
const TIMESTAMP_DIGITS: usize = 14;

fn skeleton(description: &str) -> Filled {
    let title = description.replace('_', " ");
    Filled {
        description: description.to_owned(),
        up: format!("-- {title}\n--\n-- Runs in one transaction, together with its row in the history.\n\n"),
        down: Some(format!(
            "-- Undo: {title}\n--\n-- Restores what was there before. Where that cannot be, delete this file and write in the\n\
             -- head of the up file: -- migrate: irreversible REASON\n\n"
        )),
    }
}

fn checks(description: &str) -> String {
    format!(
        "-- Checks of: {}\n--\n-- Each query has to find nothing: no row, or one row with one boolean that is true. The comment right \
         above\n-- a query is its name in messages. Remove the section that is not needed.\n\n\
         -- migrate: before\n-- What does not hold here keeps the migration from being run.\n\n\n\
         -- migrate: after\n-- What does not hold here rolls it back.\n\n",
        description.replace('_', " ")
    )
}

/// The digits in use, each with a file that has them. Only the names are looked at: a file that is still empty must not
/// keep the next one from being written.
fn used(dir: &Path) -> Result<Vec<(String, PathBuf)>, Problem> {
    let mut used = Vec::new();
    for entry in fs::read_dir(dir).map_err(Problem::io(dir))? {
        let path = entry.map_err(Problem::io(dir))?.path();
        let parts = path.file_name().and_then(|file| file.to_str()).and_then(|file| name::parse(file).ok());
        if let Some(parts) = parts {
            used.push((parts.digits.to_owned(), path.clone()));
        }
    }
    Ok(used)
}

fn other_of_version(dir: &Path, digits: &str, own: &[PathBuf]) -> Result<Option<PathBuf>, Problem> {
    let version = name::parse_version(digits);
    let mut others = used(dir)?.into_iter();
    Ok(others
        .find(|(digits, path)| name::parse_version(digits) == version && !own.contains(path))
        .map(|(_, path)| path))
}

struct Made {
    digits: Vec<String>,
    files: Vec<PathBuf>,
}

/// Writes all files or, where one cannot be written, none.
fn write(dir: &Path, first: &str, migrations: &[Filled], check: bool) -> Result<Made, FileError> {
    let mut digits = vec![first.to_owned()];
    let mut files = Vec::new();
    for migration in migrations {
        if !files.is_empty() {
            // The number before it was followed by this one; where there is none left the name is taken, and says so.
            digits.extend(name::next_digits(digits.last().map(String::as_str).into_iter()));
        }
        let number = digits.last().map_or(first, String::as_str);
        let mut add = |direction: &str, text: &str| {
            files.push((
                dir.join(format!("{number}_{}.{direction}.sql", migration.description)),
                text.to_owned(),
            ));
        };
        add("up", &migration.up);
        if let Some(down) = &migration.down {
            add("down", down);
        }
        if check {
            add("check", &checks(&migration.description));
        }
    }
    file::create_all(&files)?;
    Ok(Made { digits, files: files.into_iter().map(|(path, _)| path).collect() })
}

fn remove(files: &[PathBuf]) {
    for path in files {
        // The error that led here is the one to tell.
        let _ = fs::remove_file(path);
    }
}
