//! `verify --base`: what is new since a git revision, and what must not have changed.

use migrate_tests::TestEnvironment;
use serde_json::{Value, json};

fn git(environment: &TestEnvironment, arguments: &[&str]) {
    let mut git = environment.program("git");
    git.args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]);
    environment.capture(git.args(arguments)).success();
}

fn commit(environment: &TestEnvironment) {
    environment.run(&["lock"]).success();
    git(environment, &["add", "--all"]);
    git(environment, &["commit", "--quiet", "-m", "x"]);
}

/// A project whose `main` has two migrations, the second of them with a broken down, and a branch from there.
fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    git(&environment, &["init", "--quiet", "--initial-branch=main"]);
    environment.migration("0001_a", "CREATE TABLE a (id int);", "DROP TABLE a;").migration(
        "0003_c",
        "CREATE TABLE c (id int);",
        "DROP TABLE nowhere;",
    );
    commit(&environment);
    git(&environment, &["checkout", "--quiet", "-b", "feature"]);
    environment
}

fn verify(environment: &TestEnvironment, code: i32) -> Value {
    let output = environment.run(&["verify", "--base", "main", "--format", "json"]);
    let document: Value = serde_json::from_str(&output.expect(code).stdout).unwrap();
    document["result"].clone()
}

#[test]
fn only_what_is_new_is_looked_at() {
    let environment = project();
    let nothing = verify(&environment, 0);
    assert_eq!((&nothing["base"]["new"], &nothing["reports"]), (&json!([]), &json!([])));
    environment.migration("0004_d", "ALTER TABLE a ADD b int;", "ALTER TABLE a DROP b;");
    let result = verify(&environment, 0);
    assert_eq!(result["base"]["new"], json!(["0004_d"]));
    assert_eq!(result["reports"][0]["migrations"].as_array().unwrap().len(), 1);

    // What came to main meanwhile is not missing here.
    git(&environment, &["stash", "--quiet", "--include-untracked"]);
    git(&environment, &["checkout", "--quiet", "main"]);
    environment.migration("0005_of_main", "CREATE TABLE e ();", "DROP TABLE e;");
    commit(&environment);
    git(&environment, &["checkout", "--quiet", "feature"]);
    git(&environment, &["stash", "pop", "--quiet"]);
    assert_eq!(verify(&environment, 0)["base"]["new"], json!(["0004_d"]));
}

#[test]
fn files_that_others_may_have_applied_do_not_change() {
    let environment = project();
    environment.migration("0001_a", "CREATE TABLE a (id bigint);", "DROP TABLE a;");
    environment.migration("0002_late", "CREATE TABLE b ();", "DROP TABLE b;");
    environment.migration("0009_c", "CREATE TABLE c (id int);", "DROP TABLE c;");
    environment.remove("migrations/0003_c.up.sql");
    environment.remove("migrations/0003_c.down.sql");
    let result = verify(&environment, 8);
    let changes: Vec<_> = result["base"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let file = change["file"].as_str().unwrap().rsplit('/').next().unwrap();
            format!("{} {file}", change["kind"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        changes,
        [
            "edited 0001_a.up.sql",
            "out_of_order 0002_late.up.sql",
            "deleted 0003_c.down.sql",
            "renamed 0003_c.up.sql"
        ]
    );
    let output = environment.run(&["verify", "--base", "main"]);
    let errors: Vec<_> =
        output.expect(8).stdout.split('\n').filter(|line| line.starts_with("error")).collect();
    assert_eq!(
        errors,
        [
            "error[edited]: 0001_a.up.sql is not as in main",
            "error[out_of_order]: 0002_late.up.sql is new and older than 0003_c of main",
            "error[deleted]: 0003_c.down.sql of main is gone",
            "error[renamed]: 0003_c.up.sql of main is called 0009_c.up.sql here",
        ]
    );
}

#[test]
fn a_revision_that_is_not_there_is_no_finding() {
    let environment = project();
    let output = environment.run(&["verify", "--base", "origin/main"]);
    assert!(output.expect(5).stderr.contains("git knows no revision `origin/main`"), "{}", output.stderr);
}
