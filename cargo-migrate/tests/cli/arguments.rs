//! Usage errors, and settings that make no sense: all of them end in 5 and say what to write.

use crate::world::World;

#[test]
fn usage_errors_end_in_5_on_stderr() {
    let world = World::new();
    for arguments in [
        &[][..],
        &["upp"],
        &["up", "--steps", "0"],
        &["up", "--steps", "1", "--to", "2"],
        &["up", "--to", "x"],
        &["down", "--all", "--to", "1"],
        &["down", "--use-file-down", "--use-recorded-down"],
        &["new"],
        &["new", "a", "--param", "x"],
        &["new", "a", "--param", "x=1"],
        &["status", "--lock-wait", "5"],
        &["status", "--color", "blue"],
        &["status", "-q", "-v"],
        &["status", "--history-table", "a.b.c"],
    ] {
        let ran = world.expect(5, arguments);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn no_database_says_how_to_name_one() {
    let world = World::new();
    world.migration("0001_a", "SELECT 1;\n", "SELECT 1;\n");
    insta::assert_snapshot!(world.expect(5, &["status"]).stderr);
}

#[test]
fn bad_metadata_is_told_by_its_key() {
    let world = World::new();
    let said = |metadata: &str, arguments: &[&str]| {
        world.manifest(metadata);
        world.expect(5, arguments).stderr
    };
    insta::assert_snapshot!(
        [
            said("[package.metadata.migrate]\ndatbase = \"local\"\n", &["status"]),
            said("[package.metadata.migrate]\nlock-wait = 5\n", &["status"]),
            said("[package.metadata.migrate.env.production]\n", &["status", "--env", "prod"]),
            said("[package.metadata.migrate]\ndatabase = \"env:SHOP_URL\"\n", &["lock", "--env", "x"]),
        ]
        .join("\n")
    );
}

#[test]
fn a_url_that_makes_no_sense_does_not_show_its_password() {
    let world = World::new();
    world.migration("0001_a", "SELECT 1;\n", "SELECT 1;\n");
    let url = "postgres://u:canary@h:port/d";
    for arguments in
        [&["status", "--database-url", url][..], &["status", "-v", "--format", "json", "--database-url", url]]
    {
        let ran = world.expect(5, arguments);
        assert!(!ran.stderr.contains("canary") && !ran.stdout.contains("canary"), "{ran:?}");
    }
}

#[test]
fn without_a_project_dir_and_database_are_enough() {
    let mut world = World::with_database();
    std::fs::remove_file(world.path("Cargo.toml")).unwrap();
    let url = world.env.remove("DATABASE_URL").unwrap();
    // No cargo is asked.
    world.env.insert("CARGO".to_owned(), "no-such-cargo".to_owned());
    world.expect(0, &["up", "--dir", "migrations", "--database-url", &url]);
    world.expect(5, &["status", "--dir", "migrations"]);
}

#[test]
fn with_everything_said_no_cargo_is_asked() {
    let mut world = World::with_database();
    let url = world.env.remove("DATABASE_URL").unwrap();
    world.env.insert("CARGO".to_owned(), "no-such-cargo".to_owned());
    world.expect(0, &["status", "--dir", "migrations", "--database-url", &url]);
    let missing = world.expect(5, &["status", "--database-url", &url]);
    assert!(missing.stderr.contains("cargo metadata"), "{}", missing.stderr);
}

#[test]
fn the_settings_are_told_with_their_origin() {
    let world = World::with_database();
    world.manifest("[package.metadata.migrate]\nlock-wait = \"1min\"\n");
    insta::assert_snapshot!(world.expect(0, &["status", "-v", "--lock-timeout", "2s"]).stderr);
}
