//! `backup create`: one moment of a database, in three formats, whole or in parts; and what is left where it cannot be made.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use migrate_core::Checksum;
use migrate_testing::ClientPrograms;
use migrate_tests::{Cluster, SmallDisk, TestEnvironment, dump, until};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use crate::backup_verify::{backups, document, shop};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Runs a program of PostgreSQL's as a person would by hand.
fn by_hand(script: &str, arguments: &[&str]) {
    let programs = ClientPrograms::find(dump::major(&programs().pg_dump)).unwrap();
    let folder = programs.psql.parent().unwrap();
    let mut command = Command::new("sh");
    command.args(["-ec", script, "sh"]).args(arguments).stdin(Stdio::null());
    command.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn programs() -> ClientPrograms {
    let major = migrate_testing::Binaries::find(None).unwrap().major;
    ClientPrograms::find(major).unwrap()
}

#[test]
fn a_backup_is_described_and_restored_by_hand_in_every_format() {
    let environment = shop();
    let digest = document(&environment, &["schema", "--digest"])["result"]["digest"].clone();
    let original = dump::by(&programs().pg_dump, environment.database().url(), &[]);
    for (arguments, archive, restore) in [
        (vec!["--as", "custom"], "archive.dump", "pg_restore --exit-on-error -d \"$2\" \"$1\""),
        (
            vec!["--as", "directory", "--jobs", "2"],
            "archive",
            "pg_restore -j 2 --exit-on-error -d \"$2\" \"$1\"",
        ),
        (
            vec!["--as", "plain"],
            "archive.sql.gz",
            "zcat \"$1\" | psql -qX -v ON_ERROR_STOP=1 -d \"$2\" >/dev/null",
        ),
    ] {
        let made = document(&environment, &[&["backup", "create"][..], &arguments].concat());
        let made = &made["result"];
        assert_eq!(made["schema_digest"], digest);
        assert_eq!(made["rows"]["public.orders"], 100);
        assert_eq!(made["rows"]["public.schema_migrations"], 2);
        assert_eq!(made["history"][1]["stem"], "0002_orders");
        assert_eq!(made["scope"]["kind"], "whole");
        assert_eq!(made["latest"], true);
        let folder = PathBuf::from(made["folder"].as_str().unwrap());
        assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
        for file in files(&folder) {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
            let name = file.strip_prefix(&folder).unwrap().to_str().unwrap();
            if name != "manifest.json" {
                let sum = Checksum::of_bytes(&std::fs::read(&file).unwrap()).to_string();
                assert_eq!(made["files"][name]["sha256"], sum, "{name}");
            }
        }
        let latest = std::fs::read_link(folder.parent().unwrap().join("latest")).unwrap();
        assert_eq!(latest.to_str(), made["id"].as_str());

        let scratch = migrate_testing::scratch().unwrap();
        by_hand(restore, &[folder.join(archive).to_str().unwrap(), scratch.url()]);
        assert_eq!(dump::by(&programs().pg_dump, scratch.url(), &[]), original, "{archive}");
        let rows = scratch.connect().unwrap().query_one("SELECT count(*) FROM orders", &[]).unwrap();
        assert_eq!(rows.get::<_, i64>(0), 100);
    }
    // What git would see of it.
    assert!(environment.read(".migrate/.gitignore").ends_with("*\n"));
    assert_eq!(backups(&environment).len(), 3);
}

#[test]
fn it_is_of_one_moment_while_others_write() {
    let environment = shop();
    let over = AtomicBool::new(false);
    environment.client().batch_execute("CREATE TABLE a (x int); CREATE TABLE b (x int)").unwrap();
    let made = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = environment.client();
            while !over.load(Ordering::SeqCst) {
                client
                    .batch_execute("BEGIN; INSERT INTO a VALUES (1); INSERT INTO b VALUES (1); COMMIT")
                    .unwrap();
            }
        });
        until("somebody writes", || {
            let count = environment.client().query_one("SELECT count(*) FROM a", &[]).unwrap();
            count.get::<_, i64>(0) > 50
        });
        let made = document(&environment, &["backup", "create"]);
        over.store(true, Ordering::SeqCst);
        made
    });
    assert_eq!(made["result"]["rows"]["public.a"], made["result"]["rows"]["public.b"]);
    // Counted again in the archive.
    environment.run(&["backup", "verify"]).success();
}

#[test]
fn parts_of_a_database() {
    let environment = shop();
    environment
        .client()
        .batch_execute(
            "CREATE SCHEMA app; CREATE TABLE app.days (d int) PARTITION BY LIST (d); \
             CREATE TABLE app.one PARTITION OF app.days DEFAULT; INSERT INTO app.days VALUES (1), (2)",
        )
        .unwrap();
    let tables = |arguments: &[&str]| {
        let made = document(&environment, &[&["backup", "create"], arguments].concat());
        environment.run(&["backup", "verify"]).success();
        let result = &made["result"];
        assert_eq!(result["schema_digest"], Value::Null);
        let rows = result["rows"].as_object().unwrap();
        rows.iter().map(|(table, rows)| format!("{table}={rows}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tables(&["--tables", "app.days", "cust*"]), "app.one=2 public.customers=10");
    assert_eq!(tables(&["--schema", "app"]), "app.one=2");
    environment.migration("0003_no_total", "ALTER TABLE orders DROP COLUMN total;", "SELECT 1;");
    assert_eq!(tables(&["--affected"]), "public.orders=100");
    environment.migration("0004_gone", "DELETE FROM customers;", "SELECT 1;");
    // The foreign key of orders deletes along with it.
    assert_eq!(tables(&["--affected"]), "public.customers=10 public.orders=100");
    environment.migration("0005_do", "DO $$ BEGIN DELETE FROM orders; END $$;", "SELECT 1;");
    let output = environment.run(&["backup", "create", "--affected"]);
    let said = &output.expect(5).stderr;
    assert!(said.contains("what 0005_do changes cannot be told from its text: a `DO` block"), "{said}");
    let output = environment.run(&["backup", "create", "--tables", "nothing"]);
    assert!(output.expect(5).stderr.contains("no table is named like `nothing`"));
    let count = backups(&environment).len();
    assert_eq!(count, 4, "a refused one leaves nothing");
    for stem in ["0003_no_total", "0004_gone", "0005_do"] {
        environment.remove(format!("migrations/{stem}.up.sql"));
        environment.remove(format!("migrations/{stem}.down.sql"));
    }
    let output = environment.run(&["backup", "create", "--affected"]);
    assert!(output.expect(5).stderr.contains("the pending migrations change no table that is there"));
}

/// A large table is read once, by pg_dump; its rows are counted where the archive is read.
#[test]
fn rows_of_large_tables_are_counted_when_it_is_verified() {
    let environment = shop();
    // 72 MB.
    environment
        .client()
        .batch_execute(
            "CREATE TABLE wide (t text); ALTER TABLE wide ALTER t SET STORAGE PLAIN; \
             INSERT INTO wide SELECT repeat('x', 7900) FROM generate_series(1, 9000)",
        )
        .unwrap();
    let rows =
        |result: &Value| (result["rows"]["public.wide"].clone(), result["rows"]["public.orders"].clone());
    let made = document(&environment, &["backup", "create"]);
    assert_eq!(rows(&made["result"]), (Value::Null, 100.into()));
    let shown = environment.run(&["backup", "show"]);
    assert!(shown.success().stdout.contains("1 larger table more, not counted yet"), "{}", shown.stdout);
    environment.run(&["backup", "verify", "--restore"]).success();
    let shown = document(&environment, &["backup", "show"]);
    assert_eq!(rows(&shown["result"]), (9000.into(), 100.into()));
    let made = document(&environment, &["backup", "create", "--count-rows"]);
    assert_eq!(rows(&made["result"]), (9000.into(), 100.into()));
    environment.run(&["backup", "verify"]).success();
}

#[test]
fn what_cannot_be_made_says_why_and_leaves_nothing() {
    let mut environment = shop();
    // Rows that pg_dump may not read: nothing is changed, and nothing is there.
    let mut client = environment.client();
    let role = format!("reader_{}", environment.database().name());
    client
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN; GRANT SELECT ON customers TO {role}; GRANT CREATE ON SCHEMA public TO {role}"
        ))
        .unwrap();
    let url = environment.database().url().replace("postgres://postgres@", &format!("postgres://{role}@"));
    let output = environment.run(&["backup", "create", "--database-url", &url]);
    assert!(output.code != 0 && output.stderr.contains("permission denied"), "{}", output.stderr);
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();

    let nowhere = "postgres://u@/d?host=/nonexistent";
    environment.run(&["backup", "create", "--database-url", nowhere]).expect(6);
    environment.set_var("MIGRATE_PG_CLIENT_BIN", "/nonexistent");
    let output = environment.run(&["backup", "create"]);
    let said = &output.expect(5).stderr;
    assert!(said.contains("MIGRATE_PG_CLIENT_BIN is set to /nonexistent, which cannot be used"), "{said}");
    // A pg_dump that fails is told with what it says, without secrets.
    environment.set_var(
        "MIGRATE_PG_CLIENT_BIN",
        pretend(&environment, "echo \"pg_dump: error: PASSWORD 'hush'\" >&2; exit 1"),
    );
    let output = environment.run(&["backup", "create"]);
    let said = &output.expect(1).stderr;
    assert!(said.contains("no backup was made: pg_dump, writing into"), "{said}");
    assert!(said.contains("pg_dump: error: PASSWORD '***'") && !said.contains("hush"), "{said}");
    assert_eq!(left(&environment), [""; 0]);
    let output = environment.run(&["backup", "create", "--jobs", "4"]);
    assert!(output.expect(5).stderr.contains("--jobs needs the directory format"));
}

/// Client programs whose pg_dump does this instead, when it is to dump; `$FILE` is the file it is to write.
fn pretend(environment: &TestEnvironment, script: &str) -> PathBuf {
    let programs = programs();
    let folder = environment.path("programs");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, real) in [("pg_restore", &programs.pg_restore), ("psql", &programs.psql)] {
        let _ = std::fs::remove_file(folder.join(name));
        std::os::unix::fs::symlink(real, folder.join(name)).unwrap();
    }
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{}'; exit; fi\n\
         while [ $# -gt 0 ]; do if [ \"$1\" = --file ]; then FILE=$2; fi; shift; done\n{script}\n",
        programs.banner
    );
    let path = folder.join("pg_dump");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// What is in the backup folder and is no backup.
fn left(environment: &TestEnvironment) -> Vec<String> {
    let entries = std::fs::read_dir(environment.path(".migrate/backups")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

fn is_there(pid: i32) -> bool {
    // A zombie that init has not reaped yet is gone.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok() && !stat.contains(") Z ")
}

#[test]
fn interrupted_it_takes_pg_dump_and_its_folder_along() {
    let mut environment = shop();
    let pid_file = environment.path("pid");
    let script = format!("echo half > \"$FILE\"; echo $$ > {}; exec sleep 600", pid_file.display());
    environment.set_var("MIGRATE_PG_CLIENT_BIN", pretend(&environment, &script));
    let started = || {
        let _ = std::fs::remove_file(&pid_file);
        let running = environment.spawn(&["backup", "create"]);
        let mut pid = None;
        until("pg_dump writes", || {
            pid = std::fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse::<i32>().ok());
            pid.is_some()
        });
        (running, pid.unwrap())
    };
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (running, pid) = started();
        assert_eq!(left(&environment).len(), 1);
        kill_process(Pid::from_raw(running.pid()).unwrap(), signal).unwrap();
        running.wait().expect(code);
        assert!(!is_there(pid));
        assert_eq!(left(&environment), [""; 0]);
    }
    // Killed, it cannot take anything along: a guardian ends pg_dump, and the next backup sweeps.
    let (running, pid) = started();
    kill_process(Pid::from_raw(running.pid()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(running.wait().code, 137);
    until("pg_dump to be gone", || !is_there(pid));
    assert_eq!(left(&environment).len(), 1);
    environment.remove_var("MIGRATE_PG_CLIENT_BIN");
    environment.run(&["backup", "create"]).success();
    assert_eq!(left(&environment), [""; 0]);
    assert_eq!(backups(&environment).len(), 1);
}

/// T15 for backups: a disk that is full is told with its path, and neither the database nor the folder has a trace of it.
#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let mut environment = shop();
    let cluster = Cluster::start();
    let database = cluster.database();
    database
        .connect()
        .unwrap()
        .batch_execute("CREATE TABLE noise AS SELECT md5(n::text) || md5((n * 7)::text) AS t FROM generate_series(1, 20000) n")
        .unwrap();
    environment.set_var("DATABASE_URL", database.url());
    let folder = environment.path("small");
    std::fs::create_dir(&folder).unwrap();
    let Some(disk) = SmallDisk::mount(&folder, "64k") else {
        // Only root may mount; every CI job here is.
        if rustix::process::geteuid().is_root() {
            migrate_tests::skip!("a small file system cannot be mounted");
        }
        return;
    };
    let log = cluster.log();
    let mark = log.mark();
    let output = environment.run(&["backup", "create", "--backup-dir", folder.to_str().unwrap()]);
    let executed = log.statements(mark);
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    drop(disk);
    let said = &output.expect(1).stderr;
    assert!(said.contains("No space left on device") && said.contains(folder.to_str().unwrap()), "{said}");
    assert_eq!(names, [""; 0], "{said}");
    for word in ["INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "TRUNCATE"] {
        assert!(!executed.iter().any(|statement| statement.starts_with(word)), "{word}: {executed:?}");
    }
    assert!(executed.iter().any(|statement| statement.contains("pg_export_snapshot")), "{executed:?}");
    assert!(said.contains("no backup was made: no room on the disk of ") && said.contains("free"), "{said}");
    assert!(said.contains("warning: the backup may not fit on the disk of "), "{said}");
    assert!(said.contains("--backup-dir"), "{said}");
}

/// Whichever file meets the full disk, it is told in the same way and ends in the same code.
#[test]
fn a_full_disk_is_the_same_for_every_file() {
    let mut environment = shop();
    let folder = environment.path("small");
    std::fs::create_dir(&folder).unwrap();
    let at = ["--backup-dir", folder.to_str().unwrap()];
    // Not even a folder can be made there.
    let Some(disk) = SmallDisk::mount(&folder, "1m,nr_inodes=1") else {
        if rustix::process::geteuid().is_root() {
            migrate_tests::skip!("a small file system cannot be mounted");
        }
        return;
    };
    let output = environment.run(&[&["backup", "create"], &at[..]].concat());
    drop(disk);
    assert!(output.expect(1).stderr.contains("no room on the disk of "), "{}", output.stderr);

    let Some(_disk) = SmallDisk::mount(&folder, "1m") else { return };
    environment.run(&[&["backup", "create"], &at[..]].concat()).success();
    let made = std::fs::read_link(folder.join("latest")).unwrap();
    // Full to the last page: the backup is good, and that cannot be written down.
    std::fs::write(folder.join("ballast"), vec![0; 2 << 20]).unwrap_err();
    let output = environment.run(&[&["backup", "verify"], &at[..]].concat());
    assert!(output.expect(1).stderr.contains("is good, and that could not be written"), "{}", output.stderr);
    std::fs::remove_file(folder.join("ballast")).unwrap();
    environment.run(&[&["backup", "verify"], &at[..]].concat()).success();
    // The last one was so large that another one cannot fit: pg_dump is not even started.
    let manifest = folder.join(&made).join("manifest.json");
    migrate_tests::edit_manifest(&manifest, |manifest| manifest["bytes"] = (1_u64 << 30).into());
    environment.set_var("MIGRATE_PG_CLIENT_BIN", pretend(&environment, "echo started >&2; exit 1"));
    let output = environment.run(&[&["backup", "create"], &at[..]].concat());
    let said = &output.expect(1).stderr;
    assert!(said.contains("no room on the disk of ") && said.contains("took 1024 MB"), "{said}");
    assert!(!said.contains("started"), "{said}");
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [made.into_os_string(), "latest".into()]);
}
