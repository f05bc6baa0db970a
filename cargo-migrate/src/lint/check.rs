//! The check itself: every rule over every script of the scope, with what earlier migrations made in mind.

use migrate_core::{Direction, Set};

use super::rule::{Case, Check, Draft, Group, Rule};
use super::source::Source;
use super::world::World;
use super::{Finding, Level, Options, allow, catalogue, squawk, two_phase};

/// What the rules say about a folder, in the order of its files and of the places in them. Needs no database.
pub(crate) fn check(set: &Set, options: &Options) -> Vec<Finding> {
    let mut found: Vec<(usize, Draft)> = Vec::new();
    let mut world = World::default();
    for (index, migration) in set.migrations.iter().enumerate() {
        let up = Source::parse(&migration.up, Direction::Up);
        if !options.scope.has(migration.version) {
            up.nodes().for_each(|node| world.apply(node, index));
            continue;
        }
        let down = migration.down.as_ref().map(|script| Source::parse(script, Direction::Down));
        let mut drafts = Vec::new();
        {
            let case = Case { set, index, source: &up, other: down.as_ref(), world: &world, options };
            whole_script(&case, &mut drafts);
        }
        world = statements(set, index, &up, down.as_ref(), world, options, &mut drafts);
        if let Some(down) = &down {
            let inner = World::after(&world);
            whole_script(
                &Case { set, index, source: down, other: Some(&up), world: &inner, options },
                &mut drafts,
            );
            statements(set, index, down, Some(&up), inner, options, &mut drafts);
        }
        found.extend(drafts.into_iter().map(|draft| (index, draft)));
    }
    for rule in catalogue::rules() {
        if let Check::Folder(check) = rule.check {
            found.extend(
                check(set).into_iter().filter(|(index, _)| options.scope.has(set.migrations[*index].version)),
            );
        }
    }
    found.extend(allow::unknown_rules(set, options));
    let mut findings = judge(set, options, found);
    findings.sort_by_key(|(index, direction, finding)| {
        (*index, *direction == Direction::Down, finding.span.start)
    });
    findings.into_iter().map(|(_, _, finding)| finding).collect()
}

fn whole_script(case: &Case<'_>, drafts: &mut Vec<Draft>) {
    for rule in catalogue::rules() {
        if let Check::Script(check) = rule.check {
            check(case, drafts);
        }
    }
    drafts.extend(two_phase::bad_comments(case));
}

/// Statement by statement: what a rule knows is what was there before the statement.
fn statements<'w>(
    set: &Set,
    index: usize,
    source: &Source<'_>,
    other: Option<&Source<'_>>,
    mut world: World<'w>,
    options: &Options,
    drafts: &mut Vec<Draft>,
) -> World<'w> {
    let mut violations = squawk::violations(source, options).into_iter().peekable();
    for parsed in &source.statements {
        let Some(node) = &parsed.node else { continue };
        {
            let case = Case { set, index, source, other, world: &world, options };
            for rule in catalogue::rules() {
                if let Check::Statement(check) = rule.check {
                    check(&case, parsed, node, drafts);
                }
            }
            let end = parsed.statement.end;
            let mut own = Vec::new();
            while let Some(violation) = violations.next_if(|v| usize::from(v.text_range.start()) <= end) {
                own.push(violation);
            }
            drafts.extend(squawk::refine(&case, parsed, node, own));
        }
        world.apply(node, index);
    }
    world
}

/// Levels, directions and directives: what is left is told.
fn judge(set: &Set, options: &Options, found: Vec<(usize, Draft)>) -> Vec<(usize, Direction, Finding)> {
    let mut findings = Vec::new();
    let mut allowed = allow::Allowed::default();
    for (index, draft) in found {
        let Some(rule) = catalogue::find(draft.rule) else { continue };
        if !holds(rule.group, draft.direction) {
            continue;
        }
        let migration = &set.migrations[index];
        let script = match (draft.direction, &migration.down) {
            (Direction::Down, Some(down)) => down,
            _ => &migration.up,
        };
        if allowed.takes(script, rule.name) {
            continue;
        }
        let level = level(rule, draft.direction, options);
        if level == Level::Allow {
            continue;
        }
        findings.push((
            index,
            draft.direction,
            Finding {
                rule: rule.name.to_owned(),
                level,
                stem: migration.stem.to_string(),
                file: script.file.to_string(),
                span: draft.span,
                message: draft.message,
                help: draft.help,
                safer: draft.safer,
            },
        ));
    }
    findings.extend(allowed.unused(set, options));
    findings
}

/// Whether rules of a group hold in scripts of a direction.
fn holds(group: Group, direction: Direction) -> bool {
    direction == Direction::Up || !matches!(group, Group::Breaks | Group::Style)
}

/// The level of a rule, as the metadata has it.
pub(crate) fn level(rule: &Rule, direction: Direction, options: &Options) -> Level {
    let level = options.levels.get(rule.name).copied().unwrap_or(rule.level);
    match (rule.group, direction) {
        // Who rolls back has a reason to hurry.
        (Group::Blocks, Direction::Down) => level.min(Level::Warn),
        _ => level,
    }
}
