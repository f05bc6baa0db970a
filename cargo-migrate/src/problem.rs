//! What goes wrong before, after and around the engine.

mod hint;

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
    NoDatabase {
        /// The environments that there are.
        known: Vec<String>,
    },
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
    /// A backup through a pooler that gives sessions to several clients.
    #[error(
        "{server} is a transaction pooler: what pg_dump sets in its session, applications would have after it"
    )]
    PooledBackup {
        /// For people, without the password.
        server: String,
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
    /// There are backups, and none is of the database that is meant.
    #[error("there is no backup of {of} in {}, only of {}", folder.display(), others.join(", "))]
    NoOwnBackup {
        /// What was meant.
        of: String,
        /// The backup folder.
        folder: PathBuf,
        /// Of what there are backups.
        others: Vec<String>,
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
    /// A backup that does not fit on its disk.
    #[error(
        "no backup was made: no room on the disk of {}: {room}{}", folder.display(),
        said.as_ref().map_or_else(String::new, |said| format!(" ({said})"))
    )]
    BackupDiskFull {
        /// The backup folder.
        folder: PathBuf,
        /// What is free and what is needed, in words.
        room: String,
        /// What was said, where it was tried.
        said: Option<String>,
    },
    /// A backup that is good, which its full disk did not let us write down.
    #[error("backup {id} is good, and that could not be written into {}: {why}", folder.display())]
    NotRecorded {
        /// Its id.
        id: String,
        /// Its folder.
        folder: PathBuf,
        /// What the system said.
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
            | Self::NotRecorded { .. }
            | Self::BackupDiskFull { .. }
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
            Self::NoDatabase { .. } => "no_database",
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
            Self::PooledBackup { .. } => "pooled_backup",
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
            Self::NoOwnBackup { .. } => "no_own_backup",
            Self::SeveralBackups { .. } => "several_backups",
            Self::DamagedBackup { .. } => "damaged_backup",
            Self::BackupFailed { .. } => "backup_failed",
            Self::NotRecorded { .. } => "backup_not_recorded",
            Self::BackupDiskFull { .. } => "backup_disk_full",
            Self::LoadFailed { .. } => "load_failed",
            Self::MissingRoles { .. } => "missing_roles",
            Self::NoReport { .. } => "no_report",
            Self::BadReport { .. } => "bad_report",
            Self::Restore(refusal) => refusal.kind(),
            Self::Usage { .. } => "usage",
        }
    }
}

#[cfg(test)]
mod tests;
