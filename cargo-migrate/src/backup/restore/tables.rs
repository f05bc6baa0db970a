//! Which tables of a backup are meant.

use std::collections::BTreeSet;

use glob::Pattern;

use super::super::Manifest;
use super::Refusal;

/// The tables of a manifest that these words name: `public.orders`, `orders` in whatever schema, and where no table has that
/// name, `events_*` for all that are like it. As the manifest writes them, in order.
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
        // A name that a table has is no pattern: `"a*"` may be one.
        let is_named = |table: &&String| {
            *table == word || super::super::name::parts(table).is_some_and(|(_, name)| name == *word)
        };
        let named: Vec<_> = manifest.rows.keys().filter(is_named).cloned().collect();
        let found = match named.is_empty() {
            true => manifest.rows.keys().filter(is_meant).cloned().collect(),
            false => named,
        };
        if found.is_empty() {
            missing.push(word.clone());
        }
        picked.extend(found);
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
