//! Names of databases that somebody has already: what is there, and what to do about it.

use migrate_runtime::Error as EngineError;

use super::{Place, Refusal, State, name, refusal};

/// Refuses names that are taken, the one and the one before it.
pub(super) fn free(place: &Place, name: &str) -> anyhow::Result<()> {
    if let Some(why) = name::unfit(name) {
        return Err(Refusal::BadName { name: name.to_owned(), why }.stop());
    }
    for name in [name.to_owned(), name::unfinished(name)] {
        if place.database(&name)?.is_some() {
            return Err(taken(place, &name)?);
        }
    }
    Ok(())
}

/// Whether a database of the name is there: 42P04, or 23505 where it is being made at the same time (`createdb` in
/// dbcommands.c leaves that to the unique index).
pub(super) fn is_taken(error: &EngineError) -> bool {
    match error {
        EngineError::Server { source, .. } => {
            source.code().is_some_and(|code| matches!(code.code(), "42P04" | "23505"))
        }
        _ => false,
    }
}

/// What is in the way, and what to do about it.
pub(super) fn taken(place: &Place, name: &str) -> Result<anyhow::Error, EngineError> {
    let found = place.marked()?.into_iter().find(|one| one.name == name);
    let word = refusal::shell(name);
    let discard = format!("cargo migrate backup restore --discard {word}");
    let (what, hint) = match found.as_ref().map(|found| (found.state(), found.mark.as_ref())) {
        None => (None, "choose another name with --into".to_owned()),
        Some((State::Unfinished, _)) => (
            Some("a restore that did not finish, or is at work".to_owned()),
            format!("where none is at work, `{discard}` drops it; or choose another name with --into"),
        ),
        Some((State::Restored, mark)) => (
            mark.map(|mark| format!("restored from {}, and verified", mark.backup)),
            format!(
                "`cargo migrate backup restore --swap --into {word}` puts it in its place, `{discard}` drops it; or choose \
                 another name with --into"
            ),
        ),
        Some((State::Part, mark)) => (
            mark.map(|mark| format!("some tables of {}", mark.backup)),
            format!("`{discard}` drops it; or choose another name with --into"),
        ),
        Some((State::Replaced, _)) => (
            Some("what the database was before a swap".to_owned()),
            "choose another name with --into; `cargo migrate backup restore --swap-back` puts it back"
                .to_owned(),
        ),
    };
    Ok(Refusal::Taken { name: name.to_owned(), what, hint }.stop())
}
