//! What is measured belongs to the statement that did it, and to what was there before the script.

use std::time::Duration;

use migrate_runtime::Error;
use migrate_runtime::core::{Direction, Script};
use migrate_runtime::rehearsal::{LockMode, Measured, MeasuredStatement, Rehearsal, Relation};
use migrate_runtime::schema::SchemaOptions;
use migrate_testing::ScratchDatabase;
use migrate_tests::migrations::{database, good};
use migrate_tests::wait::answer;

struct Stand {
    rehearsal: Rehearsal,
    scratch: ScratchDatabase,
}

fn script(text: &str) -> Script {
    Script::parse("0001_a.up.sql", text.to_owned()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl Stand {
    fn new(setup: &str) -> Self {
        let scratch = migrate_testing::scratch().unwrap();
        let rehearsal = Rehearsal::connect(&database(scratch.url()), SchemaOptions::default());
        let mut stand = Self { rehearsal: good(rehearsal), scratch };
        stand.run(setup);
        stand
    }

    fn run(&mut self, text: &str) {
        good(self.rehearsal.run(&script(text), "0001_a", Direction::Up));
    }

    fn apply(&mut self, text: &str) -> Measured {
        good(self.rehearsal.apply(&script(text), "0001_a", Direction::Up))
    }
}

fn locks(statement: &MeasuredStatement) -> Vec<String> {
    let locks = statement.locks.iter();
    locks.map(|lock| format!("{} {}{}", lock.table.name, lock.mode.name(), new(&lock.table))).collect()
}

fn names(relations: &[Relation]) -> Vec<String> {
    let name = |relation: &Relation| match &relation.table {
        Some(table) => format!("{} of {table}{}", relation.name, new(relation)),
        None => format!("{}{}", relation.name, new(relation)),
    };
    relations.iter().map(name).collect()
}

fn new(relation: &Relation) -> &'static str {
    if relation.new { " (new)" } else { "" }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_lock_belongs_to_the_statement_that_took_it_first() {
    let mut stand = Stand::new("CREATE TABLE t (id int PRIMARY KEY, a int)");
    let text = "\nSELECT 1 FROM t;\n-- a comment\nINSERT INTO t VALUES (1);\nSELECT 1 FROM t;\nALTER TABLE t\n  ADD b int;\n\
                UPDATE t SET a = 1;\nDROP TABLE t;";
    let measured = stand.apply(text);
    let told: Vec<_> =
        measured.statements.iter().map(|statement| (statement.line, locks(statement))).collect();
    let expected: [(usize, &[&str]); 6] = [
        (2, &["public.t ACCESS SHARE"]),
        (4, &["public.t ROW EXCLUSIVE"]),
        (5, &[]),
        (6, &["public.t ACCESS EXCLUSIVE"]),
        (8, &[]),
        (9, &[]),
    ];
    for ((line, found), (told_line, told)) in told.iter().zip(expected) {
        assert_eq!((*line, found.iter().map(String::as_str).collect::<Vec<_>>()), (told_line, told.to_vec()));
    }
    assert_eq!(told.len(), expected.len());
    assert_eq!(&text[measured.statements[3].span.clone()], "ALTER TABLE t\n  ADD b int");
    let sum: Duration = measured.statements.iter().map(|statement| statement.duration).sum();
    assert!(measured.duration > sum && !sum.is_zero(), "{measured:?}");
}

#[test]
fn what_the_script_made_itself_is_new_and_costs_nothing() {
    let mut stand = Stand::new("CREATE TABLE old (id int PRIMARY KEY); INSERT INTO old VALUES (1)");
    let measured = stand.apply(
        "CREATE TABLE fresh (id int REFERENCES old);\nINSERT INTO fresh SELECT id FROM old;\n\
         CREATE INDEX fresh_id ON fresh (id);\nALTER TABLE fresh ALTER id TYPE bigint;\nCREATE INDEX old_id ON old (id);\n\
         CREATE TEMP TABLE passing AS SELECT * FROM old;\nDROP TABLE fresh;",
    );
    let [create, insert, index, rewrite, built, temporary, drop] = &measured.statements[..] else { panic!() };
    assert_eq!(locks(create), ["public.fresh ACCESS EXCLUSIVE (new)", "public.old SHARE ROW EXCLUSIVE"]);
    assert_eq!(names(&insert.scanned), ["public.old"]);
    for statement in [index, rewrite] {
        assert_eq!(names(&statement.rewritten), NOTHING);
        assert_eq!(names(&statement.built), NOTHING);
    }
    assert_eq!(names(&index.scanned), NOTHING);
    assert_eq!(names(&built.built), ["public.old_id of public.old (new)"]);
    assert_eq!(names(&built.scanned), ["public.old"]);
    assert_eq!(locks(temporary), NOTHING);
    // The foreign key is made anew for the new type, and its old triggers dropped.
    assert_eq!(locks(rewrite), ["public.old ACCESS EXCLUSIVE"]);
    assert_eq!(locks(drop), NOTHING);
    // In the next script it is old.
    let measured = stand.apply("REINDEX INDEX old_id");
    assert_eq!(names(&measured.statements[0].rewritten), ["public.old_id of public.old"]);
    assert_eq!(locks(&measured.statements[0]), ["public.old ACCESS EXCLUSIVE"]);
}

#[test]
fn a_table_is_called_what_others_call_it() {
    let mut stand = Stand::new("CREATE SCHEMA s; CREATE TABLE s.\"T 1\" (id int)");
    let measured = stand.apply(
        "ALTER SCHEMA s RENAME TO u; ALTER TABLE u.\"T 1\" RENAME TO v; ALTER TABLE u.v ADD a int DEFAULT random();\
         DROP TABLE u.v",
    );
    let [_, rename, rewrite, drop] = &measured.statements[..] else { panic!() };
    assert_eq!(locks(rename), ["s.\"T 1\" ACCESS EXCLUSIVE"]);
    assert_eq!(names(&rewrite.rewritten), ["s.\"T 1\""]);
    assert_eq!(locks(drop), NOTHING);
}

#[test]
fn an_index_that_is_dropped_again_was_built() {
    let mut stand = Stand::new("CREATE TABLE t (a varchar(5)); CREATE INDEX t_a ON t (a)");
    let measured = stand.apply(
        "CREATE INDEX i ON t (a);\nDROP INDEX i;\nALTER TABLE t ALTER a TYPE varchar(9);\nALTER TABLE t ALTER a TYPE int USING length(a);",
    );
    let [create, drop, keeps, rebuilds] = &measured.statements[..] else { panic!() };
    assert_eq!(names(&create.built), ["public.i of public.t (new)"]);
    assert_eq!(names(&drop.built), NOTHING);
    assert_eq!(
        (names(&keeps.built), names(&keeps.rewritten), names(&keeps.scanned)),
        (vec![], vec![], vec![])
    );
    assert_eq!(names(&rebuilds.built), ["public.t_a of public.t (new)"]);
    assert_eq!(names(&rebuilds.rewritten), ["public.t"]);
    assert_eq!(names(&rebuilds.scanned), ["public.t"]);
}

/// What earlier scripts counted is not counted again: the session reports its counts once a second at most.
#[test]
fn scans_of_earlier_scripts_are_not_counted() {
    let mut stand = Stand::new("CREATE TABLE t (id int); CREATE TABLE u (id int)");
    for _ in 0..3 {
        stand.run("SELECT 1 FROM t; SELECT 1 FROM u");
        let measured = stand.apply("SELECT 1 FROM u; LOCK TABLE t; SELECT 1 FROM u");
        let scanned: Vec<_> = measured.statements.iter().map(|statement| names(&statement.scanned)).collect();
        assert_eq!(scanned, [vec!["public.u".to_owned()], vec![], vec!["public.u".to_owned()]]);
        let measured =
            stand.apply("-- migrate: no-transaction\nBEGIN; LOCK TABLE t; SELECT 1 FROM u; COMMIT; VACUUM t");
        let scanned: Vec<_> = measured.statements.iter().map(|statement| names(&statement.scanned)).collect();
        assert_eq!(scanned, [vec![], vec![], vec!["public.u".to_owned()], vec![], vec![]]);
    }
}

#[test]
fn statements_with_a_transaction_of_their_own_are_measured_each() {
    let mut stand = Stand::new("CREATE TABLE t (id int); CREATE TABLE u (id int); INSERT INTO t VALUES (1)");
    let measured = stand.apply(
        "-- migrate: no-transaction\nALTER TABLE t ADD a int;\nCOPY u FROM stdin;\n1\n\\.\nALTER TABLE t ADD b int DEFAULT random();\n\
         CREATE TABLE fresh (id int);\nCREATE INDEX CONCURRENTLY fresh_id ON fresh (id);\nVACUUM fresh, u;\nDROP INDEX CONCURRENTLY fresh_id;\n\
         BEGIN ISOLATION LEVEL REPEATABLE READ;\nSET TRANSACTION READ WRITE;\nLOCK TABLE u IN SHARE MODE;\nUPDATE u SET id = 2;\n\
         TRUNCATE t;\nCOMMIT;\nDROP TABLE t;",
    );
    let told: Vec<_> = measured.statements.iter().map(locks).collect();
    let told: Vec<_> =
        told.iter().map(|locks| locks.iter().map(String::as_str).collect::<Vec<_>>()).collect();
    assert_eq!(told[0], ["public.t ACCESS EXCLUSIVE"]);
    assert_eq!(told[1], ["public.u ROW EXCLUSIVE"]);
    assert_eq!(told[2], ["public.t ACCESS EXCLUSIVE"]);
    assert_eq!(names(&measured.statements[2].rewritten), ["public.t"]);
    assert_eq!(told[3], ["public.fresh ACCESS EXCLUSIVE (new)"]);
    assert_eq!(told[4], ["public.fresh SHARE UPDATE EXCLUSIVE (new)"]);
    assert_eq!(names(&measured.statements[4].built), NOTHING);
    assert_eq!(told[5], ["public.fresh SHARE UPDATE EXCLUSIVE (new)", "public.u SHARE UPDATE EXCLUSIVE"]);
    assert_eq!(told[6], ["public.fresh SHARE UPDATE EXCLUSIVE (new)"]);
    // Nothing is asked before the first query of a block: its LOCK is told with the statement behind it.
    assert_eq!(told[7..10], [vec![], vec![], Vec::<&str>::new()]);
    assert_eq!(told[10], ["public.u SHARE"]);
    assert_eq!(told[11], ["public.t ACCESS EXCLUSIVE"]);
    assert_eq!(names(&measured.statements[11].rewritten), ["public.t"]);
    assert_eq!(told[13], ["public.t ACCESS EXCLUSIVE"]);
}

#[test]
fn a_procedure_that_commits_runs_once() {
    let mut stand = Stand::new(
        "CREATE TABLE t (id int);\nCREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN INSERT INTO t VALUES (1); COMMIT; \
         INSERT INTO t VALUES (2); END'",
    );
    let measured = stand.apply("-- migrate: no-transaction\nCALL p();\nDO $$ BEGIN LOCK TABLE t; END $$;");
    assert_eq!(
        answer(&mut stand.scratch.connect().unwrap(), "SELECT count(*) || ':' || sum(id) FROM t"),
        "2:3"
    );
    // What committed half-way has let its locks go.
    assert_eq!(locks(&measured.statements[0]), NOTHING);
    assert_eq!(locks(&measured.statements[1]), ["public.t ACCESS EXCLUSIVE"]);
}

#[test]
fn a_command_for_every_table_is_looked_at_before_each() {
    let tables = (0..20).map(|i| format!("CREATE TABLE t{i} (id int PRIMARY KEY);")).collect::<String>();
    let mut stand = Stand::new(&tables);
    let every = |mode: LockMode| {
        let mut all: Vec<_> = (0..20).map(|i| format!("public.t{i} {}", mode.name())).collect();
        all.sort();
        all
    };
    for (text, mode) in [
        ("VACUUM", LockMode::ShareUpdateExclusive),
        ("VACUUM (FULL)", LockMode::AccessExclusive),
        ("REINDEX SCHEMA public", LockMode::AccessExclusive),
    ] {
        let measured = stand.apply(text);
        assert_eq!(locks(&measured.statements[0]), every(mode), "{text}");
    }
    assert_eq!(locks(&stand.apply("VACUUM (SKIP_LOCKED) t1").statements[0]), NOTHING);
    // Nothing stands in anybody's way any more.
    stand.run(&(0..20).map(|i| format!("DROP TABLE t{i};")).collect::<String>());
}

/// A statement that fails while something stands in its way fails as it does without, and nothing stays behind.
#[test]
fn what_stands_in_the_way_is_taken_away_when_a_statement_fails() {
    let mut stand = Stand::new("CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1)");
    for (text, code) in [
        ("CREATE UNIQUE INDEX CONCURRENTLY ti ON t (id)", "23505"),
        ("DROP INDEX CONCURRENTLY nothing", "42704"),
        ("VACUUM nothing", "42P01"),
        ("REINDEX TABLE CONCURRENTLY nothing", "42P01"),
        ("ALTER TABLE t DETACH PARTITION nothing CONCURRENTLY", "42P17"),
        ("-- migrate: statement-timeout 1ms\nVACUUM FULL t", "57014"),
    ] {
        let error = stand.rehearsal.apply(&script(text), "0001_a", Direction::Up).unwrap_err();
        let Error::Dirty { failure: Some(failure), .. } = &error else { panic!("{text}: {error:?}") };
        assert_eq!(failure.server.code, code, "{text}: {failure:?}");
    }
    let held = "SELECT count(*) FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                AND pid <> pg_backend_pid()";
    migrate_tests::poll_until(&mut stand.scratch.connect().unwrap(), held, "0");
}

/// A script that makes a thousand tables is not asked a thousand times for all of them.
#[test]
fn many_new_tables_do_not_slow_each_other_down() {
    let tables =
        |n: usize| (0..n).map(|i| format!("CREATE TABLE t{i} (id int PRIMARY KEY);\n")).collect::<String>();
    let mut stand = Stand::new("CREATE TABLE old (id int)");
    let measured = stand.apply(&tables(600));
    assert_eq!(measured.statements.len(), 600);
    assert_eq!(locks(&measured.statements[599]), ["public.t599 ACCESS EXCLUSIVE (new)"]);
}

/// Of a script that alters many tables only what is new is asked for, and nothing is missed by that.
#[test]
fn many_old_tables_are_told_once_and_again_where_something_happens() {
    let of_each = |each: &dyn Fn(usize) -> String| (0..150).map(each).collect::<Vec<_>>().join(";\n");
    let mut stand = Stand::new(&of_each(&|i| format!("CREATE TABLE t{i} (id int PRIMARY KEY)")));
    let alter = of_each(&|i| format!("ALTER TABLE t{i} ADD COLUMN b int"));
    let measured = stand.apply(&format!(
        "LOCK TABLE t0 IN SHARE MODE;\n{alter};\n\
         ALTER TABLE t3 ALTER COLUMN b TYPE bigint;\n\
         SELECT count(*) FROM t4 WHERE b = 1;\n\
         SELECT count(*) FROM t4 WHERE b = 1;\n\
         DROP TABLE t5;\n\
         ALTER TABLE t6 ADD COLUMN c int"
    ));
    assert_eq!(locks(&measured.statements[0]), ["public.t0 SHARE"]);
    for (i, statement) in measured.statements[1..=150].iter().enumerate() {
        assert_eq!(locks(statement), [format!("public.t{i} ACCESS EXCLUSIVE")]);
        assert_eq!(names(&statement.scanned), NOTHING);
    }
    let last = &measured.statements[151..];
    assert!(last.iter().all(|statement| statement.locks.is_empty()), "{last:?}");
    assert_eq!(names(&last[0].rewritten), ["public.t3", "public.t3_pkey of public.t3"]);
    assert_eq!(names(&last[1].scanned), ["public.t4"]);
    assert_eq!(names(&last[2].scanned), ["public.t4"]);
    for nothing in &last[3..] {
        assert!(nothing.rewritten.is_empty() && nothing.scanned.is_empty(), "{nothing:?}");
    }
}
