//! Why no plan can be made: what does not fit between history, set and goal.

use super::{Goal, Newer, Policy, Warning};
use crate::Version;
use crate::standing::{Standing, State};

/// Why no plan could be made. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `--to V` names nothing.
    #[error("there is no migration {target}, neither in the folder nor in the history")]
    UnknownTarget {
        /// As asked for.
        target: Version,
        /// The one whose number is nearest.
        nearest: Option<String>,
    },
    /// Rows that do not start with a number: their place in the order is not known.
    #[error("the history has {} that no migration can have: {}", count(versions, "version"), list(versions))]
    BadVersion {
        /// As recorded.
        versions: Vec<String>,
    },
    /// Two rows with one number.
    #[error("the history has version {version} more than once: {}", list(recorded))]
    DuplicateRecorded {
        /// The number.
        version: Version,
        /// As recorded.
        recorded: Vec<String>,
    },
    /// A row whose checksum is none.
    #[error(
        "the checksum recorded for `{version}` is not 64 hex digits: {}",
        recorded.as_ref().map_or("NULL".to_owned(), |text| format!("{text:?}"))
    )]
    BadChecksum {
        /// As recorded.
        version: String,
        /// As recorded; `None` is NULL.
        recorded: Option<String>,
    },
    /// Files changed since they were applied.
    #[error("{}", modified_message(migrations))]
    Modified {
        /// In the order of their versions; never empty.
        migrations: Vec<Modified>,
    },
    /// A number is recorded under another description.
    #[error("version {version} was applied as `{recorded}` but is `{found}` here{}", if *same_text { "" } else { ", with another text" })]
    Renamed {
        /// The number.
        version: Version,
        /// In the history.
        recorded: String,
        /// The stem now.
        found: String,
        /// The text is the same: the file was only renamed.
        same_text: bool,
    },
    /// Applied migrations that are not here although newer ones are.
    #[error("{} applied but not here: {}", count_verb(versions, "migration"), list(versions))]
    Missing {
        /// As recorded, oldest first.
        versions: Vec<String>,
    },
    /// Applied migrations newer than all that are here, and the policy is to refuse them.
    #[error(
        "the database is newer: {} applied but not here: {}",
        count_verb(versions, "migration"),
        list(versions)
    )]
    Newer {
        /// As recorded, oldest first.
        versions: Vec<String>,
    },
    /// Partly applied migrations that are not here, so that nobody knows how to finish them.
    #[error("{} partly applied but not here: {}", count_verb(versions, "migration"), list(versions))]
    DirtyUnknown {
        /// As recorded, oldest first.
        versions: Vec<String>,
    },
    /// Pending migrations older than an applied one.
    #[error(
        "{} older than `{newest}`, which is applied already: {}",
        count_verb(pending, "pending migration"),
        list(pending)
    )]
    OutOfOrder {
        /// Their stems, oldest first.
        pending: Vec<String>,
        /// The newest applied.
        newest: String,
    },
    /// What is to be rolled back and applied again is not here.
    #[error("cannot apply again what is not here: {}", list(versions))]
    RedoUnknown {
        /// As recorded, newest first.
        versions: Vec<String>,
    },
    /// There is nothing to roll a migration back with.
    #[error("{}", no_down_message(migrations))]
    NoDown {
        /// Newest first; never empty.
        migrations: Vec<NoDown>,
    },
}

/// A migration whose file changed since it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modified {
    /// The migration.
    pub stem: String,
    /// The checksum in the history.
    pub recorded: String,
    /// The checksum of the file now.
    pub found: String,
    /// Whether only comments and white space changed. The planner leaves `None`: who has the recorded text fills it in.
    pub cosmetic: Option<bool>,
}

/// A migration that cannot be rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoDown {
    /// The migration.
    pub stem: String,
    /// The reason in its `-- migrate: irreversible`; `None` where no down text is there for another reason.
    pub irreversible: Option<String>,
}

fn list(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn count(names: &[String], noun: &str) -> String {
    if names.len() == 1 { format!("a {noun}") } else { format!("{} {noun}s", names.len()) }
}

fn count_verb(names: &[String], noun: &str) -> String {
    format!("{} {}", count(names, noun), if names.len() == 1 { "is" } else { "are" })
}

fn modified_message(migrations: &[Modified]) -> String {
    let each = migrations.iter().map(|Modified { stem, recorded, found, cosmetic }| {
        let cosmetic = if *cosmetic == Some(true) { " (only comments and white space)" } else { "" };
        format!("migration `{stem}` was modified after it was applied{cosmetic}: recorded {recorded}, found {found}")
    });
    each.collect::<Vec<_>>().join("\n")
}

fn no_down_message(migrations: &[NoDown]) -> String {
    let each = migrations.iter().map(|NoDown { stem, irreversible }| match irreversible {
        Some(reason) => format!("`{stem}` is irreversible: {reason}"),
        None => format!("`{stem}` has no down text, neither here nor in the history"),
    });
    each.collect::<Vec<_>>().join("\n")
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownTarget { nearest: Some(nearest), .. } => return format!("the nearest is `{nearest}`"),
            Self::UnknownTarget { nearest: None, .. } => "there are no migrations yet: `cargo migrate new NAME`",
            Self::BadVersion { .. } => {
                "was the table written by another tool or by hand? correct the rows, or choose another history table"
            }
            Self::DuplicateRecorded { .. } => "find out which of them was really applied, and delete the other row",
            Self::BadChecksum { .. } => {
                "the row was changed by hand or by another tool; `cargo migrate repair` shows how to record the file's"
            }
            Self::Modified { migrations } if migrations.iter().all(|m| m.cosmetic == Some(true)) => {
                "put the file back as it was, or take the new text as applied: `cargo migrate repair`"
            }
            Self::Modified { .. } => {
                "put the file back as it was and write a new migration for the change; in development `cargo migrate redo` runs \
                 the new text; `cargo migrate repair` takes it as applied without running it"
            }
            Self::Renamed { same_text: true, .. } => {
                "give the file its name back, or record the new one: `cargo migrate repair`"
            }
            Self::Renamed { .. } => {
                "two branches took the same number: give the one that is not applied the next free number"
            }
            Self::Missing { .. } => {
                "get the files back (`git log --all -- migrations`), or forget the rows: `cargo migrate repair`"
            }
            Self::Newer { .. } => "use the version of the application that applied them, or set `newer` to `warn`",
            Self::DirtyUnknown { .. } => {
                "finish them with the version of the application that started them, or roll them back: `cargo migrate down`"
            }
            Self::OutOfOrder { .. } => {
                "if they do not depend on what is applied already, use `--allow-out-of-order`; else give them the next free numbers"
            }
            Self::RedoUnknown { .. } => "use the folder that they came from, or only roll them back: `cargo migrate down`",
            Self::NoDown { .. } => "write a new migration that undoes them, or go back to a backup",
        }
        .to_owned()
    }
}

fn in_state(all: &[Standing], state: State) -> Vec<String> {
    all.iter().filter(|standing| standing.state == state).map(|standing| standing.stem().to_owned()).collect()
}

pub(super) fn check_target(all: &[Standing], goal: Goal) -> Result<(), Refusal> {
    let target = match goal {
        Goal::UpTo(target) => target,
        Goal::DownTo(target) if target.number() > 0 => target,
        _ => return Ok(()),
    };
    let distance = |standing: &&Standing| standing.version.map(|v| v.number().abs_diff(target.number()));
    let nearest = all.iter().filter(|s| s.version.is_some()).min_by_key(distance);
    match nearest {
        Some(nearest) if nearest.version == Some(target) => Ok(()),
        _ => Err(Refusal::UnknownTarget {
            target,
            nearest: nearest.map(|standing| standing.stem().to_owned()),
        }),
    }
}

/// What makes no sense whatever the goal is.
pub(super) fn check_rows(all: &[Standing]) -> Result<(), Refusal> {
    let versions = in_state(all, State::BadVersion);
    if !versions.is_empty() {
        return Err(Refusal::BadVersion { versions });
    }
    if let Some(Standing { version: Some(version), .. }) = all.iter().find(|s| s.state == State::Duplicate) {
        let rows = all.iter().filter(|s| s.version == Some(*version)).filter_map(|standing| standing.row);
        let recorded = rows.map(|row| row.version.clone()).collect();
        return Err(Refusal::DuplicateRecorded { version: *version, recorded });
    }
    if let Some(Standing { row: Some(row), .. }) = all.iter().find(|s| s.state == State::BadChecksum) {
        return Err(Refusal::BadChecksum { version: row.version.clone(), recorded: row.checksum.clone() });
    }
    Ok(())
}

pub(super) fn check_newer(
    all: &[Standing],
    policy: &Policy,
    warnings: &mut Vec<Warning>,
) -> Result<(), Refusal> {
    let versions = in_state(all, State::Newer);
    match policy.newer {
        _ if versions.is_empty() => {}
        Newer::Ok => {}
        Newer::Warn => warnings.push(Warning::Newer { versions }),
        Newer::Refuse => return Err(Refusal::Newer { versions }),
    }
    Ok(())
}

/// What must fit before anything goes forward.
pub(super) fn check_fits(all: &[Standing]) -> Result<(), Refusal> {
    let renamed = all.iter().find(|standing| standing.state == State::Renamed);
    if let Some(&Standing { version: Some(version), migration: Some(migration), row: Some(row), .. }) =
        renamed
    {
        return Err(Refusal::Renamed {
            version,
            recorded: row.version.clone(),
            found: migration.stem.to_string(),
            same_text: renamed.is_some_and(Standing::is_same_text),
        });
    }
    let modified = all.iter().filter(|standing| standing.state == State::Modified).filter_map(|standing| {
        let migration = standing.migration?;
        Some(Modified {
            stem: migration.stem.to_string(),
            recorded: standing.row?.checksum.clone()?,
            found: migration.up.checksum.to_string(),
            cosmetic: None,
        })
    });
    let migrations: Vec<_> = modified.collect();
    if !migrations.is_empty() {
        return Err(Refusal::Modified { migrations });
    }
    let versions = in_state(all, State::Missing);
    if !versions.is_empty() {
        return Err(Refusal::Missing { versions });
    }
    let unknown = all.iter().filter(|standing| standing.is_dirty() && standing.migration.is_none());
    let versions: Vec<_> = unknown.map(|standing| standing.stem().to_owned()).collect();
    if versions.is_empty() { Ok(()) } else { Err(Refusal::DirtyUnknown { versions }) }
}

pub(super) fn check_redo(back: &[Standing]) -> Result<(), Refusal> {
    let unknown = back.iter().filter(|standing| standing.migration.is_none());
    let versions: Vec<_> = unknown.map(|standing| standing.stem().to_owned()).collect();
    if versions.is_empty() { Ok(()) } else { Err(Refusal::RedoUnknown { versions }) }
}

pub(super) fn check_order(
    all: &[Standing],
    forward: &[Standing],
    policy: &Policy,
    warnings: &mut Vec<Warning>,
) -> Result<(), Refusal> {
    let pending = in_state(forward, State::OutOfOrder);
    let newest = all.iter().rfind(|standing| standing.is_recorded());
    match newest {
        Some(_) if pending.is_empty() => {}
        Some(_) if policy.allow_out_of_order => warnings.push(Warning::OutOfOrder { pending }),
        Some(newest) => return Err(Refusal::OutOfOrder { pending, newest: newest.stem().to_owned() }),
        None => {}
    }
    Ok(())
}
