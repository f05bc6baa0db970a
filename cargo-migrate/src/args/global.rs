//! Arguments that every verb takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use migrate_runtime::HistoryTable;

use super::value;

/// Arguments that every verb takes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The environment of `[package.metadata.migrate.env.NAME]` to use; also MIGRATE_ENV
    #[arg(long, global = true, value_name = "NAME")]
    pub env: Option<String>,

    /// The database, as a URL or as `host=… dbname=…`; also DATABASE_URL and libpq's PG* variables
    ///
    /// Other users of this machine see the arguments of a process: prefer DATABASE_URL where the URL has a password.
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,

    /// The folder of migration files
    ///
    /// Together with --database-url and --history-table no Cargo project is looked for, and no cargo is needed.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,

    /// The history table, as NAME or SCHEMA.NAME, each taken as it is or in double quotes
    #[arg(long, global = true, value_name = "TABLE", value_parser = value::history_table)]
    pub history_table: Option<HistoryTable>,

    /// How long to wait for another runner to finish: 30s, 5min
    #[arg(long, global = true, value_name = "TIME", value_parser = value::duration)]
    pub lock_wait: Option<Duration>,

    /// How long a statement may wait for a table lock before its migration is rolled back and tried again
    #[arg(long, global = true, value_name = "TIME", value_parser = value::duration)]
    pub lock_timeout: Option<Duration>,

    /// Where backups are kept [default: .migrate/backups in the project]
    #[arg(long, global = true, value_name = "FOLDER", hide_short_help = true)]
    pub backup_dir: Option<PathBuf>,

    /// Where logs, reports and the markers of passed preflights are kept [default: .migrate/log in the project]
    #[arg(long, global = true, value_name = "FOLDER", hide_short_help = true)]
    pub log_dir: Option<PathBuf>,

    /// For people, one JSON document on stdout with JSON lines on stderr, or, of verify and lint, what a reviewer reads
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    pub format: Format,

    /// Say more: where each setting comes from, and what is asked; of verify and lint, all that was measured and every remark
    ///
    /// Twice, everything that the engine does (also LOG_LEVEL=debug), three times, the SQL too, with passwords masked (also
    /// LOG_LEVEL=trace). RUST_LOG takes filters, such as `migrate=debug`. The argument counts before RUST_LOG, and that before
    /// LOG_LEVEL.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,

    /// Say less: results and errors only; also LOG_LEVEL=warn or error
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// When to use colour; also NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs; the schema is in `docs/json.md`.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations, as the log of a GitHub Actions job has them.
    Github,
}

impl Format {
    /// Those that every verb knows.
    pub(crate) const ALL_VERBS: [Self; 2] = [Self::Human, Self::Json];
    /// Those of the verbs that review migrations.
    pub(crate) const REVIEWS: [Self; 5] =
        [Self::Human, Self::Json, Self::Markdown, Self::Sarif, Self::Github];

    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Sarif => "sarif",
            Self::Github => "github",
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal.
    #[default]
    Auto,
    /// Also into a file or a pipe.
    Always,
    /// Not at all.
    Never,
}
