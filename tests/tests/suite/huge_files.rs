//! T29: files of a megabyte, of a hundred, and of more than PostgreSQL takes. A long script goes in pieces, the program does
//! not grow beyond three times the file, and what is too large is refused before anything runs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use migrate_runtime::Error;
use migrate_runtime::core::Goal;
use migrate_tests::gate::{Gate, HEAD, STAND};
use migrate_tests::migrations::{good, migrator};
use migrate_tests::output::{self, Output};
use migrate_tests::wait::answer;
use migrate_tests::{TestEnvironment, nightly};

const MB: u64 = 1 << 20;

/// How the rows are brought.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Insert,
    Copy,
}

/// Rows of 8 kB that the server stores in a hundred bytes.
fn row() -> String {
    "x".repeat(8_000)
}

/// A statement of 64 kB.
fn insert() -> String {
    format!("INSERT INTO big VALUES {};\n", vec![format!("('{}')", row()); 8].join(", "))
}

/// Writes a script of at least so many bytes; says how many rows it makes.
fn write(path: &Path, kind: Kind, bytes: u64) -> u64 {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut written, mut rows) = (0, 0);
    let mut put = |text: &str| {
        file.write_all(text.as_bytes()).unwrap();
        written += text.len() as u64;
        written
    };
    put("CREATE TABLE big (line text);\n");
    let (piece, of_piece) = match kind {
        Kind::Insert => (insert(), 8),
        Kind::Copy => {
            put("COPY big FROM stdin;\n");
            (format!("{}\n", row()), 1)
        }
    };
    while put(&piece) < bytes {
        rows += of_piece;
    }
    if matches!(kind, Kind::Copy) {
        put("\\.\n");
    }
    put("SELECT count(*) FROM big;\n");
    file.flush().unwrap();
    rows + of_piece
}

/// A project with such a migration, and one behind it at which the program stands still.
fn project(kind: Kind, bytes: u64) -> (TestEnvironment, u64) {
    let environment = TestEnvironment::new();
    environment.migration("0001_big", "SELECT 1;\n", "DROP TABLE big;\n");
    let rows = write(&environment.path("migrations/0001_big.up.sql"), kind, bytes);
    environment.migration("0002_stand", &format!("{HEAD}{STAND}"), "SELECT 1;\n");
    (environment, rows)
}

/// Without a search through the file afterwards, for which it is too long.
fn run(environment: &TestEnvironment, arguments: &[&str]) -> Output {
    output::capture(&mut environment.command(arguments))
}

/// The largest that `up` was, in bytes, once it has applied the first of two.
fn peak(environment: &TestEnvironment) -> u64 {
    let mut gate = Gate::close(environment.database().url());
    let mut running = environment.spawn(&["up"]);
    let began = Instant::now();
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted \
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while answer(gate.client(), waiting) != "1" {
        assert!(!running.ended(), "{}", running.wait().stderr);
        assert!(began.elapsed() < Duration::from_secs(3600), "{}", running.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let kilobytes =
        status.split('\n').find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
    let kilobytes: u64 = kilobytes.unwrap().parse().unwrap();
    gate.open();
    running.wait().success();
    kilobytes * 1024
}

/// What is held of the message on its way and of the record, whatever the file.
const ON_ITS_WAY: u64 = 8 * MB;

/// Applies such a file with at most three times its size in memory, beside what the program needs anyway.
fn applies(kind: Kind, bytes: u64) {
    let needs = peak(&project(kind, 1).0);
    let (environment, rows) = project(kind, bytes);
    let took = peak(&environment);
    let size = std::fs::metadata(environment.path("migrations/0001_big.up.sql")).unwrap().len();
    println!("{kind:?} {size} bytes: {took} bytes at most, {needs} without it");
    assert!(
        took <= needs + ON_ITS_WAY + 3 * size,
        "{kind:?} of {size} bytes took {took}, {needs} are needed without it"
    );
    let mut client = environment.client();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM big"), rows.to_string());
    assert_eq!(
        answer(&mut client, "SELECT string_agg(version, ' ' ORDER BY 1) FROM schema_migrations"),
        "0001_big 0002_stand"
    );
    // What is too long for the log is not in it, and what it is rolled back with is.
    let kept = "SELECT (up_sql IS NOT NULL) || ' ' || down_sql FROM schema_migrations_log \
                WHERE version = '0001_big' AND action = 'up' AND outcome = 'ok'";
    assert_eq!(answer(&mut client, kept), format!("{} DROP TABLE big;\n", size <= 4 * MB));
    run(&environment, &["status"]).success();
    run(&environment, &["down", "--all", "--yes"]).success();
    assert_eq!(answer(&mut client, "SELECT to_regclass('big')"), "NULL");
}

#[test]
fn a_megabyte() {
    applies(Kind::Insert, MB);
}

#[test]
fn a_dozen_megabytes_go_in_pieces() {
    applies(Kind::Insert, 12 * MB);
}

#[test]
fn a_hundred_megabytes() {
    nightly!();
    applies(Kind::Insert, 100 * MB);
    applies(Kind::Copy, 100 * MB);
}

#[test]
fn nine_hundred_megabytes() {
    nightly!();
    applies(Kind::Copy, 900 * MB);
    applies(Kind::Insert, 900 * MB);
}

/// A statement that fails is found wherever it is, and everything before it goes.
#[test]
fn a_failure_in_a_late_piece_is_at_its_place() {
    let long = insert().repeat(150);
    for (script, statement) in [
        (format!("BEGIN;\nCREATE TABLE big (line text);\n{long}SELECT nope;\nCOMMIT;\n"), "SELECT nope"),
        (format!("CREATE TABLE big (line text);\n{long}SELECT 1 / 0;\n{long}"), "SELECT 1 / 0"),
        (format!("CREATE TABLE big (line text);\nSELECT 2 / 0;\n{long}"), "SELECT 2 / 0"),
    ] {
        let database = migrate_testing::scratch().unwrap();
        let error =
            migrator(database.url(), &[("0001_big", &script, "SELECT 1")]).run(Goal::UpAll).unwrap_err();
        let Error::Failed { failure } = &error else { panic!("{error:?}") };
        let (at, end) = failure.statement.unwrap();
        assert_eq!(&failure.text[at..end], statement);
        let mut client = database.connect().unwrap();
        assert_eq!(answer(&mut client, "SELECT to_regclass('big')"), "NULL");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0");
    }
}

/// The text of an earlier time, which the log has, is not the one in force where the later one was too long for it.
#[test]
fn a_short_text_of_before_does_not_stand_for_a_long_one() {
    let database = migrate_testing::scratch().unwrap();
    let short = [("0001_big", "CREATE TABLE big (line text);\n", "DROP TABLE big; -- short\n")];
    good(migrator(database.url(), &short).run(Goal::UpAll));
    good(migrator(database.url(), &short).run(Goal::DownAll));
    let up = format!("CREATE TABLE big (line text);\n{}", insert().repeat(80));
    let long = [("0001_big", up.as_str(), "DROP TABLE big; -- long\n")];
    let runner = migrator(database.url(), &long);
    good(runner.run(Goal::UpAll));
    assert_eq!(good(runner.applied())[0].up, None);
    // Without any question which of two texts is meant.
    good(runner.run(Goal::DownAll));
}

#[test]
fn what_is_over_the_limit_is_refused_before_anything_runs() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.migration("0002_big", "SELECT 1;\n", "SELECT 1;\n");
    let bytes = 1_181_116_006;
    // Without a byte on the disk.
    File::options()
        .write(true)
        .open(environment.path("migrations/0002_big.up.sql"))
        .unwrap()
        .set_len(bytes)
        .unwrap();
    let output = environment.run(&["up"]);
    for words in
        ["migrations/0002_big.up.sql", &format!("{bytes} bytes"), "1 GiB", "split it into several migrations"]
    {
        assert!(output.expect(5).stderr.contains(words), "{words}: {}", output.stderr);
    }
    let made = "SELECT coalesce(to_regclass('schema_migrations'), to_regclass('a'))";
    assert_eq!(answer(&mut environment.client(), made), "NULL");
}
