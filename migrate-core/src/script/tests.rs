//! Tests of `Script::parse`.

use super::*;
use crate::sql::Reason;

fn parse(text: &str) -> Script {
    Script::parse("0001_a.up.sql", text.to_owned()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn refusal(text: &str) -> ScriptError {
    let error = Script::parse("0001_a.up.sql", text.to_owned()).expect_err(text);
    assert!(!error.hint().is_empty(), "{error} has no hint");
    error
}

fn sql(script: &Script) -> Vec<&str> {
    script.statements.iter().map(|statement| script.sql(statement)).collect()
}

#[test]
fn a_plain_script() {
    let text = "-- migrate: lock-timeout 3s\nCREATE TABLE a (b int);\nSELECT 1";
    let script = parse(text);
    assert_eq!(sql(&script), ["CREATE TABLE a (b int)", "SELECT 1"]);
    assert_eq!(script.mode, Mode::Transactional);
    assert_eq!(script.checksum, Checksum::of(text));
    assert_eq!(script.directives.lock_timeout, Some(std::time::Duration::from_secs(3)));
    assert_eq!(script.body(), text);
    assert!(script.dropped.is_empty() && !script.has_copy());
}

#[test]
fn a_pair_around_everything_is_dropped() {
    for (begin, end) in [
        ("BEGIN;", "COMMIT;"),
        ("begin /* x */ work;", "COMMIT"),
        ("START TRANSACTION;", "END TRANSACTION;"),
        ("BEGIN TRANSACTION;", "COMMIT AND NO CHAIN;"),
    ] {
        let text = format!("-- x\n{begin}\nSELECT 1;\nSELECT 2;\n{end}\n-- y\n");
        let script = parse(&text);
        assert_eq!(sql(&script), ["SELECT 1", "SELECT 2"], "{begin}");
        assert_eq!(script.mode, Mode::Transactional);
        let dropped: Vec<_> = script.dropped.iter().map(|&(start, end)| &text[start..end]).collect();
        assert_eq!(dropped, [begin, end]);
        let body = script.body();
        assert_eq!(body.len(), text.len());
        assert_eq!(
            body.split_whitespace().collect::<Vec<_>>(),
            "-- x SELECT 1; SELECT 2; -- y".split(' ').collect::<Vec<_>>()
        );
    }
    let script = parse("\\restrict a\nBEGIN;\nSELECT 1;\nCOMMIT;\n\\unrestrict a\n");
    assert_eq!(script.dropped.len(), 4);
    assert_eq!(script.body().trim(), "SELECT 1;");
}

#[test]
fn any_other_transaction_control_is_refused() {
    for (text, offset, command) in [
        ("SELECT 1; COMMIT;", 10, "COMMIT"),
        ("BEGIN; SELECT 1;", 0, "BEGIN"),
        ("BEGIN; SELECT 1; ROLLBACK;", 0, "BEGIN"),
        ("BEGIN; SELECT 1; COMMIT AND CHAIN;", 0, "BEGIN"),
        ("BEGIN; SELECT 1; COMMIT; SELECT 2;", 0, "BEGIN"),
        ("SELECT 1; BEGIN; SELECT 1; COMMIT;", 10, "BEGIN"),
        ("BEGIN; SAVEPOINT a; SELECT 1; COMMIT;", 7, "SAVEPOINT"),
        ("BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT;", 17, "COMMIT"),
        ("RELEASE a", 0, "RELEASE"),
        ("PREPARE TRANSACTION 'a'", 0, "PREPARE TRANSACTION"),
        ("COMMIT PREPARED 'a'", 0, "COMMIT PREPARED"),
        ("SET TRANSACTION READ ONLY; SELECT 1", 0, "SET TRANSACTION"),
        ("ABORT", 0, "ABORT"),
    ] {
        let error = refusal(text);
        assert_eq!((error.offset, error.reason), (offset, Reason::TransactionControl { command }), "{text}");
    }
    let error = refusal("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;");
    assert_eq!(error.reason, Reason::TransactionModes { command: "BEGIN" });
    parse("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE");
    parse("DO $$ BEGIN COMMIT; END $$; CALL p()");
}

#[test]
fn under_no_transaction_it_is_allowed() {
    let script = parse("-- migrate: no-transaction\nBEGIN; SELECT 1; COMMIT; VACUUM; SAVEPOINT a;");
    assert_eq!(script.mode, Mode::NonTransactional);
    assert_eq!(script.statements[0].kind, StatementKind::TransactionControl("BEGIN"));
    assert_eq!(script.statements.len(), 5);
    assert!(script.dropped.is_empty());
    let error = refusal("-- migrate: no-transaction\nSELECT 1; BEGIN; SELECT 2;");
    assert_eq!((error.offset, error.reason), (37, Reason::NeverCommitted { command: "BEGIN" }));
    let error = refusal("-- migrate: no-transaction\nBEGIN; COMMIT AND CHAIN;");
    assert_eq!(error.reason, Reason::NeverCommitted { command: "BEGIN" });
    parse("-- migrate: no-transaction\nBEGIN; PREPARE TRANSACTION 'a'; COMMIT PREPARED 'a'");
}

#[test]
fn what_cannot_run_in_a_transaction_is_recognised_without_being_marked() {
    let script = parse("CREATE INDEX CONCURRENTLY a ON b (c); SELECT 1");
    assert_eq!(script.mode, Mode::NonTransactional);
    assert_eq!(script.statements[0].kind, StatementKind::Concurrent("CREATE INDEX CONCURRENTLY"));
    assert!(!script.directives.no_transaction);
    for text in ["BEGIN; VACUUM; COMMIT;", "-- migrate: no-transaction\nBEGIN; VACUUM; COMMIT;"] {
        assert_eq!(refusal(text).reason, Reason::NoTransactionInBlock { command: "VACUUM" }, "{text}");
    }
    let error = refusal("-- migrate: no-transaction\nBEGIN; COMMIT PREPARED 'a'; COMMIT");
    assert_eq!(error.reason, Reason::NoTransactionInBlock { command: "COMMIT PREPARED" });
}

#[test]
fn no_statement_is_an_error_of_its_own() {
    for text in [
        "",
        " \n\t",
        "-- x",
        "/* SELECT 1; */;;",
        "BEGIN; COMMIT;",
        "\\restrict a\n",
        "-- migrate: irreversible x\n",
    ] {
        assert_eq!(refusal(text).reason, Reason::Empty, "{text:?}");
    }
}

#[test]
fn an_error_says_where() {
    let error = refusal("SELECT 1;\n  SELECT 'é', \\i x");
    assert_eq!((error.line, error.column, error.offset), (2, 15, 25));
    assert_eq!(error.to_string(), "0001_a.up.sql:2:15: `\\i` is a command of psql, not SQL");
    assert_eq!(error.hint(), "put the SQL of that file into this one");
}

#[test]
fn directives_stand_in_the_head_only() {
    let error = refusal("SELECT 1;\n-- migrate: no-transaction\n");
    assert_eq!((error.offset, error.reason), (10, Reason::LateDirective));
    assert_eq!(refusal("SELECT -- migrate: x\n1").reason, Reason::LateDirective);
    assert_eq!(refusal("\n-- migrate: x\nSELECT 1").line, 2);
    parse(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ -- migrate: x\nBEGIN END $$; /* migrate: x */",
    );
    let down = Script::parse("0001_a.down.sql", "-- migrate: irreversible x\nSELECT 1".to_owned());
    assert_eq!(down.unwrap_err().reason, Reason::IrreversibleDown);
}

#[test]
fn copy_is_seen() {
    let script = parse("COPY a FROM STDIN;\n1\n\\.\n");
    assert!(script.has_copy());
    assert_eq!(script.mode, Mode::Transactional);
    assert_eq!(sql(&script), ["COPY a FROM STDIN"]);
}

/// `embed!` writes scripts as statics: nothing in one may need the heap.
#[test]
fn a_script_fits_a_static() {
    static SCRIPT: Script = Script {
        file: Cow::Borrowed("a"),
        text: Cow::Borrowed("BEGIN; SELECT 1; COMMIT"),
        checksum: Checksum::from_bytes([0; 32]),
        change: None,
        directives: Directives {
            no_transaction: false,
            irreversible: Some(Cow::Borrowed("x")),
            lock_timeout: None,
            statement_timeout: None,
            allow: Cow::Borrowed(&[]),
        },
        mode: Mode::Transactional,
        statements: Cow::Borrowed(&[Statement { start: 7, end: 15, kind: StatementKind::Plain }]),
        dropped: Cow::Borrowed(&[(0, 6), (17, 23)]),
    };
    assert_eq!(SCRIPT.body(), "       SELECT 1;       ");
}

/// T18: a file that was cut anywhere is refused, or is told from the whole one by its checksum.
#[test]
fn a_file_cut_at_any_byte() {
    let text = include_str!("../../testdata/split.sql");
    let whole = parse(text);
    let mut refused = 0;
    for cut in (0..text.len()).filter(|&cut| text.is_char_boundary(cut)) {
        match Script::parse("0001_a.up.sql", text[..cut].to_owned()) {
            Err(_) => refused += 1,
            Ok(script) => {
                assert_ne!(script.checksum, whole.checksum, "cut at {cut}");
                assert!(script.statements.len() <= whole.statements.len(), "cut at {cut}");
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
