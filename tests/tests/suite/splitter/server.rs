//! The server as an oracle: it parses a whole message before it executes the first statement of it.

use migrate_core::StatementKind;
use migrate_core::sql;
use postgres::Client;
use postgres::error::SqlState;

pub struct Oracle {
    client: Client,
    _database: migrate_testing::ScratchDatabase,
}

impl Oracle {
    pub fn start() -> Self {
        let database = migrate_testing::scratch().unwrap();
        let client = database.connect().unwrap();
        Self { client, _database: database }
    }

    /// Whether we and the server see the same statements, where the server can read the text at all.
    pub fn check(&mut self, text: &str) -> Result<bool, String> {
        if text.contains('\0') || !self.parses(text) {
            return Ok(false);
        }
        let statements = match sql::statements(text) {
            Ok(statements) => statements,
            Err(error) if super::is_ours_alone(&error.reason) => return Ok(false),
            Err(error) => return Err(format!("the server can read what we refuse: {error}")),
        };
        // For the server, what follows a COPY is SQL; for psql and for us it is data.
        if statements.iter().any(|one| matches!(one.kind, StatementKind::CopyFromStdin { .. })) {
            return Ok(false);
        }
        for statement in &statements {
            let piece = &text[statement.start..statement.end];
            if !self.parses(piece) {
                return Err(format!("the server cannot read our piece {piece:?}"));
            }
            if self.is_several(piece) {
                return Err(format!("for the server our piece is several: {piece:?}"));
            }
        }
        Ok(true)
    }

    /// Whether the server's grammar takes this. Nothing of it is executed: the statement before it fails.
    fn parses(&mut self, text: &str) -> bool {
        let error = self.client.simple_query(&format!("SELECT 1/0;{text}\n")).unwrap_err();
        let code = error.code().unwrap_or_else(|| panic!("{error}: {text:?}")).clone();
        code == SqlState::DIVISION_BY_ZERO
    }

    /// A prepared statement can only be one.
    fn is_several(&mut self, text: &str) -> bool {
        match self.client.prepare(text) {
            Ok(_) => false,
            Err(error) => error
                .as_db_error()
                .is_some_and(|error| error.message().starts_with("cannot insert multiple commands")),
        }
    }
}
