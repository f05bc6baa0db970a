//! Keeps scripts off the history table and its audit log: a migration that drops them would be recorded nowhere.

use migrate_core::{Script, sql};

use crate::{Error, HistoryTable};

/// Refuses a script that names one of our tables, before anything runs.
///
/// A name without a schema is taken for ours: whether `search_path` leads there is not known before the script runs.
pub(crate) fn refuse(history: &HistoryTable, script: &Script) -> Result<(), Error> {
    for statement in script.statements.iter() {
        let Some(change) = sql::table_change(script.sql(statement)) else { continue };
        let ours = change.tables.iter().find(|parts| match parts.as_slice() {
            [name] => is_ours(history, name),
            [.., schema, name] => *schema == history.schema && is_ours(history, name),
            [] => false,
        });
        if let Some(table) = ours {
            return Err(Error::TouchesHistory {
                file: script.file.to_string(),
                text: script.text.to_string(),
                statement: (statement.start, statement.end),
                command: change.command,
                table: table.join("."),
            });
        }
    }
    Ok(())
}

fn is_ours(history: &HistoryTable, name: &str) -> bool {
    name == history.name || name == history.log_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<String> {
        let script = Script::parse("1_a.up.sql", text.to_owned()).unwrap();
        let history = HistoryTable { schema: "app".to_owned(), name: "hist".to_owned() };
        refuse(&history, &script).err().map(|error| error.to_string())
    }

    #[test]
    fn a_script_stays_off_the_history() {
        assert!(
            refused("create table a(); drop table app.hist;").unwrap().contains("DROP TABLE on app.hist")
        );
        assert!(refused("truncate hist;").is_some());
        assert!(refused("insert into hist_log values (1);").is_some());
        assert_eq!(refused("drop table public.hist; create temp table hist();"), None);
    }
}
