//! T3: kill -9 at every step on the file system. Under its own name a file is whole or not there, the next run succeeds, and
//! after it nothing of the killed one is left.

use std::collections::BTreeMap;
use std::path::Path;

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
            // `new` takes the next version where the first was complete by then.
            assert!(after.keys().all(|name| last.contains_key(name)), "step {step}: {:?}", last.keys());
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
