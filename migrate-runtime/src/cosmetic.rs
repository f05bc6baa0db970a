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
            modified.cosmetic = was.zip(now).and_then(|(was, now)| differs_only_in_looks(was, now));
        }
    }
    refusal
}

/// Whether a modified file differs from the recorded text in comments and white space only; `None` where it has a secret:
/// the recorded text has it masked, so that nobody can tell.
pub(crate) fn differs_only_in_looks(recorded: &str, file: &str) -> Option<bool> {
    let same = same(recorded, file);
    let has_secret = matches!(migrate_core::sql::mask_secrets(file), std::borrow::Cow::Owned(_));
    Some(same).filter(|same| !(*same && has_secret))
}

/// Whether a file and a recorded text, whose secrets are masked, differ in comments and white space only.
pub(crate) fn same(recorded: &str, file: &str) -> bool {
    migrate_core::sql::same_tokens(recorded, &migrate_core::sql::mask_secrets(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_password_is_not_called_a_comment() {
        assert_eq!(differs_only_in_looks("SELECT 1", "SELECT  1 -- one"), Some(true));
        assert_eq!(differs_only_in_looks("SELECT 1", "SELECT 2"), Some(false));
        let recorded = migrate_core::sql::mask_secrets("ALTER ROLE r PASSWORD 'old'").into_owned();
        assert_eq!(differs_only_in_looks(&recorded, "ALTER ROLE r PASSWORD 'new'"), None);
        assert_eq!(differs_only_in_looks(&recorded, "ALTER ROLE s PASSWORD 'new'"), Some(false));
    }
}
