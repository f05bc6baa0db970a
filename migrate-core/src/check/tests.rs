use super::*;

fn parse(text: &str) -> Result<CheckScript, ScriptError> {
    CheckScript::parse("0001_a.check.sql", text.to_owned())
}

fn refused(text: &str) -> String {
    let error = parse(text).unwrap_err();
    assert!(!error.hint().is_empty());
    format!("{}:{}: {}", error.line, error.column, error.reason)
}

#[test]
fn sections_hold_for_what_stands_behind_them() {
    let script = parse(
        "SELECT 1;\n-- migrate: before\nSELECT 2; SELECT 3;\n-- migrate: after\nSELECT 4;\n-- migrate: before\nSELECT 5",
    )
    .unwrap();
    let of = |moment| script.of(moment).map(|check| script.sql(check)).collect::<Vec<_>>();
    assert_eq!(of(Moment::Before), ["SELECT 2", "SELECT 3", "SELECT 5"]);
    assert_eq!(of(Moment::After), ["SELECT 1", "SELECT 4"]);
    assert_eq!(script.line(&script.checks[3]), 5);
    assert_eq!(script.statement_timeout, None);
}

#[test]
fn the_comment_right_above_describes() {
    let script = parse(
        "-- A file.\n\n-- migrate: before\n-- no two customers\n--   have one address\nSELECT 1;\n\
         SELECT 2; -- behind it\nSELECT 3;\n-- not this one\n\nSELECT 4;\n-- this one\n  SELECT 5;\n/* nor this */\nSELECT 6;\n--\nSELECT 7;",
    )
    .unwrap();
    let words: Vec<_> = script.checks.iter().map(|check| check.description.as_deref()).collect();
    assert_eq!(
        words,
        [Some("no two customers have one address"), None, None, None, Some("this one"), None, None]
    );
}

#[test]
fn a_timeout_stands_in_the_head() {
    let script = parse("-- migrate: statement-timeout 5min\n-- migrate: before\nSELECT 1;").unwrap();
    assert_eq!(script.statement_timeout, Some(Duration::from_secs(300)));
    assert_eq!(
        refused("SELECT 1;\n-- migrate: statement-timeout 5min\nSELECT 2;"),
        "2:1: a directive must stand before the first statement of its file"
    );
}

#[test]
fn what_is_a_query() {
    for sql in [
        "SELECT 1",
        "select count(*) = 0 from t where a > 1",
        "(SELECT 1) UNION ((SELECT 2))",
        "WITH a AS (SELECT 1), b(x) AS MATERIALIZED (VALUES (1)) SELECT * FROM a, b",
        "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 9) TABLE t",
        "VALUES (true)",
        "TABLE t",
        "SELECT \"delete\", 'INSERT INTO', $$ UPDATE $$ FROM t -- DELETE FROM\n",
        "SELECT update, share, t.into, 1 AS into FROM t",
        "SELECT f(update), (delete) FROM t",
        "SELECT substring(a FOR 3) FROM t",
    ] {
        assert!(parse(sql).is_ok(), "{sql}: {:?}", parse(sql));
    }
}

#[test]
fn what_is_none() {
    for (sql, reason) in [
        ("DELETE FROM t", "1:1: `DELETE` in a file of checks, where only queries stand"),
        ("SELECT 1;\ncommit;", "2:1: `COMMIT` in a file of checks, where only queries stand"),
        ("SET search_path = x", "1:1: `SET` in a file of checks, where only queries stand"),
        ("DO $$ BEGIN END $$", "1:1: `DO` in a file of checks, where only queries stand"),
        ("EXPLAIN ANALYZE SELECT 1", "1:1: `EXPLAIN` in a file of checks, where only queries stand"),
        ("COPY t TO PROGRAM 'x'", "1:1: `COPY` in a file of checks, where only queries stand"),
        ("((DELETE FROM t))", "1:3: `DELETE` in a file of checks, where only queries stand"),
        ("SELECT * INTO x FROM t", "1:10: a check only looks, and this one does `SELECT INTO`"),
        ("SELECT * FROM t FOR UPDATE", "1:21: a check only looks, and this one does `FOR UPDATE`"),
        ("SELECT * FROM t FOR NO KEY UPDATE", "1:28: a check only looks, and this one does `FOR UPDATE`"),
        ("SELECT * FROM t FOR KEY SHARE", "1:25: a check only looks, and this one does `FOR SHARE`"),
        (
            "WITH a AS (DELETE FROM t RETURNING 1) TABLE a",
            "1:12: a check only looks, and this one does `DELETE`",
        ),
        (
            "WITH a AS MATERIALIZED (UPDATE t SET a = 1 RETURNING 1) TABLE a",
            "1:25: a check only looks, and this one does `UPDATE`",
        ),
        (
            "WITH a AS (SELECT 1) INSERT INTO t TABLE a",
            "1:22: a check only looks, and this one does `INSERT`",
        ),
        ("WITH a AS (SELECT 1) UPDATE t SET a = 1", "1:22: a check only looks, and this one does `UPDATE`"),
        (
            "SELECT * FROM (WITH a AS (WITH b AS (SELECT 1) MERGE INTO t USING b ON true) TABLE a) x",
            "1:48: a check only looks, and this one does `MERGE`",
        ),
        ("SELECT 1) x, (SELECT 2)", "1:9: this parenthesis closes nothing"),
        ("SELECT (1;", "1:8: this parenthesis is still open where its statement ends"),
        ("\\restrict abc\nSELECT 1;", "1:1: `\\restrict` in a file of checks, where only queries stand"),
        ("-- migrate: no-transaction\nSELECT 1", "1:1: `no-transaction` is no directive of a check"),
        ("-- migrate: lock-timeout 3s\nSELECT 1", "1:1: `lock-timeout` is no directive of a check"),
        ("-- migrate: befor\nSELECT 1", "1:1: `befor` is no directive of a check"),
        (
            "-- migrate: before the rows are moved\nSELECT 1",
            "1:1: the directive `before` takes nothing behind it, but `the rows are moved` stands there",
        ),
        ("-- migrate before\nSELECT 1", "1:1: the directive `before` needs a colon after `migrate`"),
        ("SELECT 1;\n-- migrate: before\n", "2:1: no query stands behind `-- migrate: before`"),
        (
            "-- migrate: before\n-- migrate: after\nSELECT 1;",
            "1:1: no query stands behind `-- migrate: before`",
        ),
        ("SELECT 1\n-- migrate: before\n, 2;", "2:1: `-- migrate: before` inside of a query"),
        ("-- nothing\n;;", "1:1: there is no statement in this file"),
        ("SELECT 'a", "1:8: this string is not terminated"),
    ] {
        assert_eq!(refused(sql), reason, "{sql}");
    }
    assert_eq!(parse("-- migrate: befor\nSELECT 1").unwrap_err().hint(), "did you mean `before`?");
}

#[test]
fn a_standing_check_has_no_moment() {
    let error =
        CheckScript::parse_standing("checks/a.sql", "-- migrate: after\nSELECT 1".into()).unwrap_err();
    assert_eq!(error.reason, Reason::SectionInStanding { directive: "after" });
    let script = CheckScript::parse_standing("checks/a.sql", "SELECT 1;SELECT 2".into()).unwrap();
    assert_eq!(script.of(Moment::After).count(), 2);
}
