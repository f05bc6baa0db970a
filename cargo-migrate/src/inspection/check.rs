//! What a check is: a name, why it matters, and a look.

use migrate_core::sql::mask_text;
use migrate_runtime::Error as EngineError;

use super::{Examined, Finding, Severity, Situation};

/// A look at one thing. One check, one file, with its tests in it.
pub(crate) trait Check: Sync {
    /// As JSON and documents name it: `long-transactions`.
    fn name(&self) -> &'static str;

    /// What it looks for, in a few words.
    fn title(&self) -> &'static str;

    /// Why it matters, in a sentence.
    fn why(&self) -> &'static str;

    /// Looks. Writes nothing.
    ///
    /// # Errors
    ///
    /// What the server refuses. A missing privilege becomes a finding in [`examine`](Self::examine), a lost connection
    /// ends the inspection.
    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>>;

    /// Looks, and says so where it could not.
    fn examine(&self, situation: &Situation<'_>) -> anyhow::Result<Examined> {
        let findings = match self.look(situation) {
            Ok(findings) => findings,
            Err(error) => match error.downcast_ref::<EngineError>() {
                Some(EngineError::Server { source, .. }) => {
                    let said = source
                        .as_db_error()
                        .map_or_else(|| source.to_string(), |error| error.message().to_owned());
                    vec![Finding {
                        severity: Severity::Warning,
                        what: format!("could not be looked at: {said}"),
                        details: Vec::new(),
                        remedy: None,
                        data: serde_json::json!({ "unknown": said }),
                    }]
                }
                _ => return Err(error),
            },
        };
        let findings = findings.into_iter().map(masked).collect();
        Ok(Examined { check: self.name(), title: self.title(), why: self.why(), findings })
    }
}

/// What a check found quotes queries, rows and messages of the server: none of it may have a password in it. What is cut short
/// has to be masked before it is cut.
fn masked(mut finding: Finding) -> Finding {
    for text in
        [&mut finding.what].into_iter().chain(finding.details.iter_mut()).chain(finding.remedy.iter_mut())
    {
        if let std::borrow::Cow::Owned(masked) = mask_text(text) {
            *text = masked;
        }
    }
    crate::records::mask(&mut finding.data);
    finding
}
