//! `up` in a protected environment: nothing is applied without a fresh passing preflight of this database with these
//! migrations, and a backup; or with words that are kept.

use migrate_tests::Gate;
use migrate_tests::gate::{HEAD, STAND};
use migrate_tests::production::{
    TWO, applied, backups, has_pg_dump, lock, outcomes, project, protected, refused, tables,
};
use migrate_tests::skip;
use migrate_tests::wait::answer;

#[test]
fn without_a_preflight_nothing_is_applied() {
    let environment = protected(&TWO, "");
    let output = environment.run(&["up"]);
    refused(&environment, &output, &["cargo migrate preflight", "--force"]);
    assert_eq!(backups(&environment), [""; 0]);
}

#[test]
fn with_a_preflight_a_backup_is_made_and_verified_first() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = protected(&TWO, "");
    environment.run(&["preflight"]).success();
    let output = environment.run(&["up"]);
    assert!(output.success().stderr.contains("made and read through"), "{}", output.stderr);
    assert_eq!(applied(&environment), "0001_create_a 0002_create_b");
    let made = backups(&environment);
    assert_eq!(made.len(), 1, "{made:?}");
    let manifest = environment.read(format!(".migrate/backups/{}/manifest.json", made[0]));
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert!(manifest["verified"].is_object(), "{manifest}");
    assert_eq!(manifest["history"], serde_json::json!([]), "it is of before");
    assert_eq!(outcomes(&environment, "gate"), "passed");
    let mut client = environment.client();
    let message = answer(&mut client, "SELECT message FROM schema_migrations_log WHERE action = 'gate'");
    assert!(message.starts_with("preflight of 20") && message.ends_with(&made[0]), "{message}");

    // What was passed is spent: there is another set of pending migrations now.
    environment.migration("0003_create_c", "CREATE TABLE c ();\n", "DROP TABLE c;\n");
    lock(&environment);
    let output = environment.run(&["up"]);
    output.expect(1);
    assert!(output.stderr.contains("0003_create_c.up.sql is new"), "{}", output.stderr);
    assert_eq!(tables(&environment), "a b schema_migrations schema_migrations_log");
}

#[test]
fn another_set_of_migrations_is_refused_by_name() {
    let environment = protected(&TWO, "");
    environment.run(&["preflight"]).success();
    environment.migration("0002_create_b", "CREATE TABLE b (id bigint);\n", "DROP TABLE b;\n");
    lock(&environment);
    refused(&environment, &environment.run(&["up"]), &["0002_create_b.up.sql was changed"]);
}

#[test]
fn a_stale_preflight_is_refused_with_its_age() {
    let environment = protected(&TWO, "preflight-max-age = \"1ms\"\n");
    environment.run(&["preflight"]).success();
    refused(&environment, &environment.run(&["up"]), &[" old", "1 ms"]);
}

#[test]
fn the_preflight_of_another_database_is_refused() {
    let mut environment = protected(&TWO, "");
    environment.run(&["preflight"]).success();
    let name = environment.database().name().to_owned();
    let other = migrate_testing::scratch().unwrap();
    environment.set_var("DATABASE_URL", other.url());
    // Where nobody names an environment, the database's own name tells the markers apart.
    let output = environment.run(&["up"]);
    refused(&environment, &output, &["cargo migrate preflight"]);

    // With a named one there is one marker, and it says of which database it is.
    let manifest = environment
        .read("Cargo.toml")
        .replace("[package.metadata.migrate]\n", "[package.metadata.migrate.env.production]\n");
    environment.write("Cargo.toml", manifest);
    environment.set_var("MIGRATE_ENV", "production");
    environment.run(&["preflight"]).success();
    environment.set_var("DATABASE_URL", environment.database().url().to_owned());
    let output = environment.run(&["up"]);
    refused(&environment, &output, &[&name, other.name()]);
}

#[test]
fn a_reason_goes_into_the_history_and_blanks_are_none() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = protected(&TWO, "");
    for arguments in [["up", "--force", " "], ["up", "--skip-backup", "\t"], ["redo", "--force", ""]] {
        let output = environment.run(&arguments);
        assert!(output.expect(5).stderr.contains("say why"), "{}", output.stderr);
    }
    assert_eq!(tables(&environment), "");
    // A forced one has its backup all the same.
    environment.run(&["up", "--steps", "1", "--force", "the site is down, ticket 7"]).success();
    assert_eq!(backups(&environment).len(), 1);
    environment.run(&["up", "--force", "still down", "--skip-backup", "the disk is full"]).success();
    assert_eq!(backups(&environment).len(), 1);
    assert_eq!(outcomes(&environment, "gate"), "forced, forced");
    let mut client = environment.client();
    let reasons = "SELECT string_agg(DISTINCT reason, ' | ' ORDER BY reason) FROM schema_migrations_log";
    assert_eq!(
        answer(&mut client, reasons),
        "still down; no backup: the disk is full | the site is down, ticket 7"
    );
    let who =
        "SELECT count(*) FROM schema_migrations_log WHERE action = 'gate' AND client ~ '@' AND db_user <> ''";
    assert_eq!(answer(&mut client, who), "2");
    let history = environment.run(&["history", "--format", "json"]);
    assert!(history.success().stdout.contains("the site is down, ticket 7"), "{}", history.stdout);
}

#[test]
fn a_backup_that_is_there_can_be_taken_while_it_is_of_the_database_as_it_is() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = protected(&TWO, "");
    environment.run(&["backup", "create"]).success();
    environment.run(&["preflight"]).success();
    environment.run(&["up", "--steps", "1", "--backup", "latest"]).success();
    let made = backups(&environment);
    assert_eq!(made.len(), 1, "none was made");

    environment.run(&["preflight"]).success();
    let output = environment.run(&["up", "--backup", "latest"]);
    output.expect(1);
    assert!(output.stderr.contains("the database was migrated since"), "{}", output.stderr);
    assert_eq!(applied(&environment), "0001_create_a");
    let output = environment.run(&["up", "--backup", "backup-1999"]);
    assert!(output.expect(5).stderr.contains("backup-1999"), "{}", output.stderr);

    // One that was damaged since it was verified is no backup.
    environment.run(&["backup", "create"]).success();
    let newest = backups(&environment).pop().unwrap();
    let folder = environment.path(format!(".migrate/backups/{newest}"));
    let archive = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let archive =
        archive.filter(|path| !path.ends_with("manifest.json")).find(|path| path.is_file()).unwrap();
    let mut bytes = std::fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&archive, bytes).unwrap();
    let output = environment.run(&["up", "--backup", &newest]);
    output.expect(1);
    assert_eq!(applied(&environment), "0001_create_a");
}

#[test]
fn where_nothing_is_pending_there_is_no_gate() {
    let environment = protected(&TWO, "");
    environment.run(&["up", "--force", "first", "--skip-backup", "empty"]).success();
    let output = environment.run(&["up"]);
    assert!(output.success().stdout.starts_with("nothing to do"), "{}", output.stdout);
    assert_eq!(backups(&environment), [""; 0]);
    assert_eq!(outcomes(&environment, "gate"), "forced");
    // A history that is refused says so, not that a preflight is missing.
    environment.migration("0001_create_a", "CREATE TABLE a (id bigint);\n", "DROP TABLE a;\n");
    lock(&environment);
    environment.run(&["up"]).expect(9);
}

#[test]
fn a_dry_run_needs_nothing_and_tells_what_the_gate_would_say() {
    let environment = protected(&TWO, "");
    let output = environment.run(&["up", "--dry-run"]);
    assert!(output.success().stdout.contains("CREATE TABLE a"), "{}", output.stdout);
    assert!(output.stderr.contains("`up` would be refused"), "{}", output.stderr);
    assert!(output.stderr.contains("a backup would be made first"), "{}", output.stderr);
    assert!(!environment.path(".migrate").exists(), "it writes no file");
    environment.run(&["preflight"]).success();
    let output = environment.run(&["up", "--dry-run", "--skip-backup", "tiny"]);
    assert!(output.success().stderr.contains("the preflight passed and is fresh"), "{}", output.stderr);
    assert!(output.stderr.contains("no backup would be made"), "{}", output.stderr);
    let output = environment.run(&["up", "--dry-run", "--format", "json"]);
    assert!(
        output.success().stderr.contains(r#""event":"gate","kind":"would","verb":"up","passes":true"#),
        "{}",
        output.stderr
    );
    assert_eq!(tables(&environment), "");
}

#[test]
fn every_verb_that_changes_a_protected_database_has_the_gate() {
    let environment = protected(&TWO, "");
    environment.run(&["up", "--force", "first", "--skip-backup", "empty"]).success();
    let output = environment.run(&["redo"]);
    assert!(output.expect(1).stderr.contains("cargo migrate preflight"), "{}", output.stderr);
    // It asks, too.
    environment.run(&["down"]).expect(1);
    assert_eq!(applied(&environment), "0001_create_a 0002_create_b");
    environment.migration("0002_create_b", "CREATE TABLE b (id bigint);\n", "DROP TABLE b;\n");
    lock(&environment);
    let before = answer(&mut environment.client(), "SELECT string_agg(checksum, ' ') FROM schema_migrations");
    environment.run(&["repair"]).success();
    environment.run(&["repair", "--yes"]).expect(1);
    let after = answer(&mut environment.client(), "SELECT string_agg(checksum, ' ') FROM schema_migrations");
    assert_eq!(before, after);
    environment.run(&["repair", "--yes", "--force", "the file was only reworded"]).success();
    assert_eq!(outcomes(&environment, "gate"), "forced, forced");
    assert_eq!(backups(&environment), [""; 0], "rows of the history need none");
}

#[test]
fn an_environment_that_is_not_protected_has_no_gate() {
    let environment = project(&TWO, "");
    environment.run(&["up"]).success();
    assert_eq!(outcomes(&environment, "gate"), "");
    assert_eq!(backups(&environment), [""; 0]);
}

/// pg_dump would wait for the other one's table locks, and nobody would know for whom.
#[test]
fn another_runner_is_told_before_the_backup() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = protected(&[], "");
    let up = [HEAD, "CREATE TABLE a ();\n", STAND].concat();
    environment.migration("0001_a", &up, "DROP TABLE a;\n");
    lock(&environment);
    environment.run(&["preflight"]).success();
    let mut gate = Gate::close(environment.database().url());
    let other = environment.spawn(&["up", "--skip-backup", "it is a test"]);
    gate.wait_for_somebody();
    let output = environment.run(&["up", "--lock-wait", "1s"]);
    output.expect(6);
    assert!(output.stderr.contains("another runner is at work (pid "), "{}", output.stderr);
    assert!(output.stderr.contains("another runner held the migration lock for"), "{}", output.stderr);
    assert!(backups(&environment).is_empty());
    gate.open();
    other.wait().success();
}
