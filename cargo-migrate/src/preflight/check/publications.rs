//! Tables that are replicated logically: their rows are, and what a migration does to the tables is not.

use migrate_core::Direction;
use serde_json::json;

use super::finding;
use crate::inspection::{By, Check, Finding, Severity, Situation};
use crate::lint::tree::{Name, find};
use crate::lint::{Effect, Source, effects};
use squawk_syntax::SyntaxKind;

pub(super) struct Publications;

impl Check for Publications {
    fn name(&self) -> &'static str {
        "publications"
    }

    fn title(&self) -> &'static str {
        "logical replication of the tables whose columns change"
    }

    fn why(&self) -> &'static str {
        "logical replication carries rows, not DDL: a subscriber whose table lacks a new column stops at the first row that \
         has it, and keeps the server from removing WAL until somebody mends it"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let changed = changed(situation);
        let touched = situation.touched()?;
        let of_change = |by: &&By| {
            changed.iter().any(|(stem, name)| {
                *stem == by.stem && by.touch.name == name.name && by.touch.schema == name.schema
            })
        };
        let tables =
            touched.tables.iter().filter_map(|table| Some((table, table.by.iter().find(of_change)?)));
        let tables: Vec<_> = tables.collect();
        if tables.is_empty() {
            return Ok(Vec::new());
        }
        let members: Vec<_> = tables
            .iter()
            .flat_map(|(table, _)| table.members.iter().map(|member| format!("({}, {member})", table.oid)))
            .collect();
        // Not `pg_publication_tables`, which waits for whoever holds one of them. FOR TABLES IN SCHEMA came with 15.
        let of_schema = match situation.version >= 150_000 {
            true => {
                "OR EXISTS (SELECT FROM pg_publication_namespace n JOIN pg_class c ON c.relnamespace = n.pnnspid \
                     WHERE n.pnpubid = p.oid AND c.oid = m.oid)"
            }
            false => "",
        };
        let rows = situation.ask(
            "looking for publications of the run's tables",
            &format!(
                "WITH member(top, oid) AS (VALUES {}) \
                 SELECT m.top, string_agg(DISTINCT quote_ident(p.pubname), ', ' ORDER BY quote_ident(p.pubname)), \
                 (SELECT count(*) FROM pg_replication_slots WHERE plugin = 'pgoutput' AND database = current_database()) \
                 FROM member m JOIN pg_class t ON t.oid = m.oid AND t.relpersistence = 'p' AND t.relkind IN ('r', 'p') \
                 JOIN pg_publication p ON p.puballtables OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid \
                 AND (r.prrelid = m.oid OR r.prrelid IN (SELECT relid FROM pg_partition_ancestors(m.oid)))) {of_schema} \
                 GROUP BY 1 ORDER BY 1",
                members.join(", ")
            ),
        )?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                let (table, by) = tables.iter().find(|(table, _)| Some(table.oid) == row.number(0))?;
                let (publications, readers) = (row.text(1), row.number::<u64>(2).unwrap_or_default());
                Some(Finding {
                    details: vec![match readers {
                        0 => "nobody subscribes to it now: there is no slot of pgoutput".to_owned(),
                        _ => "an added column has to be there on each subscriber first, a dropped one goes there last"
                            .to_owned(),
                    }],
                    remedy: (readers > 0).then(|| {
                        "make the change on the subscribers, too; where a table is new there: ALTER SUBSCRIPTION … REFRESH \
                         PUBLICATION;"
                            .to_owned()
                    }),
                    ..finding(
                        if readers > 0 { Severity::Warning } else { Severity::Info },
                        format!("{} changes columns of {}, which is in publication {publications}", by.stem, table.name),
                        json!({ "table": table.name, "migration": by.stem, "publications": publications, "slots": readers }),
                    )
                })
            })
            .collect())
    }
}

/// The tables whose columns, or whose name, pending migrations change, each with the migration.
fn changed(situation: &Situation<'_>) -> Vec<(String, Name)> {
    let mut changed = Vec::new();
    for migration in situation.pending.migrations() {
        for node in Source::parse(&migration.up, Direction::Up).nodes() {
            let retypes = find(node, SyntaxKind::SET_TYPE).is_some();
            for effect in effects(node) {
                let (Effect::Create { object, .. }
                | Effect::Drop { object, .. }
                | Effect::Rename { object, .. }
                | Effect::Alter { object }) = &effect
                else {
                    continue;
                };
                let table = match (object.kind.as_str(), &effect) {
                    ("COLUMN", _) => object.on.clone(),
                    ("TABLE", Effect::Rename { .. }) => object.name.clone(),
                    ("TABLE", Effect::Alter { .. }) if retypes => object.name.clone(),
                    _ => None,
                };
                changed.extend(table.map(|table| (migration.stem.to_string(), table)));
            }
        }
    }
    changed
}
