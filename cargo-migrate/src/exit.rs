//! The exit codes: what each means, and which failure ends in which.

use migrate_core::lock::LockError;
use migrate_core::{Direction, Moment, Refusal};
use migrate_runtime::Error as EngineError;

/// How the process ends. The numbers are a contract with scripts and CI jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: success.
    Success,
    /// 1: preflight failed, or a gate refused, or a backup or a restore did not succeed. The database in use is as it was.
    Refused,
    /// 2: a migration failed; it was rolled back.
    MigrationFailed,
    /// 3: what was applied is not as it should be.
    PostflightFailed,
    /// 4: rolling back failed.
    RollbackFailed,
    /// 5: a usage, configuration or environment error.
    Usage,
    /// 6: the database could not be reached, is read-only, or a lock was not obtained in time.
    Database,
    /// 7: a non-transactional migration is partly applied and needs a person.
    Dirty,
    /// 8: a check found something.
    CheckFound,
    /// 9: the history was refused.
    HistoryRefused,
    /// 128 + the signal: 129 for SIGHUP, 130 for SIGINT, 143 for SIGTERM.
    Interrupted(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Refused => 1,
            Self::MigrationFailed => 2,
            Self::PostflightFailed => 3,
            Self::RollbackFailed => 4,
            Self::Usage => 5,
            Self::Database => 6,
            Self::Dirty => 7,
            Self::CheckFound => 8,
            Self::HistoryRefused => 9,
            Self::Interrupted(signal) => 128u8.saturating_add(signal),
        }
    }

    /// From the number, as an audit log has it; what is no number of ours is that of a migration that failed.
    pub(crate) fn of_code(code: u8) -> Self {
        let all = [
            Self::Success,
            Self::Refused,
            Self::PostflightFailed,
            Self::RollbackFailed,
            Self::Usage,
            Self::Database,
            Self::Dirty,
            Self::CheckFound,
            Self::HistoryRefused,
        ];
        all.into_iter().find(|exit| exit.code() == code).unwrap_or(Self::MigrationFailed)
    }

    /// What a failure ends in.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(problem) = error.downcast_ref::<crate::Problem>() {
            return problem.exit();
        }
        if let Some(engine) = error.downcast_ref::<EngineError>() {
            return of_engine(engine);
        }
        if let Some(error) = error.downcast_ref::<migrate_testing::verify::Error>() {
            return of_verify(error);
        }
        if error.is::<LockError>() {
            return Self::Refused;
        }
        // Everything else is a folder that makes no sense, a file that could not be read or written, a program that is
        // missing: the environment.
        Self::Usage
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

fn of_engine(error: &EngineError) -> Exit {
    match error {
        EngineError::Settings { .. } | EngineError::InsideRuntime | EngineError::NoSchemaRecorded => {
            Exit::Usage
        }
        EngineError::Connect { .. }
        | EngineError::ConnectionLost { .. }
        | EngineError::Interfered { .. }
        | EngineError::LockLost { .. }
        | EngineError::ReadOnly { .. }
        | EngineError::LockNotObtained { .. }
        | EngineError::TableLock { .. }
        | EngineError::Server { .. } => Exit::Database,
        EngineError::Failed { .. } => Exit::MigrationFailed,
        EngineError::RollbackFailed { .. } => Exit::RollbackFailed,
        EngineError::Disproved { disproof } => match (disproof.applied, disproof.direction) {
            // Not transactional: it is there, and a check of it failed.
            (true, _) => Exit::PostflightFailed,
            (false, Direction::Up) => Exit::MigrationFailed,
            (false, Direction::Down) => Exit::RollbackFailed,
        },
        EngineError::CheckFailed { moment, applied, .. } => match (moment, applied) {
            (Moment::Before, _) => Exit::Refused,
            (Moment::After, false) => Exit::MigrationFailed,
            (Moment::After, true) => Exit::PostflightFailed,
        },
        EngineError::Dirty { .. } | EngineError::LostWhilePartlyApplied { .. } => Exit::Dirty,
        EngineError::Refused(refusal) => of_refusal(refusal),
        EngineError::ForeignTable { .. }
        | EngineError::NewerLog { .. }
        | EngineError::HistoryChanged { .. }
        | EngineError::RecordedScript { .. } => Exit::HistoryRefused,
        // Refused before anything ran: a gate.
        EngineError::DownDiffers { .. }
        | EngineError::NotRecorded { .. }
        | EngineError::TooLarge { .. }
        | EngineError::SingleTransaction { .. }
        | EngineError::TouchesHistory { .. }
        | EngineError::RepairOutdated => Exit::Refused,
        EngineError::Interrupted { signal, .. } => Exit::Interrupted(*signal),
        EngineError::Pending { .. } | EngineError::SchemaUnfit { .. } => Exit::CheckFound,
        // The enum may grow; what is new and unknown here comes from the database's side.
        _ => Exit::Database,
    }
}

fn of_verify(error: &migrate_testing::verify::Error) -> Exit {
    use migrate_testing::verify::Error;
    match error {
        Error::Engine(engine) => of_engine(engine),
        Error::Server { .. } => Exit::Database,
        // Refused before anything ran.
        Error::ServerWide { .. } => Exit::Refused,
        _ => Exit::Usage,
    }
}

fn of_refusal(refusal: &Refusal) -> Exit {
    match refusal {
        // A `--to` that names nothing.
        Refusal::UnknownTarget { .. } => Exit::Usage,
        // The history is as it should be; there is no way back from it, and nothing was tried.
        Refusal::NoDown { .. } => Exit::Refused,
        _ => Exit::HistoryRefused,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use migrate_core::Version;
    use migrate_runtime::error::{Failure, ServerError};

    use super::*;

    fn failure() -> Box<Failure> {
        Box::new(Failure {
            stem: "0001_a".into(),
            file: "0001_a.up.sql".into(),
            text: "SELECT".into(),
            direction: Direction::Up,
            position: None,
            statement: None,
            at_commit: false,
            server: ServerError::default(),
        })
    }

    fn disproved(direction: Direction, applied: bool) -> EngineError {
        let digest = migrate_core::Checksum::of("");
        EngineError::Disproved {
            disproof: Box::new(migrate_runtime::error::Disproof {
                stem: "0001_a".into(),
                direction,
                file: "0001_a.up.sql".into(),
                recorded: digest,
                found: digest,
                diff: Default::default(),
                applied,
            }),
        }
    }

    #[test]
    fn codes_are_the_published_ones() {
        let table = [
            (Exit::Success, 0),
            (Exit::Refused, 1),
            (Exit::MigrationFailed, 2),
            (Exit::PostflightFailed, 3),
            (Exit::RollbackFailed, 4),
            (Exit::Usage, 5),
            (Exit::Database, 6),
            (Exit::Dirty, 7),
            (Exit::CheckFound, 8),
            (Exit::HistoryRefused, 9),
            (Exit::Interrupted(2), 130),
            (Exit::Interrupted(15), 143),
        ];
        for (exit, code) in table {
            assert_eq!(exit.code(), code, "{exit:?}");
            if code < 128 {
                assert_eq!(Exit::of_code(code), exit);
            }
        }
    }

    #[test]
    fn every_engine_error_has_its_code() {
        let stem = || "0001_a".to_owned();
        let waited = Duration::from_secs(1);
        let direction = Direction::Up;
        let table = [
            (EngineError::Settings { message: String::new(), hint: String::new() }, 5),
            (EngineError::InsideRuntime, 5),
            (EngineError::ReadOnly { database: String::new(), reason: String::new() }, 6),
            (EngineError::LockNotObtained { waited, holder: None }, 6),
            (
                EngineError::TableLock {
                    stem: stem(),
                    direction,
                    waited,
                    attempts: 1,
                    blockers: vec![],
                    failure: failure(),
                },
                6,
            ),
            (EngineError::Failed { failure: failure() }, 2),
            (EngineError::RollbackFailed { failure: failure() }, 4),
            (EngineError::Dirty { stem: stem(), progress: None, invalid_indexes: vec![], failure: None }, 7),
            (EngineError::Refused(Refusal::Modified { migrations: vec![] }), 9),
            (EngineError::ForeignTable { table: String::new(), why: String::new() }, 9),
            (EngineError::NewerLog { table: String::new(), column: String::new() }, 9),
            (EngineError::Refused(Refusal::NoDown { migrations: vec![] }), 1),
            (EngineError::Refused(Refusal::UnknownTarget { target: Version::new(1), nearest: None }), 5),
            (EngineError::LockLost { database: String::new() }, 6),
            (EngineError::HistoryChanged { stem: stem() }, 9),
            (EngineError::RecordedScript { stem: stem(), why: String::new() }, 9),
            (EngineError::SingleTransaction { stem: stem() }, 1),
            (EngineError::RepairOutdated, 1),
            (disproved(Direction::Up, false), 2),
            (disproved(Direction::Down, false), 4),
            (disproved(Direction::Up, true), 3),
            (disproved(Direction::Down, true), 3),
            (EngineError::NotRecorded { steps: vec![] }, 1),
            (EngineError::DownDiffers { stem: stem(), recorded: String::new(), found: String::new() }, 1),
            (EngineError::TooLarge { stem: stem(), bytes: 1 }, 1),
            (EngineError::Interrupted { signal: 2, stem: None }, 130),
            (EngineError::Interrupted { signal: 15, stem: None }, 143),
            (EngineError::Pending { pending: vec![] }, 8),
            (EngineError::SchemaUnfit { database: String::new(), unmet: vec![] }, 8),
            (EngineError::NoSchemaRecorded, 5),
        ];
        for (error, code) in table {
            let shown = format!("{error:?}");
            let error = anyhow::Error::new(error).context("while looking");
            assert_eq!(Exit::of(&error).code(), code, "{shown}");
        }
    }

    #[test]
    fn a_lock_that_may_not_be_changed_is_a_refusal() {
        let error = anyhow::Error::new(LockError::Missing { path: "migrations.lock".into() });
        assert_eq!(Exit::of(&error), Exit::Refused);
    }

    #[test]
    fn what_is_not_ours_is_the_environment() {
        let error = anyhow::Error::new(std::io::Error::other("full"));
        assert_eq!(Exit::of(&error), Exit::Usage);
    }
}
