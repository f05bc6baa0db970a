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
        (Some(text), Some(file)) if is_recorded_as(file, text) => Cow::Borrowed(file),
        (Some(text), file) => {
            let was = parse(&stem, text)?;
            let prefer = settings.file_down_of.get(&stem).copied().or(settings.prefer_file_down);
            match (file, prefer) {
                (Some(file), None) => {
                    return Err(Error::DownDiffers {
                        stem,
                        recorded: text.to_owned(),
                        found: file.text.to_string(),
                    });
                }
                (Some(file), Some(true)) => Cow::Borrowed(file),
                _ => {
                    runnable(&stem, text)?;
                    Cow::Owned(was)
                }
            }
        }
        (None, Some(file)) => Cow::Borrowed(file),
        (None, None) => return Err(no_down(stem, migration)),
    };
    let version = version.to_owned();
    Ok(Prepared { stem, version, direction: Direction::Down, script, migration, dirty, recorded_down: None })
}

fn no_down(stem: String, migration: Option<&Migration>) -> Error {
    let irreversible = migration.and_then(|m| m.up.directives.irreversible.as_ref()).map(ToString::to_string);
    Refusal::NoDown { migrations: vec![NoDown { stem, irreversible }] }.into()
}

/// Whether this is the script that a recorded text is of. What is recorded has its secrets masked.
pub(crate) fn is_recorded_as(script: &Script, recorded: &str) -> bool {
    migrate_core::sql::mask_secrets(&script.text) == recorded
}

/// Refuses a recorded text that had a secret in it: it would set `***` as a password.
pub(crate) fn runnable(stem: &str, recorded: &str) -> Result<(), Error> {
    // Where masking finds something to mask, it was masked before: everything that is recorded is.
    let as_if_plain = recorded.replace("***", "xxx");
    if migrate_core::sql::mask_secrets(&as_if_plain) == as_if_plain {
        return Ok(());
    }
    Err(Error::RecordedScript {
        stem: stem.to_owned(),
        why: "it had a password in it, which was not recorded: its file is needed".to_owned(),
    })
}

/// A recorded down text as a script.
pub(crate) fn parse(stem: &str, text: &str) -> Result<Script, Error> {
    Script::parse(&format!("{stem}.down.sql (as recorded)"), text.to_owned())
        .map_err(|error| Error::RecordedScript { stem: stem.to_owned(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_had_a_secret_is_not_run_from_the_record() {
        let text = "-- *** careful ***\nALTER ROLE a PASSWORD 'x'";
        let script = Script::parse("1_a.down.sql", text.to_owned()).unwrap();
        let recorded = migrate_core::sql::mask_secrets(text);
        assert!(is_recorded_as(&script, &recorded));
        assert!(matches!(runnable("1_a", &recorded), Err(Error::RecordedScript { .. })));
        runnable("1_a", "-- *** careful ***\nDROP ROLE a").unwrap();
    }
}
