//! `history-table`: a script that touches the history of migrations.

use migrate_core::sql;

use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};

pub(super) const RULE: Rule = Rule {
    name: "history-table",
    owner: Owner::Ours,
    level: Level::Deny,
    group: Group::Fails,
    what: "A script creates, alters, drops, empties or writes to the history table or its log.",
    why: "The runner refuses such a script before anything runs: in a transaction it would fail in a way that nobody \
          understands, without one it would take the history with it. A name without a schema counts as ours.",
    instead: "Another name for our table (`history-table` in the metadata), or the schema written out where another table \
              is meant.",
    check: Check::Script(check),
};

fn check(case: &Case<'_>, found: &mut Vec<Draft>) {
    let history = &case.options.history_table;
    let is_ours = |name: &str| name == history.name || name == history.log_name();
    for parsed in &case.source.statements {
        let Some(change) = sql::table_change(case.source.script.sql(parsed.statement)) else { continue };
        let ours = change.tables.iter().find(|parts| match parts.as_slice() {
            [name] => is_ours(name),
            [.., schema, name] => *schema == history.schema && is_ours(name),
            [] => false,
        });
        if let Some(table) = ours {
            let message =
                format!("{} on {}, which keeps the history of migrations", change.command, table.join("."));
            found.push(
                Draft::new(RULE.name, case, parsed.span(), message)
                    .help("the runner refuses this; `cargo migrate repair` changes the history"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    const RULE: &str = "history-table";

    #[test]
    fn the_history_is_left_alone() {
        assert_eq!(
            found("DROP TABLE IF EXISTS schema_migrations;", RULE),
            ["DROP TABLE IF EXISTS schema_migrations"]
        );
        assert_eq!(found("INSERT INTO public.schema_migrations_log DEFAULT VALUES;", RULE).len(), 1);
    }

    #[test]
    fn other_tables_are_not_the_history() {
        for sql in [
            "DROP TABLE app.schema_migrations;",
            "SELECT * FROM schema_migrations;",
            "DROP TABLE migrations;",
        ] {
            assert!(found(sql, RULE).is_empty(), "{sql}");
        }
    }
}
