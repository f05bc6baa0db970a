//! What a rule is: its name, whose it is, how serious, and its documentation.

use migrate_core::{Direction, Migration, Set};
use squawk_syntax::SyntaxNode;

use super::source::{Parsed, Source};
use super::tree::Name;
use super::world::World;
use super::{Level, Options};

/// A rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// As it is written in the metadata and in `-- migrate: allow`.
    pub(crate) name: &'static str,
    pub(crate) owner: Owner,
    /// Where the metadata says nothing.
    pub(crate) level: Level,
    pub(crate) group: Group,
    /// What it finds, in one sentence.
    pub(crate) what: &'static str,
    /// What that does to whom.
    pub(crate) why: &'static str,
    /// What to write instead: sentences, or lines of SQL where it begins with a line end.
    pub(crate) instead: &'static str,
    pub(crate) check: Check,
}

/// Whose a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Ours,
    Squawk,
}

/// What a rule is about, which decides where it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Readers or writers wait. Silent about tables that nobody uses yet; in a down script told, never denied.
    Blocks,
    /// A running application stops working. Only in up scripts; silent about what nobody uses yet, and where a
    /// `-- two-phase:` comment says what came before.
    Breaks,
    /// Data is lost.
    Loses,
    /// It fails, or does not what it seems to.
    Fails,
    /// It works, and another way is better.
    Style,
}

/// How a rule looks for what it finds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// At each statement that could be parsed.
    Statement(fn(&Case<'_>, &Parsed<'_>, &SyntaxNode, &mut Vec<Draft>)),
    /// At each script.
    Script(fn(&Case<'_>, &mut Vec<Draft>)),
    /// At the names of the whole folder: which migration, and what is wrong.
    Folder(fn(&Set) -> Vec<(usize, Draft)>),
    /// In `squawk/`, or where directives and comments are read.
    Elsewhere,
}

/// What a rule found, before levels and directives have their say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) rule: &'static str,
    pub(crate) direction: Direction,
    pub(crate) span: std::ops::Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) safer: Option<String>,
}

impl Draft {
    pub(crate) fn new(
        rule: &'static str,
        case: &Case<'_>,
        span: std::ops::Range<usize>,
        message: String,
    ) -> Self {
        Self { rule, direction: case.source.direction, span, message, help: None, safer: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn safer(mut self, script: impl Into<Option<String>>) -> Self {
        self.safer = script.into();
        self
    }
}

/// What a rule is given: one script, and what is known when it (or the statement that is looked at) runs.
pub(crate) struct Case<'a> {
    pub(crate) set: &'a Set,
    /// Index of the migration in the set.
    pub(crate) index: usize,
    pub(crate) source: &'a Source<'a>,
    /// The other half.
    pub(crate) other: Option<&'a Source<'a>>,
    pub(crate) world: &'a World<'a>,
    pub(crate) options: &'a Options,
}

impl Case<'_> {
    pub(crate) fn migration(&self) -> &Migration {
        &self.set.migrations[self.index]
    }

    /// Whether a table, view or materialised view has no users yet: this migration created it, or one that is applied
    /// together with it.
    pub(crate) fn is_new(&self, relation: &Name) -> bool {
        self.world
            .relation(relation)
            .and_then(|known| known.created)
            .is_some_and(|created| self.is_recent(created))
    }

    /// The same for anything else that has a name.
    pub(crate) fn is_new_object(&self, kind: &str, name: &Name) -> bool {
        self.world.created(kind, name).is_some_and(|created| self.is_recent(created))
    }

    fn is_recent(&self, created: usize) -> bool {
        let version = self.set.migrations.get(created).map(|migration| migration.version);
        created == self.index || version.is_some_and(|version| self.options.scope.is_new(version))
    }
}
