//! What goes wrong before, after and around the engine, each with what to do about it.

use std::path::PathBuf;
use std::time::Duration;

use migrate_runtime::event::Session;

use crate::Exit;
use crate::render::time;

/// A failure of the command line itself.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A key of the metadata that means nothing.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// The whole path of the key.
        key: String,
        /// The known key most like it.
        near: Option<String>,
    },
    /// A key of the metadata with a value that means nothing.
    #[error("`{key}`: {why}")]
    BadValue {
        /// The whole path of the key.
        key: String,
        /// What is expected.
        why: String,
    },
    /// An environment that the metadata does not have.
    #[error("unknown environment `{name}` ({origin})")]
    UnknownEnvironment {
        /// As it was named.
        name: String,
        /// Where it was named.
        origin: String,
        /// The known one most like it.
        near: Option<String>,
        /// All that are known.
        known: Vec<String>,
    },
    /// Nobody said which database.
    #[error("no database was named")]
    NoDatabase,
    /// The metadata names a variable, and it is not set.
    #[error("the variable {variable}, which `{key}` names, is not set")]
    VariableNotSet {
        /// The variable.
        variable: String,
        /// The key that names it.
        key: String,
    },
    /// A protected environment on the project's own server.
    #[error("a protected environment cannot use the local database")]
    LocalProtected {
        /// The environment, where one was named.
        environment: Option<String>,
    },
    /// There is no cargo to ask.
    #[error("`cargo metadata` could not be started: {why}")]
    NoCargo {
        /// What the system said.
        why: String,
    },
    /// Cargo could not read the project.
    #[error("`cargo metadata` failed: {why}")]
    CargoMetadata {
        /// What cargo said.
        why: String,
    },
    /// Several packages have migrations, and none is meant.
    #[error("several packages of this workspace have migrations: {}", packages.join(", "))]
    SeveralPackages {
        /// Their names.
        packages: Vec<String>,
    },
    /// There is no project here.
    #[error("there is no Cargo project in {} or above it", folder.display())]
    NoProject {
        /// Where we looked.
        folder: PathBuf,
    },
    /// The `.env` file cannot be read.
    #[error("{}: {why}", path.display())]
    Dotenv {
        /// The file.
        path: PathBuf,
        /// Why; never the text of a line.
        why: String,
    },
    /// The manifest cannot be read as TOML.
    #[error("{}: {why}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No preflight was passed.
    #[error("no preflight was passed for {}", name_of(environment))]
    PreflightMissing {
        /// The environment, where one was named.
        environment: Option<String>,
    },
    /// The preflight that was passed was that of another database.
    #[error("the preflight for {} was passed on {passed}, and this is {here}", name_of(environment))]
    PreflightOtherDatabase {
        /// The environment, where one was named.
        environment: Option<String>,
        /// The database that it was passed on.
        passed: String,
        /// The database here.
        here: String,
    },
    /// The preflight that was passed was that of other pending migrations.
    #[error(
        "the preflight for {} was passed with other pending migrations: {}",
        name_of(environment),
        differences.join(", ")
    )]
    PreflightOtherPending {
        /// The environment, where one was named.
        environment: Option<String>,
        /// What differs, file by file.
        differences: Vec<String>,
    },
    /// The preflight that was passed is too old.
    #[error("the preflight for {} is {age} old, and good for {limit}", name_of(environment))]
    PreflightStale {
        /// The environment, where one was named.
        environment: Option<String>,
        /// How old it is by the server's clock.
        age: String,
        /// How old it may be.
        limit: String,
    },
    /// The marker of a passed preflight that cannot be read, or is not as it was written.
    #[error("{} does not show that a preflight was passed: {why}", path.display())]
    PreflightUnreadable {
        /// The environment, where one was named.
        environment: Option<String>,
        /// The marker.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Somebody else deploys.
    #[error("another deployment held the deploy lock for {}", time(*waited))]
    Deploying {
        /// How long we waited.
        waited: Duration,
        /// Who holds it, where the server lets us see it.
        holder: Option<Box<Session>>,
    },
    /// A deployment that has not ended, with other files than there are now.
    #[error(
        "deployment {run} of {begun_at} is not finished, and the files are no longer its own: {}",
        differences.join(", ")
    )]
    OtherFiles {
        /// Its name.
        run: String,
        /// When it began, ISO 8601.
        begun_at: String,
        /// What is not as it was, in words.
        differences: Vec<String>,
        /// What it has applied.
        applied: Vec<String>,
    },
    /// `--on-failure rollback` of what has no way back.
    #[error("`--on-failure rollback` is not possible: {} cannot be rolled back", stems.join(", "))]
    NoWayBack {
        /// The migrations.
        stems: Vec<String>,
    },
    /// A backup that cannot stand for the one that would be made.
    #[error("backup {id} will not do: {why}")]
    UnfitBackup {
        /// Its id.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// `verify --record` where `migrations.lock` may not be changed.
    #[error("nothing may be recorded: migrations.lock is locked ({origin})")]
    RecordLocked {
        /// Where that was said.
        origin: String,
    },
    /// A question that nobody is there to answer.
    #[error("there is no terminal to ask on: {question}")]
    NeedsYes {
        /// What would be asked.
        question: String,
    },
    /// The person said no.
    #[error("not confirmed: nothing was changed")]
    Declined,
    /// `--to` names a migration that the folder does not have.
    #[error("there is no migration `{target}`")]
    NoSuchMigration {
        /// As it was given.
        target: String,
        /// The one that has this number, or is most like it.
        near: Option<String>,
    },
    /// A name that leaves no description.
    #[error("`{name}` makes no file name")]
    BadName {
        /// As it was given.
        name: String,
    },
    /// A file of this version is there already.
    #[error("version {version} is taken by {}", path.display())]
    VersionTaken {
        /// The version.
        version: String,
        /// The file.
        path: PathBuf,
    },
    /// No lint rule of this name.
    #[error("there is no rule `{name}`")]
    NoSuchRule {
        /// As it was given.
        name: String,
        /// The one most like it.
        near: Option<String>,
    },
    /// No template of this name.
    #[error("there is no template `{name}`")]
    NoSuchTemplate {
        /// As it was given.
        name: String,
        /// The one most like it.
        near: Option<String>,
    },
    /// A template that cannot be used.
    #[error("template `{name}`: {why}")]
    BadTemplate {
        /// The template.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Placeholders without a value.
    #[error("template `{template}` needs {}", missing.join(", "))]
    MissingParameters {
        /// The template.
        template: String,
        /// The placeholders.
        missing: Vec<String>,
    },
    /// A parameter that the template does not have.
    #[error("template `{template}` has no parameter `{parameter}`")]
    UnknownParameter {
        /// The template.
        template: String,
        /// As it was given.
        parameter: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// A file or folder that could not be read or written.
    #[error("{}: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A program that is missing, or that failed.
    #[error("{program}: {why}")]
    Program {
        /// The program.
        program: String,
        /// Why.
        why: String,
    },
    /// A folder whose past is asked for, and that no git repository keeps.
    #[error("{}: is in no git repository", path.display())]
    NotInGit {
        /// The folder.
        path: PathBuf,
    },
    /// A git revision that is not there.
    #[error("git knows no revision `{rev}`")]
    NoRevision {
        /// As it was given.
        rev: String,
    },
    /// Two git revisions without a common ancestor.
    #[error("git finds no common ancestor of HEAD and `{rev}`")]
    NoMergeBase {
        /// As it was given.
        rev: String,
    },
    /// Something else that git could not do.
    #[error("git {command}: {why}")]
    Git {
        /// What it was asked for.
        command: &'static str,
        /// What it said.
        why: String,
    },
    /// The scratch server lacks an extension that a migration makes.
    #[error(
        "`{stem}` needs the extension {extension}, which PostgreSQL {major} on this machine does not have"
    )]
    NoExtension {
        /// The extension.
        extension: String,
        /// The migration.
        stem: String,
        /// The scratch server's version.
        major: u32,
    },
    /// What was applied is neither in the folder nor in the audit log.
    #[error("the text of `{stem}` that was applied is not known{}", if *modified { ": its file was modified since" } else { ": its file is gone" })]
    NoRecordedText {
        /// The migration.
        stem: String,
        /// There is a file, with another text.
        modified: bool,
    },
    /// No recorded schema.
    #[error("{}: no schema is recorded there", path.display())]
    NoSnapshot {
        /// Where it would be.
        path: PathBuf,
    },
    /// A recorded schema that cannot be read.
    #[error("{}: {why}", path.display())]
    BadSnapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No backup of this name.
    #[error("there is no backup `{name}` in {}", folder.display())]
    NoBackup {
        /// As it was given.
        name: String,
        /// The backup folder.
        folder: PathBuf,
    },
    /// Several backups begin with this.
    #[error("`{name}` may mean {}", found.join(", "))]
    SeveralBackups {
        /// As it was given.
        name: String,
        /// Those.
        found: Vec<String>,
    },
    /// A backup that is not what its manifest says.
    #[error("backup {id} is damaged: {why}")]
    DamagedBackup {
        /// The backup.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// A backup that was not made.
    #[error("no backup was made: {why}")]
    BackupFailed {
        /// Why, with what the program said.
        why: String,
    },
    /// A backup that was not put back.
    #[error("backup {id} could not be loaded into {database}: {why}")]
    LoadFailed {
        /// The backup.
        id: String,
        /// Where to.
        database: String,
        /// Why, with what the program said.
        why: String,
    },
    /// Roles that own what is in a backup, and that the server does not have.
    #[error("the server has no role {}", roles.join(", "))]
    MissingRoles {
        /// The roles.
        roles: Vec<String>,
    },
    /// No report of that name, or several that begin with it.
    #[error("{}", no_report(asked, kind, folder, meant))]
    NoReport {
        /// As it was given; `latest` where none was.
        asked: String,
        /// Of this kind only.
        kind: Option<String>,
        /// Where it would be.
        folder: PathBuf,
        /// Those that begin with it, up to five.
        meant: Vec<String>,
    },
    /// A report that cannot be read.
    #[error("{}: {why}", path.display())]
    BadReport {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A restore or a swap that did not take place.
    #[error(transparent)]
    Restore(#[from] crate::backup::restore::Refusal),
    /// Arguments that make no sense together.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What to write.
        hint: String,
    },
}

fn no_report(asked: &str, kind: &Option<String>, folder: &std::path::Path, meant: &[String]) -> String {
    let kind = kind.as_ref().map_or_else(String::new, |kind| format!("{kind} "));
    match (asked, meant) {
        (asked, [_, ..]) => format!("several reports begin with `{asked}`"),
        ("latest", []) => format!("no {kind}report in {}", folder.display()),
        (asked, []) => format!("no {kind}report `{asked}` in {}", folder.display()),
    }
}

fn name_of(environment: &Option<String>) -> String {
    environment.as_ref().map_or_else(|| "this database".to_owned(), |name| format!("environment `{name}`"))
}

/// The command that checks it.
fn preflight_of(environment: &Option<String>) -> String {
    let environment = environment.as_ref().map(|name| format!(" --env {name}")).unwrap_or_default();
    format!("cargo migrate preflight{environment}")
}

impl Problem {
    /// An I/O failure with its path.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, why: error.to_string() }
    }

    /// What it ends in.
    pub fn exit(&self) -> Exit {
        match self {
            Self::PreflightMissing { .. }
            | Self::PreflightOtherDatabase { .. }
            | Self::PreflightOtherPending { .. }
            | Self::PreflightStale { .. }
            | Self::PreflightUnreadable { .. }
            | Self::RecordLocked { .. }
            | Self::NeedsYes { .. }
            | Self::Declined
            | Self::DamagedBackup { .. }
            | Self::BackupFailed { .. }
            | Self::LoadFailed { .. }
            | Self::MissingRoles { .. }
            | Self::OtherFiles { .. }
            | Self::NoWayBack { .. }
            | Self::UnfitBackup { .. } => Exit::Refused,
            Self::Restore(refusal) => refusal.exit(),
            Self::Deploying { .. } => Exit::Database,
            _ => Exit::Usage,
        }
    }

    /// A short name for programs, kept stable.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } => "unknown_key",
            Self::BadValue { .. } => "bad_value",
            Self::UnknownEnvironment { .. } => "unknown_environment",
            Self::NoDatabase => "no_database",
            Self::VariableNotSet { .. } => "variable_not_set",
            Self::LocalProtected { .. } => "local_protected",
            Self::NoCargo { .. } => "no_cargo",
            Self::CargoMetadata { .. } => "cargo_metadata",
            Self::SeveralPackages { .. } => "several_packages",
            Self::NoProject { .. } => "no_project",
            Self::Dotenv { .. } => "dotenv",
            Self::Manifest { .. } => "manifest",
            Self::PreflightMissing { .. } => "preflight_missing",
            Self::PreflightOtherDatabase { .. } => "preflight_other_database",
            Self::PreflightOtherPending { .. } => "preflight_other_pending",
            Self::PreflightStale { .. } => "preflight_stale",
            Self::PreflightUnreadable { .. } => "preflight_unreadable",
            Self::Deploying { .. } => "deploying",
            Self::OtherFiles { .. } => "other_files",
            Self::NoWayBack { .. } => "no_way_back",
            Self::UnfitBackup { .. } => "unfit_backup",
            Self::RecordLocked { .. } => "record_locked",
            Self::NeedsYes { .. } => "needs_yes",
            Self::Declined => "declined",
            Self::NoSuchMigration { .. } => "no_such_migration",
            Self::BadName { .. } => "bad_name",
            Self::VersionTaken { .. } => "version_taken",
            Self::NoSuchRule { .. } => "no_such_rule",
            Self::NoSuchTemplate { .. } => "no_such_template",
            Self::BadTemplate { .. } => "bad_template",
            Self::MissingParameters { .. } => "missing_parameters",
            Self::UnknownParameter { .. } => "unknown_parameter",
            Self::Io { .. } => "io",
            Self::Program { .. } => "program",
            Self::NotInGit { .. } => "not_in_git",
            Self::NoRevision { .. } => "no_revision",
            Self::NoMergeBase { .. } => "no_merge_base",
            Self::Git { .. } => "git",
            Self::NoExtension { .. } => "no_extension",
            Self::NoRecordedText { .. } => "no_recorded_text",
            Self::NoSnapshot { .. } => "no_snapshot",
            Self::BadSnapshot { .. } => "bad_snapshot",
            Self::NoBackup { .. } => "no_backup",
            Self::SeveralBackups { .. } => "several_backups",
            Self::DamagedBackup { .. } => "damaged_backup",
            Self::BackupFailed { .. } => "backup_failed",
            Self::LoadFailed { .. } => "load_failed",
            Self::MissingRoles { .. } => "missing_roles",
            Self::NoReport { .. } => "no_report",
            Self::BadReport { .. } => "bad_report",
            Self::Restore(refusal) => refusal.kind(),
            Self::Usage { .. } => "usage",
        }
    }

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
            Self::NoDatabase => {
                "set DATABASE_URL, or run `cargo migrate init` to use a local database".to_owned()
            }
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
                "run `cargo init` first, or go into the folder of the project".to_owned()
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of every kind.
    pub(crate) fn all() -> Vec<Problem> {
        let text = || "x".to_owned();
        let path = || PathBuf::from("p");
        let list = || vec![text()];
        vec![
            Problem::UnknownKey { key: text(), near: None },
            Problem::BadValue { key: text(), why: text() },
            Problem::UnknownEnvironment { name: text(), origin: text(), near: None, known: vec![] },
            Problem::NoDatabase,
            Problem::VariableNotSet { variable: text(), key: text() },
            Problem::LocalProtected { environment: None },
            Problem::NoCargo { why: text() },
            Problem::CargoMetadata { why: text() },
            Problem::SeveralPackages { packages: vec![] },
            Problem::NoProject { folder: path() },
            Problem::Dotenv { path: path(), why: text() },
            Problem::Manifest { path: path(), why: text() },
            Problem::Deploying { waited: Duration::from_secs(1), holder: None },
            Problem::OtherFiles { run: text(), begun_at: text(), differences: vec![], applied: vec![] },
            Problem::NoWayBack { stems: vec![text()] },
            Problem::UnfitBackup { id: text(), why: text() },
            Problem::RecordLocked { origin: text() },
            Problem::NeedsYes { question: text() },
            Problem::Declined,
            Problem::NoSuchMigration { target: text(), near: None },
            Problem::BadName { name: text() },
            Problem::VersionTaken { version: text(), path: path() },
            Problem::NoSuchRule { name: text(), near: None },
            Problem::NoSuchTemplate { name: text(), near: None },
            Problem::BadTemplate { name: text(), why: text() },
            Problem::MissingParameters { template: text(), missing: vec![text()] },
            Problem::UnknownParameter { template: text(), parameter: text(), known: vec![] },
            Problem::Io { path: path(), why: text() },
            Problem::Program { program: text(), why: text() },
            Problem::NotInGit { path: path() },
            Problem::NoRevision { rev: text() },
            Problem::NoMergeBase { rev: text() },
            Problem::Git { command: "ls-tree", why: text() },
            Problem::NoExtension { extension: text(), stem: text(), major: 15 },
            Problem::NoRecordedText { stem: text(), modified: true },
            Problem::NoSnapshot { path: path() },
            Problem::BadSnapshot { path: path(), why: text() },
            Problem::NoBackup { name: text(), folder: path() },
            Problem::SeveralBackups { name: text(), found: list() },
            Problem::DamagedBackup { id: text(), why: text() },
            Problem::BackupFailed { why: text() },
            Problem::LoadFailed { id: text(), database: text(), why: text() },
            Problem::MissingRoles { roles: list() },
            Problem::NoReport { asked: text(), kind: None, folder: path(), meant: vec![] },
            Problem::BadReport { path: path(), why: text() },
            Problem::Restore(crate::backup::restore::Refusal::Changed { database: text() }),
            Problem::Usage { what: text(), hint: text() },
        ]
    }

    #[test]
    fn every_problem_has_a_hint_a_kind_and_a_message() {
        let mut kinds = std::collections::BTreeSet::new();
        for problem in all() {
            assert!(!problem.hint().is_empty(), "{problem:?}");
            assert!(!problem.to_string().ends_with('.'), "{problem}");
            assert!(kinds.insert(problem.kind()), "{problem:?}");
        }
    }

    #[test]
    fn a_refusal_is_1_and_everything_else_5() {
        for problem in all() {
            let refused = [
                "record_locked",
                "needs_yes",
                "declined",
                "damaged_backup",
                "backup_failed",
                "load_failed",
                "missing_roles",
                "swap_changed",
                "other_files",
                "no_way_back",
                "unfit_backup",
            ];
            let code = match problem.kind() {
                "deploying" => 6,
                kind if refused.contains(&kind) => 1,
                _ => 5,
            };
            assert_eq!(problem.exit().code(), code, "{problem:?}");
        }
    }
}
