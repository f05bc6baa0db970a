//! What the role may do, as far as it is needed.

use migrate_runtime::{Connection, Error as EngineError, quote_literal};

use super::Section;
use crate::config::Settings;

pub(super) fn look(
    connection: &Connection,
    settings: &Settings,
    section: &mut Section,
) -> Result<(), EngineError> {
    let history = &settings.history_table.value;
    let tables = [
        (history.quoted(), history.to_string(), &["SELECT", "INSERT", "UPDATE", "DELETE"][..]),
        (history.log_quoted(), format!("{history}_log"), &["SELECT", "INSERT"]),
    ];
    let mut missing = Vec::new();
    for (table, shown, needed) in &tables {
        let asked: Vec<_> = needed
            .iter()
            .map(|privilege| format!("pg_catalog.has_table_privilege(oid, {})", quote_literal(privilege)))
            .collect();
        let sql = format!(
            "SELECT {} FROM (SELECT pg_catalog.to_regclass({})::oid AS oid) AS history WHERE oid IS NOT NULL",
            asked.join(", "),
            quote_literal(table)
        );
        if let Some(row) = connection.rows("asking for privileges", &sql)?.first() {
            let lacks = needed.iter().enumerate().filter(|(index, _)| !row.flag(*index));
            let lacks: Vec<_> = lacks.map(|(_, privilege)| *privilege).collect();
            if !lacks.is_empty() {
                missing.push((lacks.join(", "), shown.clone(), table.clone()));
            }
        }
    }
    for (privileges, shown, table) in &missing {
        section.warn(
            "history",
            format!(
                "{privileges} on {shown} is not granted: reading verbs need SELECT, `up` and `down` the rest"
            ),
            format!("GRANT {privileges} ON {table} TO …"),
        );
    }
    let schema = quote_literal(&history.schema);
    let rows = connection.rows(
        "asking for privileges",
        &format!(
            "SELECT pg_catalog.to_regclass({table}) IS NOT NULL, \
             (SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname = {schema}), \
             pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), \
             pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'), \
             (SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user), \
             pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
            table = quote_literal(&history.quoted()),
        ),
    )?;
    let Some(row) = rows.first() else { return Ok(()) };
    match (row.flag(0), row.get(1)) {
        (true, _) if missing.is_empty() => section.ok("history", "its tables may be read and written"),
        (true, _) | (false, Some("t")) => {}
        (false, Some(_)) => section.fail(
            "history",
            format!("the first `up` needs CREATE on the schema {}", history.schema),
            format!("GRANT CREATE ON SCHEMA {} TO …, or name another schema: history-table", history.schema),
        ),
        (false, None) if row.flag(2) => {}
        (false, None) => section.fail(
            "history",
            format!("there is no schema {}, and this role may not make it", history.schema),
            "make it first, or let the role: GRANT CREATE ON DATABASE …",
        ),
    }
    if !row.flag(2) {
        section.warn(
            "create",
            "no CREATE on the database: a migration cannot make a schema",
            "GRANT CREATE ON DATABASE … TO …, if one has to",
        );
    }
    match row.flag(3) {
        true => section.ok("statistics", "what other sessions do can be seen"),
        false => section.warn(
            "statistics",
            "what other sessions do cannot be seen: who holds a lock stays unknown",
            "GRANT pg_read_all_stats TO …",
        ),
    }
    match row.flag(4) {
        true => section.ok("createdb", "databases may be made: `backup restore` works"),
        false => section.warn(
            "createdb",
            "no databases may be made: `backup restore` makes one beside the old",
            "ALTER ROLE … CREATEDB, or restore with a role that has it",
        ),
    }
    if !row.flag(5) {
        section.warn(
            "identity",
            "the server's identifier may not be read: a backup and a passed preflight are bound to the database's name and oid only",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO …",
        );
    }
    Ok(())
}
