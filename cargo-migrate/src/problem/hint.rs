//! What to do about each problem.

use super::Problem;

impl Problem {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let or = |near: &Option<String>, otherwise: &str| {
            near.as_ref().map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"))
        };
        match self {
            Self::UnknownKey { near, .. } => or(
                near,
                "known keys: dir, database, protected, prove, history-table, lock-wait, lock-timeout, newer, drift-ignore, \
                 backup-dir, log-dir, preflight-max-age, lint.<rule>, env.<name>",
            ),
            Self::BadValue { .. } => "change it in Cargo.toml".to_owned(),
            Self::UnknownEnvironment { near, known, .. } if known.is_empty() => {
                or(near, "declare it in Cargo.toml: [package.metadata.migrate.env.NAME]")
            }
            Self::UnknownEnvironment { near, known, .. } => or(near, &format!("known: {}", known.join(", "))),
            Self::NoDatabase { known } => match known.first() {
                Some(first) => {
                    format!("name the environment (--env {first}; there are: {}), or set DATABASE_URL", known.join(", "))
                }
                None => "set DATABASE_URL, or run `cargo migrate init` to use a local database".to_owned(),
            },
            Self::VariableNotSet { variable, .. } => {
                format!("set {variable}, in the environment or in the project's .env file")
            }
            Self::LocalProtected { .. } => {
                "give the environment a database of its own: database = \"env:VARIABLE\"".to_owned()
            }
            Self::NoCargo { .. } => {
                "without cargo, pass --dir, --database-url and --history-table, which need no project"
                    .to_owned()
            }
            Self::CargoMetadata { .. } => "repair the Cargo.toml that it names".to_owned(),
            Self::SeveralPackages { .. } => {
                "go into the folder of the one that is meant, or pass --dir".to_owned()
            }
            Self::NoProject { .. } => {
                "go into the folder of the project, or run `cargo init` first; with --dir, --database-url and \
                 --history-table none is needed"
                    .to_owned()
            }
            Self::Dotenv { .. } => {
                "write NAME=VALUE lines, with quotes around values that have spaces".to_owned()
            }
            Self::Manifest { .. } => "repair it and try again".to_owned(),
            Self::PreflightOtherDatabase { environment, .. } => format!(
                "see that the address leads to the database that is meant, then run `{}`",
                preflight_of(environment)
            ),
            Self::PreflightMissing { environment }
            | Self::PreflightOtherPending { environment, .. }
            | Self::PreflightStale { environment, .. }
            | Self::PreflightUnreadable { environment, .. } => {
                format!(
                    "run `{}`, then this again\n\
                     or go on without one: `--force REASON`, which the audit log keeps",
                    preflight_of(environment)
                )
            }
            Self::Deploying { .. } => {
                "wait for it and deploy again, or wait longer: --lock-wait; `cargo migrate history` says how far it is"
                    .to_owned()
            }
            Self::OtherFiles { applied, .. } => format!(
                "check out the files it was begun with and deploy again, which finishes it\n\
                 or give it up and deploy what is here now: `--abandon REASON` ({} of it {} applied and stays)",
                if applied.is_empty() { "nothing".to_owned() } else { applied.join(", ") },
                if applied.len() > 1 { "are" } else { "is" },
            ),
            Self::NoWayBack { .. } => {
                "take `--on-failure restore`, which goes back to the backup, or `--on-failure stop`".to_owned()
            }
            Self::UnfitBackup { .. } => {
                "leave --backup out, and one is made; `cargo migrate backup list` shows those that are there"
                    .to_owned()
            }
            Self::PooledBackup { .. } => {
                "give --database-url the address of the server itself, or of a pooler in session mode; applications stay on the \
                 pooler. --skip-backup REASON changes the database without one"
                    .to_owned()
            }
            Self::RecordLocked { .. } => {
                "record on a developer's machine and commit migrations.lock and schema.sql.snap; without --record, `verify` \
                 holds the migrations to them"
                    .to_owned()
            }
            Self::NeedsYes { .. } => "pass --yes to go on without being asked".to_owned(),
            Self::Declined => "answer `yes` to go on".to_owned(),
            Self::NoSuchMigration { near, .. } => or(near, "`cargo migrate status` lists them"),
            Self::BadName { .. } => "write what it does, such as add_products".to_owned(),
            Self::VersionTaken { .. } => "try again in a second, or leave out --timestamp".to_owned(),
            Self::NoSuchRule { near, .. } => or(near, "`cargo migrate lint --rules` lists them"),
            Self::NoSuchTemplate { near, .. } => or(near, "`cargo migrate new --template help` lists them"),
            Self::BadTemplate { .. } => "docs/templates.md says how a template is written".to_owned(),
            Self::MissingParameters { missing, .. } => {
                let parameters: Vec<_> = missing.iter().map(|name| format!("--param {name}=…")).collect();
                format!("pass {}", parameters.join(" "))
            }
            Self::UnknownParameter { known, .. } if known.is_empty() => "it takes none".to_owned(),
            Self::UnknownParameter { known, .. } => format!("it has {}", known.join(", ")),
            Self::Io { .. } => "see that the path is there, and may be read and written".to_owned(),
            Self::Program { program, .. } => format!("see that {program} is installed and on the PATH"),
            Self::NotInGit { .. } => {
                "go into the clone that has the folder, or leave the revision out".to_owned()
            }
            Self::NoRevision { .. } => {
                "write it as git does (main, origin/main, v1.2, a commit), and fetch it first: \
                 a CI job often has only the newest commit (`fetch-depth: 0`, `git fetch origin main`)"
                    .to_owned()
            }
            Self::NoMergeBase { .. } => {
                "a clone with a cut-off history has it not: `git fetch --unshallow`, \
                 or `fetch-depth: 0` where the CI job checks out"
                    .to_owned()
            }
            Self::Git { .. } => {
                "see that the same git command works in the folder of the migrations".to_owned()
            }
            Self::NoExtension { .. } => {
                "install it for that server, or set MIGRATE_PG_BIN to the programs of one that has it"
                    .to_owned()
            }
            Self::NoRecordedText { modified: true, .. } => {
                "put the file back as it was, or take it as it is now: `cargo migrate repair`".to_owned()
            }
            Self::NoRecordedText { modified: false, .. } => {
                "put the file back, or take the migration off the history: `cargo migrate repair`".to_owned()
            }
            Self::NoSnapshot { .. } => {
                "write it with `cargo migrate verify --record`, and commit it".to_owned()
            }
            Self::BadSnapshot { .. } => "write it anew with `cargo migrate verify --record`".to_owned(),
            Self::NoBackup { .. } => {
                "`cargo migrate backup list` lists them, `cargo migrate backup create` makes one".to_owned()
            }
            Self::NoOwnBackup { .. } => {
                "see that --env or --database-url is the one you mean; to take one of another database all the same, name it \
                 by its id (`cargo migrate backup list`)"
                    .to_owned()
            }
            Self::SeveralBackups { .. } => "write more of the name".to_owned(),
            Self::DamagedBackup { .. } => {
                "take another one (`cargo migrate backup list`), or make a new one: this one is not to be relied on"
                    .to_owned()
            }
            Self::BackupFailed { why } if why.contains("permission denied") => {
                "the role has to read all tables and sequences: `GRANT pg_read_all_data TO …`; nothing was changed and \
                 nothing is left behind"
                    .to_owned()
            }
            Self::BackupFailed { .. } => {
                "nothing was changed and nothing is left behind: remove the cause and run it again".to_owned()
            }
            Self::BackupDiskFull { .. } => {
                "nothing was changed and nothing is left behind: make room (`cargo migrate backup prune`), or put the backups on \
                 another disk with --backup-dir"
                    .to_owned()
            }
            Self::NotRecorded { .. } => {
                "make room on its disk (`cargo migrate backup prune`) and verify it again: until then it counts as not verified"
                    .to_owned()
            }
            Self::LoadFailed { .. } => {
                "the database that it was loaded into is incomplete; no other one was touched".to_owned()
            }
            Self::MissingRoles { roles } => {
                let create = |role: &String| format!("CREATE ROLE {};", migrate_runtime::quote_identifier(role));
                format!("create them on the server first: {}", roles.iter().map(create).collect::<Vec<_>>().join(" "))
            }
            Self::NoReport { meant, .. } if !meant.is_empty() => format!("one of {}", meant.join(", ")),
            Self::NoReport { .. } => {
                "`cargo migrate report list` shows those that there are; --log-dir says where to look".to_owned()
            }
            Self::BadReport { .. } => "look at the file itself; a later run leaves a new one".to_owned(),
            Self::Restore(refusal) => refusal.hint(),
            Self::Usage { hint, .. } => hint.clone(),
        }
    }
}

/// The command that checks it.
fn preflight_of(environment: &Option<String>) -> String {
    let environment = environment.as_ref().map(|name| format!(" --env {name}")).unwrap_or_default();
    format!("cargo migrate preflight{environment}")
}
