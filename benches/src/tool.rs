//! The tools: their names, and how each wants a migration's files named.

/// A tool that embeds migrations in an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Ours,
    Sqlx,
    Refinery,
    Diesel,
}

pub const ALL: [Tool; 4] = [Tool::Ours, Tool::Sqlx, Tool::Refinery, Tool::Diesel];

impl Tool {
    /// As in `bench-NAME` and `target/migrations/NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Sqlx => "sqlx",
            Self::Refinery => "refinery",
            Self::Diesel => "diesel",
        }
    }

    pub fn can_roll_back(self) -> bool {
        self != Self::Refinery
    }

    /// The up file of a migration, below the folder of migrations.
    pub fn up(self, number: usize) -> String {
        match self {
            Self::Ours | Self::Sqlx => format!("{number:04}_create_item_{number:04}.up.sql"),
            Self::Refinery => format!("V{number}__create_item_{number:04}.sql"),
            Self::Diesel => format!("{number:04}_create_item_{number:04}/up.sql"),
        }
    }

    /// The down file, where the tool has such.
    pub fn down(self, number: usize) -> Option<String> {
        match self {
            Self::Ours | Self::Sqlx => Some(format!("{number:04}_create_item_{number:04}.down.sql")),
            Self::Refinery => None,
            Self::Diesel => Some(format!("{number:04}_create_item_{number:04}/down.sql")),
        }
    }
}
