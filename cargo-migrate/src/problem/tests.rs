//! Every kind of problem: its words, its hint and the exit code.

use super::*;

/// One of every kind.
fn all() -> Vec<Problem> {
    let text = || "x".to_owned();
    let path = || PathBuf::from("p");
    let list = || vec![text()];
    vec![
        Problem::UnknownKey { key: text(), near: None },
        Problem::BadValue { key: text(), why: text() },
        Problem::UnknownEnvironment { name: text(), origin: text(), near: None, known: vec![] },
        Problem::NoDatabase { known: vec![] },
        Problem::VariableNotSet { variable: text(), key: text() },
        Problem::LocalProtected { environment: None },
        Problem::NoCargo { why: text() },
        Problem::CargoMetadata { why: text() },
        Problem::SeveralPackages { packages: vec![] },
        Problem::NoProject { folder: path() },
        Problem::Dotenv { path: path(), why: text() },
        Problem::Manifest { path: path(), why: text() },
        Problem::PreflightMissing { environment: None },
        Problem::PreflightOtherDatabase { environment: None, passed: text(), here: text() },
        Problem::PreflightOtherPending { environment: None, differences: list() },
        Problem::PreflightStale { environment: None, age: text(), limit: text() },
        Problem::PreflightUnreadable { environment: None, path: path(), why: text() },
        Problem::Deploying { waited: Duration::from_secs(1), holder: None },
        Problem::OtherFiles { run: text(), begun_at: text(), differences: vec![], applied: vec![] },
        Problem::NoWayBack { stems: vec![text()] },
        Problem::UnfitBackup { id: text(), why: text() },
        Problem::PooledBackup { server: text() },
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
        Problem::NoOwnBackup { of: text(), folder: path(), others: list() },
        Problem::SeveralBackups { name: text(), found: list() },
        Problem::DamagedBackup { id: text(), why: text() },
        Problem::BackupFailed { why: text() },
        Problem::BackupDiskFull { folder: path(), room: text(), said: Some(text()) },
        Problem::NotRecorded { id: text(), folder: path(), why: text() },
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
            "preflight_missing",
            "preflight_other_database",
            "preflight_other_pending",
            "preflight_stale",
            "preflight_unreadable",
            "record_locked",
            "needs_yes",
            "declined",
            "damaged_backup",
            "backup_failed",
            "backup_disk_full",
            "backup_not_recorded",
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
