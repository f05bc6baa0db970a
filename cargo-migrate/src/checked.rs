//! Everything that `verify` holds a project to, as data: what the views render.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use migrate_core::folder::Problems;
use migrate_core::lock::LockError;
use migrate_core::schema::Diff;
use migrate_core::{CheckScript, Script, Set};
use migrate_testing::verify::{Finding, Report};

use crate::base::Base;
use crate::lint;
use crate::record::Record;
use crate::risk::Risk;
use crate::said_once::without_findings;

/// What `verify` came to.
pub(crate) struct Checked {
    /// The folder of the migrations.
    pub(crate) dir: PathBuf,
    /// The migrations; `None` where the folder is not in order, and then nothing was run.
    pub(crate) set: Option<Set>,
    /// The checks of no migration.
    pub(crate) standing: Vec<CheckScript>,
    /// What is wrong with the folder.
    pub(crate) folder: Option<Problems>,
    /// What is wrong with `migrations.lock`.
    pub(crate) lock: Option<LockError>,
    /// Whether the lock may not be changed: then what is wrong with it is a finding, otherwise a remark.
    pub(crate) locked: bool,
    /// The folder held against an earlier revision, where one was named.
    pub(crate) base: Option<Base>,
    /// What was found on each server.
    pub(crate) reports: Vec<Report>,
    /// Whether a step that undoes only in a group passes.
    pub(crate) allow_groups: bool,
    /// From the schema in `schema.sql.snap` to the one that the migrations make, where it is another.
    pub(crate) outdated: Option<Diff>,
    /// Whether what was measured is to be recorded: then a record that does not hold is no finding.
    pub(crate) recording: bool,
    /// What became of that.
    pub(crate) record: Option<Record>,
    /// What the rules found.
    pub(crate) lint: Vec<lint::Finding>,
    /// How risky each migration is, by its stem.
    pub(crate) risks: BTreeMap<String, Risks>,
    /// A script that takes longer than this on a scratch database is told.
    pub(crate) warn_above: Duration,
    /// The folder from the repository's root, with slashes.
    pub(crate) folder_in_repository: String,
}

/// How risky a migration is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Risks {
    /// To apply.
    pub(crate) up: Risk,
    /// To roll back.
    pub(crate) down: Risk,
}

impl Checked {
    /// Whether a finding fails the check, as opposed to a remark.
    pub(crate) fn is_error(&self, finding: &Finding) -> bool {
        let allowed = self.allow_groups && matches!(finding, Finding::UndoesInAGroup { .. });
        let renewed = self.recording && matches!(finding, Finding::RecordedChangeDiffers { .. });
        !finding.is_remark() && !allowed && !renewed
    }

    /// Whether anything fails the check.
    pub(crate) fn fails(&self) -> bool {
        let mut of_reports = self.reports.iter().flat_map(Report::findings);
        self.folder.is_some()
            || self.errors_beside() > 0
            || matches!(self.record, Some(Record::ServersDiffer { .. }))
            || of_reports.any(|finding| self.is_error(finding))
    }

    /// How many errors were found without running anything.
    pub(crate) fn errors_beside(&self) -> usize {
        let denied = self.lint.iter().filter(|finding| finding.level == lint::Level::Deny).count();
        let changed = self.base.as_ref().map_or(0, |base| base.changes.len());
        let outdated = self.outdated.is_some() && !self.recording;
        denied + changed + usize::from(outdated) + usize::from(self.locked && self.lock.is_some())
    }

    /// The risks without what the rules' findings tell.
    pub(crate) fn untold_risks(&self) -> BTreeMap<String, Risks> {
        match &self.set {
            Some(set) => without_findings(&self.risks, &self.lint, set),
            None => BTreeMap::new(),
        }
    }

    /// The script of a file.
    pub(crate) fn script(&self, file: &str) -> Option<&Script> {
        self.set.as_ref()?.scripts().find(|script| script.file == file)
    }

    /// The path of a file as a person here would open it.
    pub(crate) fn path(&self, file: &str) -> String {
        self.dir.join(file).display().to_string()
    }
}
