//! The linter as a whole: what is new and what is in use, what squawk says with the folder in mind, folders that are
//! ours.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use migrate_core::{Direction, Migration, Set, Version, folder};

use super::source::Source;
use super::testing::{found, found_in_down, messages, migration};
use super::{Level, Options, Scope, check};
use crate::args::Parameter;

fn rules(set: &Set, options: &Options) -> Vec<String> {
    check(set, options).into_iter().map(|finding| format!("{} {}", finding.stem, finding.rule)).collect()
}

#[test]
fn what_is_new_has_no_readers_to_block() {
    let index = |number| migration(number, "index", "CREATE INDEX i ON a (b);", "DROP INDEX i;");
    let table = migration(1, "table", "CREATE TABLE a (b int);", "DROP TABLE a;");
    let set = Set::new("migrations", vec![table, index(2)]);
    let options = |scope| Options { scope, ..Options::default() };
    let told = ["0002_index require-concurrent-index-creation".to_owned()];
    assert_eq!(rules(&set, &Options::default()), told);
    let both: BTreeSet<_> = [Version::new(1), Version::new(2)].into();
    assert!(rules(&set, &options(Scope::Pending(both))).is_empty());
    let second: BTreeSet<_> = [Version::new(2)].into();
    assert_eq!(rules(&set, &options(Scope::Pending(second))), told);
    assert_eq!(rules(&set, &options(Scope::After(Version::new(1)))), told);
    assert!(rules(&set, &options(Scope::After(Version::new(2)))).is_empty());
}

#[test]
fn levels_are_those_of_the_metadata() {
    let set = Set::new("migrations", vec![migration(1, "a", "CREATE TABLE a (b serial); TRUNCATE x;", "")]);
    let level = |rule: &str, level| {
        let options = Options { levels: [(rule.to_owned(), level)].into(), ..Options::default() };
        let findings = check(&set, &options);
        findings.iter().find(|finding| finding.rule == rule).map(|finding| finding.level)
    };
    assert_eq!(level("truncate", Level::Deny), Some(Level::Deny));
    assert_eq!(level("truncate", Level::Warn), Some(Level::Warn));
    assert_eq!(level("truncate", Level::Allow), None);
    assert_eq!(level("prefer-identity", Level::Deny), Some(Level::Deny));
    assert_eq!(level("prefer-identity", Level::Allow), None);
}

#[test]
fn one_thing_is_told_once() {
    for sql in [
        "ALTER TABLE orders ADD CONSTRAINT k UNIQUE (note);",
        "ALTER TABLE orders ADD CONSTRAINT k PRIMARY KEY (note);",
        "ALTER TABLE orders ADD CONSTRAINT k FOREIGN KEY (note) REFERENCES x;",
        "ALTER TABLE orders ADD CONSTRAINT k CHECK (note <> '');",
        "CREATE INDEX i ON orders (note);",
        "ALTER TABLE orders ALTER COLUMN amount TYPE bigint;",
        "ALTER TABLE orders ADD COLUMN a int NOT NULL;",
        "ALTER TABLE orders ADD COLUMN a serial NOT NULL;",
        "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;",
        "DROP TABLE orders;",
        "DROP DATABASE IF EXISTS x;",
        "TRUNCATE orders;",
        "TRUNCATE orders CASCADE;",
        "ALTER TABLE orders RENAME TO orders_2;",
        "REINDEX TABLE orders;",
    ] {
        assert_eq!(messages(sql, "").len(), 1, "{sql}: {:?}", messages(sql, ""));
    }
}

#[test]
fn squawk_is_corrected_where_the_folder_knows_better() {
    for sql in [
        "ALTER TABLE orders ALTER COLUMN note TYPE text;",
        "ALTER TABLE orders ALTER COLUMN note TYPE varchar(20);",
        "ALTER TABLE orders ADD COLUMN a int NOT NULL DEFAULT -1;",
        "ALTER TABLE orders ADD COLUMN a date NOT NULL DEFAULT CURRENT_DATE;",
        "ALTER TABLE orders ADD COLUMN a timestamp DEFAULT (now() AT TIME ZONE 'utc');",
        "ALTER TABLE orders ADD COLUMN a int GENERATED ALWAYS AS (amount + 1) VIRTUAL;",
        "CREATE INDEX i ON ONLY orders (note);",
        "ALTER TABLE orders RENAME CONSTRAINT c TO d;",
        "ALTER TABLE orders ADD COLUMN a bigint REFERENCES x;",
        "ALTER TABLE orders RENAME TO sales; CREATE VIEW orders AS SELECT * FROM sales;",
        "CREATE VIEW v AS SELECT 1; DROP VIEW v;",
        "CREATE TEMP TABLE a (b int); CREATE INDEX i ON a (b); ALTER TABLE a ADD UNIQUE (b); DROP TABLE a;",
        "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a; CREATE UNIQUE INDEX i ON v (a);",
        "CREATE TABLE a AS SELECT 1 AS b; CREATE INDEX i ON a (b);",
        "CREATE TABLE a (b int REFERENCES orders); ALTER TABLE a ADD CHECK (b > 0);",
        "-- migrate: no-transaction\nCREATE TABLE a (b int); CREATE INDEX i ON a (b);",
        "SET LOCAL lock_timeout = '1s'; ALTER TABLE orders ADD COLUMN a int;",
    ] {
        assert!(messages(sql, "").is_empty(), "{sql}: {:?}", messages(sql, ""));
    }
    let remade = "DROP VIEW v; DROP FUNCTION f(); CREATE VIEW v AS SELECT 1;";
    assert_eq!(found(remade, "ban-drop-view"), [""; 0]);
    assert_eq!(
        found(remade, "ban-drop-function"),
        ["DROP FUNCTION f();"].map(|text| text.trim_end_matches(';'))
    );
}

#[test]
fn a_change_of_time_zone_type_in_utc_writes_nothing() {
    let before = migration(1, "a", "CREATE TABLE a (b timestamp);", "");
    let change = |sql: &str| {
        let set = Set::new("migrations", vec![before.clone(), migration(2, "b", sql, "")]);
        rules(&set, &Options::default())
    };
    assert_eq!(change("ALTER TABLE a ALTER b TYPE timestamptz;"), ["0002_b changing-column-type"]);
    assert!(change("SET LOCAL timezone = 'UTC'; ALTER TABLE a ALTER b TYPE timestamptz;").is_empty());
    assert!(change("SET LOCAL TIME ZONE 'UTC'; ALTER TABLE a ALTER b TYPE timestamptz;").is_empty());
}

#[test]
fn a_down_may_block_and_may_drop() {
    let up = "ALTER TABLE orders ADD COLUMN a int;";
    assert!(found_in_down(up, "ALTER TABLE orders DROP COLUMN a;", "").is_empty());
    let down = "CREATE INDEX i ON orders (note); ALTER TABLE orders DROP COLUMN a;";
    assert_eq!(found_in_down(up, down, "").len(), 1);
    let set = super::testing::folder(up, down);
    assert!(check(&set, &Options::default()).iter().all(|finding| finding.level == Level::Warn));
}

#[test]
fn not_null_is_proven_by_a_check_of_an_earlier_migration() {
    let step = |number, sql: &str| migration(number, "step", sql, "");
    let set = Set::new(
        "migrations",
        vec![
            step(1, "CREATE TABLE a (b int);"),
            step(2, "ALTER TABLE a ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID;"),
            step(3, "ALTER TABLE a VALIDATE CONSTRAINT c;"),
            step(4, "ALTER TABLE a ALTER COLUMN b SET NOT NULL; ALTER TABLE a DROP CONSTRAINT c;"),
        ],
    );
    assert!(rules(&set, &Options::default()).is_empty(), "{:?}", rules(&set, &Options::default()));
}

#[test]
fn safer_scripts_have_the_names_of_the_statement() {
    let safer = |sql: &str| {
        let set = super::testing::folder(sql, "");
        check(&set, &Options::default()).into_iter().find_map(|finding| finding.safer).unwrap()
    };
    insta::assert_snapshot!(
        [
            "CREATE UNIQUE INDEX i ON public.orders (note) WHERE note <> '';",
            "ALTER TABLE orders ADD FOREIGN KEY (note) REFERENCES \"X\" (id);",
            "ALTER TABLE orders ADD CONSTRAINT k CHECK (amount > 0);",
            "ALTER TABLE orders ADD UNIQUE (note, amount);",
            "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;",
            "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();",
            "DROP INDEX public.i;",
        ]
        .map(|sql| format!("{sql}\n→\n{}\n", safer(sql)))
        .join("\n")
    );
}

#[test]
fn the_example_migrations_are_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let set = folder::read(&root.join("migrations"), &folder::Options::new(&root)).unwrap();
    let findings = check(&set, &Options::default());
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn what_new_writes_passes() {
    let mut told = Vec::new();
    for template in crate::template::all(Path::new("/nowhere")).unwrap() {
        let given: Vec<_> = template
            .parameters()
            .into_iter()
            .map(|one| Parameter {
                value: one.default.unwrap_or_else(|| format!("my_{}", one.name)),
                key: one.name,
            })
            .collect();
        let mut migrations: Vec<Migration> = Vec::new();
        for (number, filled) in template.fill("do_it", &given).unwrap().into_iter().enumerate() {
            let number = u64::try_from(number).unwrap() + 1;
            let step = migration(number, "step", &filled.up, filled.down.as_deref().unwrap_or_default());
            // What the parser could not read would pass in silence.
            for script in step.scripts() {
                let source = Source::parse(script, Direction::Up);
                assert_eq!(
                    source.nodes().count(),
                    script.statements.len(),
                    "{}: {}",
                    template.name,
                    script.text
                );
            }
            migrations.push(step);
        }
        for finding in check(&Set::new("migrations", migrations), &Options::default()) {
            assert_eq!(finding.level, Level::Warn, "{}: {finding:#?}", template.name);
            told.push(format!("{} {} {}", template.name, finding.file, finding.rule));
        }
    }
    // Down scripts of a change that cannot be undone without reading or locking; their comments say so.
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_thousand_files_take_a_moment() {
    let migrations = (1..=500).map(|number| {
        let up = format!(
            "CREATE TABLE t{number} (id bigint PRIMARY KEY, a text NOT NULL, b int REFERENCES t1);\n\
             CREATE INDEX t{number}_a_idx ON t{number} (a);\nALTER TABLE t1 ADD COLUMN c{number} int DEFAULT 0;\n"
        );
        let down = format!("ALTER TABLE t1 DROP COLUMN c{number};\nDROP TABLE t{number};\n");
        migration(number, "many", &up, &down)
    });
    let set = Set::new("migrations", migrations.collect());
    let started = Instant::now();
    assert!(check(&set, &Options::default()).is_empty());
    // The whole command took 1.1 s of processor time, built for debugging; the rest is room for a busy machine.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
