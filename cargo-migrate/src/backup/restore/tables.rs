//! Which tables of a backup are meant.

use std::collections::BTreeSet;

use glob::Pattern;

use super::super::Manifest;
use super::Refusal;

/// The tables of a manifest that these words name: `public.orders`, `orders` in whatever schema, `events_*` for all that are
/// like it. As the manifest writes them, in order.
pub(super) fn pick(manifest: &Manifest, words: &[String]) -> Result<Vec<String>, Refusal> {
    let mut picked = BTreeSet::new();
    let mut missing = Vec::new();
    for word in words {
        let pattern =
            Pattern::new(word).unwrap_or_else(|_| Pattern::new(&Pattern::escape(word)).unwrap_or_default());
        let is_meant = |table: &&String| {
            let bare = table.rsplit_once('.').map(|(_, name)| name);
            *table == word
                || bare == Some(word)
                || pattern.matches(table)
                || bare.is_some_and(|bare| pattern.matches(bare))
        };
        let before = picked.len();
        picked.extend(manifest.rows.keys().filter(is_meant).cloned());
        if picked.len() == before && !picked.iter().any(|table| is_meant(&table)) {
            missing.push(word.clone());
        }
    }
    if missing.is_empty() {
        return Ok(picked.into_iter().collect());
    }
    let like = |table: &&String| {
        let bare = table.rsplit_once('.').map_or(table.as_str(), |(_, name)| name);
        missing
            .iter()
            .map(|word| {
                let word = word.rsplit_once('.').map_or(word.as_str(), |(_, name)| name);
                strsim::damerau_levenshtein(word, bare)
            })
            .min()
            .unwrap_or(usize::MAX)
    };
    let near = manifest.rows.keys().min_by_key(like).filter(|table| like(table) <= 3).cloned();
    Err(Refusal::NoSuchTables { backup: manifest.id.clone(), missing, near })
}
