//! `init`: once, again, and over what is there.

use crate::world::World;

#[test]
fn it_writes_what_is_missing_and_nothing_twice() {
    let world = World::new();
    let first = world.expect(0, &["init"]);
    insta::assert_snapshot!(first.stdout);
    insta::assert_snapshot!("init_manifest", world.read("Cargo.toml"));
    assert_eq!(world.names("migrations"), [".gitattributes", "migrations.lock"]);
    assert_eq!(world.read("migrations/.gitattributes"), "*.sql text eol=lf\nmigrations.lock text eol=lf\n");

    let files = ["Cargo.toml", "migrations/.gitattributes", "migrations/migrations.lock"];
    let before = files.map(|file| world.read(file));
    let second = world.expect(0, &["init"]);
    assert_eq!(files.map(|file| world.read(file)), before);
    assert!(!second.stdout.contains("created") && !second.stdout.contains("added"), "{}", second.stdout);
    world.expect(0, &["lock", "--check"]);
}

#[test]
fn it_keeps_formatting_comments_and_what_others_wrote() {
    let world = World::new();
    world.manifest("# kept\n\n[package.metadata.docs]\nall   = true # spaced\n");
    world.write("migrations/.gitattributes", "*.sql text eol=lf\n*.png binary");
    world.migration("0001_a", "SELECT 1;\n", "SELECT 1;\n");
    world.expect(0, &["init"]);
    let manifest = world.read("Cargo.toml");
    assert!(manifest.contains("# kept\n\n[package.metadata.docs]\nall   = true # spaced\n"), "{manifest}");
    assert!(manifest.contains("[package.metadata.migrate]\ndatabase = \"local\"\n"), "{manifest}");
    assert_eq!(
        world.read("migrations/.gitattributes"),
        "*.sql text eol=lf\n*.png binary\nmigrations.lock text eol=lf\n"
    );
    world.expect(0, &["lock", "--check"]);
}

#[test]
fn metadata_in_any_form_of_toml() {
    for metadata in ["metadata = { docs = { all = true } }\n", "metadata.docs.all = true\n"] {
        let world = World::new();
        let package = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        world.write("Cargo.toml", &format!("{package}{metadata}\n[workspace]\n"));
        world.expect(0, &["init"]);
        let again = world.expect(0, &["init", "--format", "json"]).json();
        assert_eq!(again["result"]["files"][0]["action"], "kept", "{}", world.read("Cargo.toml"));
    }
}

#[test]
fn a_known_database_goes_on_being_the_one() {
    let world = World::new();
    world.write(".env", "DATABASE_URL=postgres://u@h/d\n");
    let ran = world.expect(0, &["init", "--dir", "db/migrations"]);
    let manifest = world.read("Cargo.toml");
    assert!(manifest.contains("dir = \"db/migrations\"\ndatabase = \"env:DATABASE_URL\"\n"), "{manifest}");
    assert!(ran.stdout.contains("DATABASE_URL in [project]/.env"), "{}", ran.stdout);
    assert_eq!(world.names("db/migrations"), [".gitattributes", "migrations.lock"]);
}

#[test]
fn a_workspace_without_a_package_gets_it_at_its_root() {
    let world = World::empty();
    world.write("Cargo.toml", "[workspace]\nmembers = [\"a\"]\nresolver = \"3\"\n");
    world.write("a/Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    world.write("a/src/lib.rs", "");
    world.expect(0, &["init"]);
    let manifest = world.read("Cargo.toml");
    assert!(manifest.contains("[workspace.metadata.migrate]\ndatabase = \"local\"\n"), "{manifest}");
}

#[test]
fn without_a_project_it_says_so() {
    let ran = World::empty().expect(5, &["init"]);
    assert!(ran.stderr.contains("there is no Cargo project"), "{}", ran.stderr);
}
