//! `--dry-run` of `up`, `down`, `deploy` and `backup prune` touches nothing: what the server executed is questions, no
//! transaction wrote, and every file of the project is as it was, to the byte.

use std::collections::BTreeMap;
use std::path::Path;

use migrate_tests::Cluster;
use migrate_tests::production::{TWO, protected};

/// Every file, link and folder below, with its bytes.
fn files(folder: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.display().to_string();
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            let leads_to = std::fs::read_link(&path).unwrap();
            into.insert(name, leads_to.into_os_string().into_encoded_bytes());
        } else if kind.is_dir() {
            into.insert(name, Vec::new());
            files(&path, into);
        } else {
            into.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn of_every_verb_that_has_it() {
    let cluster = Cluster::start();
    cluster.admin().batch_execute("CREATE DATABASE shop").unwrap();
    let mut environment = protected(&TWO, "");
    environment.set_var("DATABASE_URL", cluster.url("shop"));
    environment.run(&["up", "--steps", "1", "--force", "first", "--skip-backup", "empty"]).success();
    for _ in 0..2 {
        environment.run(&["backup", "create"]).success();
    }
    let look = || {
        let mut found = BTreeMap::new();
        files(&environment.project(), &mut found);
        found
    };
    let before = look();
    let log = cluster.log();
    let all: [&[&str]; 7] = [
        &["up", "--dry-run"],
        &["up", "--dry-run", "--force", "it is a test"],
        &["down", "--dry-run"],
        &["deploy", "--dry-run"],
        &["deploy", "--dry-run", "--on-failure", "rollback"],
        &["deploy", "--dry-run", "--on-failure", "restore", "--yes"],
        &["backup", "prune", "--dry-run", "--keep", "1"],
    ];
    for arguments in all {
        let mark = log.mark();
        environment.run(arguments).success();
        let context = format!("{arguments:?}");
        for message in log.statements(mark) {
            for statement in message.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
                let upper = statement.to_uppercase();
                let allowed = [
                    "SELECT",
                    "WITH",
                    "BEGIN",
                    "SET LOCAL",
                    "SET TRANSACTION",
                    "SHOW",
                    "COMMIT",
                    "ROLLBACK",
                    "SAVEPOINT",
                    "RELEASE",
                ];
                assert!(allowed.iter().any(|start| upper.starts_with(start)), "{context}: {statement}");
                let writes = ["advisory_lock", "advisory_xact", "nextval", "pg_terminate", "pg_cancel"];
                assert!(!writes.iter().any(|word| statement.contains(word)), "{context}: {statement}");
            }
        }
        let written: Vec<_> = log.since(mark).into_iter().filter(|entry| entry.xid != 0).collect();
        assert!(written.is_empty(), "{context}: {written:?}");
        assert!(log.errors(mark).is_empty(), "{context}: {:?}", log.errors(mark));
        let after = look();
        let changed: Vec<_> = after.iter().filter(|(name, bytes)| before.get(*name) != Some(bytes)).collect();
        assert!(changed.is_empty() && after.len() == before.len(), "{context}: {changed:?}");
    }
}
