//! The risk that is measured against the one that the text shows.

use migrate_core::{Migration, Script, Set, Version};
use migrate_runtime::Database;
use migrate_runtime::rehearsal::Rehearsal;
use migrate_runtime::schema::SchemaOptions;

use super::forms::{FORMS, TABLES};
use super::*;
use crate::risk::RiskLevel;

fn set(sql: &str) -> Set {
    let up = Script::parse("0001_a.up.sql", sql.to_owned()).unwrap();
    let migration =
        Migration { stem: "0001_a".into(), version: Version::new(1), up, down: None, check: None };
    Set::new("migrations", vec![migration])
}

/// What a server did: of each table the strongest lock, and what it did with it.
type Seen = BTreeMap<String, (LockMode, Work)>;

fn as_told(effects: &[Effect]) -> Seen {
    let mut seen = Seen::new();
    for effect in effects {
        let Some(table) = effect.table.as_ref().map(ToString::to_string) else { continue };
        let work = if effect.work_on.is_some() { Work::None } else { effect.work };
        let known = seen.entry(table).or_insert((effect.mode, work));
        *known = (known.0.max(effect.mode), known.1.max(work));
    }
    seen
}

fn as_measured(measured: &Measured) -> Seen {
    let mut seen = Seen::new();
    let is_old = |relation: &&Relation| !relation.new;
    for statement in &measured.statements {
        for lock in statement.locks.iter().filter(|lock| !lock.table.new && lock.table.table.is_none()) {
            if lock.mode > LockMode::RowExclusive && lock.table.name.starts_with("s.") {
                seen.insert(lock.table.name.clone(), (lock.mode, Work::None));
            }
        }
        let mut worked = |name: &str, work: Work| {
            if let Some(known) = seen.get_mut(name) {
                known.1 = known.1.max(work);
            }
        };
        statement.scanned.iter().filter(is_old).for_each(|table| worked(&table.name, Work::Scan));
        statement
            .built
            .iter()
            .for_each(|index| worked(index.table.as_deref().unwrap_or_default(), Work::Build));
        let tables = statement.rewritten.iter().filter(is_old).filter(|relation| relation.table.is_none());
        tables.for_each(|table| worked(&table.name, Work::Rewrite));
    }
    seen
}

fn rehearsal() -> (migrate_testing::ScratchDatabase, Rehearsal) {
    let scratch = migrate_testing::scratch().unwrap();
    let database = Database::resolve(Some(scratch.url()), &|_| None).unwrap();
    let rehearsal = Rehearsal::connect(&database, SchemaOptions::default()).unwrap();
    (scratch, rehearsal)
}

#[test]
fn the_table_of_forms_is_what_a_server_does() {
    let (_scratch, mut rehearsal) = rehearsal();
    let tables = Script::parse("0000_tables.up.sql", TABLES.to_owned()).unwrap();
    let mut differences = String::new();
    for sql in FORMS {
        rehearsal.run(&tables, "0000_tables", Direction::Up).unwrap();
        let set = set(sql);
        let script = &set.migrations[0].up;
        let measured = rehearsal.apply(script, "0001_a", Direction::Up);
        let measured = measured.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let book = Book::read(&set, |_| true);
        let (text, seen) =
            (book.of_text("0001_a", Direction::Up), book.of_measured("0001_a", Direction::Up, &measured));
        if text.level != seen.level {
            differences += &format!("{sql}\n    text     {text:?}\n    measured {seen:?}\n");
        }
        let measured = as_measured(&measured);
        let form = crate::risk::form::of(script.sql(&script.statements[0]), &Default::default());
        let told: Seen = as_told(&form.effects);
        let quick = form.effects.iter().any(|effect| effect.quick);
        let work = |work: Work| if quick { Work::None } else { work };
        let measured: Seen =
            measured.into_iter().map(|(table, (mode, seen))| (table, (mode, work(seen)))).collect();
        if told != measured {
            differences += &format!("{sql}\n    told     {told:?}\n    measured {measured:?}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

fn risk_of(rehearsal: &mut Rehearsal, sql: &str) -> (RiskLevel, RiskLevel) {
    let tables = Script::parse("0000_tables.up.sql", TABLES.to_owned()).unwrap();
    rehearsal.run(&tables, "0000_tables", Direction::Up).unwrap();
    let set = set(sql);
    let book = Book::read(&set, |_| true);
    let measured = rehearsal.apply(&set.migrations[0].up, "0001_a", Direction::Up).unwrap();
    (book.of_text("0001_a", Direction::Up).level, book.of_measured("0001_a", Direction::Up, &measured).level)
}

/// What the text cannot show, the measurement does.
#[test]
fn a_measurement_knows_better_than_the_text() {
    let (_scratch, mut rehearsal) = rehearsal();
    for (sql, text, measured) in [
        ("ALTER TABLE s.t ALTER COLUMN b TYPE varchar(20)", RiskLevel::High, RiskLevel::Low),
        ("ALTER TABLE s.t ALTER COLUMN a SET NOT NULL", RiskLevel::High, RiskLevel::Low),
        ("DO $$ BEGIN ALTER TABLE s.t ALTER n TYPE bigint; END $$", RiskLevel::Low, RiskLevel::High),
        ("DO $$ BEGIN CREATE INDEX ON s.t (n); END $$", RiskLevel::Low, RiskLevel::Medium),
        ("UPDATE s.t SET b = 'y' WHERE id = 1", RiskLevel::Low, RiskLevel::Low),
        ("DELETE FROM s.u WHERE id = 1000", RiskLevel::Low, RiskLevel::Low),
        ("TRUNCATE s.t", RiskLevel::Critical, RiskLevel::Critical),
        ("CREATE TABLE s.c (id int); ALTER TABLE s.c ADD COLUMN c serial", RiskLevel::Low, RiskLevel::Low),
        (
            "CREATE TABLE s.c (id int); DROP TABLE s.c; DROP TABLE s.u CASCADE",
            RiskLevel::Critical,
            RiskLevel::Critical,
        ),
        ("ALTER TABLE s.t ADD COLUMN c int; UPDATE s.t SET c = 1", RiskLevel::High, RiskLevel::High),
        ("ALTER TABLE s.t ADD COLUMN c int; CREATE INDEX ON s.u (id)", RiskLevel::High, RiskLevel::High),
    ] {
        assert_eq!(risk_of(&mut rehearsal, sql), (text, measured), "{sql}");
    }
}

/// Each safer script, step by step in migrations of its own, does what the statement does, and keeps nobody waiting.
#[test]
fn safer_scripts_run_and_are_safer() {
    let (_scratch, mut rehearsal) = rehearsal();
    let tables = Script::parse("0000_tables.up.sql", TABLES.to_owned()).unwrap();
    for sql in [
        "CREATE INDEX c ON s.t (n)",
        "DROP INDEX s.i",
        "REINDEX TABLE s.t",
        "REINDEX INDEX s.i",
        "ALTER TABLE s.t ADD FOREIGN KEY (n) REFERENCES s.u (id)",
        "ALTER TABLE s.t ADD CONSTRAINT positive CHECK (n > 0)",
        "ALTER TABLE s.t ADD CHECK (n > 0)",
        "ALTER TABLE s.t ADD UNIQUE (a, n)",
        "ALTER TABLE s.child ADD PRIMARY KEY (id)",
        "ALTER TABLE s.t ALTER COLUMN b SET NOT NULL",
        "ALTER TABLE s.t ADD COLUMN c uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE",
        "ALTER TABLE s.t ADD COLUMN c bigserial",
        "ALTER TABLE s.t ADD COLUMN c int DEFAULT 1 REFERENCES s.u CHECK (c > 0)",
        "ALTER TABLE s.t ALTER COLUMN n TYPE numeric(14, 2) USING n * 1.5",
        "ALTER TABLE s.p DETACH PARTITION s.p1",
        "UPDATE s.t SET b = 'y', n = n + 1000",
        "REFRESH MATERIALIZED VIEW s.m",
    ] {
        rehearsal.run(&tables, "0000_tables", Direction::Up).unwrap();
        let set = set(sql);
        let risk = Book::read(&set, |_| true).of_text("0001_a", Direction::Up);
        let safer =
            risk.reasons.into_iter().find_map(|reason| reason.safer).unwrap_or_else(|| panic!("{sql}"));
        for part in safer.split("-- The next migration:\n") {
            let script = Script::parse("0001_a.up.sql", part.trim_start().to_owned())
                .unwrap_or_else(|error| panic!("{sql}: {error:?}\n{part}"));
            let measured = rehearsal.apply(&script, "0001_a", Direction::Up);
            let measured = measured.unwrap_or_else(|error| panic!("{sql}: {error:?}\n{part}"));
            let migration = Migration {
                stem: "0001_a".into(),
                version: Version::new(1),
                up: script,
                down: None,
                check: None,
            };
            let book = Book::read(&Set::new("migrations", vec![migration]), |_| true);
            let risk = book.of_measured("0001_a", Direction::Up, &measured);
            // The last step of a change of type takes the old column away.
            let waits = risk.reasons.iter().filter(|reason| !reason.why.contains("are gone for good"));
            let level = waits.map(|reason| reason.level).max().unwrap_or_default();
            assert_eq!(level, RiskLevel::Low, "{sql}\n{part}\n{:?}", risk.reasons);
        }
    }
}
