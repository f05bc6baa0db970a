//! A protected environment is changed only with a reason, which stays on record.

use crate::world::World;

const METADATA: &str = "[package.metadata.migrate]\nprotected = true\n";

#[test]
fn changes_are_refused_and_looking_is_not() {
    let world = World::with_database();
    world.expect(0, &["lock"]);
    world.manifest(METADATA);
    let refused = |arguments: &[&str]| {
        let refused = world.expect(1, arguments).stderr;
        let words = ["no preflight was passed", "cargo migrate preflight", "--force REASON"];
        assert!(words.iter().all(|words| refused.contains(words)), "{refused}");
    };
    refused(&["up"]);
    world.expect(0, &["status"]);
    assert!(world.expect(0, &["up", "--dry-run"]).stdout.contains("CREATE TABLE a"));
    world.expect(0, &["repair"]);
    world.expect(8, &["status", "--check"]);
    world.expect(0, &["up", "--force", "incident 42", "--skip-backup", "there is nothing in it"]);
    refused(&["down", "--yes"]);
    refused(&["redo"]);
}

#[test]
fn the_reason_is_in_the_audit_log() {
    let world = World::with_database();
    world.expect(0, &["lock"]);
    world.manifest(METADATA);
    world.expect(0, &["up", "--force", "incident 42", "--skip-backup", "there is nothing in it"]);
    let log = world.expect(0, &["history"]).stdout;
    assert!(log.contains("incident 42"), "{log}");
}

#[test]
fn the_lock_is_fixed_there() {
    let world = World::with_database();
    world.manifest(METADATA);
    assert!(world.expect(1, &["up", "--force", "x"]).stderr.contains("migrations.lock"));
}
