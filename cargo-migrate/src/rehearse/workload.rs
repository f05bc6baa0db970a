//! A file of queries as the application sends them, for clients that are at work while the migrations run.

use std::path::Path;

use migrate_core::sql::{Control, LineColumn, control_of, mask_text, statements};
use migrate_core::{StatementKind, file, folder, text};
use migrate_runtime::{Connection, Database, Error as EngineError, Interrupt};

use crate::Problem;

/// What clients run over and over, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workload {
    /// The file, as it was named.
    pub(super) file: String,
    pub(super) units: Vec<Unit>,
}

/// What succeeds or fails as one: a statement, or all from `BEGIN` to `COMMIT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its first line, from 1.
    pub(super) line: usize,
    /// One after the other, each with its line, as an application sends them.
    pub(super) statements: Vec<(usize, String)>,
}

impl Workload {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, has nothing in it, or something that clients cannot send: `COPY … FROM STDIN`, commands of
    /// psql, a transaction that does not end.
    pub(super) fn read(path: &Path, named: &Path) -> anyhow::Result<Self> {
        let bytes = file::read(path, folder::MAX_FILE_BYTES)?;
        let file = named.display().to_string();
        let text = text::normalise(&bytes).map_err(|error| wrong(&file, 1, &error.to_string()))?;
        Ok(Self { units: units(&file, &text)?, file })
    }

    /// Runs everything once, before anything is changed.
    ///
    /// # Errors
    ///
    /// The first that the server refuses, with its line: what it would measure later would be the same refusal.
    pub(super) fn try_once(&self, database: &Database, interrupt: &Interrupt) -> anyhow::Result<()> {
        let connection = Connection::open(database, "rehearsal: load", interrupt)?;
        for unit in &self.units {
            for (line, sql) in &unit.statements {
                match connection.rows("trying the workload", sql) {
                    Ok(_) => {}
                    Err(EngineError::Server { source, .. }) => {
                        let said = source.as_db_error().map_or_else(
                            || source.to_string(),
                            |error| format!("{} ({})", error.message(), error.code().code()),
                        );
                        return Err(Problem::Usage {
                            what: format!(
                                "{}:{line}: fails before any migration: {}",
                                self.file,
                                mask_text(&said)
                            ),
                            hint: "repair the query, or rehearse with a backup that it fits: a workload that fails \
                                   from the start measures nothing"
                                .to_owned(),
                        }
                        .into());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

fn wrong(file: &str, line: usize, why: &str) -> Problem {
    Problem::Usage {
        what: format!("{file}:{line}: {why}"),
        hint: "a workload is SQL that any client can send, statements separated by semicolons; BEGIN … COMMIT makes \
               several one transaction"
            .to_owned(),
    }
}

fn units(file: &str, text: &str) -> Result<Vec<Unit>, Problem> {
    let line_of = |at: usize| LineColumn::of(text, at).line;
    let statements = statements(text).map_err(|error| wrong(file, error.line, &error.reason.to_string()))?;
    let mut units: Vec<Unit> = Vec::new();
    let mut open = false;
    for statement in statements {
        let line = line_of(statement.start);
        if matches!(statement.kind, StatementKind::CopyFromStdin { .. }) {
            return Err(wrong(file, line, "COPY … FROM STDIN has its data in the file"));
        }
        let sql = text.get(statement.start..statement.end).unwrap_or_default().to_owned();
        let control = control_of(&sql);
        match units.last_mut().filter(|_| open) {
            Some(unit) => unit.statements.push((line, sql)),
            None => units.push(Unit { line, statements: vec![(line, sql)] }),
        }
        match control {
            Some(Control::Begin { .. }) => open = true,
            Some(Control::Commit { chain: false } | Control::Rollback { chain: false }) if open => {
                open = false
            }
            Some(Control::Inside) if open => {}
            Some(_) => return Err(wrong(file, line, "this transaction control is not for a workload")),
            None => {}
        }
    }
    match units.last() {
        None => Err(wrong(file, 1, "there is no statement in this file")),
        Some(unit) if open => Err(wrong(file, unit.line, "this transaction does not end")),
        Some(_) => Ok(units),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
        let units = units("q.sql", text).map_err(|problem| problem.to_string())?;
        Ok(units
            .into_iter()
            .map(|unit| (unit.line, unit.statements.into_iter().map(|(_, sql)| sql).collect()))
            .collect())
    }

    #[test]
    fn statements_are_alone_unless_they_stand_in_a_transaction() {
        let text = "-- reads\nSELECT ';' ;\nBEGIN;\nUPDATE a SET b = 1;\n  SAVEPOINT x;\nCOMMIT;\nSELECT 2";
        let units = of(text).unwrap();
        assert_eq!(units[0], (2, vec!["SELECT ';'".to_owned()]));
        assert_eq!(units[1].0, 3);
        assert_eq!(units[1].1, ["BEGIN", "UPDATE a SET b = 1", "SAVEPOINT x", "COMMIT"]);
        assert_eq!((units[2].0, units.len()), (7, 3));
    }

    #[test]
    fn what_no_client_can_send_is_refused_with_its_line() {
        let table = [
            ("-- nothing\n", "q.sql:1: there is no statement"),
            ("SELECT 1;\nBEGIN;\nSELECT 2;", "q.sql:2: this transaction does not end"),
            ("SELECT 1;\nCOMMIT;", "q.sql:2: this transaction control"),
            ("\nCOPY a FROM STDIN;\n1\n\\.\n", "q.sql:2: COPY"),
            ("SELECT 1;\n\\d\n", "q.sql:2: "),
            ("SELECT 'x", "q.sql:1: "),
        ];
        for (text, expected) in table {
            let said = of(text).unwrap_err();
            assert!(said.starts_with(expected), "{text:?}: {said}");
        }
    }
}
