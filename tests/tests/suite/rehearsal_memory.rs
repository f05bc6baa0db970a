//! What a rehearsal knew of a schema holds for a copy of its database, and what changes in either is noticed.

use migrate_runtime::core::{Direction, Script};
use migrate_runtime::rehearsal::Rehearsal;
use migrate_runtime::schema::SchemaOptions;
use migrate_testing::ScratchServer;
use migrate_tests::migrations::{database, good};

fn connect(url: &str) -> Rehearsal {
    let options = SchemaOptions { owners: true, grants: true, history: None };
    good(Rehearsal::connect(&database(url), options))
}

fn run(rehearsal: &mut Rehearsal, text: &str) {
    let script = Script::parse("0001_a.up.sql", text.to_owned()).unwrap();
    good(rehearsal.run(&script, "0001_a", Direction::Up));
}

#[test]
fn a_copy_is_known_and_its_changes_are_noticed() {
    let server = ScratchServer::shared().unwrap();
    let original = server.database().unwrap();
    let mut rehearsal = connect(original.url());
    run(
        &mut rehearsal,
        "CREATE TABLE a (id int PRIMARY KEY); CREATE VIEW v AS SELECT id FROM a; CREATE TYPE mood AS ENUM ('x');",
    );
    let before = good(rehearsal.schema());
    run(&mut rehearsal, "CREATE TABLE not_read_yet (id int);");
    let memory = rehearsal.close();
    let mut admin = postgres::Client::connect(&server.url("postgres"), postgres::NoTls).unwrap();
    // The goodbye of the session above may take a moment.
    let name = format!("copy_of_{}", original.name());
    migrate_tests::poll_until(
        &mut admin,
        &format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", original.name()),
        "0",
    );
    admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {}", original.name())).unwrap();

    let mut copy = connect(&server.url(&name)).remember(memory.of_a_copy());
    let schema = good(copy.schema());
    assert!(
        schema.get("table public.not_read_yet").is_some()
            && before.get("table public.not_read_yet").is_none()
    );
    assert_eq!(schema, good(connect(&server.url(&name)).schema()));
    let mut original = connect(original.url()).remember(memory);
    assert_eq!(schema, good(original.schema()));

    run(&mut copy, "ALTER TABLE a RENAME TO b; DROP TABLE not_read_yet;");
    run(&mut original, "ALTER TYPE mood RENAME TO temper; ALTER VIEW v RENAME id TO number;");
    for (rehearsal, url) in [(&mut copy, server.url(&name)), (&mut original, original_url(server, &name))] {
        assert_eq!(good(rehearsal.schema()), good(connect(&url).schema()));
    }
    copy.close();
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
}

fn original_url(server: &ScratchServer, copy: &str) -> String {
    server.url(copy.trim_start_matches("copy_of_"))
}
