//! What runs leave in the log folder, and that a folder that cannot take it spoils nothing (T15).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use migrate_testing::ServerUser;
use migrate_tests::output::CANARY;
use migrate_tests::wait::answer;
use migrate_tests::{Output, SmallDisk, TestEnvironment, skip, until};
use serde_json::Value;

fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.migration("0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    environment
}

fn lines(environment: &TestEnvironment) -> Vec<Value> {
    let text = environment.read(".migrate/log/migrations.jsonl");
    text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The names in the log folder that end so.
fn files(environment: &TestEnvironment, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(environment.path(".migrate/log")).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

#[test]
fn a_run_is_recorded_in_lines_and_in_words() {
    let environment = project();
    environment.run(&["status"]).expect(0);
    environment.run(&["up", "--dry-run"]).success();
    environment.run(&["lint"]).success();
    assert!(!environment.path(".migrate").exists(), "what only reads has written");

    environment.run(&["up", "--steps", "1"]).success();
    environment.run(&["-q", "up"]).success();
    environment.run(&["--format", "json", "down"]).success();
    environment.migration("0003_c", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["up"]).expect(2);
    let mode = |path: &str| fs::metadata(environment.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".migrate/log"), mode(".migrate/log/migrations.jsonl")), (0o700, 0o600));
    assert!(environment.read(".migrate/.gitignore").contains("\n*\n"));

    // Each line says who, where and when; loudness and format make no difference.
    let lines = lines(&environment);
    for line in &lines {
        for field in ["timestamp", "level", "event", "message", "command", "run", "tool"] {
            assert!(line[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {line}");
        }
        assert!(line["pid"].is_u64() && line["schema"] == "cargo-migrate/1", "{line}");
    }
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    assert_eq!((of("run_started").len(), of("run_finished").len()), (4, 4));
    let finished = of("finished");
    let told: Vec<_> = finished.iter().map(|line| (&line["version"], &line["type"])).collect();
    assert_eq!(
        serde_json::to_string(&told).unwrap(),
        r#"[["0001_a","up"],["0002_b","up"],["0002_b","down"],["0002_b","up"]]"#
    );
    assert!(finished.iter().all(|line| line["duration_ms"].is_f64() && line["message"] != ""));
    assert!(finished[2]["message"].as_str().unwrap().starts_with("rolled back 0002_b ("));
    // The checksum and the run are those of the audit log.
    let mut client = environment.client();
    let logged =
        "SELECT checksum || ' ' || run FROM schema_migrations_log WHERE version = '0001_a' AND action = 'up'";
    let line = finished[0];
    assert_eq!(
        answer(&mut client, logged),
        format!("{} {}", line["checksum"].as_str().unwrap(), line["run"].as_str().unwrap())
    );
    let failed = of("error")[0];
    assert_eq!((&failed["level"], &failed["type"]), (&"error".into(), &"failed".into()), "{failed}");
    assert_eq!(failed["data"]["error"]["failure"]["sqlstate"], "42P07");
    assert_eq!(of("run_finished")[3]["data"]["exit_code"], 2);

    let texts = files(&environment, ".log");
    assert_eq!(texts.len(), 4, "{texts:?}");
    // Two runs of one second are told apart by a number, which sorts anywhere.
    let text = |name: &String| environment.read(format!(".migrate/log/{name}"));
    let failed = texts.iter().map(text).find(|text| text.contains("Z (exit 2)"));
    let text = failed.unwrap();
    assert!(text.contains("Z cargo migrate up\n") && text.contains("already exists"), "{text}");
    assert!(text.trim_end().ends_with("Z (exit 2)"), "{text}");
    let quiet = environment.read(format!(".migrate/log/{}", texts[1]));
    assert!(quiet.contains("applied") || quiet.contains("rolled back"), "{quiet}");
}

#[test]
fn records_are_read_back_without_a_database() {
    let mut environment = project();
    environment.run(&["history", "--files"]).success();
    environment.run(&["up"]).success();
    environment.run(&["down"]).success();
    environment.remove_var("DATABASE_URL");
    let all = environment.run(&["history", "--files"]);
    assert!(all.success().stdout.contains("rolled back 0002_b"), "{}", all.stdout);
    let json = |arguments: &[&str]| -> Vec<Value> {
        let arguments = [&["--format", "json", "history", "--files"][..], arguments].concat();
        let output = environment.run(&arguments);
        let document: Value = serde_json::from_str(&output.success().stdout).unwrap();
        document["result"]["lines"].as_array().unwrap().clone()
    };
    let ups = json(&["--migration", "0001_a", "--action", "finished"]);
    assert_eq!((ups.len(), &ups[0]["type"]), (1, &"up".into()));
    let run = ups[0]["run"].as_str().unwrap();
    assert!(json(&["--run", run]).iter().all(|line| line["command"] == "up"));
    assert!(json(&["--failed"]).is_empty());
    assert_eq!(json(&["--limit", "3"]).len(), 3);
    assert!(!json(&["--since", "1h"]).is_empty() && json(&["--since", "2100-01-01"]).is_empty());
    environment.run(&["history", "--since", "yesterday"]).expect(5);
    environment.run(&["history"]).expect(5);
}

#[test]
fn the_audit_log_is_filtered() {
    let environment = project();
    environment.run(&["up"]).success();
    environment.run(&["down", "--force", "because password=x1y2 was wrong"]).success();
    environment.migration("0002_b", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["up"]).expect(2);
    let entries = |arguments: &[&str]| -> Vec<String> {
        let arguments = [&["--format", "json", "history"][..], arguments].concat();
        let output = environment.run(&arguments);
        let document: Value = serde_json::from_str(&output.success().stdout).unwrap();
        let entries = document["result"]["entries"].as_array().unwrap().clone();
        let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        entries
            .iter()
            .map(|entry| ["migration", "action", "outcome"].map(|name| word(entry, name)).join(" "))
            .collect()
    };
    assert_eq!(entries(&[]), ["0001_a up ok", "0002_b up ok", "0002_b down ok", "0002_b up failed"]);
    assert_eq!(entries(&["--migration", "1"]), ["0001_a up ok"]);
    assert_eq!(entries(&["--migration", "0002_b", "--action", "up"]), ["0002_b up ok", "0002_b up failed"]);
    assert_eq!(entries(&["--failed"]), ["0002_b up failed"]);
    assert_eq!(entries(&["--since", "1h", "--limit", "1"]), ["0002_b up failed"]);
    assert!(entries(&["--since", "2100-01-01"]).is_empty() && entries(&["--run", "'; DROP"]).is_empty());
    let mut command = environment.command(&["history", "--action", "down"]);
    let shown = environment.capture(command.env("COLUMNS", "200"));
    assert!(shown.success().stdout.contains("(reason: because password=*** was wrong)"), "{}", shown.stdout);
    let stored =
        answer(&mut environment.client(), "SELECT string_agg(reason, ' ') FROM schema_migrations_log");
    assert_eq!(stored, "because password=*** was wrong");
}

/// A folder for logs that takes nothing, in all the ways there are; the run is told of once, and is what it would be.
#[test]
fn a_log_folder_that_takes_nothing_spoils_nothing() {
    let environment = project();
    let run = |folder: &Path| -> Output {
        environment.run(&["up", "--log-dir", folder.to_str().unwrap()]).success();
        let output = environment.run(&["redo", "--log-dir", folder.to_str().unwrap()]);
        output.success();
        let warned = output.stderr.matches("the log folder").count();
        assert_eq!(warned, 1, "{}", output.stderr);
        assert!(output.stderr.contains("the run goes on, and is not recorded there"), "{}", output.stderr);
        output
    };
    let file = environment.write("a-file", "");
    run(&file);
    run(&file.join("below"));
    run(Path::new("/dev/full"));
    run(Path::new("/proc/nothing/here"));
    let full = environment.path("full");
    fs::create_dir(&full).unwrap();
    std::os::unix::fs::symlink("/dev/full", full.join("migrations.jsonl")).unwrap();
    run(&full);
    let pipe = environment.path("pipe");
    fs::create_dir(&pipe).unwrap();
    assert!(Command::new("mkfifo").arg(pipe.join("migrations.jsonl")).status().unwrap().success());
    run(&pipe);
    // A network that lost its server: the file can be opened, and nothing be written to it (EIO, for there is nothing at
    // the address 0 of any process).
    let lost = environment.path("lost");
    fs::create_dir(&lost).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", lost.join("migrations.jsonl")).unwrap();
    let output = run(&lost);
    assert!(output.stderr.contains("os error 5"), "{}", output.stderr);
    // A program is told, too, and -q is.
    let file = file.to_str().unwrap();
    let output = environment.run(&["--format", "json", "redo", "--log-dir", file]);
    let events: Vec<Value> = output
        .success()
        .stderr
        .split_terminator('\n')
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["event"] == "records_unavailable")
        .collect();
    assert_eq!(events.len(), 1, "{}", output.stderr);
    assert_eq!(environment.run(&["-q", "redo", "--log-dir", file]).success().stderr, "");
    let applied = answer(&mut environment.client(), "SELECT count(*) FROM schema_migrations WHERE NOT dirty");
    assert_eq!(applied, "2");
}

/// Modes keep nobody out who is root: this is what a deployment meets that runs as a user of its own.
#[test]
fn a_forbidden_log_folder_is_told_of_once() {
    let environment = project();
    environment.run(&["lock"]).success();
    let user = ServerUser::current().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("cargo-migrate");
    fs::copy(migrate_tests::binaries::program("cargo-migrate"), &program).unwrap();
    let forbidden = environment.path("forbidden");
    fs::create_dir(&forbidden).unwrap();
    fs::write(forbidden.join("migrations.jsonl"), "").unwrap();
    for path in [forbidden.join("migrations.jsonl"), forbidden.clone()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o500)).unwrap();
    }
    let run = |verb: &str, log: &Path| -> Output {
        let mut command = Command::new(&program);
        // Another user may have no cargo, so that all is said that a project would say.
        user.prepare(&mut command).current_dir(environment.project());
        let (dir, log) = (environment.path("migrations"), log.to_str().unwrap());
        command.args([
            "migrate",
            verb,
            "--dir",
            dir.to_str().unwrap(),
            "--history-table",
            "public.schema_migrations",
        ]);
        command.args(["--database-url", environment.database().url(), "--log-dir", log]);
        environment.capture(&mut command)
    };
    for (verb, log) in [("up", forbidden.clone()), ("redo", forbidden.join("below"))] {
        let output = run(verb, &log);
        let told = output.success().stderr.matches("the log folder").count();
        assert!(told == 1 && output.stderr.contains("ermission denied"), "{}", output.stderr);
    }
    assert_eq!(fs::read_dir(&forbidden).unwrap().count(), 1);
    let applied = answer(&mut environment.client(), "SELECT count(*) FROM schema_migrations WHERE NOT dirty");
    assert_eq!(applied, "2");
    // And what looks into it for the last preflight passes over it.
    run("health", &forbidden).success();
}

/// 64 kB of room: what fits is whole lines, the rest is lost, and nothing else is.
#[test]
fn a_full_file_system_costs_the_records_only() {
    let environment = project();
    let folder = environment.path("small");
    fs::create_dir(&folder).unwrap();
    let Some(_disk) = SmallDisk::mount(&folder, "64k") else {
        skip!("a file system can be mounted by root only")
    };
    let log = folder.to_str().unwrap();
    environment.run(&["up", "--log-dir", log]).success();
    fs::write(folder.join("filler"), vec![b'x'; 40 << 10]).unwrap();
    let mut warned = 0;
    for _ in 0..12 {
        let output = environment.run(&["redo", "--log-dir", log]);
        warned += output.success().stderr.matches("the log folder").count();
        assert!(output.stderr.matches("the log folder").count() <= 1, "{}", output.stderr);
    }
    assert!(warned >= 1, "64 kB were enough for thirteen runs");
    let applied = answer(&mut environment.client(), "SELECT count(*) FROM schema_migrations WHERE NOT dirty");
    assert_eq!(applied, "2");
    // There is room again: what was cut short costs its own line at most, and is told of.
    fs::remove_file(folder.join("filler")).unwrap();
    let output = environment.run(&["redo", "--log-dir", log]);
    assert!(!output.success().stderr.contains("the log folder"), "{}", output.stderr);
    let read =
        environment.run(&["--format", "json", "history", "--files", "--log-dir", log, "--limit", "100000"]);
    let document: Value = serde_json::from_str(&read.success().stdout).unwrap();
    let lines = document["result"]["lines"].as_array().unwrap();
    assert!(lines.iter().rev().take(5).any(|line| line["event"] == "run_finished"), "{lines:?}");

    let remount = |options: &str| Command::new("mount").args(["-o", options]).arg(&folder).status().unwrap();
    assert!(remount("remount,ro").success());
    let output = environment.run(&["redo", "--log-dir", log]);
    assert_eq!(output.success().stderr.matches("the log folder").count(), 1, "{}", output.stderr);
}

#[test]
fn several_processes_share_the_files() {
    let environments: Vec<_> = (0..4).map(|_| project()).collect();
    let shared = environments[0].path("shared");
    fs::create_dir(&shared).unwrap();
    // A few lines more and it is rotated, by whomever of them.
    let old = "{\"event\":\"old\"}\n".repeat(10_000_000 / 16);
    fs::write(shared.join("migrations.jsonl"), &old[..old.len() - 16]).unwrap();
    let log = shared.to_str().unwrap();
    let running: Vec<_> = environments.iter().map(|one| one.spawn(&["up", "--log-dir", log])).collect();
    for one in running {
        one.wait().success();
    }
    assert!(!shared.join("migrations.jsonl.2").exists());
    let [older, newer] =
        ["migrations.jsonl.1", "migrations.jsonl"].map(|name| fs::read_to_string(shared.join(name)).unwrap());
    assert!(older.starts_with(&old[..old.len() - 16]) && older.len() < old.len() + 10_000, "{}", older.len());
    let text = older.replace("{\"event\":\"old\"}\n", "") + &newer;
    let mut finished = std::collections::BTreeMap::<String, usize>::new();
    for line in text.split_terminator('\n') {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if line["event"] == "finished" {
            *finished.entry(line["run"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(finished.into_values().collect::<Vec<_>>(), [2, 2, 2, 2]);
    let texts = fs::read_dir(&shared)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "log"));
    assert_eq!(texts.count(), 4);
}

/// Somebody tidies up while a migration runs: the records begin anew, and nobody has to be told.
#[test]
fn a_folder_that_goes_away_meanwhile_comes_back() {
    let environment = project();
    environment.migration(
        "0003_wait",
        "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'go') LOOP PERFORM pg_sleep(0.02); \
         END LOOP; END $$;\n",
        "SELECT 1;\n",
    );
    let running = environment.spawn(&["up"]);
    let log = environment.path(".migrate/log");
    let mut client = environment.client();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%: 0003_wait' AND \
                 datname = current_database()";
    until("the migration that waits", || answer(&mut client, waits) == "1");
    fs::remove_dir_all(&log).unwrap();
    client.batch_execute("CREATE TABLE go ()").unwrap();
    let output = running.wait();
    output.success();
    assert!(!output.stderr.contains("the log folder"), "{}", output.stderr);
    let lines = lines(&environment);
    let finished = lines.iter().find(|line| line["event"] == "finished").unwrap();
    assert_eq!(
        (&finished["version"], &lines.last().unwrap()["event"]),
        (&"0003_wait".into(), &"run_finished".into())
    );
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o700);
    let texts = files(&environment, ".log");
    let text = environment.read(format!(".migrate/log/{}", texts[0]));
    assert!(texts.len() == 1 && text.contains("applied 0003_wait") && text.contains("(exit 0)"), "{text}");
}

/// A clock that was put back: what is written later stands later, and the newest is the last.
#[test]
fn a_clock_that_goes_back_takes_nothing_away() {
    let environment = project();
    environment.run(&["up"]).success();
    environment.run(&["preflight"]);
    let of = |ending: &str| {
        let is_one = |name: &String| name.contains("-report-") || ending == "log";
        files(&environment, ending).into_iter().find(is_one).unwrap()
    };
    // As they would be named if the clock had been a day ahead then.
    for (ending, name) in
        [("json", "preflight-report-29991231T235959Z.json"), ("log", "up-29991231T235959Z.log")]
    {
        let old = environment.path(".migrate/log").join(of(ending));
        fs::rename(old, environment.path(".migrate/log").join(name)).unwrap();
    }
    let journal =
        environment.read(".migrate/log/migrations.jsonl").replace("\"timestamp\":\"20", "\"timestamp\":\"29");
    environment.write(".migrate/log/migrations.jsonl", &journal);
    environment.run(&["redo"]).success();
    environment.run(&["preflight"]);
    let read = environment.run(&["--format", "json", "history", "--files", "--limit", "100000"]);
    let document: Value = serde_json::from_str(&read.success().stdout).unwrap();
    let found = document["result"]["lines"].as_array().unwrap();
    let ends = found.iter().filter(|line| line["event"] == "run_finished").count();
    assert_eq!((ends, &found.last().unwrap()["command"]), (4, &"preflight".into()));
    assert!(environment.read(".migrate/log/migrations.jsonl").starts_with(&journal));
    let shown = environment.run(&["--format", "json", "report", "list"]);
    let document: Value = serde_json::from_str(&shown.success().stdout).unwrap();
    assert_eq!(document["result"]["reports"].as_array().unwrap().len(), 2);
}

/// Whatever somebody put into the folder under a report's name, the others are listed, and it is named.
#[test]
fn a_report_that_is_none_is_named_and_the_list_goes_on() {
    let environment = project();
    environment.run(&["up"]).success();
    environment.run(&["preflight"]);
    let good = files(&environment, ".json").into_iter().find(|name| name.contains("-report-")).unwrap();
    let text = environment.read(format!(".migrate/log/{good}"));
    let folder = environment.path(".migrate/log");
    let path = |number: u32| folder.join(format!("deploy-report-20260101T00000{number}Z.json"));
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let cut = &text[..text.len() / 2];
    for (number, text) in [cut, "{\"schema\":\"https://example.org/x\"}", "", &nested].iter().enumerate() {
        fs::write(path(u32::try_from(number).unwrap()), text).unwrap();
    }
    assert!(Command::new("mkfifo").arg(path(4)).status().unwrap().success());
    // Beside the project, whose files are searched for passwords after each command.
    let large = tempfile::NamedTempFile::new().unwrap();
    large.as_file().set_len(100 << 20).unwrap();
    std::os::unix::fs::symlink(large.path(), path(5)).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", path(6)).unwrap();
    fs::create_dir(path(7)).unwrap();
    std::os::unix::fs::symlink("nowhere", path(8)).unwrap();
    let output = environment.run(&["--format", "json", "report", "list"]);
    let document: Value = serde_json::from_str(&output.success().stdout).unwrap();
    let reports = document["result"]["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 10);
    for report in reports {
        let is_good = good.starts_with(report["id"].as_str().unwrap());
        assert_eq!(report["unreadable"].is_null(), is_good, "{report}");
        assert_eq!(report["outcome"].is_string(), is_good, "{report}");
    }
    // On a small terminal too each has an id that can be typed.
    let mut command = environment.command(&["report", "list"]);
    let narrow = environment.capture(command.env("COLUMNS", "40"));
    for report in reports {
        assert!(narrow.success().stdout.contains(report["id"].as_str().unwrap()), "{}", narrow.stdout);
    }
    for report in reports {
        let code = if report["unreadable"].is_null() { 0 } else { 5 };
        environment.run(&["report", "show", report["id"].as_str().unwrap()]).expect(code);
    }
    // What looks for the last preflight passes over them.
    let hidden = folder.join(good.replace("preflight-report-2", "preflight-report-9"));
    fs::write(hidden, "{").unwrap();
    environment.run(&["health"]).expect(0);
}

/// T33 over everything here: what is captured and every file below the project is searched by the harness.
#[test]
fn no_password_is_in_any_record() {
    let environment = TestEnvironment::new();
    let role = format!("recorded_{}", environment.database().name());
    environment.migration(
        "0001_role",
        &format!(
            "CREATE ROLE {role} PASSWORD '{CANARY}';\n\
             DO $$ BEGIN RAISE WARNING 'set password={CANARY} now'; END $$;\n"
        ),
        &format!("DROP ROLE {role};\n"),
    );
    environment.run(&["-vvv", "up", "--force", &format!("the password={CANARY} is known")]).success();
    environment.migration(
        "0002_bad",
        &format!("ALTER ROLE {role} PASSWORD '{CANARY}' NONSENSE;\n"),
        "SELECT 1;\n",
    );
    for more in [
        &["-vvv", "up"][..],
        &["--format", "json", "-vvv", "up"],
        &["-vv", "history"],
        &["--format", "json", "history"],
        &["history", "--files"],
        &["--format", "json", "history", "--files"],
        &["-vvv", "health"],
        &["--format", "json", "-vvv", "health"],
        &["-vvv", "doctor"],
        &["--format", "json", "doctor"],
        &["report", "list"],
        &["-vvv", "preflight"],
        &["-v", "status"],
        &["-vvv", "down", "--force", &format!("postgres://app:{CANARY}@db/shop")],
    ] {
        environment.run(more);
    }
    for level in ["debug", "trace"] {
        let mut command = environment.command(&["up"]);
        environment.capture(command.env("LOG_LEVEL", level)).expect(2);
        let mut command = environment.command(&["up"]);
        environment.capture(command.env("RUST_LOG", level)).expect(2);
    }
    let text = environment.read(".migrate/log/migrations.jsonl");
    assert!(text.contains("PASSWORD '***'") && text.contains("password=***"), "{text}");
}

#[test]
fn loudness_follows_the_nearest_word() {
    let environment = project();
    environment.run(&["up"]).success();
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = environment.command(arguments);
        command.envs(variables.iter().copied());
        environment.capture(&mut command).success().stderr.clone()
    };
    assert_eq!(run(&["redo"], &[("LOG_LEVEL", "error")]), "");
    assert!(run(&["redo"], &[("LOG_LEVEL", "info")]).contains("applied 0002_b"));
    let debug = run(&["redo"], &[("LOG_LEVEL", "debug")]);
    assert!(debug.contains("debug migrate::ask: ") && !debug.contains("migrate::sql"), "{debug}");
    assert!(run(&["redo", "-vvv"], &[]).contains("trace migrate::sql: sent sql="));
    assert_eq!(run(&["redo", "-q"], &[("RUST_LOG", "trace")]), "");
    assert!(
        run(&["redo"], &[("RUST_LOG", "migrate=debug"), ("LOG_LEVEL", "error")]).contains("migrate::ask")
    );
    let note = run(&["redo"], &[("LOG_LEVEL", "loud")]);
    assert!(note.contains("note: LOG_LEVEL is `loud`, which says nothing here"), "{note}");
    let json = run(&["--format", "json", "-vv", "redo"], &[]);
    for line in json.split_terminator('\n') {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["event"].is_string(), "{line}");
    }
    assert!(json.contains("\"event\":\"trace\""), "{json}");
}
