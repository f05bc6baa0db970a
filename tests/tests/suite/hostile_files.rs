//! T32 for what is read back: a manifest, a report, a marker, a record, a lock file, a snapshot or the audit log in which
//! somebody else wrote is refused or shown as text, by every verb that reads it.

use std::path::{Path, PathBuf};

use migrate_tests::production::{TWO, has_pg_dump, project};
use migrate_tests::{TestEnvironment, skip};
use serde_json::Value;

use crate::harness_hostile_text::{NASTY, harmless};

/// Every text in a value, with what a terminal would obey behind it.
fn spoilt(value: &Value) -> Value {
    match value {
        Value::String(text) => format!("{text}{NASTY}").into(),
        Value::Array(values) => values.iter().map(spoilt).collect::<Vec<_>>().into(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), spoilt(value)));
            fields.collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// The files of JSON below a folder.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_symlink() => {}
            _ if path.is_dir() => documents(&path, found),
            Some("json" | "jsonl") => found.push(path),
            _ => {}
        }
    }
}

/// Everything that reads what an earlier run left, in a protected environment.
const READERS: [&[&str]; 19] = [
    &["backup", "list"],
    &["backup", "show"],
    &["backup", "verify"],
    &["backup", "prune", "--keep", "1", "--dry-run"],
    &["backup", "restore", "--into", "nowhere_at_all", "--yes"],
    &["report", "list"],
    &["report", "show"],
    &["report", "show", "--kind", "deploy"],
    &["report", "show", "--kind", "preflight"],
    &["report", "show", "--kind", "postflight"],
    &["history", "--files", "--limit", "10000"],
    &["history", "-v"],
    &["status", "-v"],
    &["health"],
    &["up"],
    &["deploy"],
    &["deploy", "--dry-run"],
    &["lock", "--check"],
    &["repair"],
];

#[track_caller]
fn read_all(environment: &TestEnvironment, readers: &[&[&str]], of: &str) {
    for (turn, reader) in readers.iter().enumerate() {
        // Each verb for people or for programs, in turn; before a release, for both.
        let both = std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some();
        let forms = ["human", "json"]
            .into_iter()
            .enumerate()
            .filter(|(number, _)| both || (number + turn + of.len()).is_multiple_of(2));
        for (_, format) in forms {
            let arguments = [&["--format", format, "--color", "never"][..], reader].concat();
            let output = environment.run(&arguments);
            harmless(&output, &[&[of][..], reader].concat());
            assert!(output.code < 100, "{of} {reader:?}: {}", output.stderr);
            if format == "json" && !output.stdout.is_empty() {
                serde_json::from_str::<Value>(&output.stdout).unwrap();
            }
        }
    }
}

/// A shop that went through all of it once, and has one more migration to apply.
fn shop() -> TestEnvironment {
    let mut environment = project(&TWO, "[package.metadata.migrate.env.production]\nprotected = true\n");
    environment.set_var("MIGRATE_ENV", "production");
    environment.run(&["deploy"]).success();
    environment.migration("0003_c", "CREATE TABLE c (id int);\n", "DROP TABLE c;\n");
    environment.run(&["lock", "--locked=false"]);
    environment.run(&["lock"]).success();
    environment.run(&["preflight"]).success();
    environment
}

#[test]
fn in_a_file_of_an_earlier_run() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = shop();
    let mut files = Vec::new();
    documents(&environment.path(".migrate"), &mut files);
    let names: Vec<_> =
        files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for kind in ["manifest.json", "preflight-passed-", "environment-", "deploy-report-", "migrations.jsonl"] {
        assert!(names.iter().any(|name| name.starts_with(kind)), "{kind}: {names:?}");
    }
    // Each text of each of them at once: whoever reads any of it meets it.
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.ends_with("}\n") && file.extension().is_some_and(|ending| ending == "jsonl");
        let spoilt: String = match lines {
            true => text
                .split_terminator('\n')
                .map(|line| format!("{}\n", spoilt(&serde_json::from_str(line).unwrap())))
                .collect(),
            false => serde_json::to_string(&spoilt(&serde_json::from_str(&text).unwrap())).unwrap(),
        };
        std::fs::write(file, spoilt).unwrap();
    }
    read_all(&environment, &READERS, "all texts");
    // And bytes that are no text, or no JSON.
    for file in &files {
        std::fs::write(file, format!("{{\"id\": {NASTY}\u{0}")).unwrap();
    }
    read_all(&environment, &READERS[..14], "no JSON");
}

#[test]
fn in_a_file_of_the_project() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = shop();
    let lock = environment.read("migrations/migrations.lock");
    let readers: [&[&str]; 7] =
        [&["status"], &["up"], &["deploy"], &["lock", "--check"], &["preflight"], &["verify"], &["doctor"]];
    for spoilt in [lock.replace("0001_create_a", NASTY), format!("{lock}{NASTY}\n"), lock.replace('#', NASTY)]
    {
        environment.write("migrations/migrations.lock", spoilt);
        read_all(&environment, &readers[..5], "migrations.lock");
    }
    environment.write("migrations/migrations.lock", &lock);
    environment.write("migrations/schema.sql.snap", format!("table public.{NASTY}\n    column id {NASTY}\n"));
    read_all(
        &environment,
        &[
            &["schema", "validate"],
            &["schema", "diff", "migrations/schema.sql.snap", "database"],
            &["health"],
        ],
        "schema.sql.snap",
    );
    environment.remove("migrations/schema.sql.snap");
    // A check by such a name, that cannot be run.
    let name = NASTY.replace('/', "");
    environment.write(format!("migrations/checks/{name}.sql"), format!("-- {NASTY}\nSELECT {NASTY};\n"));
    read_all(&environment, &[&["postflight", "--no-drift"], &["status"], &["doctor"]], "a check's name");
}

#[test]
fn in_the_audit_log() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = shop();
    let mut client = environment.client();
    let sql = "SELECT string_agg(format('%1$I = %1$I || $x$' || $1 || '$x$', column_name), ', ') \
               FROM information_schema.columns WHERE table_name = 'schema_migrations_log' AND data_type = 'text'";
    let set: String = client.query_one(sql, &[&NASTY.replace('%', "%%")]).unwrap().get(0);
    // Last of all the names by which lines belong together.
    for columns in [
        set.split(", ")
            .filter(|set| set.contains("message") || set.contains("reason"))
            .collect::<Vec<_>>()
            .join(", "),
        set,
    ] {
        client.batch_execute(&format!("UPDATE schema_migrations_log SET {columns}")).unwrap();
        read_all(&environment, &READERS[11..], "the audit log");
        read_all(&environment, &[&["postflight", "--no-drift"], &["preflight"]], "the audit log");
    }
}
