//! The difference between two schemas.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Object;
use super::object::fact;
use crate::Checksum;
use crate::sql::same_but_for_white_space;

/// What has to change in one schema to make it another, by object, in the order of the headings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The objects that differ.
    pub changes: Vec<Change>,
}

/// How one object differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Only the other schema has it.
    Added(Arc<Object>),
    /// Only the first schema has it.
    Removed(Arc<Object>),
    /// Both have it, with other facts. Facts that only moved are in neither list.
    Changed {
        /// Of the object.
        heading: String,
        /// The facts that only the first has.
        removed: Vec<String>,
        /// The facts that only the other has.
        added: Vec<String>,
    },
    /// Both have it with the same facts in another order: columns that a table has elsewhere now.
    Reordered {
        /// Of the object.
        heading: String,
        /// The order in the first.
        before: Vec<String>,
        /// The order in the other.
        after: Vec<String>,
    },
}

impl Change {
    /// The object's heading.
    pub fn heading(&self) -> &str {
        match self {
            Self::Added(object) | Self::Removed(object) => &object.heading,
            Self::Changed { heading, .. } | Self::Reordered { heading, .. } => heading,
        }
    }

    /// Whether a function or procedure is laid out in another way, and nothing else is different about it.
    pub fn is_white_space_only(&self) -> bool {
        let Self::Changed { removed, added, .. } = self else { return false };
        let ([old], [new]) = (removed.as_slice(), added.as_slice()) else { return false };
        is_definition(old) && is_definition(new) && same_but_for_white_space(old, new)
    }

    fn reversed(&self) -> Self {
        match self.clone() {
            Self::Added(object) => Self::Removed(object),
            Self::Removed(object) => Self::Added(object),
            Self::Changed { heading, removed, added } => {
                Self::Changed { heading, removed: added, added: removed }
            }
            Self::Reordered { heading, before, after } => {
                Self::Reordered { heading, before: after, after: before }
            }
        }
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Added(object) => marked(text, '+', &object.text()),
            Self::Removed(object) => marked(text, '-', &object.text()),
            Self::Changed { heading, removed, added } => {
                marked(text, ' ', heading);
                removed.iter().for_each(|line| marked(text, '-', &fact(line)));
                added.iter().for_each(|line| marked(text, '+', &fact(line)));
            }
            Self::Reordered { heading, .. } => marked(text, '~', heading),
        }
    }
}

/// Each line behind a mark, as in a unified diff.
fn marked(text: &mut String, mark: char, lines: &str) {
    for line in lines.split_terminator('\n') {
        text.push(mark);
        text.push(' ');
        text.push_str(line);
        text.push('\n');
    }
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether something differs, but only in the order of columns.
    pub fn is_order_only(&self) -> bool {
        !self.is_empty() && self.changes.iter().all(|change| matches!(change, Change::Reordered { .. }))
    }

    /// Whether something differs, but only in the white space within definitions of functions and procedures, and perhaps
    /// in the order of columns. Within quotes white space counts, and in other languages than SQL and PL/pgSQL.
    pub fn is_white_space_only(&self) -> bool {
        let is_order = |change: &Change| matches!(change, Change::Reordered { .. });
        self.changes.iter().any(Change::is_white_space_only)
            && self.changes.iter().all(|change| is_order(change) || change.is_white_space_only())
    }

    /// The difference the other way.
    pub fn reversed(&self) -> Self {
        Self { changes: self.changes.iter().map(Change::reversed).collect() }
    }

    /// As text: `+` before what comes, `-` before what goes, a blank before the heading of an object that stays, `~`
    /// before that of one whose columns only moved.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.changes.iter().for_each(|change| change.write(&mut text));
        text
    }

    /// What is the same wherever one script ran, whoever ran it and whatever else is in the database: without owners
    /// and grants, the facts of an object in the order of their text, and without columns that only moved. Where a
    /// column comes to stand depends on those that somebody else added.
    pub fn portable(&self) -> Self {
        let kept = |lines: &[String]| -> Vec<String> {
            lines.iter().filter(|line| is_portable(line)).cloned().collect()
        };
        let sorted = |lines: &[String]| {
            let mut lines = kept(lines);
            lines.sort();
            lines
        };
        let object = |object: &Object| {
            Arc::new(Object { heading: object.heading.clone(), lines: kept(&object.lines) })
        };
        let changes = self.changes.iter().filter(|change| !is_privilege(change.heading()));
        let changes = changes.filter_map(|change| match change {
            Change::Added(added) => Some(Change::Added(object(added))),
            Change::Removed(removed) => Some(Change::Removed(object(removed))),
            Change::Changed { heading, removed, added } => {
                let (removed, added) = (sorted(removed), sorted(added));
                let same = removed.is_empty() && added.is_empty();
                (!same).then(|| Change::Changed { heading: heading.clone(), removed, added })
            }
            Change::Reordered { .. } => None,
        });
        Self { changes: changes.collect() }
    }

    /// SHA-256 of the text of what is [`portable`](Self::portable) of it: what `migrations.lock` records of a script, and
    /// what a run that proves holds its change against.
    pub fn digest(&self) -> Checksum {
        Checksum::of(&self.portable().text())
    }
}

/// Whether a fact is the text of a routine.
fn is_definition(fact: &str) -> bool {
    fact.starts_with("definition\n")
}

/// Whether a fact is about the thing itself, and not about who has it and may use it.
pub(super) fn is_portable(fact: &str) -> bool {
    !fact.starts_with("owner ") && !fact.starts_with("grant ")
}

/// Whether an object is one of privileges and of nothing else.
pub(super) fn is_privilege(heading: &str) -> bool {
    heading.starts_with("default privileges ")
}

type Objects = BTreeMap<String, Arc<Object>>;

pub(super) fn diff(first: &Objects, other: &Objects) -> Diff {
    let gone = first.values().filter(|object| !other.contains_key(&object.heading));
    let mut changes: Vec<_> = gone.map(|object| Change::Removed(Arc::clone(object))).collect();
    for object in other.values() {
        match first.get(&object.heading) {
            None => changes.push(Change::Added(Arc::clone(object))),
            // Two snapshots of one reader share what did not change.
            Some(old) if Arc::ptr_eq(old, object) => {}
            Some(old) => changes.extend(compare(old, object)),
        }
    }
    changes.sort_by(|a, b| a.heading().cmp(b.heading()));
    Diff { changes }
}

fn compare(old: &Object, new: &Object) -> Option<Change> {
    if old.lines == new.lines {
        return None;
    }
    let heading = new.heading.clone();
    let (removed, added) = (without(&old.lines, &new.lines), without(&new.lines, &old.lines));
    Some(if removed.is_empty() && added.is_empty() {
        Change::Reordered { heading, before: old.lines.clone(), after: new.lines.clone() }
    } else {
        Change::Changed { heading, removed, added }
    })
}

/// The lines that `others` does not have, or not as often.
fn without(lines: &[String], others: &[String]) -> Vec<String> {
    let mut left: HashMap<&str, usize> = HashMap::new();
    others.iter().for_each(|line| *left.entry(line).or_default() += 1);
    let mut missing = |line: &&String| match left.get_mut(line.as_str()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    lines.iter().filter(|line| missing(line)).cloned().collect()
}
