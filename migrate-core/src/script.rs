//! One file's SQL: its text, its checksum, its statements, and how it has to be run.

use std::borrow::Cow;

use crate::sql::{Control, Piece, Reason, ScriptError, Split, control_of, split};
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
    /// What it changes in the schema, as `migrations.lock` has it from `cargo migrate verify --record`:
    /// [`Diff::digest`](crate::schema::Diff::digest). `None` where that was not recorded of this text.
    pub change: Option<Checksum>,
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

impl From<&Piece> for Statement {
    fn from(piece: &Piece) -> Self {
        Self { start: piece.start, end: piece.end, kind: piece.kind }
    }
}

impl Script {
    /// Reads a script. `file` is its name, `text` its normalised text, which `crate::text` makes.
    ///
    /// # Errors
    ///
    /// Whatever could not run as it is meant: see [`Reason`]. What needs a parser or a database to be seen as wrong is
    /// left to the server.
    pub fn parse(file: &str, text: String) -> Result<Self, ScriptError> {
        let fail = |(offset, reason)| ScriptError::new(file, &text, offset, reason);
        let Split { mut pieces, mut dropped, directives: comments } = split(&text).map_err(fail)?;
        let mut directives = Directives::default();
        let is_down = file.ends_with(".down.sql");
        for comment in comments {
            if !comment.in_head {
                return Err(fail((comment.start, Reason::LateDirective)));
            }
            let read = directives.read(&text[comment.start..comment.end], is_down);
            read.map_err(|reason| fail((comment.start, reason)))?;
        }
        let mode = mode(&text, &mut pieces, &mut dropped, directives.no_transaction).map_err(fail)?;
        if pieces.is_empty() {
            return Err(fail((0, Reason::Empty)));
        }
        Ok(Self {
            file: file.to_owned().into(),
            checksum: Checksum::of(&text),
            change: None,
            directives,
            mode,
            statements: pieces.iter().map(Statement::from).collect(),
            dropped: dropped.into(),
            text: text.into(),
        })
    }

    /// The text to send: as `text`, byte for byte at the same offsets, with what is dropped turned into spaces.
    pub fn body(&self) -> Cow<'_, str> {
        self.body_of(0, self.text.len())
    }

    /// The part of [`body`](Self::body) between two byte offsets, which are those of statements or of the text.
    pub fn body_of(&self, start: usize, end: usize) -> Cow<'_, str> {
        let mut dropped = self.dropped.iter().filter(|(from, to)| *from < end && *to > start).peekable();
        if dropped.peek().is_none() {
            return Cow::Borrowed(&self.text[start..end]);
        }
        let mut body = String::with_capacity(end - start);
        let mut at = start;
        for &(from, to) in dropped {
            let (from, to) = (from.max(at), to.min(end));
            body.push_str(&self.text[at..from]);
            body.extend(self.text[from..to].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            at = to;
        }
        body.push_str(&self.text[at..end]);
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

/// How these statements have to be run. Takes the `BEGIN` and `COMMIT` around a whole script out of them.
fn mode(
    text: &str,
    pieces: &mut Vec<Piece>,
    dropped: &mut Vec<(usize, usize)>,
    no_transaction: bool,
) -> Result<Mode, (usize, Reason)> {
    let mut controls = Vec::new();
    // The transaction block that is open, if any, as far as the text shows it.
    let mut block: Option<(usize, &'static str)> = None;
    let mut needs_none = no_transaction;
    for (index, piece) in pieces.iter().enumerate() {
        match piece.kind {
            StatementKind::TransactionControl(command) => {
                let control = control_of(&text[piece.start..piece.end]);
                controls.push((index, command, control));
                match control {
                    Some(Control::Begin { .. }) => block = Some((piece.start, command)),
                    Some(Control::Commit { chain } | Control::Rollback { chain }) if !chain => block = None,
                    Some(Control::Prepare) => block = None,
                    Some(Control::Finish) if block.is_some() => {
                        return Err((piece.start, Reason::NoTransactionInBlock { command }));
                    }
                    _ => {}
                }
            }
            StatementKind::NoTransaction(command) | StatementKind::Concurrent(command) => {
                needs_none = true;
                if block.is_some() {
                    return Err((piece.start, Reason::NoTransactionInBlock { command }));
                }
            }
            StatementKind::Plain | StatementKind::CopyFromStdin { .. } => {}
        }
    }
    let mode = if needs_none { Mode::NonTransactional } else { Mode::Transactional };
    if no_transaction {
        return match block {
            Some((offset, command)) => Err((offset, Reason::NeverCommitted { command })),
            None => Ok(mode),
        };
    }
    let last = pieces.len().saturating_sub(1);
    match controls[..] {
        [] => Ok(mode),
        [(0, command, Some(Control::Begin { plain })), (end, _, Some(Control::Commit { chain: false }))]
            if end == last =>
        {
            if !plain {
                return Err((pieces[0].start, Reason::TransactionModes { command }));
            }
            for piece in [pieces[0], pieces[last]] {
                dropped.push((piece.start, piece.semicolon.map_or(piece.end, |semicolon| semicolon + 1)));
            }
            dropped.sort_unstable();
            pieces.pop();
            pieces.remove(0);
            Ok(mode)
        }
        // The pair around it would be fine: what stands between is not.
        [
            (0, _, Some(Control::Begin { .. })),
            (inner, command, _),
            ..,
            (end, _, Some(Control::Commit { .. })),
        ] if end == last => Err((pieces[inner].start, Reason::TransactionControl { command })),
        [(first, command, _), ..] => Err((pieces[first].start, Reason::TransactionControl { command })),
    }
}

#[cfg(test)]
mod tests;
