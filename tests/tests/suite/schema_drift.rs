//! `cargo migrate drift`: what somebody changed by hand is found, and nothing else.

use migrate_tests::TestEnvironment;
use migrate_tests::wait::answer;

fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration(
        "0001_orders",
        "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,2), note text);\n",
        "DROP TABLE orders;\n",
    );
    environment.migration(
        "0002_index",
        "CREATE INDEX CONCURRENTLY orders_note ON orders (note);\n",
        "DROP INDEX orders_note;\n",
    );
    environment.run(&["up"]).success();
    environment
}

#[test]
fn a_database_that_nobody_touched_has_none() {
    let environment = project();
    let output = environment.run(&["drift"]);
    assert!(output.success().stdout.starts_with("no drift: "), "{}", output.stdout);
    assert!(output.stdout.ends_with(" is what its 2 applied migrations made\n"), "{}", output.stdout);
    // What is pending is not applied, and not missed.
    environment.migration("0003_more", "CREATE TABLE more (id int);\n", "DROP TABLE more;\n");
    environment.run(&["drift"]).success();
    // Nor is a database without a history.
    TestEnvironment::new().run(&["drift"]).success();
}

#[test]
fn what_was_changed_by_hand_is_named() {
    let environment = project();
    let mut client = environment.client();
    client
        .batch_execute(
            "ALTER TABLE orders ADD COLUMN extra text; ALTER TABLE orders ALTER COLUMN total TYPE integer;
             DROP INDEX orders_note; CREATE TABLE by_hand (id int); GRANT SELECT ON orders TO PUBLIC",
        )
        .unwrap();
    let state = "SELECT md5(string_agg(t::text, ' ')) FROM schema_migrations_log t";
    let before = answer(&mut client, state);
    let found = environment.run(&["drift"]);
    insta::assert_snapshot!(environment.redactor().redact(&found.expect(8).stdout));
    assert_eq!(answer(&mut client, state), before, "nothing is written");
    let json = environment.run(&["drift", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json.expect(8).stdout).unwrap();
    let result = &document["result"];
    assert_eq!((&result["drift"], result["changes"].as_array().unwrap().len()), (&true.into(), 2));
    assert!(result["findings"].to_string().contains("column extra, which no migration makes"), "{result}");
    let grants = environment.run(&["drift", "--grants", "--ignore", "public.by_hand"]);
    assert!(grants.expect(8).stdout.contains("grant select to public"), "{}", grants.stdout);
    // As arguments or in the metadata.
    environment.run(&["drift", "--ignore", "public.*"]).success();
    let manifest = environment.read("Cargo.toml");
    let ignored = "[package.metadata.migrate]\ndrift-ignore = [\"public.by_hand\", \"*public.orders.*\"]\n";
    environment.write("Cargo.toml", format!("{manifest}{ignored}"));
    environment.run(&["drift"]).success();
}

#[test]
fn columns_in_another_order_are_told_and_are_no_drift() {
    let environment = project();
    environment
        .client()
        .batch_execute(
            "ALTER TABLE orders DROP COLUMN total; ALTER TABLE orders ADD COLUMN total numeric(12,2)",
        )
        .unwrap();
    let output = environment.run(&["drift"]);
    assert!(
        output.success().stdout.starts_with("no drift: table public.orders has its columns in another order"),
        "{}",
        output.stdout
    );
}

#[test]
fn the_text_that_was_applied_counts() {
    let environment = project();
    environment
        .write("migrations/0001_orders.up.sql", "CREATE TABLE orders (id bigint PRIMARY KEY, other text);\n");
    let edited = environment.run(&["drift"]);
    assert!(
        edited.success().stderr.contains(
            "note: 0001_orders was modified after it was applied: the text that was applied counts"
        ),
        "{}",
        edited.stderr
    );
    environment.remove("migrations/0002_index.up.sql");
    environment.remove("migrations/0002_index.down.sql");
    let gone = environment.run(&["drift"]);
    assert!(
        gone.success()
            .stderr
            .contains("note: 0002_index is not in the folder: the text in the audit log counts"),
        "{}",
        gone.stderr
    );
    environment.client().batch_execute("DROP TABLE schema_migrations_log").unwrap();
    let unknown = environment.run(&["drift"]);
    insta::assert_snapshot!(unknown.expect(5).stderr);
}

#[test]
fn the_order_is_the_one_in_which_they_were_applied() {
    let environment = project();
    environment.migration(
        "0004_b",
        "ALTER TABLE orders ADD COLUMN b int;\n",
        "ALTER TABLE orders DROP COLUMN b;\n",
    );
    environment.run(&["up"]).success();
    environment.migration(
        "0003_a",
        "ALTER TABLE orders ADD COLUMN a int;\n",
        "ALTER TABLE orders DROP COLUMN a;\n",
    );
    environment.run(&["up", "--allow-out-of-order"]).success();
    let output = environment.run(&["drift"]);
    assert!(output.success().stdout.contains("is what its 4 applied migrations made"), "{}", output.stdout);
}

#[test]
fn a_partly_applied_migration_is_refused() {
    let environment = project();
    environment
        .client()
        .batch_execute("UPDATE schema_migrations SET dirty = true WHERE version = '0002_index'")
        .unwrap();
    let refused = environment.run(&["drift"]);
    assert!(refused.expect(7).stderr.contains("`0002_index` is partly applied"), "{}", refused.stderr);
}

/// Roles belong to the cluster, and the scratch server has none of them.
#[test]
fn roles_that_the_migrations_take_for_granted_are_no_obstacle() {
    let environment = project();
    let role = format!("app_{}", environment.database().name());
    environment.client().batch_execute(&format!("CREATE ROLE {role}")).unwrap();
    environment.migration(
        "0003_grant",
        &format!("GRANT SELECT ON orders TO {role};\nALTER TABLE orders OWNER TO {role};\n"),
        "SELECT 1;\n",
    );
    environment.run(&["up"]).success();
    environment.run(&["drift", "--owners", "--grants"]).success();
    environment.client().batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}
