//! What only the audit log knows about a refusal: whether a modified file differs in more than its comments.

use migrate_core::{Refusal, Set};

use crate::run::Runner;

/// Completes a refusal. Where the log cannot be read the refusal stands as it is.
pub(crate) async fn complete(runner: &Runner<'_>, set: &Set, refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Modified { stem, recorded, found, cosmetic: None } => {
            let texts = runner.recorded(&[&stem]).await.unwrap_or_default();
            let was = texts.get(&stem).and_then(|text| text.up.as_deref());
            let now = set.find_recorded(&stem).map(|migration| migration.up.text.as_ref());
            let cosmetic = was.zip(now).map(|(was, now)| same(was, now));
            Refusal::Modified { stem, recorded, found, cosmetic }
        }
        refusal => refusal,
    }
}

/// Whether a file and a recorded text, whose secrets are masked, differ in comments and white space only.
pub(crate) fn same(recorded: &str, file: &str) -> bool {
    migrate_core::sql::same_tokens(recorded, &migrate_core::sql::mask_secrets(file))
}
