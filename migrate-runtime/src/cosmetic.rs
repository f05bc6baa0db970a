//! What only the audit log knows about a refusal: whether a modified file differs in more than its comments.

use migrate_core::{Refusal, Set};

use crate::run::Runner;

/// Completes a refusal. Where the log cannot be read the refusal stands as it is.
pub(crate) async fn complete(runner: &Runner<'_>, set: &Set, mut refusal: Refusal) -> Refusal {
    if let Refusal::Modified { migrations } = &mut refusal {
        let stems: Vec<String> = migrations.iter().map(|modified| modified.stem.clone()).collect();
        let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
        let texts = runner.recorded(&stems).await.unwrap_or_default();
        for modified in migrations {
            let was = texts.get(&modified.stem).and_then(|text| text.up.as_deref());
            let now = set.find_recorded(&modified.stem).map(|migration| migration.up.text.as_ref());
            modified.cosmetic = was.zip(now).map(|(was, now)| same(was, now));
        }
    }
    refusal
}

/// Whether a file and a recorded text, whose secrets are masked, differ in comments and white space only.
pub(crate) fn same(recorded: &str, file: &str) -> bool {
    migrate_core::sql::same_tokens(recorded, &migrate_core::sql::mask_secrets(file))
}
