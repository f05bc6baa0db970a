//! What squawk says, with what the folder knows: silent about what nobody uses yet, what is proven, and what is said twice.

use squawk_linter::Violation;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::coercion;
use crate::lint::effect::{Effect, Object, Tolerant, effects};
use crate::lint::rule::{Case, Draft, Group};
use crate::lint::source::Parsed;
use crate::lint::tree::{Name, child, find, has, name, word};
use crate::lint::world::{is_relation, type_of};
use crate::lint::{catalogue, safer, two_phase};

/// The findings of one statement, without those that do not hold here.
pub(in crate::lint) fn refine(
    case: &Case<'_>,
    parsed: &Parsed<'_>,
    statement: &SyntaxNode,
    violations: Vec<Violation>,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let codes: Vec<String> = violations.iter().map(|violation| violation.code.to_string()).collect();
    for (violation, code) in violations.iter().zip(&codes) {
        let Some(rule) = catalogue::find(code) else { continue };
        let node = node_at(statement, violation);
        let silent = match rule.group {
            Group::Blocks | Group::Breaks | Group::Fails => !concerns_users(case, statement),
            Group::Loses | Group::Style => false,
        };
        let answered = rule.group == Group::Breaks
            && (is_made_again(case, parsed, statement)
                || two_phase::covers(case.source, parsed.statement.start));
        if silent || answered || is_wrong(case, statement, &node, rule.name, &codes) {
            continue;
        }
        let span = usize::from(violation.text_range.start())..usize::from(violation.text_range.end());
        let (message, help) = words(case, statement, &node, rule.name, violation);
        let mut draft = Draft::new(rule.name, case, trimmed(&case.source.script.text, span), message)
            .safer(safer::script(case, statement, &node, rule));
        draft.help = help;
        drafts.push(draft);
    }
    drafts
}

/// The node that a violation is about.
fn node_at(statement: &SyntaxNode, violation: &Violation) -> SyntaxNode {
    let range = violation.text_range;
    let inside = statement.descendants().filter(|node| {
        let found = super::super::tree::span(node);
        found.start == usize::from(range.start()) && found.end <= usize::from(range.end())
    });
    inside.max_by_key(|node| node.text_range().len()).unwrap_or_else(|| statement.clone())
}

/// A span without the white space and the semicolon at its end.
fn trimmed(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let found = text.get(span.clone()).unwrap_or_default();
    span.start..span.start + found.trim_end_matches(|c: char| c.is_whitespace() || c == ';').len()
}

/// Whether anybody can be using what the statement changes.
fn concerns_users(case: &Case<'_>, statement: &SyntaxNode) -> bool {
    let objects: Vec<Object> = effects(statement).into_iter().filter_map(object_of).collect();
    if statement.kind() == SyntaxKind::CREATE_INDEX {
        return child(statement, SyntaxKind::TABLE_RELATION_NAME)
            .is_none_or(|table| !case.is_new(&name(&table)));
    }
    if objects.is_empty() {
        // REINDEX, CLUSTER, VACUUM: of what they name.
        return find(statement, SyntaxKind::PATH_REF).is_none_or(|path| {
            let target = name(&path);
            !case.is_new(&target) && !case.is_new_object("INDEX", &target)
        });
    }
    objects.iter().any(|object| !is_new(case, object))
}

fn object_of(effect: Effect) -> Option<Object> {
    match effect {
        // A temporary table is nobody else's.
        Effect::Create { tolerant: Tolerant::Temporary, .. } => None,
        Effect::Create { object, .. }
        | Effect::Drop { object, .. }
        | Effect::Rename { object, .. }
        | Effect::Alter { object } => Some(object),
        _ => None,
    }
}

fn is_new(case: &Case<'_>, object: &Object) -> bool {
    if let Some(table) = &object.on
        && case.is_new(table)
    {
        return true;
    }
    let Some(name) = &object.name else { return false };
    match is_relation(&object.kind) {
        true => case.is_new(name),
        false => object.on.is_none() && case.is_new_object(&object.kind, name),
    }
}

/// Whether everything that the statement drops or renames is created again further down: a view whose columns change, a
/// function whose result does, a view of a table's old name.
fn is_made_again(case: &Case<'_>, parsed: &Parsed<'_>, statement: &SyntaxNode) -> bool {
    let dropped: Vec<Object> = effects(statement)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Drop { object, .. } if !is_table_or_part(&object) => Some(object),
            // A view of the old name stays behind.
            Effect::Rename { object, .. } if is_relation(&object.kind) => Some(object),
            _ => None,
        })
        .collect();
    if dropped.is_empty() {
        return false;
    }
    let later = case.source.statements.iter().filter(|later| later.statement.start > parsed.statement.start);
    let made: Vec<Object> = later
        .filter_map(|later| later.node.as_ref())
        .flat_map(effects)
        .filter_map(|effect| match effect {
            Effect::Create { object, .. } => Some(object),
            Effect::Rename { object, to } => Some(Object { name: Some(to), ..object }),
            _ => None,
        })
        .collect();
    dropped.iter().all(|dropped| made.iter().any(|made| is_same(made, dropped)))
}

/// What has rows: made again it is empty.
fn is_table_or_part(object: &Object) -> bool {
    matches!(object.kind.as_str(), "TABLE" | "COLUMN" | "SCHEMA" | "SEQUENCE")
}

fn is_same(a: &Object, b: &Object) -> bool {
    let kinds = a.kind == b.kind || is_relation(&a.kind) && is_relation(&b.kind);
    kinds && a.name.as_ref().zip(b.name.as_ref()).is_some_and(|(a, b)| a.fits(b))
}

/// Whether the folder knows better, or another of the findings says the same.
fn is_wrong(
    case: &Case<'_>,
    statement: &SyntaxNode,
    node: &SyntaxNode,
    rule: &str,
    codes: &[String],
) -> bool {
    use SyntaxKind as K;
    let also = |other: &str| codes.iter().any(|code| code == other);
    match rule {
        "constraint-missing-not-valid" => {
            let constraint = |kind| find(node, kind).is_some();
            constraint(K::UNIQUE_CONSTRAINT) && also("disallowed-unique-constraint")
                || constraint(K::PRIMARY_KEY_CONSTRAINT) && also("adding-serial-primary-key-field")
                || constraint(K::FOREIGN_KEY_CONSTRAINT) && also("adding-foreign-key-constraint")
        }
        // Of the one table alone it is a change of the catalog; on a partitioned table it is the way to go.
        "require-concurrent-index-creation" => child(statement, K::TABLE_RELATION_NAME)
            .is_some_and(|table| super::super::tree::has_token(&table, K::ONLY_KW)),
        "adding-not-nullable-field" => {
            let table = child(statement, K::TABLE_RELATION_NAME).map(|table| name(&table));
            let column = node.ancestors().find(|outer| outer.kind() == K::ALTER_COLUMN);
            let column =
                column.and_then(|outer| child(&outer, K::COLUMN_NAME_REF)).map(|column| word(&column));
            table.zip(column).is_some_and(|(table, column)| case.world.is_proven_not_null(&table, &column))
        }
        "adding-field-with-default" => {
            // Without STORED it is virtual (PostgreSQL 18): computed when it is read.
            let generated = find(node, K::GENERATED_CONSTRAINT).filter(|_| node.kind() != K::ADD_COLUMN);
            match generated {
                Some(generated) => {
                    let text = super::super::tree::plain(&generated);
                    !text.contains("stored") && !text.contains("identity")
                }
                None => coercion::is_stable(node),
            }
        }
        // Every row of a new column without a default is NULL: nothing is looked up (`transformFKConstraints`).
        "adding-foreign-key-constraint" => {
            node.ancestors().find(|outer| outer.kind() == K::ADD_COLUMN).is_some_and(|column| {
                let filled = [K::DEFAULT_CONSTRAINT, K::GENERATED_CONSTRAINT];
                !filled.into_iter().any(|kind| find(&column, kind).is_some())
                    && !type_of(&column).is_some_and(|written| written.contains("serial"))
            })
        }
        "changing-column-type" => keeps_rows(case, statement, node),
        "renaming-object" => matches!(node.kind(), K::RENAME_CONSTRAINT | K::INDEX_RENAME_TO),
        "adding-required-field" => {
            // A serial column has a default, which its type brings along.
            type_of(node).is_some_and(|written| written.ends_with("serial"))
        }
        "ban-alter-domain-with-add-constraint" => find(statement, K::NOT_VALID).is_some(),
        "prefer-repack" => has(statement, K::TEMP),
        _ => false,
    }
}

/// Whether the folder shows that a change of type writes no row.
fn keeps_rows(case: &Case<'_>, statement: &SyntaxNode, node: &SyntaxNode) -> bool {
    let change = type_change(case, statement, node);
    change.is_some_and(|(from, to)| {
        let keeps = coercion::keeps_rows(&from, &to)
            || coercion::keeps_rows_in_utc(&from, &to) && is_in_utc(case, statement);
        keeps && !has(node, SyntaxKind::USING_EXPR)
    })
}

/// Whether the script sets the time zone to UTC before a statement.
fn is_in_utc(case: &Case<'_>, statement: &SyntaxNode) -> bool {
    let before = case.source.nodes().take_while(|node| *node != statement);
    let last = before
        .filter(|node| node.kind() == SyntaxKind::SET)
        .map(super::super::tree::plain)
        .filter(|text| text.contains("timezone") || text.contains("time zone"));
    last.last()
        .is_some_and(|text| ["'utc'", "'gmt'", "utc;", "'etc/utc'"].iter().any(|zone| text.contains(zone)))
}

/// The type that a column has, and the one that it gets.
fn type_change(case: &Case<'_>, statement: &SyntaxNode, node: &SyntaxNode) -> Option<(String, String)> {
    let set = find(node, SyntaxKind::SET_TYPE)?;
    let table: Name = name(&child(statement, SyntaxKind::TABLE_RELATION_NAME)?);
    let column = set.ancestors().find(|outer| outer.kind() == SyntaxKind::ALTER_COLUMN)?;
    let column = word(&child(&column, SyntaxKind::COLUMN_NAME_REF)?);
    let from = case.world.column_type(&table, &column)?;
    Some((from.to_owned(), type_of(&set)?))
}

/// Message and help: squawk's, where the folder does not know more.
fn words(
    case: &Case<'_>,
    statement: &SyntaxNode,
    node: &SyntaxNode,
    rule: &str,
    violation: &Violation,
) -> (String, Option<String>) {
    use SyntaxKind as K;
    let help = violation.help.clone();
    let table = child(statement, K::TABLE_RELATION_NAME).map(|table| name(&table));
    let two_phase =
        "once no running release uses it, say so above it: `-- two-phase: 0021_…` or why nobody does";
    match rule {
        "changing-column-type" => match type_change(case, statement, node) {
            Some((from, to)) if from != to => (
                format!(
                    "changing a column from `{from}` to `{to}` rewrites the table under ACCESS EXCLUSIVE: nobody reads or \
                     writes it meanwhile"
                ),
                Some("add a column of the new type and move over to it (template `rename-column`)".to_owned()),
            ),
            // A type of the same name is another one: the old was renamed.
            _ => (
                "this rewrites the table under ACCESS EXCLUSIVE: nobody reads or writes it meanwhile".to_owned(),
                Some("add a column of the new type and move over to it (template `rename-column`)".to_owned()),
            ),
        },
        "require-concurrent-index-creation"
            if table.as_ref().and_then(|table| case.world.relation(table)).is_some_and(|known| known.partitioned) =>
        {
            (
                violation.message.clone(),
                Some(
                    "on a partitioned table: CREATE INDEX … ON ONLY it, CREATE INDEX CONCURRENTLY on each partition, \
                     then ALTER INDEX … ATTACH PARTITION"
                        .to_owned(),
                ),
            )
        }
        "constraint-missing-not-valid" if find(node, K::EXCLUDE_CONSTRAINT).is_some() => (
            "an exclusion constraint builds its index under ACCESS EXCLUSIVE, and cannot be NOT VALID".to_owned(),
            Some("do it in a maintenance window, or on a new table that takes the place of the old".to_owned()),
        ),
        "adding-required-field" => (
            "a NOT NULL column without a default: this fails where the table has a row".to_owned(),
            Some("give it a constant default, or take the template `not-null-column`".to_owned()),
        ),
        "adding-not-nullable-field" => (
            "SET NOT NULL reads the whole table under ACCESS EXCLUSIVE".to_owned(),
            Some("validate a CHECK (… IS NOT NULL) first, in a migration before this one".to_owned()),
        ),
        "adding-field-with-default" => (
            "this column is computed for every row: the table is rewritten under ACCESS EXCLUSIVE".to_owned(),
            Some("add the column without it, set the default for new rows, fill the old ones later".to_owned()),
        ),
        "ban-drop-column" | "ban-drop-table" | "renaming-column" | "renaming-table" | "ban-drop-schema"
        | "ban-drop-view" | "ban-drop-function" | "renaming-object" | "ban-set-schema" => {
            (violation.message.trim_end_matches('.').to_owned(), Some(two_phase.to_owned()))
        }
        _ => (violation.message.trim_end_matches('.').to_owned(), help),
    }
}
