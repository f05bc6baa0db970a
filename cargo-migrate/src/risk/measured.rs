//! The risk of a script from what was measured while it ran.
//!
//! Locks, rewrites, scans and builds are those that the server had; words, safer scripts and what is lost come from the
//! statement's text.

use std::collections::BTreeMap;

use migrate_core::Direction;
use migrate_runtime::rehearsal::{LockMode, Measured, MeasuredStatement, Relation};

use super::book::{Book, Line, Page};
use super::effect::{Effect, Work};
use super::level::{At, Risk};
use super::name::Name;

impl Book {
    /// The risk of a script from what was measured while it ran.
    pub(crate) fn of_measured(&self, stem: &str, direction: Direction, measured: &Measured) -> Risk {
        let Some(page) = self.script(stem, direction) else { return Risk::default() };
        let mut held = BTreeMap::new();
        let mut steps = Vec::new();
        for statement in &measured.statements {
            let line = page.statements.iter().find(|line| line.at.start == statement.span.start);
            let at = At { line: statement.line, start: statement.span.start };
            steps.push((at, self.effects(page, line, statement, &mut held)));
            if !page.transactional {
                held.clear();
            }
        }
        self.judge(page, &steps)
    }

    /// What a statement did to tables that are not new. `held` are the locks of the statements before it.
    fn effects(
        &self,
        page: &Page,
        line: Option<&Line>,
        statement: &MeasuredStatement,
        held: &mut BTreeMap<String, LockMode>,
    ) -> Vec<Effect> {
        let is_new = |relation: &Relation, name: &Name| {
            relation.new || line.is_some_and(|line| self.is_new(page, line, name))
        };
        let texts = line.map(|line| line.form.effects.as_slice()).unwrap_or_default();
        let mut effects: Vec<Effect> = Vec::new();
        for lock in &statement.locks {
            // Of an index: its table has a lock of its own.
            let (Some(name), None) = (Name::parse(&lock.table.name), &lock.table.table) else { continue };
            held.entry(lock.table.name.clone())
                .and_modify(|mode| *mode = lock.mode.max(*mode))
                .or_insert(lock.mode);
            if !is_new(&lock.table, &name) {
                effects.push(described(texts, name, lock.mode));
            }
        }
        for (relations, work) in [
            (&statement.scanned, Work::Scan),
            (&statement.built, Work::Build),
            (&statement.rewritten, Work::Rewrite),
        ] {
            for relation in relations {
                let table = relation.table.as_ref().unwrap_or(&relation.name);
                let Some(name) = Name::parse(table) else { continue };
                // An index is always new; those on new tables were not measured.
                let new = work != Work::Build && is_new(relation, &name)
                    || line.is_some_and(|line| self.is_new(page, line, &name));
                if new || !is_work(work, relation, texts, &name) {
                    continue;
                }
                let mode = held.get(table).copied().unwrap_or(LockMode::AccessShare);
                let known = effects.iter_mut().find(|effect| effect.table.as_ref() == Some(&name));
                match known {
                    Some(effect) => effect.work = effect.work.max(work),
                    None => effects.push(described(texts, name, mode).work(work)),
                }
            }
        }
        spread(&mut effects);
        // A whole table that is updated or deleted was scanned; what it means for others is in the text.
        for text in texts.iter().filter(|text| text.work == Work::Rows || text.loss.is_some()) {
            let table = effects.iter_mut().find(|effect| fits(effect, text));
            match table {
                Some(effect) => {
                    effect.work = effect.work.max(text.work);
                    effect.loss = text.loss;
                }
                // Its lock was taken by a statement before it, or it is no table.
                None if text
                    .table
                    .as_ref()
                    .zip(line)
                    .is_none_or(|(table, line)| !self.is_new(page, line, table)) =>
                {
                    let mut effect = text.clone();
                    effect.table = effect.table.map(|table| qualified(table, held));
                    effects.push(effect);
                }
                None => {}
            }
        }
        effects
    }
}

/// Whether reading a table, or building an index, is work that grows with it. A statement on rows reads an empty scratch
/// table from end to end where it would use an index on a full one; and an index of a rewritten table is written anew
/// with it.
fn is_work(work: Work, relation: &Relation, texts: &[Effect], table: &Name) -> bool {
    let of_rows = |text: &Effect| text.mode <= LockMode::RowExclusive;
    if texts.iter().any(|text| text.quick && text.table.as_ref().is_some_and(|it| it.fits(table))) {
        return false;
    }
    match work {
        Work::Scan => !texts.is_empty() && !texts.iter().all(of_rows),
        Work::Rewrite if relation.table.is_some() => {
            // REINDEX writes an index anew and leaves the table.
            texts
                .iter()
                .any(|text| text.work == Work::Build && text.table.as_ref().is_none_or(|it| it.fits(table)))
        }
        _ => true,
    }
}

/// A table as the server named it where a lock of it is held.
fn qualified(table: Name, held: &BTreeMap<String, LockMode>) -> Name {
    held.keys().filter_map(|name| Name::parse(name)).find(|name| name.fits(&table)).unwrap_or(table)
}

fn fits(effect: &Effect, text: &Effect) -> bool {
    match (&effect.table, &text.table) {
        (Some(one), Some(other)) => one.fits(other),
        _ => false,
    }
}

/// A measured lock, with the words of the statement's text.
fn described(texts: &[Effect], table: Name, mode: LockMode) -> Effect {
    // Of several actions on one table the one with the most work is what the lock is for.
    let of_table = |text: &&Effect| text.table.as_ref().is_some_and(|other| other.fits(&table));
    let text = texts.iter().filter(of_table).max_by_key(|text| (text.work, text.mode));
    match text.or(texts.first()) {
        Some(text) => {
            let is_own = text.table.as_ref().is_some_and(|other| other.fits(&table));
            let mut effect = Effect::new(Some(table), mode, text.form.clone());
            if is_own {
                effect.safer.clone_from(&text.safer);
                effect.work_on.clone_from(&text.work_on);
                effect.quick = text.quick;
            }
            effect
        }
        None => Effect::new(Some(table), mode, "this statement"),
    }
}

/// A lock on a table is held while the same statement works on another one: that of a foreign key on the table that it
/// refers to.
fn spread(effects: &mut [Effect]) {
    let Some(main) =
        effects.iter().filter(|effect| effect.work > Work::None).max_by_key(|effect| effect.work)
    else {
        return;
    };
    let (work, table) = (main.work, main.table.clone());
    let idle =
        |effect: &&mut Effect| effect.work == Work::None && effect.mode.blocks_writes() && !effect.quick;
    for effect in effects.iter_mut().filter(idle) {
        effect.work = work;
        effect.work_on.clone_from(&table);
        effect.safer = None;
    }
}

#[cfg(test)]
mod forms;
#[cfg(test)]
mod tests;
