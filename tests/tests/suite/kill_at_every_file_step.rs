//! T3: kill -9 at every step on the file system. Under its own name a file is whole or not there, the next run succeeds, and
//! after it nothing of the killed one is left.

use std::collections::BTreeMap;
use std::path::Path;

use migrate_tests::production::{TWO, has_pg_dump, project};
use migrate_tests::{TestEnvironment, file_steps, skip};

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in std::fs::read_dir(&inside).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned());
            }
        }
    }
    found
}

/// Whether a name is that of a file that is not finished yet.
fn is_temporary(name: &str) -> bool {
    name.rsplit('/').next().unwrap().starts_with('.') && name.ends_with(".migrate-tmp")
}

/// Kills `arguments` at each step in a project that `begin` makes, and holds what is left against what an undisturbed run
/// leaves; `same` files of the two are compared, the others may differ in what they hold.
#[track_caller]
fn sweep(begin: impl Fn(&TestEnvironment), arguments: &[&str], same: fn(&str) -> bool) {
    if !file_steps::can() {
        skip!("strace is not installed");
    }
    let undisturbed = TestEnvironment::without_database();
    begin(&undisturbed);
    let before = files(&undisturbed.project());
    undisturbed.run(arguments).success();
    let after = files(&undisturbed.project());
    assert!(after.keys().all(|name| !is_temporary(name)), "{:?}", after.keys());

    let environment = std::cell::RefCell::new(TestEnvironment::without_database());
    let struck = file_steps::kill_at_each(
        || {
            environment.replace(TestEnvironment::without_database());
            begin(&environment.borrow());
            environment.borrow().command(arguments)
        },
        |step, _| {
            let environment = environment.borrow();
            for (name, text) in files(&environment.project()) {
                let whole = [before.get(&name), after.get(&name)].contains(&Some(&text));
                assert!(is_temporary(&name) || whole || !same(&name), "step {step}: {name} has {text:?}");
            }
            let again = environment.run(arguments);
            let last = files(&environment.project());
            assert_eq!(again.code, 0, "step {step}: {}{}", again.stdout, again.stderr);
            assert!(last.keys().all(|name| !is_temporary(name)), "step {step}: {:?}", last.keys());
            // `new` takes the next version where a file of the first had its name by then: its pair is whole.
            let is_whole = after.keys().all(|name| last.contains_key(name)) || last.len() > after.len();
            assert!(is_whole, "step {step}: {:?}", last.keys());
        },
    );
    assert!(struck >= 5, "only {struck} steps were found");
}

/// Without a project: cargo is not asked, and no file of its own is in the count.
const NEW: [&str; 5] = ["new", "add_products", "--dir", "migrations", "--quiet"];

#[test]
fn of_new() {
    sweep(|_| {}, &NEW, |_| true);
}

#[test]
fn of_lock() {
    let begin = |environment: &TestEnvironment| {
        environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
        environment.run(&["lock", "--dir", "migrations"]).success();
        environment.migration("0002_b", "CREATE TABLE b ();\n", "DROP TABLE b;\n");
    };
    sweep(begin, &["lock", "--dir", "migrations"], |_| true);
}

#[test]
fn of_init() {
    let begin = |environment: &TestEnvironment| {
        std::fs::remove_dir(environment.path("migrations")).unwrap();
    };
    sweep(begin, &["init"], |_| true);
}

/// Every file of the harness, below `.migrate`, whose name says that it is not finished.
fn unfinished(environment: &TestEnvironment) -> Vec<String> {
    let unnamed = |name: &String| {
        is_temporary(name) || name.split('/').any(|part| part.ends_with(".partial") || part.ends_with(".tmp"))
    };
    files(&environment.path(".migrate")).into_keys().filter(unnamed).collect()
}

/// What has its own name is whole: each document is JSON, each line of the journal is, and each backup that is listed is
/// good.
#[track_caller]
fn whole(environment: &TestEnvironment, step: &str) {
    for (name, text) in files(&environment.path(".migrate")) {
        let hidden = name.split('/').any(|part| part.starts_with('.'));
        if name.ends_with(".json") && !hidden {
            let read = serde_json::from_str::<serde_json::Value>(&text);
            assert!(read.is_ok(), "{step}: {name}: {text}");
        }
        if name.ends_with(".jsonl") {
            for line in text.split_terminator('\n') {
                let read = serde_json::from_str::<serde_json::Value>(line);
                assert!(read.is_ok(), "{step}: {name}: {line}");
            }
        }
    }
    // A copy of them: verifying writes, and would clean up what the next run has to.
    let (backups, seen) = (environment.path(".migrate/backups"), environment.path("../seen"));
    copy(&backups, &seen);
    let seen = ["--backup-dir", seen.to_str().unwrap()];
    let listed = environment.run(&[&["--format", "json", "backup", "list"], &seen[..]].concat());
    let listed: serde_json::Value = serde_json::from_str(&listed.success().stdout).unwrap();
    for backup in listed["result"]["backups"].as_array().unwrap() {
        let id = backup["id"].as_str().unwrap();
        environment.run(&[&["backup", "verify", id], &seen[..]].concat()).success();
    }
}

/// Makes `to` what `from` is.
#[track_caller]
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let done = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// Kills a verb at its steps, in one project whose `.migrate` is put back before each.
#[track_caller]
fn sweep_harness(stride: usize, begin: impl Fn(&TestEnvironment), arguments: &[&str]) -> TestEnvironment {
    let environment = project(&TWO[..1], "");
    environment.run(&["up"]).success();
    environment.migration(TWO[1].0, TWO[1].1, TWO[1].2);
    environment.run(&["lock"]).success();
    begin(&environment);
    let (now, kept) = (environment.path(".migrate"), environment.path("../kept"));
    copy(&now, &kept);
    let struck = file_steps::kill_at_some(
        stride,
        || {
            copy(&kept, &now);
            environment.command(arguments)
        },
        |step, _| {
            whole(&environment, step);
            let again = environment.run(arguments);
            assert_eq!(again.code, 0, "{step}: {}{}", again.stdout, again.stderr);
            assert_eq!(unfinished(&environment), [""; 0], "{step}");
            whole(&environment, step);
        },
    );
    assert!(struck >= 3, "only {struck} steps were struck");
    environment
}

#[test]
fn of_preflight() {
    if !file_steps::can() || !has_pg_dump() {
        skip!("strace or pg_dump is not installed");
    }
    let environment =
        sweep_harness(11, |environment| drop(environment.run(&["backup", "create"])), &["preflight"]);
    let passed = files(&environment.path(".migrate/log"));
    assert!(passed.keys().any(|name| name.starts_with("preflight-passed-")), "{:?}", passed.keys());
}

#[test]
fn of_backup_create() {
    if !file_steps::can() || !has_pg_dump() {
        skip!("strace or pg_dump is not installed");
    }
    let begin =
        |environment: &TestEnvironment| drop(environment.run(&["backup", "create"]).success().clone());
    sweep_harness(9, begin, &["backup", "create"]);
}

#[test]
fn of_backup_prune() {
    if !file_steps::can() || !has_pg_dump() {
        skip!("strace or pg_dump is not installed");
    }
    let begin = |environment: &TestEnvironment| {
        environment.run(&["backup", "create", "--as", "directory"]).success();
        environment.run(&["backup", "create"]).success();
        environment.run(&["backup", "create"]).success();
    };
    let environment = sweep_harness(4, begin, &["backup", "prune", "--keep", "1", "--yes"]);
    let backups = migrate_tests::production::backups(&environment);
    // The newest, and the newest that was verified, which is the same here or one more.
    assert!((1..=2).contains(&backups.len()), "{backups:?}");
}

#[test]
fn of_backup_verify() {
    if !file_steps::can() || !has_pg_dump() {
        skip!("strace or pg_dump is not installed");
    }
    let begin =
        |environment: &TestEnvironment| drop(environment.run(&["backup", "create"]).success().clone());
    let environment = sweep_harness(5, begin, &["backup", "verify"]);
    let text = environment.read(".migrate/backups/latest/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(manifest["verified"].is_object(), "{text}");
}
