//! Indexes that a failed `CREATE INDEX CONCURRENTLY` or `REINDEX CONCURRENTLY` left behind.

use migrate_core::{Direction, State};
use serde_json::json;

use crate::inspection::{Check, Finding, Severity, Situation};
use crate::lint::{Effect, Source, effects};

pub(super) struct InvalidIndexes;

impl Check for InvalidIndexes {
    fn name(&self) -> &'static str {
        "invalid-indexes"
    }

    fn title(&self) -> &'static str {
        "invalid indexes"
    }

    fn why(&self) -> &'static str {
        "an invalid index is of no use to any query, and every write pays for it; a migration that makes one of that name \
         fails, or with IF NOT EXISTS leaves it invalid"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let rows = situation.ask(
            "looking for invalid indexes",
            "SELECT s.nspname, c.relname, format('%I.%I', s.nspname, c.relname), i.indrelid::regclass::text, c.relkind, \
             p.pid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace s ON s.oid = c.relnamespace \
             LEFT JOIN pg_stat_progress_create_index p ON p.index_relid = c.oid \
             WHERE NOT (i.indisvalid AND i.indisready) AND s.nspname NOT LIKE 'pg\\_%' ORDER BY 3",
        )?;
        let made = made(situation);
        let finding = |row: &migrate_runtime::connection::Row| {
            let (schema, name, index, table) = (row.text(0), row.text(1), row.text(2), row.text(3));
            let builder: Option<i32> = row.number(5);
            let maker = made.iter().find(|(space, made, _)| {
                *made == name && space.as_ref().is_none_or(|space| *space == schema)
            });
            let data = json!({ "index": index, "table": table, "building": builder, "migration": maker.map(|it| &it.2) });
            if let Some(pid) = builder {
                return Finding {
                    severity: Severity::Warning,
                    what: format!("session {pid} is building index {index} on {table}"),
                    details: Vec::new(),
                    remedy: Some(format!(
                        "wait for its end: SELECT * FROM pg_stat_progress_create_index WHERE pid = {pid};"
                    )),
                    data,
                };
            }
            let is_dirty = |stem: &str| {
                let entries = situation.status.iter().flat_map(|status| &status.entries);
                entries.into_iter().any(|entry| entry.stem == stem && entry.state == State::Dirty)
            };
            let (severity, details) = match maker {
                Some((_, _, stem)) if is_dirty(stem) => {
                    (Severity::Warning, vec![format!("{stem} left it, and removes it where `up` resumes it")])
                }
                Some((_, _, stem)) => {
                    (Severity::Failure, vec![format!("{stem} makes an index of this name")])
                }
                None => (Severity::Warning, Vec::new()),
            };
            // What a failed REINDEX left (…_ccnew, …_ccold) has its original beside it.
            let leftover = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let is_leftover = leftover.ends_with("_ccnew") || leftover.ends_with("_ccold");
            let remedy = match (row.get(4), is_leftover || maker.is_some()) {
                (Some("I"), _) => {
                    format!("ALTER INDEX {index} ATTACH PARTITION …; for each partition that lacks it")
                }
                (_, true) => format!("DROP INDEX CONCURRENTLY {index};"),
                (_, false) => {
                    format!("REINDEX INDEX CONCURRENTLY {index}; or DROP INDEX CONCURRENTLY {index};")
                }
            };
            Finding {
                severity,
                what: format!("index {index} on {table} is invalid"),
                details,
                remedy: Some(remedy),
                data,
            }
        };
        Ok(rows.iter().map(finding).collect())
    }
}

/// The indexes that pending migrations make: schema where it is known, name, migration.
fn made(situation: &Situation<'_>) -> Vec<(Option<String>, String, String)> {
    let mut made = Vec::new();
    for migration in situation.pending.migrations() {
        let source = Source::parse(&migration.up, Direction::Up);
        for effect in source.nodes().flat_map(effects) {
            if let Effect::Create { object, .. } = effect
                && object.kind == "INDEX"
                && let Some(name) = object.name
            {
                let schema = object.on.and_then(|table| table.schema);
                made.push((schema, name.name, migration.stem.to_string()));
            }
        }
    }
    made
}
