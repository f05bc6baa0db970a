//! How one statement of a non-transactional script is run.

use migrate_core::sql::{self, Control, first_word};
use migrate_core::{Script, Statement, StatementKind};

/// How one statement is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// In a transaction with its record.
    Wrapped,
    /// On its own, with a record before and after.
    Bare,
    /// In a block, a transaction that the script itself opens. Nothing of ours goes in between: `SET TRANSACTION` must
    /// be the first statement, and a record would fix the snapshot before a `LOCK TABLE`.
    InBlock,
    /// The `COMMIT` of a block: the records of the whole block go right before it, so that the block is done and
    /// recorded or neither.
    Commits,
    /// The end of a block that leaves nothing, or that cannot hold a record (`READ ONLY`): the records go behind it.
    Ends,
}

/// The blocks of a script: transactions that it opens and ends itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// The first statement of the open block that has no record yet (0-based).
    pub open: Option<usize>,
    read_only: bool,
}

impl Blocks {
    /// How the statement with this index (0-based) is run.
    pub fn manner(&self, script: &Script, index: usize) -> Manner {
        let statement = &script.statements[index];
        let text = script.sql(statement);
        match (statement.kind, self.open) {
            (StatementKind::TransactionControl(_), open) => match sql::control_of(text) {
                Some(Control::Begin { .. }) => Manner::InBlock,
                Some(Control::Commit { .. }) if open.is_some() && !self.read_only => Manner::Commits,
                Some(Control::Commit { .. } | Control::Rollback { .. } | Control::Prepare) => Manner::Ends,
                Some(Control::Inside) if open.is_some() => Manner::InBlock,
                _ => Manner::Bare,
            },
            (_, Some(_)) => Manner::InBlock,
            (StatementKind::Plain, None) if !may_commit(text) => Manner::Wrapped,
            (StatementKind::CopyFromStdin { .. }, None) => Manner::Wrapped,
            _ => Manner::Bare,
        }
    }

    /// After the statement with this index was run.
    pub fn step(&mut self, script: &Script, index: usize) {
        let statement = &script.statements[index];
        let text = script.sql(statement);
        if self.open.is_some() || matches!(statement.kind, StatementKind::TransactionControl(_)) {
            self.read_only |= says_read_only(text);
        }
        match sql::control_of(text) {
            Some(Control::Begin { .. }) if self.open.is_none() => self.open = Some(index),
            // The next block begins with the statement after this one, in the mode of this one.
            Some(Control::Commit { chain: true } | Control::Rollback { chain: true }) => {
                self.open = Some(index + 1)
            }
            Some(Control::Commit { .. } | Control::Rollback { .. } | Control::Prepare) => {
                *self = Self::default()
            }
            _ => {}
        }
    }
}

fn says_read_only(text: &str) -> bool {
    let words: Vec<_> = text.split_ascii_whitespace().map(|word| word.trim_end_matches([',', ';'])).collect();
    words.windows(2).any(|pair| pair[0].eq_ignore_ascii_case("read") && pair[1].eq_ignore_ascii_case("only"))
}

/// `CALL` and `DO` may commit what they do, so they are neither wrapped nor repeated.
pub(crate) fn may_commit(text: &str) -> bool {
    let word = first_word(text);
    word.eq_ignore_ascii_case("call") || word.eq_ignore_ascii_case("do")
}

/// Whether a statement only sets something for its session, so that running it again does no harm.
pub(crate) fn sets_session(statement: &Statement, text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let of_transaction =
        ["local", "transaction", "constraints"].iter().any(|w| second.eq_ignore_ascii_case(w));
    statement.kind == StatementKind::Plain
        && (first.eq_ignore_ascii_case("set") || first.eq_ignore_ascii_case("reset"))
        && !of_transaction
}

/// Whether a statement that failed has had no effect, apart from an invalid index.
pub(crate) fn is_atomic(statement: &Statement, text: &str) -> bool {
    !may_commit(text) && !matches!(statement.kind, StatementKind::TransactionControl(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manners(text: &str) -> Vec<Manner> {
        let text = format!("-- migrate: no-transaction\n{text}");
        let script = Script::parse("1_a.up.sql", text).unwrap();
        let mut blocks = Blocks::default();
        (0..script.statements.len())
            .map(|index| {
                let manner = blocks.manner(&script, index);
                blocks.step(&script, index);
                manner
            })
            .collect()
    }

    #[test]
    fn a_statement_is_wrapped_where_it_can_be() {
        use Manner::{Bare, Wrapped};
        assert_eq!(manners("CREATE TABLE t(); VACUUM; CALL p(); SELECT 1;"), [Wrapped, Bare, Bare, Wrapped]);
    }

    #[test]
    fn a_block_is_recorded_as_a_whole() {
        use Manner::{Commits, Ends, InBlock, Wrapped};
        assert_eq!(
            manners(
                "BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SAVEPOINT s; SELECT 1; COMMIT; SELECT 2;"
            ),
            [InBlock, InBlock, InBlock, InBlock, Commits, Wrapped]
        );
        assert_eq!(
            manners("BEGIN READ ONLY; SELECT 1; COMMIT; SELECT 2;"),
            [InBlock, InBlock, Ends, Wrapped]
        );
        assert_eq!(manners("BEGIN; SELECT 1; ROLLBACK; SELECT 2;"), [InBlock, InBlock, Ends, Wrapped]);
        assert_eq!(
            manners("BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; END; SELECT 3;"),
            [InBlock, InBlock, Commits, InBlock, Commits, Wrapped]
        );
    }
}
