//! Which down script rolls a migration back: the one that was recorded when its up ran.

use std::borrow::Cow;

use migrate_core::{Direction, Migration, NoDown, Refusal, Script};

use crate::Error;
use crate::history::Recorded;
use crate::run::Prepared;
use crate::settings::Settings;

/// Chooses the script, or refuses before anything runs.
pub(crate) fn choose<'a>(
    settings: &Settings,
    version: &str,
    dirty: bool,
    migration: Option<&'a Migration>,
    recorded: Option<&Recorded>,
) -> Result<Prepared<'a>, Error> {
    let stem = migration.map_or(version, |m| m.stem.as_ref()).to_owned();
    let in_file = migration.and_then(|m| m.down.as_ref());
    let in_log = recorded.and_then(|r| r.down.as_deref());
    let script = match (in_log, in_file) {
        (Some(text), Some(file)) if text == file.text => Cow::Borrowed(file),
        (Some(text), file) => {
            let was = parse(&stem, text)?;
            match (file, settings.prefer_file_down) {
                (Some(file), None) => {
                    return Err(Error::DownDiffers {
                        stem,
                        recorded: text.to_owned(),
                        found: file.text.to_string(),
                    });
                }
                (Some(file), Some(true)) => Cow::Borrowed(file),
                _ => Cow::Owned(was),
            }
        }
        (None, Some(file)) => Cow::Borrowed(file),
        (None, None) => return Err(no_down(stem, migration)),
    };
    Ok(Prepared { stem, version: version.to_owned(), direction: Direction::Down, script, migration, dirty })
}

fn no_down(stem: String, migration: Option<&Migration>) -> Error {
    let irreversible = migration.and_then(|m| m.up.directives.irreversible.as_ref()).map(ToString::to_string);
    Refusal::NoDown { migrations: vec![NoDown { stem, irreversible }] }.into()
}

/// A recorded down text as a script.
pub(crate) fn parse(stem: &str, text: &str) -> Result<Script, Error> {
    Script::parse(&format!("{stem}.down.sql (as recorded)"), text.to_owned())
        .map_err(|error| Error::RecordedScript { stem: stem.to_owned(), why: error.to_string() })
}
