//! What `lint` found.

use std::collections::BTreeMap;
use std::path::PathBuf;

use migrate_core::{Direction, Script, Set};
use serde_json::{Value, json};

use super::{finding, risk};
use crate::checked::Risks;
use crate::lint::{Finding, Level};
use crate::render::review::{Note, Review, Reviewed, Way};
use crate::render::words::count;
use crate::render::{Page, View};
use crate::said_once::without_findings;

/// What `lint` found.
pub(crate) struct LintView {
    pub(crate) dir: PathBuf,
    pub(crate) set: Set,
    pub(crate) findings: Vec<Finding>,
    /// How many migrations were looked at.
    pub(crate) looked_at: usize,
    /// How risky they are, as far as their text shows it.
    pub(crate) risks: BTreeMap<String, Risks>,
    /// The folder from the repository's root, with slashes.
    pub(crate) folder_in_repository: String,
    /// Every remark on risk.
    pub(crate) verbose: bool,
}

impl LintView {
    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    fn path(&self, finding: &Finding) -> String {
        self.dir.join(&finding.file).display().to_string()
    }

    fn script(&self, finding: &Finding) -> Option<&Script> {
        self.set.scripts().find(|script| script.file == finding.file)
    }

    /// The risks without what the findings tell.
    fn untold_risks(&self) -> BTreeMap<String, Risks> {
        without_findings(&self.risks, &self.findings, &self.set)
    }
}

impl View for LintView {
    fn human(&self, page: Page) -> String {
        let looked_at = count(self.looked_at, "migration");
        let risks = risk::human(&self.untold_risks(), self.verbose, page);
        if self.findings.is_empty() {
            return format!("{risks}{looked_at}: {}\n", page.paint.good("nothing found"));
        }
        let mut text: String = self
            .findings
            .iter()
            .map(|one| finding::human(one, self.script(one), &self.path(one), page) + "\n")
            .collect();
        text += &risks;
        let (denied, warned) = (self.count(Level::Deny), self.count(Level::Warn));
        let parts = [
            (denied > 0).then(|| page.paint.bad(&format!("{denied} denied"))),
            (warned > 0).then(|| page.paint.warn(&count(warned, "warning"))),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        text += &format!("{looked_at}: {}\n", parts.join(", "));
        text += "`cargo migrate lint --explain RULE` says why, and what to write instead\n";
        text
    }

    fn json(&self) -> Value {
        let findings = self.findings.iter().map(|one| finding::json(one, self.script(one), &self.path(one)));
        json!({
            "migrations": self.looked_at,
            "denied": self.count(Level::Deny),
            "warnings": self.count(Level::Warn),
            "findings": findings.collect::<Value>(),
            "risks": risk::json(&self.risks),
        })
    }

    fn review(&self) -> Option<Review> {
        let note = |finding: &Finding| Note::of_rule(finding, self.script(finding));
        let mut notes: Vec<_> = self.findings.iter().map(note).collect();
        notes.sort_by_key(Note::order);
        let risks = self.untold_risks();
        let migrations = self.set.migrations.iter().filter_map(|migration| {
            let risks = risks.get(migration.stem.as_ref())?;
            let mut ways = vec![Way::unmeasured(Direction::Up, &migration.up.file, risks.up.clone())];
            if let Some(down) = &migration.down {
                ways.push(Way::unmeasured(Direction::Down, &down.file, risks.down.clone()));
            }
            let irreversible = migration.up.directives.irreversible.as_ref().map(ToString::to_string);
            Some(Reviewed { stem: migration.stem.to_string(), irreversible, ways })
        });
        Some(Review {
            verb: "lint",
            folder: self.folder_in_repository.clone(),
            migrations: migrations.collect(),
            notes,
            ..Review::default()
        })
    }
}
