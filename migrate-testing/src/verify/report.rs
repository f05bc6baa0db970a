//! What `verify` found and measured, as data.

use std::time::Duration;

use migrate_runtime::checks::Outcome;
use migrate_runtime::core::schema::Diff;
use migrate_runtime::core::{Checksum, Direction, Migration, Schema, Set};
use migrate_runtime::error::ServerError;
use migrate_runtime::rehearsal::Measured;

/// What one run of `verify` on one server came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The server's version as it says it: `15.18`.
    pub server_version: String,
    /// The migrations that were looked at, in order.
    pub migrations: Vec<MigrationReport>,
    /// Those that were not looked at, because an up before them fails.
    pub skipped: Vec<String>,
    /// What holds for the set as a whole: all downs, then all ups.
    pub chain: Vec<Finding>,
    /// The schema after the last migration, where all could be applied.
    pub schema: Option<Schema>,
    /// How long everything took.
    pub duration: Duration,
}

/// One migration.
#[derive(Clone, Debug)]
pub struct MigrationReport {
    /// `0010_add_products`.
    pub stem: String,
    /// Why there is no way back, where the up file says so: then it is applied and measured only.
    pub irreversible: Option<String>,
    /// Its first run; `None` where it failed.
    pub up: Option<Measured>,
    /// The way back; `None` where it failed or where there is none.
    pub down: Option<Measured>,
    /// What the up changed in the schema.
    pub up_change: Option<Diff>,
    /// What the down changed.
    pub down_change: Option<Diff>,
    /// What is wrong with it; empty where it is sound.
    pub findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finding {
    /// The up fails on the schema that the ones before it make.
    UpFails(Box<Failure>),
    /// The down fails right after its up.
    DownFails(Box<Failure>),
    /// After the down the up fails.
    UpAgainFails(Box<Failure>),
    /// After the down the schema is not what it was before the up; the difference from before to after.
    DiffersAfterDown(Diff),
    /// After the second up the schema is not what it was after the first one.
    DiffersAfterUpAgain(Diff),
    /// As `DiffersAfterDown`, but only columns stand in another order. A remark, not an error.
    OrderOnly(Diff),
    /// As `DiffersAfterDown`, but only white space in a routine's definition, and perhaps the order of columns, is
    /// different. A remark, not an error.
    WhiteSpaceOnly(Diff),
    /// Two runs on the same schema made different ones: names or defaults that depend on the time or on chance.
    NotDeterministic(Diff),
    /// The step alone does not undo, but together with the downs before it in the chain it does.
    UndoesInAGroup {
        /// The stems of the group, in order; this migration is the last.
        group: Vec<String>,
        /// As of `DiffersAfterDown`: what the down alone leaves.
        diff: Diff,
    },
    /// All downs, one after the other, leave something behind that no single step showed.
    ChainDiffers(Diff),
    /// A down or an up fails in the chain of all downs and all ups, though alone it does not.
    ChainFails(Box<Failure>),
    /// A script changes something else than `migrations.lock` has recorded of it, though its text is the recorded one: one
    /// before it was edited, or it was recorded elsewhere.
    RecordedChangeDiffers {
        /// Which of the two scripts.
        direction: Direction,
        /// As the lock has it.
        recorded: Checksum,
        /// As it was measured.
        found: Checksum,
    },
    /// A check fails or cannot be run on a database that has nothing but what the migrations put there: then none can be
    /// made from nothing.
    CheckFails(Box<Outcome>),
    /// The runner, with its history and its lock, makes another schema than the scripts alone.
    RunnerDiffers(Diff),
    /// The runner refuses to run the set.
    RunnerRefuses {
        /// Why.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl Finding {
    /// Whether it is told without failing the check. Columns in another order are all that a down can do about a dropped
    /// column; white space means nothing to the server; a step that undoes only in a group is not what a rollback of one step needs.
    pub fn is_remark(&self) -> bool {
        matches!(self, Self::OrderOnly(_) | Self::WhiteSpaceOnly(_))
    }

    /// What differs, where something does.
    pub fn diff(&self) -> Option<&Diff> {
        match self {
            Self::DiffersAfterDown(diff)
            | Self::DiffersAfterUpAgain(diff)
            | Self::OrderOnly(diff)
            | Self::WhiteSpaceOnly(diff)
            | Self::NotDeterministic(diff)
            | Self::UndoesInAGroup { diff, .. }
            | Self::ChainDiffers(diff)
            | Self::RunnerDiffers(diff) => Some(diff),
            _ => None,
        }
    }

    /// The script that failed, where one did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::UpFails(failure)
            | Self::DownFails(failure)
            | Self::UpAgainFails(failure)
            | Self::ChainFails(failure) => Some(failure),
            _ => None,
        }
    }

    /// A short name for programs, kept stable.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UpFails(_) => "up_fails",
            Self::DownFails(_) => "down_fails",
            Self::UpAgainFails(_) => "up_again_fails",
            Self::DiffersAfterDown(_) => "differs_after_down",
            Self::DiffersAfterUpAgain(_) => "differs_after_up_again",
            Self::OrderOnly(_) => "order_only",
            Self::WhiteSpaceOnly(_) => "white_space_only",
            Self::NotDeterministic(_) => "not_deterministic",
            Self::UndoesInAGroup { .. } => "undoes_in_a_group",
            Self::ChainDiffers(_) => "chain_differs",
            Self::ChainFails(_) => "chain_fails",
            Self::RecordedChangeDiffers { .. } => "recorded_change_differs",
            Self::CheckFails(_) => "check_fails",
            Self::RunnerDiffers(_) => "runner_differs",
            Self::RunnerRefuses { .. } => "runner_refuses",
        }
    }
}

impl MigrationReport {
    /// One of which nothing is known yet.
    pub fn of(migration: &Migration) -> Self {
        Self {
            stem: migration.stem.to_string(),
            irreversible: migration.up.directives.irreversible.clone().map(Into::into),
            up: None,
            down: None,
            up_change: None,
            down_change: None,
            findings: Vec::new(),
        }
    }
}

/// A script that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The migration.
    pub stem: String,
    /// Up or down.
    pub direction: Direction,
    /// The file, without its folder.
    pub file: String,
    /// The line of the file, from 1, where the server or the statement gives one.
    pub line: Option<usize>,
    /// The byte in the script's text where the error is, for a caret.
    pub offset: Option<usize>,
    /// What the server said.
    pub server: ServerError,
}

impl Report {
    /// What is known of a migration.
    pub fn of(&self, stem: &str) -> Option<&MigrationReport> {
        self.migrations.iter().find(|migration| migration.stem == stem)
    }

    /// Holds what was measured against what was recorded.
    pub(super) fn hold_to_record(&mut self, set: &Set) {
        for migration in &mut self.migrations {
            let Some(known) = set.migrations.iter().find(|known| known.stem == migration.stem) else {
                continue;
            };
            let changes = [
                (Direction::Up, known.up.change, &migration.up_change),
                (Direction::Down, known.down.as_ref().and_then(|down| down.change), &migration.down_change),
            ];
            let differing = changes.into_iter().filter_map(|(direction, recorded, change)| {
                let (recorded, found) = (recorded?, change.as_ref()?.digest());
                (recorded != found).then_some(Finding::RecordedChangeDiffers { direction, recorded, found })
            });
            migration.findings.extend(differing.collect::<Vec<_>>());
        }
    }

    pub(super) fn of_mut(&mut self, stem: &str) -> Option<&mut MigrationReport> {
        self.migrations.iter_mut().find(|migration| migration.stem == stem)
    }

    /// Everything that was found: of each migration, then of the set as a whole.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.migrations.iter().flat_map(|migration| &migration.findings).chain(&self.chain)
    }

    /// Whether anything fails the check.
    pub fn fails(&self) -> bool {
        self.findings().any(|finding| !finding.is_remark())
    }
}
