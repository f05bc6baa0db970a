//! Statements and what they come to, by their text.

use super::*;
use crate::risk::RiskLevel::{self, Critical, High, Low, Medium};

fn set(migrations: &[(&str, &str, &str)]) -> Set {
    let migration = |(stem, up, down): &(&str, &str, &str)| {
        let (version, _) = migrate_core::name::parse_recorded(stem).unwrap();
        let script =
            |way: &str, text: &str| Script::parse(&format!("{stem}.{way}.sql"), text.to_owned()).unwrap();
        let down = (!down.is_empty()).then(|| script("down", down));
        Migration { stem: (*stem).to_owned().into(), version, up: script("up", up), down, check: None }
    };
    Set::new("migrations", migrations.iter().map(migration).collect())
}

/// The risk of one up on tables that are there.
fn up(sql: &str) -> Risk {
    let set = set(&[("0001_a", sql, "")]);
    Book::read(&set, |_| true).of_text("0001_a", Direction::Up)
}

fn shown(risk: &Risk) -> String {
    let line = |reason: &crate::risk::Reason| {
        format!("{} line {}: {}\n", reason.level.name(), reason.line, reason.why)
    };
    risk.reasons.iter().map(line).collect()
}

#[test]
fn statements_have_a_level() {
    for (sql, level) in [
        ("CREATE TABLE t (id bigint)", Low),
        ("CREATE INDEX i ON t (a)", Medium),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", Low),
        ("DROP INDEX i", Low),
        ("ALTER TABLE t ADD COLUMN c int", Low),
        ("ALTER TABLE t ADD COLUMN c int NOT NULL DEFAULT 0", Low),
        ("ALTER TABLE t ADD COLUMN c uuid DEFAULT gen_random_uuid()", High),
        ("ALTER TABLE t ADD COLUMN c bigserial", High),
        ("ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (a + 1) STORED", High),
        ("ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS IDENTITY", High),
        ("ALTER TABLE t ADD COLUMN c int REFERENCES u (id)", Low),
        ("ALTER TABLE t ADD COLUMN c int CHECK (c > 0)", High),
        ("ALTER TABLE t ALTER COLUMN c TYPE bigint", High),
        ("ALTER TABLE t ALTER c SET NOT NULL", High),
        ("ALTER TABLE t ALTER c DROP NOT NULL", Low),
        ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id)", Medium),
        ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id) NOT VALID", Low),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)", High),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID", Low),
        ("ALTER TABLE t VALIDATE CONSTRAINT k", Low),
        ("ALTER TABLE t ADD UNIQUE (a)", High),
        ("ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i", Low),
        ("ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)", High),
        ("ALTER TABLE t DROP COLUMN c", High),
        ("ALTER TABLE t RENAME TO u", Low),
        ("ALTER TABLE t SET LOGGED", High),
        ("ALTER TABLE t DETACH PARTITION p", Low),
        ("DROP TABLE t", Critical),
        ("DROP VIEW v CASCADE", Low),
        ("DROP TYPE y", Low),
        ("DROP TYPE y CASCADE", High),
        ("DROP SCHEMA s CASCADE", Critical),
        ("TRUNCATE t", Critical),
        ("DELETE FROM t", Critical),
        ("DELETE FROM t WHERE a = 1", Low),
        ("UPDATE t SET a = 1", Medium),
        ("UPDATE t SET a = 1 WHERE b = 2", Low),
        ("INSERT INTO t VALUES (1)", Low),
        ("REFRESH MATERIALIZED VIEW m", High),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", Low),
        ("CLUSTER t USING i", High),
        ("VACUUM FULL t", High),
        ("VACUUM t", Low),
        ("REINDEX TABLE t", Medium),
        ("REINDEX TABLE CONCURRENTLY t", Low),
        ("LOCK TABLE t IN SHARE MODE", Low),
        ("SELECT 1", Low),
    ] {
        let risk = up(sql);
        assert_eq!(risk.level, level, "{sql}\n{}", shown(&risk));
    }
}

#[test]
fn a_table_of_the_same_range_is_new() {
    let set = set(&[
        ("0001_a", "CREATE TABLE old (id int)", ""),
        ("0002_b", "CREATE TABLE app.t (id int); ALTER TABLE app.t ALTER id TYPE bigint", "DROP TABLE app.t"),
        (
            "0003_c",
            "CREATE INDEX ON app.t (id); ALTER TABLE other.t ALTER id TYPE bigint",
            "DELETE FROM app.t",
        ),
        ("0004_d", "CREATE INDEX ON old (id)", "DROP TABLE old"),
        ("0005_e", "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES old (id)", "SELECT 1"),
    ]);
    let book = Book::read(&set, |migration| migration.version.number() > 1);
    let level = |stem, direction| book.of_text(stem, direction).level;
    assert_eq!(level("0002_b", Direction::Up), Low);
    assert_eq!(level("0003_c", Direction::Up), High);
    assert_eq!(level("0004_d", Direction::Up), Medium);
    // The new table is empty: the other one is locked for a moment only.
    assert_eq!(level("0005_e", Direction::Up), Low);
    // What its own up made goes: what was written since is gone, which is what a down is for.
    assert_eq!(level("0002_b", Direction::Down), Medium);
    assert_eq!(level("0003_c", Direction::Down), Critical);
    assert_eq!(level("0004_d", Direction::Down), Critical);
}

#[test]
fn what_is_not_applied_together_is_new_to_its_own_script_only() {
    let set = set(&[
        ("0001_a", "CREATE TABLE t (id int); CREATE INDEX ON t (id)", ""),
        ("0002_b", "CREATE INDEX ON t (id)", ""),
    ]);
    for (pending, later) in [(true, Low), (false, Medium)] {
        let book = Book::read(&set, |_| pending);
        assert_eq!(book.of_text("0001_a", Direction::Up).level, Low);
        assert_eq!(book.of_text("0002_b", Direction::Up).level, later);
    }
}

#[test]
fn a_lock_is_held_until_the_commit() {
    let risk = up("ALTER TABLE t ADD COLUMN c int;\nUPDATE t SET c = 1;");
    assert_eq!(risk.level, High, "{}", shown(&risk));
    assert!(risk.reasons[0].why.contains("the lock of line 1 is held until the commit"), "{}", shown(&risk));
    let risk = up("-- migrate: no-transaction\nALTER TABLE t ADD COLUMN c int;\nUPDATE t SET c = 1;");
    assert_eq!(risk.level, Medium, "{}", shown(&risk));
    let risk = up("ALTER TABLE t ADD COLUMN c int;\nCREATE INDEX ON u (a);");
    assert_eq!(risk.level, High, "{}", shown(&risk));
}

#[test]
fn a_valid_check_spares_the_scan() {
    let add = "ALTER TABLE t ADD CONSTRAINT n CHECK (c IS NOT NULL) NOT VALID";
    let validate = "ALTER TABLE t VALIDATE CONSTRAINT n";
    let not_null = "ALTER TABLE t ALTER COLUMN c SET NOT NULL; ALTER TABLE t DROP CONSTRAINT n";
    let level = |steps: &[&str]| {
        let stems = ["0001_a", "0002_b", "0003_c"];
        let rows: Vec<_> = stems.into_iter().zip(steps).map(|(stem, sql)| (stem, *sql, "")).collect();
        let set = set(&rows);
        Book::read(&set, |_| true).of_text(stems[steps.len() - 1], Direction::Up).level
    };
    assert_eq!(level(&[add, validate, not_null]), Low);
    assert_eq!(level(&[add, not_null]), High);
    assert_eq!(level(&[add, validate, "ALTER TABLE t ALTER COLUMN d SET NOT NULL"]), High);
}

#[test]
fn sizes_decide() {
    let set = set(&[("0001_a", "ALTER TABLE app.t ALTER c TYPE bigint; CREATE INDEX ON u (a)", "")]);
    let level = |t, u| -> Vec<RiskLevel> {
        let sizes = Sizes::of([("app.t", t), ("public.u", u)]);
        let risk = Book::read(&set, |_| true).with_sizes(sizes).of_text("0001_a", Direction::Up);
        vec![risk.level]
    };
    assert_eq!(level(1 << 20, 1 << 20), [Medium]);
    assert_eq!(level(100 << 20, 1 << 20), [High]);
    assert_eq!(level(100 << 30, 1 << 20), [Critical]);
}

#[test]
fn reasons_in_words() {
    let risk = up("ALTER TABLE shop.orders ALTER COLUMN total TYPE numeric(14,2);\n\
                   CREATE INDEX orders_total ON shop.orders (total);\n\
                   ALTER TABLE shop.orders ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id);\n\
                   DELETE FROM shop.carts;\nUPDATE shop.orders SET a = 1;");
    insta::assert_snapshot!(shown(&risk));
}

#[test]
fn safer_scripts_have_the_real_names() {
    let mut text = String::new();
    for sql in [
        "CREATE UNIQUE INDEX IF NOT EXISTS orders_number ON shop.orders (number) WHERE number > 0;",
        "DROP INDEX shop.orders_number",
        "REINDEX TABLE shop.orders",
        "ALTER TABLE shop.orders ADD FOREIGN KEY (customer_id) REFERENCES shop.customers (id) ON DELETE CASCADE",
        "ALTER TABLE shop.orders ADD CONSTRAINT positive CHECK (total > 0)",
        "ALTER TABLE shop.orders ADD UNIQUE NULLS NOT DISTINCT (number, \"Shop\")",
        "ALTER TABLE shop.orders ADD CONSTRAINT k PRIMARY KEY (number) INCLUDE (total)",
        "ALTER TABLE shop.orders ALTER COLUMN \"Total\" SET NOT NULL",
        "ALTER TABLE shop.orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE",
        "ALTER TABLE shop.orders ADD COLUMN n bigserial",
        "ALTER TABLE shop.orders ADD COLUMN state int DEFAULT 1 REFERENCES shop.states CHECK (state > 0)",
        "ALTER TABLE shop.orders ALTER COLUMN total TYPE numeric(14, 2)",
        "ALTER TABLE shop.orders ALTER COLUMN total TYPE bigint USING round(total * 100)",
        "ALTER TABLE shop.orders DETACH PARTITION shop.orders_2025",
        "UPDATE shop.orders SET state = 1, total = 0",
        "REFRESH MATERIALIZED VIEW shop.totals",
    ] {
        let safer: Vec<_> = up(sql).reasons.into_iter().filter_map(|reason| reason.safer).collect();
        assert_eq!(safer.len(), 1, "{sql}: {safer:?}");
        text += &format!("==== {sql}\n{}\n", safer[0]);
    }
    insta::assert_snapshot!(text);
}
