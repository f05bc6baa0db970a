//! One file's SQL: its text, its checksum, its statements, and how it has to be run.

use std::borrow::Cow;

use crate::{Checksum, Directives};

/// The SQL of one direction of a migration.
///
/// All fields can be written in a `static`: `embed!` does, so that an application does no work for them at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The file's name, without its folder: `0010_add_products.up.sql`.
    pub file: Cow<'static, str>,
    /// The normalised text: what is hashed and what runs.
    pub text: Cow<'static, str>,
    /// SHA-256 of `text`.
    pub checksum: Checksum,
    /// What the comments in the head of the file ask for.
    pub directives: Directives,
    /// How the script has to be run.
    pub mode: Mode,
    /// The statements that run, in order. `BEGIN`/`COMMIT` around a whole script are not among them.
    pub statements: Cow<'static, [Statement]>,
    /// Byte ranges of `text` that are not sent: the `BEGIN` and `COMMIT` of a script wholly inside one transaction
    /// (with their semicolons), and the `\restrict` lines of pg_dump.
    pub dropped: Cow<'static, [(usize, usize)]>,
}

/// How a script has to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In one transaction, together with its history row.
    Transactional,
    /// Statement by statement with a journal, because a statement of it cannot run inside a transaction, or because
    /// the file says `-- migrate: no-transaction`.
    NonTransactional,
}

/// One statement of a script, as byte ranges of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where its first token starts.
    pub start: usize,
    /// Where its last token ends; the semicolon is not included.
    pub end: usize,
    /// What it is, as far as running it is concerned.
    pub kind: StatementKind,
}

/// What a statement is, as far as running it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// Runs anywhere.
    Plain,
    /// Cannot run inside a transaction block; the text names the command, for example `CREATE INDEX CONCURRENTLY`.
    NoTransaction(&'static str),
    /// `CREATE INDEX CONCURRENTLY` and its siblings: cannot run inside a transaction block, and an interrupted run
    /// leaves an invalid index behind. The text names the command.
    Concurrent(&'static str),
    /// `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT` …, allowed only under `no-transaction`. The text names the command.
    TransactionControl(&'static str),
    /// `COPY … FROM STDIN`, with the byte range of its inline data (without the `\.` line).
    CopyFromStdin {
        /// Where the data starts.
        data_start: usize,
        /// Where the data ends.
        data_end: usize,
    },
}

impl Script {
    /// The text to send: as `text`, byte for byte at the same offsets, with what is dropped turned into spaces.
    pub fn body(&self) -> Cow<'_, str> {
        if self.dropped.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let mut body = String::with_capacity(self.text.len());
        let mut at = 0;
        for &(start, end) in self.dropped.iter() {
            body.push_str(&self.text[at..start]);
            body.extend(self.text[start..end].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            at = end;
        }
        body.push_str(&self.text[at..]);
        Cow::Owned(body)
    }

    /// Whether any statement carries inline `COPY` data, which cannot go in one message with the rest.
    pub fn has_copy(&self) -> bool {
        self.statements.iter().any(|s| matches!(s.kind, StatementKind::CopyFromStdin { .. }))
    }

    /// The SQL of one statement, without its semicolon.
    pub fn sql(&self, statement: &Statement) -> &str {
        &self.text[statement.start..statement.end]
    }
}

// STAND-IN until the branch `sql` lands.
/// Why a file is not a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: stand-in")]
pub struct ScriptError {
    /// From 1.
    pub line: usize,
}
impl ScriptError {
    /// What to do.
    pub fn hint(&self) -> String {
        "stand-in".to_owned()
    }
}
impl Script {
    /// Stand-in.
    pub fn parse(file: &str, text: String) -> Result<Self, ScriptError> {
        let mut directives = Directives::default();
        let mut statements = vec![];
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let bare = line.trim();
            if let Some(reason) = bare.strip_prefix("-- migrate: irreversible ") {
                directives.irreversible = Some(reason.to_owned().into());
            }
            if let Some(_unknown) = bare.strip_prefix("-- migrate: unknown") {
                return Err(ScriptError { line: 1 });
            }
            if !bare.is_empty() && !bare.starts_with("--") {
                statements.push(Statement { start: at, end: at + line.len(), kind: StatementKind::Plain });
            }
            at += line.len();
        }
        Ok(Self {
            file: file.to_owned().into(),
            checksum: Checksum::of(&text),
            text: text.into(),
            directives,
            mode: Mode::Transactional,
            statements: statements.into(),
            dropped: Cow::Borrowed(&[]),
        })
    }
}
