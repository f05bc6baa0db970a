//! How much a line of the log matters.

use migrate_runtime::Event;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    /// As the log has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// That of an event of the engine.
    pub(crate) fn of(event: &Event) -> Self {
        match event {
            Event::Warning(_)
            | Event::Checked { failed: 1.., .. }
            | Event::LockWaiting { .. }
            | Event::Retrying { .. }
            | Event::Recovering { .. }
            | Event::LogUnavailable { .. }
            | Event::LockLost
            | Event::Resolved { .. } => Self::Warn,
            Event::Notice { severity, .. } => match severity.as_str() {
                "WARNING" => Self::Warn,
                "NOTICE" | "INFO" => Self::Info,
                _ => Self::Debug,
            },
            Event::Running { blockers, .. } if !blockers.is_empty() => Self::Warn,
            Event::Running { .. } | Event::LockObtained { .. } => Self::Debug,
            _ => Self::Info,
        }
    }
}
