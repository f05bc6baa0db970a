//! `preflight` as a whole: what it leaves behind, what it writes to the server, what it says; and what the tests of its
//! checks read its findings with.

use migrate_tests::TestEnvironment;
use serde_json::Value;

/// What one preflight found.
pub(crate) struct Seen {
    pub(crate) result: Value,
}

impl Seen {
    #[track_caller]
    pub(crate) fn of(environment: &TestEnvironment, arguments: &[&str], code: i32) -> Self {
        let output = environment.run(&[&["preflight", "--format", "json"], arguments].concat());
        output.expect(code);
        let document: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(document["exit_code"], code);
        let seen = Self { result: document["result"].clone() };
        assert_eq!(seen.result["passed"], code == 0);
        seen
    }

    /// What else there is to find is not the question.
    #[track_caller]
    pub(crate) fn whatever(environment: &TestEnvironment, arguments: &[&str]) -> Self {
        let output = environment.run(&[&["preflight", "--format", "json"], arguments].concat());
        let document: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        assert!(matches!(output.code, 0 | 1), "{document:#}");
        Self { result: document["result"].clone() }
    }

    #[track_caller]
    pub(crate) fn passed(environment: &TestEnvironment, arguments: &[&str]) -> Self {
        Self::of(environment, arguments, 0)
    }

    #[track_caller]
    pub(crate) fn failed(environment: &TestEnvironment, arguments: &[&str]) -> Self {
        Self::of(environment, arguments, 1)
    }

    #[track_caller]
    pub(crate) fn check(&self, name: &str) -> &Value {
        let checks = self.result["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no check {name}"))
    }

    #[track_caller]
    pub(crate) fn severity(&self, name: &str) -> &str {
        self.check(name)["severity"].as_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn findings(&self, name: &str) -> &[Value] {
        self.check(name)["findings"].as_array().unwrap()
    }

    /// The one finding of a check, of this severity.
    #[track_caller]
    pub(crate) fn only(&self, name: &str, severity: &str) -> &Value {
        match self.findings(name) {
            [finding] => {
                assert_eq!(finding["severity"], severity, "{finding:#}");
                finding
            }
            other => panic!("{name}: {other:#?}"),
        }
    }
}

/// The text of the one marker in the log folder.
#[track_caller]
pub(crate) fn marker(environment: &TestEnvironment) -> String {
    let files = std::fs::read_dir(environment.path(".migrate/log")).unwrap();
    let mut names = files.map(|file| file.unwrap().path());
    let path =
        names.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("preflight-passed-"));
    std::fs::read_to_string(path.expect("a marker")).unwrap()
}

fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.migration("0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    environment
}

/// The project's environments, all on its own database.
fn with_environments(environment: &TestEnvironment) {
    environment.write(
        "Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\
         [package.metadata.migrate.env.staging]\ndatabase = \"env:DATABASE_URL\"\n\
         [package.metadata.migrate.env.production]\ndatabase = \"env:DATABASE_URL\"\nprotected = true\n",
    );
}

fn files(environment: &TestEnvironment, start: &str) -> Vec<std::path::PathBuf> {
    let folder = environment.path(".migrate/log");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(start))
        .collect();
    files.sort();
    files
}

#[test]
fn a_pass_leaves_a_marker_and_a_report_and_a_failure_takes_the_marker_away() {
    let environment = project();
    environment.run(&["lock"]);
    with_environments(&environment);
    let seen = Seen::passed(&environment, &["--env", "production"]);
    let markers = files(&environment, "preflight-passed-");
    assert_eq!(markers, [environment.path(".migrate/log/preflight-passed-production.json")]);
    assert_eq!(seen.result["marker"], markers[0].display().to_string());
    let marker: Value = serde_json::from_str(&marker(&environment)).unwrap();
    assert_eq!(marker["identity"], seen.result["identity"]);
    assert_eq!(marker["pending"]["digest"], seen.result["pending"]["digest"]);
    assert_eq!(marker["pending"]["files"].as_array().unwrap().len(), 4);
    assert_eq!(marker["at"], seen.result["at"]);
    let reports = files(&environment, "preflight-report-");
    assert_eq!(reports.len(), 1, "{reports:?}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&reports[0]).unwrap()).unwrap();
    assert_eq!(report["result"]["checks"], seen.result["checks"]);
    use std::os::unix::fs::PermissionsExt;
    for path in markers.iter().chain(&reports) {
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            path.display()
        );
    }
    // The order of the set does not fit any more: what was passed is void, for this environment only.
    Seen::passed(&environment, &["--env", "staging"]);
    environment
        .client()
        .batch_execute("CREATE TABLE schema_migrations (version bigint, dirty bool)")
        .unwrap();
    let seen = Seen::failed(&environment, &["--env", "production"]);
    assert_eq!(seen.result["marker"], Value::Null);
    assert_eq!(
        files(&environment, "preflight-passed-"),
        [environment.path(".migrate/log/preflight-passed-staging.json")]
    );
}

#[test]
fn an_environment_is_the_server_that_it_was() {
    let mut environment = project();
    environment.run(&["lock"]);
    with_environments(&environment);
    assert_eq!(Seen::passed(&environment, &["--env", "staging"]).severity("environment"), "ok");
    let kept = environment.read(".migrate/log/environment-staging.json");
    // The same server, another database.
    let other = migrate_testing::scratch().unwrap();
    let first = environment.database().url().to_owned();
    environment.set_var("DATABASE_URL", other.url());
    let seen = Seen::failed(&environment, &["--env", "staging"]);
    let finding = seen.only("environment", "failure");
    assert_eq!(finding["data"]["here"]["database"], other.name());
    assert_eq!(environment.read(".migrate/log/environment-staging.json"), kept, "a failure changes nothing");
    // Another server: all that the tests start have one system identifier, for they are copies.
    let here = finding["data"]["here"]["system"].as_str().unwrap();
    environment.write(".migrate/log/environment-staging.json", kept.replace(here, "1"));
    let seen = Seen::failed(&environment, &["--env", "staging"]);
    let what = seen.only("environment", "failure")["what"].as_str().unwrap().to_owned();
    assert_eq!(what, "this is another server than the one that environment staging was");
    // Another environment is not concerned, and nor is who names none.
    Seen::passed(&environment, &[]);
    // It has moved: allowed once, it is the new one from then on.
    Seen::passed(&environment, &["--env", "staging", "--allow", "environment=moved to a new server"]);
    assert_eq!(Seen::passed(&environment, &["--env", "staging"]).severity("environment"), "ok");
    environment.set_var("DATABASE_URL", first);
    Seen::failed(&environment, &["--env", "staging"]);
}

#[test]
fn a_database_that_was_made_anew_is_told() {
    let cluster = migrate_tests::Cluster::start();
    let mut environment = project();
    environment.run(&["lock"]);
    with_environments(&environment);
    let mut admin = cluster.admin();
    admin.batch_execute("CREATE DATABASE shop").unwrap();
    environment.set_var("DATABASE_URL", cluster.url("shop"));
    assert_eq!(Seen::passed(&environment, &["--env", "staging"]).severity("environment"), "ok");
    admin.batch_execute("DROP DATABASE shop").unwrap();
    admin.batch_execute("CREATE DATABASE shop").unwrap();
    Seen::passed(&environment, &["--env", "staging"]).only("environment", "warning");
    assert_eq!(Seen::passed(&environment, &["--env", "staging"]).severity("environment"), "ok");
}

#[test]
fn a_history_that_up_refuses_is_a_failure_in_the_words_of_up() {
    type Case = (&'static str, fn(&TestEnvironment));
    let cases: [Case; 5] = [
        ("modified", |environment| {
            environment.write("migrations/0001_a.up.sql", "CREATE TABLE a (id bigint);\n");
        }),
        ("missing", |environment| {
            environment.remove("migrations/0001_a.up.sql");
            environment.remove("migrations/0001_a.down.sql");
        }),
        ("out of order", |environment| {
            environment.migration("0000_early", "SELECT 1;\n", "SELECT 1;\n");
        }),
        ("partly applied", |environment| {
            environment
                .client()
                .batch_execute("UPDATE schema_migrations SET dirty = true WHERE version = '0002_b'")
                .unwrap();
        }),
        ("foreign", |environment| {
            environment
                .client()
                .batch_execute("DROP TABLE schema_migrations; CREATE TABLE schema_migrations (version bigint, dirty bool)")
                .unwrap();
        }),
    ];
    for (case, spoil) in cases {
        let environment = project();
        environment.run(&["up"]).success();
        assert_eq!(Seen::passed(&environment, &[]).severity("history"), "ok");
        spoil(&environment);
        let seen = Seen::failed(&environment, &[]);
        let finding = seen.only("history", "failure");
        let up = environment.run(&["up", "--no-auto-recover", "--format", "json"]);
        let up: Value = serde_json::from_str(&up.stdout).unwrap();
        let (said, hint) = (&up["error"]["message"], &up["error"]["hints"][0]);
        assert_eq!(&finding["what"], said, "{case}");
        if case != "partly applied" {
            assert_eq!(&finding["remedy"], hint, "{case}");
        }
    }
}

#[test]
fn a_log_folder_that_cannot_be_written_is_told_and_stops_nothing() {
    let environment = project();
    environment.write(".migrate/log", "a file where the folder should be");
    let output = environment.run(&["preflight"]);
    output.success();
    assert!(output.stdout.contains("it cannot be shown to `up` and `deploy`"), "{}", output.stdout);
    let seen = Seen::passed(&environment, &[]);
    assert_eq!((&seen.result["marker"], &seen.result["report"]), (&Value::Null, &Value::Null));
    assert!(seen.result["marker_failure"].is_string());
}

#[test]
fn an_unknown_check_is_no_check() {
    let environment = project();
    let output = environment.run(&["preflight", "--allow", "slots=x"]);
    output.expect(5);
    assert!(output.stderr.contains("there is no check `slots`"), "{}", output.stderr);
    let output = environment.run(&["preflight", "--allow", "replication-slot=x"]);
    assert!(output.expect(5).stderr.contains("did you mean `replication-slots`?"), "{}", output.stderr);
}

/// What a person sees, on a wide page and on a narrow one.
#[test]
fn the_screen() {
    let cluster = migrate_tests::Cluster::start();
    let database = cluster.database();
    let mut environment = project();
    environment.set_var("DATABASE_URL", database.url());
    environment.run(&["up"]).success();
    environment.migration(
        "0003_type",
        "ALTER TABLE a ALTER COLUMN id TYPE bigint;\n",
        "ALTER TABLE a ALTER COLUMN id TYPE int;\n",
    );
    let mut client = database.connect().unwrap();
    client.batch_execute("INSERT INTO a SELECT generate_series(1, 700000)").unwrap();
    client.batch_execute("BEGIN; LOCK TABLE a IN SHARE MODE").unwrap();
    let screen = |columns: &str| {
        let mut command = environment.command(&["preflight", "--max-transaction-age", "1ms"]);
        let output = environment.capture(command.env("COLUMNS", columns));
        output.expect(1);
        let text = environment
            .redactor()
            .literal(database.url().split_once("host=").unwrap().1.split('&').next().unwrap(), "[sockets]")
            .redact(&output.stdout);
        // Sizes, ages and the machine's disk are not the same everywhere.
        text.split('\n')
            .filter(|line| !line.contains(" are free at") && !line.starts_with("info[schema]"))
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect::<String>()
    };
    let (wide, narrow) = (screen("120"), screen("60"));
    for text in [&wide, &narrow] {
        assert!(text.contains("failure[long-transactions]: session"), "{text}");
        assert!(text.contains("SELECT pg_terminate_backend("), "{text}");
        assert!(text.contains("preflight failed: 1 failure, 1 warning; nothing was changed"), "{text}");
    }
    // Only what is to be copied is wider than the page.
    let copied = [
        "  do:",
        "  [sha256",
        "       ",
        "  it holds",
        "  0003_type",
        "  idle",
        "  public.",
        "report:",
        "hint:",
        "preflight",
    ];
    for line in narrow.split('\n').filter(|line| line.chars().count() > 60) {
        assert!(copied.iter().any(|start| line.starts_with(start)), "{line}");
    }
}
