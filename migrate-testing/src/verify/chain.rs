//! Downs one after the other, newest first: what undoes only as a part of a group, and what only the chain shows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use migrate_runtime::core::Direction;
use migrate_runtime::core::schema::{Change, Diff};

use super::error::Result;
use super::report::{Finding, Report};
use super::stage::{Stage, Workshop};
use super::work::History;

/// Runs the downs of each row of migrations that can be rolled back. Whether the newest row can be, down to its end:
/// the first migration of it that stays applied, where one does.
pub(super) fn chains(
    workshop: &Workshop<'_>,
    history: &History<'_>,
    count: usize,
    report: &mut Report,
) -> Result<Range<usize>> {
    let rows = rows(workshop, report, count);
    let mut walker = Walker { workshop, stage: None, at: 0 };
    let mut newest = count..count;
    for row in rows {
        let is_newest = row.end == count;
        // The runner goes through the newest row by itself, where no step of it needs an explanation.
        let worth_it = row.len() > 1 && (!is_newest || !is_sound(workshop, report, &row));
        let mut row = row;
        if worth_it {
            let start = chain(&mut walker, history, row.clone(), report)?;
            row.start = start;
        }
        if is_newest {
            newest = row;
        }
    }
    Ok(newest)
}

/// Rows of neighbours that are looked at, and that have a down which does not fail.
fn rows(workshop: &Workshop<'_>, report: &Report, count: usize) -> Vec<Range<usize>> {
    let verify = workshop.verify;
    let mut rows: Vec<Range<usize>> = Vec::new();
    for index in 0..count {
        let migration = &verify.migrations()[index];
        let fails = || {
            report.of(&migration.stem).is_none_or(|report| {
                report
                    .findings
                    .iter()
                    .any(|finding| matches!(finding, Finding::DownFails(_) | Finding::NotDeterministic(_)))
            })
        };
        if !verify.looks_at(index) || migration.down.is_none() || fails() {
            continue;
        }
        match rows.last_mut() {
            Some(row) if row.end == index => row.end = index + 1,
            _ => rows.push(index..index + 1),
        }
    }
    rows
}

fn is_sound(workshop: &Workshop<'_>, report: &Report, row: &Range<usize>) -> bool {
    let stems = workshop.verify.migrations()[row.clone()].iter().map(|migration| &*migration.stem);
    stems.filter_map(|stem| report.of(stem)).all(|report| report.findings.is_empty())
}

/// A database that goes up from row to row.
struct Walker<'a> {
    workshop: &'a Workshop<'a>,
    stage: Option<Stage>,
    at: usize,
}

impl Walker<'_> {
    /// A database after the first `count` migrations; `None` where their ups failed this time.
    fn at(&mut self, count: usize) -> Result<Option<Stage>> {
        if count < self.at {
            return self.workshop.at(count);
        }
        let stage = match &mut self.stage {
            Some(stage) => stage,
            None => self.stage.insert(Stage::of(self.workshop.empty()?)),
        };
        let from = std::mem::replace(&mut self.at, count);
        match self.workshop.advance(stage, from, count)? {
            Ok(()) => self.workshop.copy(stage, count),
            Err(_) => Ok(None),
        }
    }
}

/// Runs the downs of a row, and says down to where the newest of them went.
fn chain(
    walker: &mut Walker<'_>,
    history: &History<'_>,
    row: Range<usize>,
    report: &mut Report,
) -> Result<usize> {
    let verify = walker.workshop.verify;
    let mut end = row.end;
    let mut newest = None;
    while end > row.start {
        let Some(mut stage) = walker.at(end)? else { break };
        let mut residue = Residue::default();
        let mut stopped = None;
        for index in (row.start..end).rev() {
            verify.may_go_on()?;
            let migration = &verify.migrations()[index];
            let Some(down) = &migration.down else { break };
            if let Err(failure) = stage.run(verify, down, migration, Direction::Down)? {
                report.chain.push(Finding::ChainFails(failure));
                stopped = Some(index);
                break;
            }
            let Some(before) = history.before(index) else { break };
            let left = before.diff(&stage.schema(verify)?);
            residue.step(index, own_difference(report, &migration.stem), left);
        }
        residue.tell(walker.workshop, report);
        newest.get_or_insert(stopped.map_or(row.start, |index| index + 1));
        // What failed stays applied; what is older is tried without what the newer ones left behind.
        end = stopped.unwrap_or(row.start);
    }
    Ok(newest.unwrap_or(row.end))
}

/// What the down of a migration alone left behind.
fn own_difference<'a>(report: &'a Report, stem: &str) -> Option<&'a Diff> {
    report.of(stem)?.findings.iter().find_map(|finding| match finding {
        Finding::DiffersAfterDown(diff) => Some(diff),
        _ => None,
    })
}

/// What a chain left behind on its way, object by object, and whose it is.
#[derive(Default)]
struct Residue {
    /// Of migrations not undone yet: the headings of what is left of each.
    open: BTreeMap<usize, BTreeSet<String>>,
    /// Those that differ alone already.
    told: BTreeSet<usize>,
    /// The oldest migration of the group in which each was undone.
    groups: BTreeMap<usize, usize>,
    left: Diff,
}

impl Residue {
    /// After the down of `index`, which alone leaves `own`, the schema differs by `left` from what it was before its up.
    fn step(&mut self, index: usize, own: Option<&Diff>, left: Diff) {
        let headings = headings(&left);
        let known: BTreeSet<_> = self.open.values().flatten().cloned().collect();
        let mut new: BTreeSet<_> = headings.difference(&known).cloned().collect();
        if let Some(own) = own {
            self.told.insert(index);
            new.extend(self::headings(own));
        }
        if !new.is_empty() {
            // What appears while others are open comes from them, where this one alone is sound.
            let whose = if own.is_some() { index } else { self.open.keys().next().copied().unwrap_or(index) };
            self.open.entry(whose).or_default().extend(new);
        }
        let undone: Vec<_> =
            self.open.iter().filter(|(_, of)| of.is_disjoint(&headings)).map(|(index, _)| *index).collect();
        for one in undone {
            self.open.remove(&one);
            self.groups.insert(one, index);
        }
        self.left = left;
    }

    fn tell(self, workshop: &Workshop<'_>, report: &mut Report) {
        let migrations = workshop.verify.migrations();
        for (index, oldest) in self.groups {
            let group = migrations[oldest..=index].iter().map(|migration| migration.stem.to_string());
            let group: Vec<_> = group.collect();
            let Some(of) = report.of_mut(&migrations[index].stem) else { continue };
            for finding in &mut of.findings {
                if let Finding::DiffersAfterDown(diff) = finding {
                    *finding = Finding::UndoesInAGroup { group: group.clone(), diff: std::mem::take(diff) };
                }
            }
        }
        let unexplained = self.open.keys().any(|index| !self.told.contains(index));
        if unexplained && self.told.iter().all(|index| !self.open.contains_key(index)) {
            report.chain.push(Finding::ChainDiffers(self.left));
        }
    }
}

/// What differs in more than the order of its columns, or its layout.
fn headings(diff: &Diff) -> BTreeSet<String> {
    let is_remark =
        |change: &Change| matches!(change, Change::Reordered { .. }) || change.is_white_space_only();
    let changes = diff.changes.iter().filter(|change| !is_remark(change));
    changes.map(|change| change.heading().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use migrate_runtime::core::schema::Object;

    use super::*;

    fn diff(headings: &[&str]) -> Diff {
        let object = |heading: &&str| {
            Change::Added(Arc::new(Object { heading: (*heading).to_owned(), lines: vec![] }))
        };
        Diff { changes: headings.iter().map(object).collect() }
    }

    #[test]
    fn each_is_undone_where_the_last_of_its_own_is_gone() {
        let mut residue = Residue::default();
        residue.step(5, Some(&diff(&["table a"])), diff(&["table a"]));
        residue.step(4, Some(&diff(&["table b"])), diff(&["table a", "table b"]));
        residue.step(3, None, diff(&["table a"]));
        residue.step(2, None, diff(&[]));
        assert_eq!(residue.groups, BTreeMap::from([(4, 3), (5, 2)]));
        assert!(residue.open.is_empty());
    }

    #[test]
    fn what_stays_to_the_end_is_in_no_group() {
        let mut residue = Residue::default();
        residue.step(2, Some(&diff(&["function f"])), diff(&["function f"]));
        residue.step(1, None, diff(&["function f", "table t"]));
        assert!(residue.groups.is_empty());
        assert_eq!(residue.open.keys().copied().collect::<Vec<_>>(), [2]);
    }
}
