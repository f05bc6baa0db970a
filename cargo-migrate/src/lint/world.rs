//! What the folder says exists: tables, their columns and checks, and everything else that was created by name.

use std::collections::HashMap;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::effect::{Effect, Object, Tolerant, effects};
use super::tree::{Name, all, child, find, has, name, plain, word};

/// What exists before a statement, as far as the statements before it say so by name.
#[derive(Default)]
pub(crate) struct World<'p> {
    /// What was there before, and may have been changed since.
    before: Option<&'p World<'p>>,
    relations: HashMap<String, Vec<Relation>>,
    others: HashMap<(String, String), usize>,
}

/// A table, view or materialised view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relation {
    schema: Option<String>,
    /// Index of the migration that created it; `None` where it was there before the folder.
    pub(crate) created: Option<usize>,
    pub(crate) partitioned: bool,
    dropped: bool,
    /// The columns whose types are known, as they were written.
    columns: HashMap<String, String>,
    /// `CHECK (column IS NOT NULL)` constraints: the column, and whether all rows were checked.
    checks: HashMap<String, (String, bool)>,
}

impl<'p> World<'p> {
    /// What exists is what exists there, until it is changed here.
    pub(crate) fn after(before: &'p World<'p>) -> Self {
        Self { before: Some(before), ..Self::default() }
    }

    /// The relation of this name.
    pub(crate) fn relation(&self, wanted: &Name) -> Option<&Relation> {
        let own = self.relations.get(&wanted.name).and_then(|known| {
            known.iter().rev().find(|relation| {
                relation.schema.is_none() || wanted.schema.is_none() || relation.schema == wanted.schema
            })
        });
        match own {
            Some(relation) if relation.dropped => None,
            Some(relation) => Some(relation),
            None => self.before?.relation(wanted),
        }
    }

    /// Which migration created an object that is no relation; for an index also under its bare name.
    pub(crate) fn created(&self, kind: &str, name: &Name) -> Option<usize> {
        let key = (kind.to_owned(), name.name.clone());
        self.others.get(&key).copied().or_else(|| self.before?.created(kind, name))
    }

    /// The type of a column, as it was last written.
    pub(crate) fn column_type(&self, table: &Name, column: &str) -> Option<&str> {
        self.relation(table)?.columns.get(column).map(String::as_str)
    }

    /// Whether a check that all rows passed says that the column is not null.
    pub(crate) fn is_proven_not_null(&self, table: &Name, column: &str) -> bool {
        self.relation(table).is_some_and(|relation| {
            relation.checks.values().any(|(checked, validated)| checked == column && *validated)
        })
    }

    fn relation_mut(&mut self, wanted: &Name) -> Option<&mut Relation> {
        if !self.relations.get(&wanted.name).is_some_and(|known| known.iter().any(|r| fits(r, wanted))) {
            let copy = self.before?.relation(wanted)?.clone();
            self.relations.entry(wanted.name.clone()).or_default().push(copy);
        }
        self.relations.get_mut(&wanted.name)?.iter_mut().rev().find(|relation| fits(relation, wanted))
    }

    /// What a statement of the migration with this index changes.
    pub(crate) fn apply(&mut self, node: &SyntaxNode, migration: usize) {
        for effect in effects(node) {
            match effect {
                Effect::Create { object, tolerant } => self.create(node, &object, tolerant, migration),
                Effect::Drop { object, .. } => self.drop(&object),
                Effect::Rename { object, to } => self.rename(&object, &to, migration),
                _ => {}
            }
        }
        if matches!(node.kind(), SyntaxKind::ALTER_TABLE) {
            self.alter_table(node);
        }
    }

    fn create(&mut self, node: &SyntaxNode, object: &Object, tolerant: Tolerant, migration: usize) {
        let Some(created) = &object.name else { return };
        if !is_relation(&object.kind) {
            let known = self.created(&object.kind, created).filter(|_| tolerant != Tolerant::No);
            let key = (object.kind.clone(), created.name.clone());
            self.others.insert(key, known.unwrap_or(migration));
            return;
        }
        if matches!(tolerant, Tolerant::IfNotExists | Tolerant::OrReplace) && self.relation(created).is_some()
        {
            return;
        }
        let mut relation =
            Relation { schema: created.schema.clone(), created: Some(migration), ..Relation::default() };
        relation.partitioned = has(node, SyntaxKind::PARTITION_BY);
        for column in all(node, SyntaxKind::COLUMN) {
            if let Some((column, written)) = column_of(&column) {
                relation.columns.insert(column, written);
            }
        }
        for check in all(node, SyntaxKind::CHECK_CONSTRAINT) {
            relation.check(&check, true);
        }
        self.relations.entry(created.name.clone()).or_default().push(relation);
    }

    fn drop(&mut self, object: &Object) {
        let Some(dropped) = &object.name else { return };
        match (&*object.kind, &object.on) {
            ("COLUMN", Some(table)) => {
                if let Some(relation) = self.relation_mut(table) {
                    relation.columns.remove(&dropped.name);
                    relation.checks.retain(|_, (column, _)| *column != dropped.name);
                }
            }
            ("CONSTRAINT", Some(table)) => {
                if let Some(relation) = self.relation_mut(table) {
                    relation.checks.remove(&dropped.name);
                }
            }
            (kind, _) if is_relation(kind) => {
                if let Some(relation) = self.relation_mut(dropped) {
                    relation.dropped = true;
                }
            }
            (kind, _) => {
                self.others.remove(&(kind.to_owned(), dropped.name.clone()));
            }
        }
    }

    fn rename(&mut self, object: &Object, to: &Name, migration: usize) {
        let Some(from) = &object.name else { return };
        match (&*object.kind, &object.on) {
            ("COLUMN", Some(table)) => {
                if let Some(relation) = self.relation_mut(table) {
                    if let Some(written) = relation.columns.remove(&from.name) {
                        relation.columns.insert(to.name.clone(), written);
                    }
                    for (column, _) in relation.checks.values_mut().filter(|(column, _)| *column == from.name)
                    {
                        column.clone_from(&to.name);
                    }
                }
            }
            ("CONSTRAINT", Some(table)) => {
                if let Some(relation) = self.relation_mut(table)
                    && let Some(check) = relation.checks.remove(&from.name)
                {
                    relation.checks.insert(to.name.clone(), check);
                }
            }
            (kind, _) if is_relation(kind) => {
                let Some(relation) = self.relation_mut(from) else { return };
                let renamed = relation.clone();
                relation.dropped = true;
                self.relations.entry(to.name.clone()).or_default().push(renamed);
            }
            (kind, _) => {
                let created = self.created(kind, from).unwrap_or(migration);
                self.others.insert((kind.to_owned(), to.name.clone()), created);
            }
        }
    }

    fn alter_table(&mut self, node: &SyntaxNode) {
        use SyntaxKind as K;
        let Some(table) = child(node, K::TABLE_RELATION_NAME).map(|table| name(&table)) else { return };
        if self.relation(&table).is_none() {
            let relation = Relation { schema: table.schema.clone(), ..Relation::default() };
            self.relations.entry(table.name.clone()).or_default().push(relation);
        }
        let Some(relation) = self.relation_mut(&table) else { return };
        for action in node.children() {
            match action.kind() {
                K::ADD_COLUMN => {
                    if let Some((column, written)) = column_of(&action) {
                        relation.columns.insert(column, written);
                    }
                }
                K::ALTER_COLUMN => {
                    let column = child(&action, K::COLUMN_NAME_REF).map(|column| word(&column));
                    let written = child(&action, K::SET_TYPE).and_then(|set| type_of(&set));
                    if let (Some(column), Some(written)) = (column, written) {
                        relation.columns.insert(column, written);
                    }
                }
                K::ADD_CONSTRAINT => {
                    let validated = find(&action, K::NOT_VALID).is_none();
                    if let Some(check) = child(&action, K::CHECK_CONSTRAINT) {
                        relation.check(&check, validated);
                    }
                }
                K::VALIDATE_CONSTRAINT => {
                    let constraint =
                        child(&action, K::CONSTRAINT_NAME_REF).map(|constraint| name(&constraint).name);
                    if let Some((_, validated)) = constraint.and_then(|name| relation.checks.get_mut(&name)) {
                        *validated = true;
                    }
                }
                _ => {}
            }
        }
    }
}

fn fits(relation: &Relation, wanted: &Name) -> bool {
    relation.schema.is_none() || wanted.schema.is_none() || relation.schema == wanted.schema
}

impl Relation {
    /// Takes in a constraint, where it is `CHECK (column IS NOT NULL)`.
    fn check(&mut self, check: &SyntaxNode, validated: bool) {
        let Some(expression) = check
            .children()
            .last()
            .filter(|inner| inner.kind() != SyntaxKind::NOT_VALID)
            .or_else(|| check.children().find(|inner| inner.kind() == SyntaxKind::BIN_EXPR))
        else {
            return;
        };
        let text = plain(&expression);
        let Some(column) = text.strip_suffix(" is not null").map(str::trim) else { return };
        if !column.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return;
        }
        let constraint = find(check, SyntaxKind::CONSTRAINT_NAME).map(|name| word(&name));
        let constraint = constraint.unwrap_or_else(|| format!("({text})"));
        self.checks.insert(constraint, (column.to_owned(), validated));
    }
}

pub(crate) fn is_relation(kind: &str) -> bool {
    matches!(kind, "TABLE" | "VIEW" | "MATERIALIZED VIEW")
}

/// Name and type of a column that is defined here.
fn column_of(node: &SyntaxNode) -> Option<(String, String)> {
    Some((word(&child(node, SyntaxKind::COLUMN_NAME)?), type_of(node)?))
}

/// The type that stands directly in a node, in lower case with single spaces.
pub(crate) fn type_of(node: &SyntaxNode) -> Option<String> {
    let written = node.children().find(|inner| format!("{:?}", inner.kind()).ends_with("_TYPE"))?;
    Some(plain(&written))
}

#[cfg(test)]
mod tests {
    use squawk_syntax::SourceFile;

    use super::*;

    fn play(world: &mut World, migration: usize, sql: &str) {
        let parse = SourceFile::parse(sql);
        assert!(parse.errors().is_empty(), "{sql}: {:?}", parse.errors());
        for node in parse.syntax_node().children() {
            world.apply(&node, migration);
        }
    }

    fn named(text: &str) -> Name {
        match text.split_once('.') {
            Some((schema, name)) => Name { schema: Some(schema.to_owned()), name: name.to_owned() },
            None => Name { schema: None, name: text.to_owned() },
        }
    }

    #[test]
    fn tables_come_change_and_go() {
        let mut world = World::default();
        play(&mut world, 0, "CREATE TABLE s.a (b varchar(10), C int) PARTITION BY RANGE (b);");
        let relation =
            |world: &World, name: &str| world.relation(&named(name)).and_then(|relation| relation.created);
        assert_eq!(relation(&world, "a"), Some(0));
        assert_eq!(relation(&world, "t.a"), None);
        assert!(world.relation(&named("s.a")).unwrap().partitioned);
        assert_eq!(world.column_type(&named("a"), "b"), Some("varchar(10)"));
        assert_eq!(world.column_type(&named("a"), "c"), Some("int"));
        play(&mut world, 1, "ALTER TABLE a ALTER b TYPE text, ADD d bigint; ALTER TABLE a RENAME b TO e;");
        assert_eq!(world.column_type(&named("a"), "e"), Some("text"));
        assert_eq!(world.column_type(&named("a"), "d"), Some("bigint"));
        assert_eq!(world.column_type(&named("a"), "b"), None);
        play(&mut world, 2, "ALTER TABLE a RENAME TO z; CREATE VIEW a AS SELECT 1;");
        assert_eq!((relation(&world, "z"), relation(&world, "a")), (Some(0), Some(2)));
        play(&mut world, 3, "DROP TABLE z; CREATE TABLE IF NOT EXISTS a (); CREATE INDEX i ON a (b);");
        assert_eq!((relation(&world, "z"), relation(&world, "a")), (None, Some(2)));
        assert_eq!(world.created("INDEX", &named("s.i")), Some(3));
    }

    #[test]
    fn what_comes_after_does_not_change_what_was() {
        let mut world = World::default();
        play(&mut world, 0, "CREATE TABLE a (b int); CREATE TABLE c ();");
        let mut after = World::after(&world);
        play(&mut after, 1, "DROP TABLE c; ALTER TABLE a ADD d text; CREATE TABLE e ();");
        assert!(after.relation(&named("c")).is_none() && world.relation(&named("c")).is_some());
        assert_eq!(after.column_type(&named("a"), "b"), Some("int"));
        assert_eq!(after.column_type(&named("a"), "d"), Some("text"));
        assert_eq!(world.column_type(&named("a"), "d"), None);
        assert_eq!(after.relation(&named("e")).unwrap().created, Some(1));
    }

    #[test]
    fn what_proves_not_null() {
        let mut world = World::default();
        let proven = |world: &World| world.is_proven_not_null(&named("a"), "b");
        play(&mut world, 0, "CREATE TABLE a (b int);");
        play(&mut world, 1, "ALTER TABLE a ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID;");
        assert!(!proven(&world));
        play(&mut world, 2, "ALTER TABLE a VALIDATE CONSTRAINT c;");
        assert!(proven(&world));
        play(&mut world, 3, "ALTER TABLE a DROP CONSTRAINT c;");
        assert!(!proven(&world));
        play(&mut world, 4, "ALTER TABLE a ADD CHECK (b IS NOT NULL);");
        assert!(proven(&world));
    }
}
