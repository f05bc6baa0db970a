//! All scripts of a set, read in order: what each of their statements does, and which tables are new to it.

use std::collections::HashMap;

use migrate_core::sql::LineColumn;
use migrate_core::{Direction, Migration, Mode, Script, Set};
use migrate_runtime::rehearsal::LockMode;

use super::created::Created;
use super::effect::{Effect, Work};
use super::form::{self, Fact, Form};
use super::judge;
use super::known::Known;
use super::level::{At, Risk};
use super::name::Name;
use super::sizes::Sizes;

/// All scripts of a set, read in order.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(super) sizes: Sizes,
    pages: HashMap<(String, Direction), Page>,
    created: Created,
}

/// One script.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) statements: Vec<Line>,
    pub(super) transactional: bool,
    /// Whether it is applied together with the pending ones before it: no down is, it comes when the tables have been in
    /// use.
    pending: bool,
    /// What the up made, of a down.
    made: Vec<Effect>,
    /// How many relations the scripts before it made.
    before: usize,
}

/// What a statement does to a relation that was there before its script, and, of a pending one, before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    /// The schema, where one is written.
    pub(crate) schema: Option<String>,
    /// A table, or an index that stands for its table.
    pub(crate) name: String,
    /// The lock on the table.
    pub(crate) mode: LockMode,
    /// Whether it writes something anew that is as large as the table or an index of it.
    pub(crate) grows: bool,
    /// The line of the file where the statement begins, from 1.
    pub(crate) line: usize,
}

/// One statement.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at: At,
    pub(super) form: Form,
    /// How many relations were made before it, in this script too.
    before: usize,
}

impl Book {
    /// Reads a set. What a script makes is new to the rest of it, and what the migrations that are `pending` make is new
    /// to those that come later among them, for they are applied together: nobody can be waiting for it.
    pub(crate) fn read(set: &Set, pending: impl Fn(&Migration) -> bool) -> Self {
        let mut book = Self::default();
        let mut known = Known::default();
        for migration in set.migrations.iter() {
            let is_pending = pending(migration);
            let up = book.page(&migration.up, Direction::Up, &mut known.clone(), is_pending);
            let made = up.statements.iter().flat_map(|line| line.form.effects.clone()).collect();
            let made_tables: Vec<_> =
                up.facts().filter(|fact| matches!(fact, Fact::Created(_))).cloned().collect();
            up.facts().for_each(|fact| known.learn(fact));
            if let Some(down) = &migration.down {
                let mut page = book.page(down, Direction::Down, &mut known.clone(), is_pending);
                page.made = made;
                page.made.extend(made_tables.into_iter().filter_map(|fact| match fact {
                    Fact::Created(name) => Some(Effect::created(name)),
                    _ => None,
                }));
                book.pages.insert((migration.stem.to_string(), Direction::Down), page);
            }
            book.pages.insert((migration.stem.to_string(), Direction::Up), up);
        }
        book
    }

    /// Told how large the tables are.
    pub(crate) fn with_sizes(mut self, sizes: Sizes) -> Self {
        self.sizes = sizes;
        self
    }

    fn page(&mut self, script: &Script, direction: Direction, known: &mut Known, pending: bool) -> Page {
        let before = self.created.count;
        let mut statements = Vec::new();
        for statement in script.statements.iter() {
            let mut form = form::of(script.sql(statement), known);
            if direction == Direction::Down {
                form.effects.iter_mut().for_each(Effect::in_one_script);
            }
            let line = LineColumn::of(&script.text, statement.start).line;
            let made = self.created.count;
            for fact in &form.facts {
                known.learn(fact);
                if let Fact::Created(name) = fact {
                    self.created.add(name, pending && direction == Direction::Up);
                }
            }
            statements.push(Line { at: At { line, start: statement.start }, form, before: made });
        }
        let transactional = script.mode == Mode::Transactional;
        Page {
            statements,
            transactional,
            pending: pending && direction == Direction::Up,
            made: Vec::new(),
            before,
        }
    }

    pub(super) fn script(&self, stem: &str, direction: Direction) -> Option<&Page> {
        self.pages.get(&(stem.to_owned(), direction))
    }

    /// Whether a relation is new to a statement of a script.
    pub(super) fn is_new(&self, page: &Page, line: &Line, name: &Name) -> bool {
        self.created.has(name, |relation| {
            let own = (page.before..line.before).contains(&relation.order);
            own || page.pending && relation.pending && relation.order < page.before
        })
    }

    /// The relations that a script locks and did not find new, as far as its text shows them.
    pub(crate) fn touches(&self, stem: &str, direction: Direction) -> Vec<Touch> {
        let Some(page) = self.script(stem, direction) else { return Vec::new() };
        let mut touches = Vec::new();
        for line in &page.statements {
            for effect in &line.form.effects {
                let Some(table) = effect.table.as_ref().filter(|table| !self.is_new(page, line, table))
                else {
                    continue;
                };
                touches.push(Touch {
                    schema: table.schema().map(str::to_owned),
                    name: table.last().to_owned(),
                    mode: effect.mode,
                    grows: matches!(effect.work, Work::Build | Work::Rows | Work::Rewrite),
                    line: line.at.line,
                });
            }
        }
        touches
    }

    /// The relations, by schema and name, that the foreign keys of a script refer to.
    pub(crate) fn refers(&self, stem: &str, direction: Direction) -> Vec<(Option<String>, String)> {
        let facts = self.script(stem, direction).into_iter().flat_map(Page::facts);
        let refers = facts.filter_map(|fact| match fact {
            Fact::Refers { to, .. } => Some((to.schema().map(str::to_owned), to.last().to_owned())),
            _ => None,
        });
        refers.collect()
    }

    /// The risk of a script as far as its text shows it.
    pub(crate) fn of_text(&self, stem: &str, direction: Direction) -> Risk {
        let Some(page) = self.script(stem, direction) else { return Risk::default() };
        let steps = page.statements.iter().map(|line| {
            let effects = line.form.effects.iter();
            let old = effects
                .filter(|effect| effect.table.as_ref().is_none_or(|table| !self.is_new(page, line, table)));
            // What is read or written anew may be new where the locked table is not: a foreign key of a new table.
            let effects = old.map(|effect| {
                let mut effect = effect.clone();
                if effect.work_on.as_ref().is_some_and(|table| self.is_new(page, line, table)) {
                    effect.work = Work::None;
                }
                effect
            });
            (line.at, effects.collect())
        });
        self.judge(page, &steps.collect::<Vec<_>>())
    }

    /// The risk of statements, each with its place and what it does to tables that are not new.
    pub(super) fn judge(&self, page: &Page, steps: &[(At, Vec<Effect>)]) -> Risk {
        let size = |effect: &Effect| {
            effect.work_on.as_ref().or(effect.table.as_ref()).and_then(|table| self.sizes.get(table))
        };
        let mut reasons = Vec::new();
        // The lock that keeps most people waiting, and since when.
        let mut held: Option<(&Effect, At)> = None;
        for (at, effects) in steps {
            for effect in effects {
                reasons.extend(judge::reasons(effect, *at, size(effect), page.undoes(effect)));
                if let Some((first, since)) = held
                    && effect.work != Work::None
                    && (first.mode > effect.mode || first.table != effect.table)
                {
                    let reason = judge::held(first, since, effect, *at, size(effect));
                    if reason.level > judge::level(effect.work, effect.mode, size(effect)) {
                        reasons.push(reason);
                    }
                }
            }
            if page.transactional {
                let blocking =
                    effects.iter().filter(|effect| effect.mode.blocks_writes() && effect.table.is_some());
                for effect in blocking {
                    if held.is_none_or(|(first, _)| effect.mode > first.mode) {
                        held = Some((effect, *at));
                    }
                }
            }
        }
        Risk::of(reasons)
    }
}

impl Page {
    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.statements.iter().flat_map(|line| &line.form.facts)
    }

    /// Whether a down takes away what its own up made.
    fn undoes(&self, effect: &Effect) -> bool {
        let Some(table) = &effect.table else { return false };
        let same = |made: &&Effect| made.table.as_ref().is_some_and(|other| other.fits(table));
        self.made.iter().filter(same).any(|made| {
            made.form.is_empty()
                || made.form == effect.form.replacen("DROP COLUMN", "ADD COLUMN", 1)
                    && made.form != effect.form
        })
    }
}

#[cfg(test)]
mod tests;
