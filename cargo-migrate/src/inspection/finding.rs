//! What a check finds.

use serde_json::Value;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// A fact that a person wants to know.
    Info,
    /// It may do harm, and may not: also what could not be looked at.
    Warning,
    /// It stops the run.
    Failure,
}

impl Severity {
    /// As JSON has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// One thing that a check found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// What is there, in a sentence without a full stop, not escaped: `session 4711 is idle in transaction for 12min`.
    pub(crate) what: String,
    /// Lines below it: a query, a blocked session. Not escaped.
    pub(crate) details: Vec<String>,
    /// What to do, in words or as a command; `None` for a mere fact.
    pub(crate) remedy: Option<String>,
    /// The same for programs: an object.
    pub(crate) data: Value,
}

/// What became of one check.
#[derive(Clone, Debug)]
pub(crate) struct Examined {
    /// The check's name: `long-transactions`.
    pub(crate) check: &'static str,
    /// What it looks for, in a few words: `transactions older than 30 s`.
    pub(crate) title: &'static str,
    /// Why it matters, in a sentence.
    pub(crate) why: &'static str,
    /// What it found; empty where all is well.
    pub(crate) findings: Vec<Finding>,
}

impl Examined {
    /// Whether nothing of it stops a run: a warning is for a person to weigh.
    pub(crate) fn all_passed(examined: &[Self]) -> bool {
        examined.iter().all(|one| one.severity() < Some(Severity::Failure))
    }

    /// How many findings there are of a severity.
    pub(crate) fn number(examined: &[Self], severity: Severity) -> usize {
        let findings = examined.iter().flat_map(|one| &one.findings);
        findings.filter(|finding| finding.severity == severity).count()
    }

    /// The worst of what was found.
    pub(crate) fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}
