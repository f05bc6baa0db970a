//! Checks asked beside a run: what passes, what is told of what does not, and that none changes anything.

use std::time::Duration;

use migrate_runtime::checks::{self, Outcome, ROWS_KEPT, Verdict};
use migrate_runtime::core::{CheckScript, Moment};
use migrate_runtime::{Connection, Error, Interrupt};
use migrate_testing::ScratchDatabase;
use migrate_tests::Cluster;
use migrate_tests::migrations::{database, good};
use migrate_tests::wait::answer;

fn script(text: &str) -> CheckScript {
    CheckScript::parse("0001_a.check.sql", text.to_owned()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn connection(url: &str) -> Connection {
    good(Connection::open(&database(url), "checks", &Interrupt::new()))
}

fn run(scratch: &ScratchDatabase, text: &str) -> Vec<Outcome> {
    good(checks::run(&connection(scratch.url()), &script(text)))
}

#[test]
fn what_passes_and_what_does_not() {
    let scratch = migrate_testing::scratch().unwrap();
    let mut client = scratch.connect().unwrap();
    client.batch_execute("CREATE TABLE t (a int, b text); CREATE DOMAIN yes AS bool").unwrap();
    for passes in [
        "SELECT FROM t",
        "TABLE t",
        "SELECT * FROM t WHERE a > 0 -- a comment at its end",
        "SELECT true",
        "VALUES (true)",
        "SELECT count(*) = 0 AS \"is empty\" FROM t",
        "(SELECT 1 WHERE false) UNION ALL (SELECT 2 WHERE false) ORDER BY 1",
        "WITH x AS (SELECT * FROM t) SELECT a, a FROM x",
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n WHERE i > 5",
    ] {
        let outcomes = run(&scratch, passes);
        assert!(
            matches!(&outcomes[..], [Outcome { verdict: Verdict::Passed, .. }]),
            "{passes}: {outcomes:?}"
        );
    }
    for (fails, verdict) in [
        ("SELECT false", "is false"),
        ("SELECT NULL::bool", "is NULL, which is not true"),
        ("SELECT true, true", "found 1 row"),
        ("VALUES (true), (true)", "found 2 rows"),
        ("SELECT 't'", "found 1 row"),
        ("SELECT 't'::\"char\"", "found 1 row"),
        ("SELECT true::yes", "found 1 row"),
        ("SELECT NULL", "found 1 row"),
        ("SELECT 1", "found 1 row"),
        ("SELECT FROM generate_series(1, 2)", "found 2 rows"),
        ("SELECT * FROM generate_series(1, 10)", "found 10 rows"),
        ("SELECT * FROM generate_series(1, 1000000)", "found more than 10 rows"),
        ("SELECT a, c FROM t", "could not be run: column \"c\" does not exist"),
        ("SELECT 1/0", "could not be run: division by zero"),
        ("SELECT FROM WHERE", "could not be run: syntax error at or near \"WHERE\""),
        ("SELECT $1", "could not be run: there is no parameter $1"),
    ] {
        let outcomes = run(&scratch, fails);
        let [outcome] = &outcomes[..] else { panic!("{fails}") };
        assert_eq!(outcome.verdict.to_string(), verdict, "{fails}");
        assert!(!outcome.passed());
    }
}

#[test]
fn all_that_failed_is_told_with_its_rows_and_its_place() {
    let scratch = migrate_testing::scratch().unwrap();
    let outcomes = run(
        &scratch,
        "-- migrate: before\nSELECT 'not asked here';\n-- migrate: after\n\n-- é: two of them\nSELECT n AS id, n AS id, NULL AS \"no é\"\n\
         FROM generate_series(1, 2) n;\nSELECT true;\nSELECT\n  'é', nothing;\nSELECT repeat('x', 3) FROM generate_series(1, 11);",
    );
    let told: Vec<_> =
        outcomes.iter().map(|o| (o.title(), o.line, o.moment, o.verdict.to_string())).collect();
    let of = |line: usize| format!("0001_a.check.sql, line {line}");
    assert_eq!(
        told,
        [
            ("é: two of them".to_owned(), 6, Moment::After, "found 2 rows".to_owned()),
            (of(8), 8, Moment::After, "holds".to_owned()),
            (of(9), 9, Moment::After, "could not be run: column \"nothing\" does not exist".to_owned()),
            (of(11), 11, Moment::After, "found more than 10 rows".to_owned()),
        ]
    );
    let Verdict::Found(found) = &outcomes[0].verdict else { panic!() };
    assert_eq!(found.columns, ["id", "id", "no é"]);
    assert_eq!(found.rows[1], [Some("2".to_owned()), Some("2".to_owned()), None]);
    let Verdict::Refused { position: Some(position), server } = &outcomes[2].verdict else { panic!() };
    assert!(outcomes[2].text[*position..].starts_with("nothing;"));
    assert_eq!(server.code, "42703");
    let Verdict::Found(found) = &outcomes[3].verdict else { panic!() };
    assert!(found.rows.len() == ROWS_KEPT && found.more);
    let debug = format!("{:?}", outcomes[3]);
    assert!(!debug.contains("xxx") && debug.contains("found more than 10 rows"), "{debug}");
}

/// What words do not show: functions that write, a change of the mode, locks.
#[test]
fn a_check_changes_nothing() {
    let scratch = migrate_testing::scratch().unwrap();
    let mut client = scratch.connect().unwrap();
    client
        .batch_execute(
            "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE SEQUENCE s; CREATE EXTENSION pgcrypto; \
             CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.t; RETURN 1; END'; \
             CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS \
             'BEGIN SET LOCAL transaction_read_only = off; DELETE FROM public.t; RETURN 1; END'; \
             CREATE FUNCTION h() RETURNS int LANGUAGE plpgsql AS 'BEGIN COMMIT; RETURN 1; END'",
        )
        .unwrap();
    for (sql, code) in [
        ("SELECT f()", "25006"),
        ("SELECT g()", "25001"),
        ("SELECT h()", "2D000"),
        ("SELECT nextval('s')", "25006"),
        ("SELECT setval('s', 9)", "25006"),
        ("SELECT set_config('transaction_read_only', 'off', false)", "25001"),
    ] {
        let outcomes = run(&scratch, sql);
        let Verdict::Refused { server, .. } = &outcomes[0].verdict else { panic!("{sql}: {outcomes:?}") };
        assert_eq!(server.code, code, "{sql}: {}", server.message);
    }
    assert_eq!(answer(&mut client, "SELECT (SELECT count(*) FROM t) || ',' || last_value FROM s"), "1,1");
    // Before PostgreSQL 16 a large object can be made read-only; it is rolled back all the same.
    run(&scratch, "SELECT lo_create(0)");
    assert_eq!(answer(&mut client, "SELECT count(*) FROM pg_largeobject_metadata"), "0");
    // What a check sets is gone with it.
    let connection = connection(scratch.url());
    let both = script("SELECT set_config('search_path', 'nowhere', false) = ''; SELECT a > 0 FROM t");
    let outcomes = good(checks::run(&connection, &both));
    assert_eq!(outcomes[1].verdict, Verdict::Passed);
    assert_eq!(good(connection.value("looking", "SHOW search_path")).as_deref(), Some("\"$user\", public"));
}

#[test]
fn a_check_runs_on_a_standby_and_keeps_to_its_times() {
    let cluster = Cluster::start();
    cluster.admin().batch_execute("CREATE TABLE t (a int)").unwrap();
    let standby = cluster.standby();
    migrate_tests::wait::poll_until(&mut standby.admin(), "SELECT to_regclass('t') IS NOT NULL", "t");
    let connection = connection(&standby.url("postgres"));
    let outcomes = good(checks::run(&connection, &script("SELECT * FROM t; SELECT pg_is_in_recovery()")));
    assert!(outcomes.iter().all(Outcome::passed), "{outcomes:?}");
    let slow = "-- migrate: statement-timeout 50ms\nSELECT pg_sleep(60); SELECT true;";
    let outcomes = good(checks::run(&connection, &script(slow)));
    assert_eq!(outcomes.len(), 1, "what follows a timeout is not asked");
    let Verdict::Refused { server, .. } = &outcomes[0].verdict else { panic!("{outcomes:?}") };
    assert_eq!(server.code, "57014");
    assert!(outcomes[0].elapsed >= Duration::from_millis(50));
}

#[test]
fn an_interrupt_ends_a_check_on_the_server() {
    let scratch = migrate_testing::scratch().unwrap();
    let interrupt = Interrupt::new();
    let connection = good(Connection::open(&database(scratch.url()), "checks", &interrupt));
    let asked = std::thread::spawn(move || checks::run(&connection, &script("SELECT pg_sleep(600)")));
    let mut client = scratch.connect().unwrap();
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'checks' AND wait_event = 'PgSleep'";
    migrate_tests::wait::poll_until(&mut client, sleeping, "1");
    interrupt.trigger(2);
    assert!(matches!(asked.join().unwrap(), Err(Error::Interrupted { .. })));
    migrate_tests::wait::poll_until(&mut client, sleeping, "0");
}

#[test]
fn a_lost_connection_is_told_as_one() {
    let scratch = migrate_testing::scratch().unwrap();
    let connection = connection(scratch.url());
    let mut client = scratch.connect().unwrap();
    let ended =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'checks'";
    assert_eq!(answer(&mut client, ended), "1");
    let error = checks::run(&connection, &script("SELECT true")).unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
}

/// A LIMIT around the query would make the server plan for the first few rows: a nested loop where there are none.
#[test]
fn a_check_is_planned_for_all_of_its_rows() {
    let scratch = migrate_testing::scratch().unwrap();
    let mut client = scratch.connect().unwrap();
    client
        .batch_execute(
            "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (parent_id int); \
             INSERT INTO parent SELECT generate_series(1, 20000); INSERT INTO child SELECT generate_series(1, 20000); \
             ANALYZE parent, child",
        )
        .unwrap();
    let orphans =
        "SELECT c.parent_id FROM child c LEFT JOIN parent p ON p.id = c.parent_id WHERE p.id IS NULL";
    let plan = |sql: &str| {
        let rows = scratch.connect().unwrap().simple_query(&format!("EXPLAIN {sql}")).unwrap();
        let lines = rows.iter().filter_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let wrapped = format!("WITH c AS MATERIALIZED (({orphans})) SELECT * FROM c LIMIT 11");
    assert!(plan(orphans).contains("Hash"), "{}", plan(orphans));
    assert!(plan(&wrapped).contains("Hash"), "{}", plan(&wrapped));
    assert_eq!(run(&scratch, orphans)[0].verdict, Verdict::Passed);
}
