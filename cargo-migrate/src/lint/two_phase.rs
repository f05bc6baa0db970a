//! `-- two-phase: …`: says what came before a drop or a rename, so that nobody uses any more what goes.
//!
//! The comment stands above its statement, behind it on its line, or in the head of the file for all of it. It names the
//! migration of the first phase (`-- two-phase: 0021_stop_writing_phone`), which must be an earlier one of the folder, or
//! says in words why nobody uses it (`-- two-phase: no release since 2.4 reads it`).

use std::ops::Range;

use migrate_core::{Direction, name};

use super::rule::{Case, Draft};
use super::source::Source;

/// The rule about comments that name no earlier migration, or nothing.
pub(crate) const RULE: &str = "two-phase-comment";

struct Comment {
    /// The statement that it is about; `None` for all.
    statement: Option<usize>,
    span: Range<usize>,
    text: String,
}

/// Whether a comment covers the statement that begins here.
pub(crate) fn covers(source: &Source<'_>, start: usize) -> bool {
    let index = source.statements.iter().position(|parsed| parsed.statement.start == start);
    comments(source).iter().any(|comment| comment.statement.is_none() || comment.statement == index)
}

/// Comments that say nothing, or name what is no earlier migration.
pub(crate) fn bad_comments(case: &Case<'_>) -> Vec<Draft> {
    if case.source.direction == Direction::Down || !case.source.script.text.contains("two-phase") {
        return Vec::new();
    }
    let mut drafts = Vec::new();
    for comment in comments(case.source) {
        let word = comment.text.split_whitespace().next().unwrap_or_default();
        let message = if word.is_empty() {
            "this comment does not say what came before".to_owned()
        } else if let Some((version, description)) =
            name::parse_recorded(word.trim_end_matches(['.', ',', ';', ':']))
        {
            let known = case.set.get(version).filter(|known| known.version < case.migration().version);
            // "2 releases ago" is words: a version is written as long as those of the folder, or with its description.
            let is_words = description.is_none() && known.is_none() && word.len() < 4;
            match known {
                Some(known)
                    if description
                        .is_none_or(|_| known.stem == word.trim_end_matches(['.', ',', ';', ':'])) =>
                {
                    continue;
                }
                _ if is_words => continue,
                _ => format!("`{word}` is no earlier migration of this folder"),
            }
        } else {
            continue;
        };
        drafts.push(
            Draft::new(RULE, case, comment.span, message)
                .help("name the migration of the first phase, or say why nobody uses this any more"),
        );
    }
    drafts
}

fn comments(source: &Source<'_>) -> Vec<Comment> {
    const MARK: &str = "two-phase:";
    let text = &source.script.text;
    if !text.contains(MARK) {
        return Vec::new();
    }
    let mut comments = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let line_start = start;
        start += line.len();
        let Some(at) =
            line.find("--").filter(|at| line[*at..].trim_start_matches('-').trim_start().starts_with(MARK))
        else {
            continue;
        };
        let begin = line_start + at;
        let end = line_start + line.trim_end().len();
        let statements = &source.statements;
        let before = statements.iter().rposition(|parsed| parsed.statement.end <= begin);
        let inside = statements.iter().position(|p| p.statement.start <= begin && begin < p.statement.end);
        let same_line = before.filter(|&index| statements[index].statement.end > line_start);
        let statement = match (inside, same_line, before) {
            (Some(index), _, _) | (None, Some(index), _) => Some(index),
            (None, None, Some(index)) => Some(index + 1),
            (None, None, None) => None,
        };
        let said = line[at..].trim_start_matches('-').trim_start();
        comments.push(Comment { statement, span: begin..end, text: said[MARK.len()..].trim().to_owned() });
    }
    comments
}
