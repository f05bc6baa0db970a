//! The schema that an application needs: `check_schema()` as it starts, `schema validate` from outside.

use migrate_runtime::core::Schema;
use migrate_runtime::{Error, Migrator};
use migrate_tests::migrations::{apply, database, set};
use migrate_tests::{TestEnvironment, binaries};

const MADE: &str = "
    CREATE TYPE state AS ENUM ('open', 'done');
    CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,2) NOT NULL DEFAULT 0, state state, note text);
    CREATE INDEX orders_state ON orders (state);
    CREATE FUNCTION touch() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE VIEW totals AS SELECT sum(total) AS sum FROM orders;
    COMMENT ON TABLE orders IS 'bought';";

/// What check_schema says after a change.
fn after(change: &str) -> Vec<String> {
    let scratch = migrate_testing::scratch().unwrap();
    apply(scratch.url(), &[("0001_a", MADE, "")]);
    let migrator = Migrator::new(set(&[])).database(database(scratch.url()));
    let options = migrate_runtime::schema::SchemaOptions::portable();
    let needed = Schema::parse(&migrator.schema(&options).unwrap().text()).unwrap();
    scratch.connect().unwrap().batch_execute(change).unwrap();
    match migrator.check_schema(&needed) {
        Ok(()) => Vec::new(),
        Err(Error::SchemaUnfit { unmet, .. }) => unmet.iter().map(ToString::to_string).collect(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_is_more_is_fine() {
    for change in [
        "",
        "ALTER TABLE orders ADD COLUMN extra text",
        "ALTER TABLE orders ADD COLUMN extra int NOT NULL DEFAULT 1",
        "ALTER TABLE orders ADD COLUMN extra int GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE orders DROP COLUMN note; ALTER TABLE orders ADD COLUMN note text",
        "CREATE TABLE more (a int NOT NULL); CREATE INDEX ON orders (total)",
        "ALTER TYPE state ADD VALUE 'half' BEFORE 'done'",
        "COMMENT ON TABLE orders IS 'sold'; GRANT SELECT ON orders TO PUBLIC",
    ] {
        assert_eq!(after(change), [""; 0], "{change}");
    }
}

#[test]
fn what_is_missing_or_different_is_named() {
    for (change, expected) in [
        (
            "DROP VIEW totals; ALTER TABLE orders ALTER COLUMN total TYPE integer",
            &[
                "public.orders.total is integer, the application needs numeric(12,2)",
                "view public.totals is missing",
            ][..],
        ),
        (
            "ALTER TABLE orders DROP COLUMN note",
            &["public.orders.note is missing, the application needs text"],
        ),
        ("DROP INDEX orders_state", &["public.orders has no index orders_state btree (state)"]),
        ("DROP FUNCTION touch", &["function public.touch() is missing"]),
        (
            "CREATE OR REPLACE FUNCTION touch() RETURNS int LANGUAGE sql AS 'SELECT 2'",
            &["function public.touch() is not defined as the application needs it"],
        ),
        (
            "ALTER TABLE orders ADD COLUMN extra int NOT NULL",
            &["public.orders.extra is not null and has no default, and the application does not know of it"],
        ),
        (
            "DROP VIEW totals; CREATE TABLE totals (sum numeric)",
            &["public.totals is a table, the application needs a view"],
        ),
        ("DROP TABLE orders CASCADE", &["table public.orders is missing", "view public.totals is missing"]),
    ] {
        assert_eq!(after(change), expected, "{change}");
    }
}

#[test]
fn the_error_lists_everything_and_says_what_to_do() {
    let scratch = migrate_testing::scratch().unwrap();
    let needed = Schema::parse("schema app\n\ntable app.a\n    column id integer\n").unwrap();
    let error = Migrator::new(set(&[])).database(database(scratch.url())).check_schema(&needed).unwrap_err();
    let (_, list) = error
        .to_string()
        .split_once(" is not what the application needs:\n")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_eq!(list, "  schema app is missing\n  table app.a is missing");
    assert!(error.hint().contains("cargo migrate up"));
}

#[test]
fn from_outside_by_a_role_that_may_only_connect() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", MADE, "SELECT 1;\n");
    let missing = environment.run(&["schema", "validate"]);
    insta::assert_snapshot!(
        missing.expect(5).stderr.replace(environment.project().to_str().unwrap(), "[project]")
    );
    environment.run(&["up"]).success();
    let snapshot = environment.run(&["schema", "--no-owners", "--no-grants"]).success().stdout.clone();
    environment.write("migrations/schema.sql.snap", format!("---\nsource: x.rs\n---\n{snapshot}"));
    let fits = environment.run(&["schema", "validate"]);
    assert!(fits.success().stdout.ends_with(" has what the application needs\n"), "{}", fits.stdout);

    let mut client = environment.client();
    let role = format!("looker_{}", environment.database().name());
    client
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC;
             ALTER TABLE orders ALTER COLUMN note TYPE varchar(10); DROP INDEX orders_state"
        ))
        .unwrap();
    let url = environment.database().url().replace("postgres@", &format!("{role}@"));
    let unfit = environment.run(&["schema", "validate", "--database-url", &url]);
    let redactor = environment.redactor().literal(&role, "[role]");
    insta::assert_snapshot!(redactor.redact(&unfit.expect(8).stdout));
    let json = environment.run(&["schema", "validate", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json.expect(8).stdout).unwrap();
    assert_eq!(document["result"]["unmet"][0]["kind"], "different");
    assert_eq!(document["result"]["unmet"][0]["object"], "public.orders.note");
    client.batch_execute(&format!("DROP ROLE {role}")).unwrap();
}

/// The example application, which holds its database against what it was built for.
#[test]
fn an_application_does_not_start_on_a_schema_that_it_was_not_built_for() {
    let environment = TestEnvironment::new();
    let shop = || environment.capture(&mut environment.program(binaries::program("shop-tokio")));
    let opened = shop();
    assert!(opened.success().stdout.ends_with("open for business with 2 plans\n"), "{}", opened.stdout);
    environment.client().batch_execute("ALTER TABLE plans ALTER COLUMN name TYPE varchar(100)").unwrap();
    let refused = shop();
    let text = &refused.expect(1).stderr;
    assert!(
        text.contains("public.plans.name is character varying(100), the application needs text"),
        "{text}"
    );
    assert!(text.contains("hint: apply what is pending"), "{text}");
    assert!(!refused.stdout.contains("open for business"), "{}", refused.stdout);
}

#[test]
fn an_application_that_was_built_without_one_is_told() {
    let scratch = migrate_testing::scratch().unwrap();
    let error =
        Migrator::new(set(&[])).database(database(scratch.url())).check_recorded_schema(None).unwrap_err();
    assert_eq!(error.to_string(), "no schema was recorded when the application was built");
    assert!(error.hint().contains("cargo migrate verify --record"), "{}", error.hint());
}
