//! T18: a file that was cut off, at whichever byte, does not run unnoticed.

use migrate_core::folder::{self, Options};
use migrate_core::lock::{self, Lock, LockError};
use migrate_tests::{TestEnvironment, binaries};

/// Quotes, comments, dollar quotes, a function body and inline data: each can be cut inside.
const UP: &str = "/* the \u{e9}tat /* nested */ */\nCREATE TABLE a (id int, note text DEFAULT 'it''s; \u{e9}');\n\
                  -- a comment; with a semicolon\n\
                  CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$\nBEGIN\n  RETURN 1;\nEND\n$body$;\n\
                  CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n\
                  INSERT INTO a VALUES (1, E'\\'x'), (2, U&'\\0061'), (3, $$y$$);\n\
                  COPY a FROM STDIN;\n4\tz\n\\.\nCREATE VIEW \"v;w\" AS SELECT * FROM a;\n";
const DOWN: &str = "DROP VIEW \"v;w\";\nDROP FUNCTION f(), g();\nDROP TABLE a;\n";

/// Cuts `text` at every byte, and hands in what is left.
fn at_every_byte(text: &str, mut try_it: impl FnMut(usize, &[u8])) {
    for cut in 0..text.len() {
        try_it(cut, &text.as_bytes()[..cut]);
    }
}

#[test]
fn a_cut_at_any_byte_is_refused_by_the_folder_or_by_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path());
    let examples = binaries::workspace().join("migrations");
    let example = |name: &str| std::fs::read_to_string(examples.join(name)).unwrap();
    let (up_16, down_16) =
        (example("0016_create_order_functions.up.sql"), example("0016_create_order_functions.down.sql"));
    let mut refused_by_the_folder = 0;
    for (up, down) in [(UP, DOWN), (&up_16, &down_16)] {
        let paths = ["0001_a.up.sql", "0001_a.down.sql"].map(|name| folder.path().join(name));
        for (path, text) in paths.iter().zip([up, down]) {
            std::fs::write(path, text).unwrap();
        }
        let whole = folder::read(folder.path(), &options).unwrap();
        Lock::of(&whole).write(folder.path()).unwrap();
        lock::check(folder.path(), &whole).unwrap();
        for (path, text) in paths.iter().zip([up, down]) {
            at_every_byte(text, |cut, left| {
                std::fs::write(path, left).unwrap();
                match folder::read(folder.path(), &options) {
                    Err(problems) => {
                        assert!(problems.problems.iter().all(|problem| problem.path() == path));
                        refused_by_the_folder += 1;
                    }
                    Ok(set) => {
                        let refused = lock::check(folder.path(), &set);
                        let noticed = matches!(refused, Err(LockError::Differs { .. }));
                        assert!(noticed, "{}: the first {cut} bytes pass: {refused:?}", path.display());
                    }
                }
            });
            std::fs::write(path, text).unwrap();
        }
    }
    // Inside of a quote, a comment, a body or a character the folder knows on its own.
    assert!(refused_by_the_folder > UP.len() / 3, "{refused_by_the_folder}");
}

#[test]
fn the_program_refuses_a_cut_file_and_runs_nothing() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", UP, DOWN);
    environment.run(&["lock"]).success();
    let cuts = [
        (0, 5, "has no statement in it"),
        (UP.find("nested").unwrap(), 5, "is not terminated"),
        (UP.find("s; ").unwrap(), 5, "is not terminated"),
        (UP.find("RETURN 1").unwrap(), 5, "is not terminated"),
        (UP.find("SELECT 2").unwrap(), 5, "has no `END`"),
        (UP.find("-- a comment").unwrap(), 1, "0001_a.up.sql"),
        (UP.len() - 1, 1, "0001_a.up.sql"),
        (UP.find("tat").unwrap() - 1, 5, "is not UTF-8"),
    ];
    for (cut, code, said) in cuts {
        environment.write("migrations/0001_a.up.sql", &UP.as_bytes()[..cut]);
        let output = environment.run(&["up", "--locked"]);
        assert!(output.expect(code).stderr.contains(said), "{cut}: {}", output.stderr);
    }
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let tables: i64 = environment.client().query_one(tables, &[]).unwrap().get(0);
    assert_eq!(tables, 0);

    // Applied, then cut: refused without any lock, whatever is left of it.
    environment.write("migrations/0001_a.up.sql", UP);
    environment.run(&["up"]).success();
    environment.write("migrations/0001_a.up.sql", &UP[..UP.find("CREATE VIEW").unwrap()]);
    let output = environment.run(&["up", "--locked=false"]);
    assert!(output.expect(9).stderr.contains("0001_a"), "{}", output.stderr);
}
