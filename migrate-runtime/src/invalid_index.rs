//! Invalid indexes that an interrupted `CREATE INDEX CONCURRENTLY` or `REINDEX CONCURRENTLY` leaves behind.

use migrate_core::sql::{self, ConcurrentTarget};

use crate::event::Recovery;
use crate::history_table::{quote_literal, quote_path};
use crate::run::Runner;
use crate::session::Session;
use crate::{Error, Event};

/// The invalid indexes that this statement may have left, schema-qualified and quoted.
///
/// An index that somebody is building right now is invalid too, and not meant.
pub(crate) async fn left_by(session: &Session, statement: &str) -> Result<Vec<String>, Error> {
    let Some(target) = sql::concurrent_target(statement) else { return Ok(vec![]) };
    let sql = format!(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_catalog.pg_index i \
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT i.indisvalid AND c.relkind = 'i' AND ({}) AND i.indexrelid NOT IN \
         (SELECT p.index_relid FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid IS NOT NULL) \
         ORDER BY 1",
        condition(&target, statement)
    );
    let rows = session.ask("looking for invalid indexes", &sql).await?;
    Ok(rows.iter().map(|row| row.text(0)).collect())
}

fn condition(target: &ConcurrentTarget, statement: &str) -> String {
    let class = |parts: &[String]| format!("to_regclass({})", quote_literal(&quote_path(parts)));
    let reindex = statement.trim_start().get(..7).is_some_and(|word| word.eq_ignore_ascii_case("reindex"));
    let name = |parts: &[String]| quote_literal(parts.last().map_or("", String::as_str));
    match (&target.index, &target.table) {
        // A new index lives in its table's schema; its name is never qualified.
        (Some(index), Some(table)) => {
            format!("i.indrelid = {} AND c.relname = {}", class(table), name(index))
        }
        // REINDEX builds `name_ccnew` beside `name` and leaves one of `_ccnew`, `_ccold` (index.c).
        (Some(index), None) if reindex => format!(
            "i.indrelid = (SELECT x.indrelid FROM pg_catalog.pg_index x WHERE x.indexrelid = {}) \
             AND c.relname ~ '_cc(new|old)[0-9]*$' AND starts_with(c.relname, left({}, 50))",
            class(index),
            name(index)
        ),
        (Some(index), None) => format!("i.indexrelid = {}", class(index)),
        (None, Some(table)) if reindex => {
            format!("i.indrelid = {} AND c.relname ~ '_cc(new|old)[0-9]*$'", class(table))
        }
        (None, Some(table)) => format!("i.indrelid = {}", class(table)),
        (None, None) => "c.relname ~ '_cc(new|old)[0-9]*$'".to_owned(),
    }
}

/// Drops them.
pub(crate) async fn drop_left_by(runner: &Runner<'_>, stem: &str, statement: &str) -> Result<(), Error> {
    for index in left_by(&runner.work, statement).await? {
        runner.emitter.emit(Event::Recovering {
            stem: stem.to_owned(),
            how: Recovery::DropInvalidIndex { index: index.clone() },
        });
        if !runner.probe.pooled {
            let bounded =
                format!("SET lock_timeout = {}", crate::message::milliseconds(runner.settings.lock_timeout));
            runner.work.ask("dropping an invalid index", &bounded).await?;
        }
        // Never IF EXISTS: what is not there would be somebody else's doing, and worth an error.
        runner.work.ask("dropping an invalid index", &format!("DROP INDEX CONCURRENTLY {index}")).await?;
    }
    Ok(())
}
