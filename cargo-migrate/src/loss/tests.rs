//! What is told is what goes: on a real server, where the statement is run afterwards.

use migrate_core::Script;
use migrate_runtime::event::PlannedStep;

use super::*;
use crate::postflight::testing::Bench;
use crate::render::{Page, Paint, View};

const SHOP: &str = "CREATE TABLE customers (id int PRIMARY KEY, name text, note text);\
    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE, total numeric(12,4), memo json);\
    CREATE VIEW totals AS SELECT customer, sum(total) AS sum FROM orders GROUP BY customer;\
    CREATE MATERIALIZED VIEW top AS SELECT id FROM orders WHERE total > 100;\
    CREATE INDEX orders_total ON orders (total);\
    INSERT INTO customers SELECT g, 'c' || g, CASE WHEN g <= 3 THEN 'x' END FROM generate_series(1, 10) g;\
    INSERT INTO orders SELECT g, g % 10 + 1, g + 0.001 * (g % 2), '{}' FROM generate_series(1, 200) g;\
    REFRESH MATERIALIZED VIEW top";

/// What is told of a down, without sizes, which differ from version to version.
fn told(bench: &Bench, sql: &str) -> Vec<String> {
    let script = Script::parse("0001_a.down.sql", sql.to_owned()).unwrap();
    let step = PlannedStep { stem: "0001_a".to_owned(), direction: Direction::Down, transactional: true };
    let mut losses = Losses::of(&bench.connection, &[PlannedScript { step, script }]).unwrap();
    losses.steps.iter_mut().flat_map(|step| &mut step.losses).for_each(|loss| loss.bytes = None);
    let text = LossView { database: "db".to_owned(), losses }
        .human(Page { width: None, paint: Paint { on: false } });
    let lines: Vec<_> = text.split_terminator('\n').map(|line| line.trim().to_owned()).collect();
    lines[2..].to_vec()
}

#[test]
fn a_table_goes_with_what_hangs_on_it() {
    let bench = Bench::new();
    bench.sql(SHOP);
    assert_eq!(
        told(&bench, "DROP TABLE orders CASCADE"),
        [
            "table public.orders: 200 rows",
            "with it: view totals",
            "materialized view public.top: 100 rows, which its query makes again (goes with orders)",
            "in all: 1 table, 1 materialized view, 200 rows",
        ]
    );
    // Without CASCADE nothing else goes: the server would refuse.
    assert_eq!(
        told(&bench, "DROP TABLE orders"),
        ["table public.orders: 200 rows", "in all: 1 table, 200 rows"]
    );
    assert_eq!(
        told(&bench, "DROP TABLE customers CASCADE;\nDROP SCHEMA public CASCADE"),
        [
            "table public.customers: 10 rows",
            "with it: constraint orders_customer_fkey on table orders",
            "table public.orders: 200 rows (goes with public)",
            "with it: view totals",
            "materialized view public.top: 100 rows, which its query makes again (goes with public)",
            "in all: 2 tables, 1 materialized view, 210 rows",
        ]
    );
}

#[test]
fn a_column_has_values_or_has_none() {
    let bench = Bench::new();
    bench.sql(SHOP);
    assert_eq!(
        told(&bench, "ALTER TABLE customers DROP COLUMN note;\nALTER TABLE orders DROP COLUMN total CASCADE"),
        [
            "column public.customers.note: 3 of 10 rows have a value",
            "column public.orders.total: 200 of 200 rows have a value",
            "with it: view totals",
            "materialized view public.top: 100 rows, which its query makes again (goes with public.orders.total)",
            "in all: 2 columns, 1 materialized view",
        ]
    );
    bench.sql("CREATE TYPE mood AS ENUM ('good', 'bad');ALTER TABLE customers ADD feels mood;UPDATE customers SET feels = 'good' WHERE id = 1");
    assert_eq!(
        told(&bench, "DROP TYPE mood CASCADE"),
        ["column public.customers.feels: 1 of 10 rows have a value (goes with mood)", "in all: 1 column",]
    );
}

#[test]
fn rows_are_counted_as_the_statement_names_them() {
    let bench = Bench::new();
    bench.sql(SHOP);
    assert_eq!(
        told(
            &bench,
            "TRUNCATE customers CASCADE;\n\
             DELETE FROM customers WHERE id <= 4;\n\
             DELETE FROM orders AS o USING customers AS c WHERE o.customer = c.id AND c.note IS NOT NULL;\n\
             DELETE FROM orders WHERE id > 1000;\n\
             UPDATE customers SET note = NULL, name = upper(name) WHERE note IS NOT NULL"
        ),
        [
            "rows public.customers: all 10 rows",
            "rows public.orders: all 200 rows (goes with TRUNCATE public.customers CASCADE)",
            "rows public.customers: 4 of 10 rows",
            "with it: rows of public.orders that refer to them (ON DELETE CASCADE)",
            "rows public.orders: 60 of 200 rows",
            "values public.customers (note, name): 3 of 10 rows overwritten",
            "in all: 274 rows, values of rows that stay",
        ]
    );
}

#[test]
fn a_narrower_type_loses_what_does_not_come_back() {
    let bench = Bench::new();
    bench.sql(SHOP);
    assert_eq!(
        told(
            &bench,
            "ALTER TABLE orders ALTER total TYPE numeric(12,2);\nALTER TABLE orders ALTER id TYPE bigint;\n\
             ALTER TABLE customers ALTER name TYPE varchar(2) USING left(name, 2);\nALTER TABLE orders ALTER memo TYPE text;\n\
             ALTER TABLE orders ALTER memo TYPE date USING nothing(memo)"
        ),
        [
            "converted values public.orders.total (from numeric(12,4) to numeric(12,2)): 100 of 200 values become others",
            "converted values public.customers.name (from text to varchar(2)): 1 of 10 values become others",
            "not seen: line 5: public.orders.memo goes from json to date: which values become others cannot be told: function \
             nothing(json) does not exist",
            "in all: values of rows that stay; beside 1 statement whose effect cannot be seen",
        ]
    );
}

#[test]
fn names_are_those_that_hold_when_the_statement_runs() {
    let bench = Bench::new();
    bench.sql(SHOP);
    bench.sql("CREATE SCHEMA app;CREATE TABLE app.jobs (id serial);INSERT INTO app.jobs DEFAULT VALUES");
    assert_eq!(
        told(
            &bench,
            "ALTER TABLE customers RENAME TO clients;\nALTER TABLE clients RENAME COLUMN note TO remark;\n\
             ALTER TABLE clients DROP COLUMN remark;\nCREATE TABLE copy AS SELECT 1;\nDROP TABLE copy;\n\
             DROP TABLE IF EXISTS no_such;\nDROP TABLE gone;\nDROP TABLE clients;\n\
             SET LOCAL search_path = app;\nDROP TABLE jobs;\nDO $$ BEGIN END $$;\nSELECT setval('jobs_id_seq', 1);\nSELECT wipe()"
        ),
        [
            "column public.customers.note: 3 of 10 rows have a value",
            "table public.customers: 10 rows",
            "table app.jobs: 1 row",
            "not seen: line 7: DROP gone: there is nothing of this name now, so what it destroys cannot be told",
            "not seen: line 11: a DO block: what it destroys cannot be seen",
            "not seen: line 13: wipe() is called: what it destroys cannot be seen",
            "in all: 2 tables, 1 column, 11 rows; beside 3 statements whose effect cannot be seen",
        ]
    );
}

#[test]
fn partitions_and_counters_go_too() {
    let bench = Bench::new();
    bench.sql(
        "CREATE TABLE p (a int) PARTITION BY LIST (a);CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);\
         CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);INSERT INTO p VALUES (1), (1), (2);CREATE SEQUENCE s;\
         SELECT setval('s', 41)",
    );
    assert_eq!(
        told(&bench, "DROP TABLE p;\nDROP SEQUENCE s"),
        [
            "table public.p: 3 rows",
            "sequence public.s: its counter, which is at 41",
            "in all: 1 table, 1 sequence, 3 rows",
        ]
    );
    assert_eq!(told(&bench, "DROP TABLE p1")[0], "table public.p1: 2 rows");
}

#[test]
fn what_cannot_be_counted_now_is_told_as_an_estimate() {
    let bench = Bench::new();
    bench.sql(SHOP);
    bench.sql("ANALYZE");
    let mut other = bench.database.connect().unwrap();
    other.batch_execute("BEGIN;LOCK TABLE orders").unwrap();
    assert_eq!(
        told(&bench, "DROP TABLE orders;\nALTER TABLE customers DROP COLUMN note"),
        [
            "table public.orders: about 200 rows",
            "column public.customers.note: 3 of 10 rows have a value",
            "in all: 1 table, 1 column, about 200 rows",
        ]
    );
}
