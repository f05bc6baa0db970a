//! Transaction control: which statements start, end or mark a transaction.

use super::lexer::Lexer;
use super::words::Words;

/// What a statement does to the transaction block around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// `BEGIN`, `START TRANSACTION`; `plain` without isolation level and the like.
    Begin {
        /// Nothing follows the command.
        plain: bool,
    },
    /// `COMMIT`, `END`; with `AND CHAIN` a new block follows.
    Commit {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`.
    Rollback {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `PREPARE TRANSACTION`: the block is over.
    Prepare,
    /// `COMMIT PREPARED`, `ROLLBACK PREPARED`: not allowed inside a block.
    Finish,
    /// `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`, `SET TRANSACTION`.
    Inside,
}

/// The command's name and what it does, where the statement is transaction control (`TransactionStmt` of `gram.y`).
pub(crate) fn control(mut words: Words<'_>) -> Option<(&'static str, Control)> {
    const FIRST: [&str; 10] =
        ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE", "SET"];
    let first = words.eat_any(&FIRST)?;
    Some(match first {
        "BEGIN" => {
            words.eat_any(&["WORK", "TRANSACTION"]);
            ("BEGIN", Control::Begin { plain: words.is_empty() })
        }
        "START" if words.eat("TRANSACTION") => {
            ("START TRANSACTION", Control::Begin { plain: words.is_empty() })
        }
        "COMMIT" if words.eat("PREPARED") => ("COMMIT PREPARED", Control::Finish),
        "ROLLBACK" if words.eat("PREPARED") => ("ROLLBACK PREPARED", Control::Finish),
        "COMMIT" | "END" => (first, Control::Commit { chain: chain(words) }),
        "ROLLBACK" | "ABORT" => {
            words.eat_any(&["WORK", "TRANSACTION"]);
            if words.at("TO") {
                ("ROLLBACK TO SAVEPOINT", Control::Inside)
            } else {
                (first, Control::Rollback { chain: chain(words) })
            }
        }
        "SAVEPOINT" | "RELEASE" => (first, Control::Inside),
        "PREPARE" if words.eat("TRANSACTION") => ("PREPARE TRANSACTION", Control::Prepare),
        "SET" => {
            let _ = words.eat_any(&["SESSION", "LOCAL"]);
            if !words.eat("TRANSACTION") || words.at("TO") || words.at_symbol(b'=') || words.at_symbol(b'.') {
                return None;
            }
            ("SET TRANSACTION", Control::Inside)
        }
        _ => return None,
    })
}

/// What this statement does to the transaction around it.
pub fn control_of(sql: &str) -> Option<Control> {
    let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
    control(Words::new(sql, &tokens)).map(|(_, control)| control)
}

/// Whether `AND CHAIN` follows, and not `AND NO CHAIN`.
fn chain(mut words: Words<'_>) -> bool {
    words.eat_any(&["WORK", "TRANSACTION"]);
    words.eat_all(&["AND", "CHAIN"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Option<(&'static str, Control)> {
        let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
        control(Words::new(sql, &tokens))
    }

    #[test]
    fn every_form_of_transaction_control() {
        let plain = Control::Begin { plain: true };
        let modes = Control::Begin { plain: false };
        for (sql, name, expected) in [
            ("begin", "BEGIN", plain),
            ("BEGIN /* x */ WORK", "BEGIN", plain),
            ("BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN", modes),
            ("BEGIN READ ONLY", "BEGIN", modes),
            ("START TRANSACTION", "START TRANSACTION", plain),
            ("START TRANSACTION READ ONLY", "START TRANSACTION", modes),
            ("COMMIT", "COMMIT", Control::Commit { chain: false }),
            ("COMMIT WORK AND NO CHAIN", "COMMIT", Control::Commit { chain: false }),
            ("end transaction and chain", "END", Control::Commit { chain: true }),
            ("ROLLBACK AND CHAIN", "ROLLBACK", Control::Rollback { chain: true }),
            ("ABORT WORK", "ABORT", Control::Rollback { chain: false }),
            ("ROLLBACK WORK TO SAVEPOINT a", "ROLLBACK TO SAVEPOINT", Control::Inside),
            ("SAVEPOINT a", "SAVEPOINT", Control::Inside),
            ("RELEASE a", "RELEASE", Control::Inside),
            ("PREPARE TRANSACTION 'a'", "PREPARE TRANSACTION", Control::Prepare),
            ("COMMIT PREPARED 'a'", "COMMIT PREPARED", Control::Finish),
            ("ROLLBACK PREPARED 'a'", "ROLLBACK PREPARED", Control::Finish),
            ("SET TRANSACTION READ ONLY", "SET TRANSACTION", Control::Inside),
            ("SET LOCAL TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET TRANSACTION", Control::Inside),
        ] {
            assert_eq!(of(sql), Some((name, expected)), "{sql}");
        }
    }

    #[test]
    fn the_hint_of_an_isolation_level_says_where_it_goes() {
        let sql = "BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1; COMMIT;";
        let error = crate::Script::parse("1_a.up.sql", sql.into()).unwrap_err();
        assert_eq!(error.offset, 7);
        assert!(error.hint().contains("`BEGIN ISOLATION LEVEL …;`"), "{}", error.hint());
        let advised = "-- migrate: no-transaction\nBEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; COMMIT;";
        assert!(crate::Script::parse("1_a.up.sql", advised.into()).is_ok());
    }

    #[test]
    fn what_only_looks_like_it() {
        for sql in [
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "SET LOCAL lock_timeout = '1s'",
            "PREPARE a AS SELECT 1",
            "\"begin\"",
            "beginning",
            "DO $$ BEGIN COMMIT; END $$",
            "CALL p()",
            "",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
    }
}
