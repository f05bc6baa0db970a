//! Scripts as pg_dump writes them: COPY with inline data, in the same transaction as everything around it.

use migrate_runtime::Error;
use migrate_runtime::core::{Direction, Goal, Mode, Script};
use migrate_runtime::rehearsal::Rehearsal;
use migrate_runtime::schema::SchemaOptions;
use migrate_tests::migrations::{good, migrator, set};
use migrate_tests::wait::answer;

const DUMP: &str = "SET client_encoding = 'UTF8';\n\
    SELECT pg_catalog.set_config('search_path', '', false);\n\
    CREATE TABLE public.goods (id integer NOT NULL, name text);\n\
    COPY public.goods (id, name) FROM stdin;\n\
    1\tGrün; -- no comment\n\
    2\t\\N\n\
    3\ta\\tb\\\\c\n\
    4\t'quoted'\n\
    \\.\n\
    CREATE TABLE public.more (id integer);\n\
    COPY public.more FROM STDIN WITH (FORMAT csv, HEADER);\n\
    id\n\
    7\n\
    8\n\
    \\.\n\
    ALTER TABLE ONLY public.goods ADD CONSTRAINT goods_pkey PRIMARY KEY (id);\n";

#[test]
fn a_dump_is_applied_and_recorded_in_one_transaction() {
    let database = migrate_testing::scratch().unwrap();
    let migrations = [
        ("0001_dump", DUMP, "DROP TABLE public.goods, public.more"),
        ("0002_x", "CREATE TABLE x ()", "DROP TABLE x"),
    ];
    assert_eq!(set(&migrations).migrations[0].up.mode, Mode::Transactional);
    good(migrator(database.url(), &migrations).run(Goal::UpAll));
    let mut client = database.connect().unwrap();
    let goods = "SELECT string_agg(id || '=' || coalesce(name, '<null>'), '|' ORDER BY id) FROM goods";
    assert_eq!(answer(&mut client, goods), "1=Grün; -- no comment|2=<null>|3=a\tb\\c|4='quoted'");
    assert_eq!(answer(&mut client, "SELECT sum(id) FROM more"), "15");
    // The body has a savepoint around it, so that its rows have one number of their own; that record and body share their
    // fate is shown by the failure below.
    let one = "SELECT count(DISTINCT xmin) FROM (SELECT xmin::text FROM goods UNION ALL SELECT xmin::text FROM more) AS t";
    assert_eq!(answer(&mut client, one), "1");
    // The empty search_path of the dump is gone: `x` went into public.
    assert_eq!(answer(&mut client, "SELECT to_regclass('public.x')"), "x");
    good(migrator(database.url(), &migrations).run(Goal::DownAll));
}

#[test]
fn bad_data_fails_the_whole_script_and_names_the_copy() {
    let cases = [
        (DUMP.replace("3\ta", "three\ta"), "22P02", "COPY public.goods"),
        (DUMP.replace("2\t\\N", "2\t\\N\tmore"), "22P04", "COPY public.goods"),
        (DUMP.replace("3\ta", "1\ta"), "23505", "ALTER TABLE ONLY"),
        (DUMP.replace("\n8\n", "\nx\n"), "22P02", "COPY public.more"),
        (
            DUMP.replace("TABLE public.more (", "TABLE public.goods ("),
            "42P07",
            "CREATE TABLE public.goods (id integer)",
        ),
        (DUMP.replace("COPY public.more", "COPY public.none"), "42P01", "COPY public.none"),
    ];
    for (script, code, start) in cases {
        let database = migrate_testing::scratch().unwrap();
        let runner = migrator(database.url(), &[("0001_dump", &script, "SELECT 1")]);
        let error = runner.run(Goal::UpAll).unwrap_err();
        let Error::Failed { failure } = &error else { panic!("{code}: {error:?}") };
        assert_eq!(failure.server.code, code, "{failure:?}");
        let (at, end) = failure.statement.unwrap_or_else(|| panic!("{code}: no statement in {failure:?}"));
        assert!(failure.text[at..end].starts_with(start), "{code}: {}", &failure.text[at..end]);
        let mut client = database.connect().unwrap();
        assert_eq!(answer(&mut client, "SELECT coalesce(to_regclass('goods'), to_regclass('more'))"), "NULL");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0");
        // The engine's connection is fit for use after it: the mended script runs on a new one and on this history.
        good(migrator(database.url(), &[("0001_dump", DUMP, "SELECT 1")]).run(Goal::UpAll));
    }
}

/// Statement by statement, with COPY between what cannot run in a transaction.
#[test]
fn copy_works_in_a_script_without_a_transaction() {
    let database = migrate_testing::scratch().unwrap();
    let script = "CREATE TABLE t (i int);\nCOPY t FROM stdin;\n1\n2\n\\.\nCREATE INDEX CONCURRENTLY t_i ON t (i);\nCOPY t FROM stdin;\n3\n\\.\n";
    good(migrator(database.url(), &[("0001_t", script, "DROP TABLE t")]).run(Goal::UpAll));
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT sum(i) FROM t"), "6");
    let bad =
        ("0002_bad", "COPY t FROM stdin;\n4\n\\.\nVACUUM t;\nCOPY t FROM stdin;\nfive\n\\.\n", "SELECT 1");
    let error =
        migrator(database.url(), &[("0001_t", script, "DROP TABLE t"), bad]).run(Goal::UpAll).unwrap_err();
    assert!(matches!(&error, Error::Dirty { progress: Some((2, 3)), .. }), "{error:?}");
    let mended =
        ("0002_bad", "COPY t FROM stdin;\n4\n\\.\nVACUUM t;\nCOPY t FROM stdin;\n5\n\\.\n", "SELECT 1");
    good(migrator(database.url(), &[("0001_t", script, "DROP TABLE t"), mended]).run(Goal::UpAll));
    assert_eq!(answer(&mut client, "SELECT sum(i) FROM t"), "15");
}

/// A block that the script opens itself is recorded as a whole, and has nothing of ours in it.
#[test]
fn copy_works_in_a_block_of_the_scripts_own() {
    let script = |rows: &str| {
        format!(
            "-- migrate: no-transaction\nCREATE TABLE t (i int);\nBEGIN;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n\
             COPY t FROM stdin;\n{rows}\\.\nINSERT INTO t VALUES (10);\nCOMMIT;\nVACUUM t;\n"
        )
    };
    let (whole, bad) = (script("1\n2\n"), script("1\ntwo\n"));
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let down = "DROP TABLE t";
    let runner = migrator(database.url(), &[("0001_t", &whole, down)]);
    let sql = good(runner.dry_run(Goal::UpAll)).sql.join("\n");
    assert!(sql.contains("COPY t FROM stdin;\n1\n2\n\\."), "{sql}");
    let error = migrator(database.url(), &[("0001_t", &bad, down)]).run(Goal::UpAll).unwrap_err();
    let Error::Dirty { progress: Some((1, 7)), failure: Some(failure), .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(failure.server.code, "22P02");
    let (at, end) = failure.statement.unwrap();
    assert_eq!(&failure.text[at..end], "COPY t FROM stdin");
    assert_eq!(answer(&mut client, "SELECT count(*) FROM t"), "0");
    // It resumes at the block.
    good(runner.run(Goal::UpAll));
    assert_eq!(answer(&mut client, "SELECT string_agg(i::text, ' ' ORDER BY i) FROM t"), "1 2 10");
    let one = "SELECT count(DISTINCT xmin::text) FROM t";
    assert_eq!(answer(&mut client, one), "1");
    // A rehearsal runs it as well.
    let scratch = migrate_testing::scratch().unwrap();
    let place = migrate_tests::migrations::database(scratch.url());
    let mut rehearsal = good(Rehearsal::connect(&place, SchemaOptions::default()));
    good(rehearsal.run(&Script::parse("0001_t.up.sql", whole).unwrap(), "0001_t", Direction::Up));
    assert_eq!(answer(&mut scratch.connect().unwrap(), "SELECT sum(i) FROM t"), "13");
}
