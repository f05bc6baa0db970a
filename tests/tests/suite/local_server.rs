//! `cargo migrate local` and `database = "local"`, with the real program.

use migrate_tests::{Terminal, TestEnvironment};

#[test]
fn from_nothing_to_running_and_back() {
    let mut environment = TestEnvironment::without_database();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.write(
        "Cargo.toml",
        environment.read("Cargo.toml") + "[package.metadata.migrate]\ndatabase = \"local\"\n",
    );
    let state = |environment: &TestEnvironment| {
        let output = environment.run(&["local", "status", "--format", "json"]);
        let document: serde_json::Value = serde_json::from_str(&output.success().stdout).unwrap();
        document["result"]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&environment), "absent");
    assert!(environment.run(&["local", "stop"]).success().stdout.contains("not running"));
    let absent = environment.run(&["local", "psql", "--", "-c", "SELECT 1"]);
    assert!(absent.success().stdout.contains("(1 row)"), "psql starts it: {}", absent.stdout);
    assert_eq!(state(&environment), "running");

    let url = environment.run(&["local", "start"]).success().stdout.trim().to_owned();
    assert!(url.starts_with("postgres"), "{url}");
    environment.run(&["up"]).success();
    environment.run(&["status", "--check", "--database-url", &url]).success();
    let psql = environment.run(&["local", "psql", "--", "-Atc", "SELECT version FROM schema_migrations"]);
    assert_eq!(psql.success().stdout, "0001_a\n");
    let status = environment.run(&["local", "status"]);
    assert!(status.success().stdout.starts_with("running: PostgreSQL "), "{}", status.stdout);

    // Stopped, it keeps its databases, and the next command starts it.
    assert_eq!(environment.run(&["local", "stop"]).success().stdout, "stopped\n");
    assert_eq!(state(&environment), "stopped");
    environment.run(&["status", "--check"]).success();
    assert_eq!(state(&environment), "running");

    // Its data are gone only when somebody said so.
    let refused = environment.run(&["local", "reset"]);
    assert!(refused.expect(1).stderr.contains("--yes"), "{}", refused.stderr);
    environment.remove_var("COLUMNS");
    let mut terminal = Terminal::start(&mut environment.command(&["local", "reset"]), 80);
    terminal.wait_for("[y/N] ");
    terminal.enter("n");
    terminal.wait().expect(1);
    environment.run(&["status", "--check"]).success();
    environment.run(&["local", "reset", "--yes"]).success();
    assert_eq!(state(&environment), "absent");
    environment.run(&["status", "--check"]).expect(8);
}
