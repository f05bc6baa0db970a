//! psql as an oracle: what it sends of a file, by the server's log.

use std::process::Command;

use migrate_core::sql;
use migrate_tests::Cluster;

/// The statements of our torture file, and of every example migration, are what psql sends of them.
#[test]
fn psql_sends_the_same_statements() {
    let cluster = Cluster::start();
    let Ok(psql) = cluster.server().binaries().program("psql") else {
        migrate_tests::skip!("there is no psql")
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.sql");
    let log = cluster.log();
    for text in super::corpus::scripts() {
        let statements = sql::statements(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let ours: Vec<&str> = statements.iter().map(|one| &text[one.start..one.end]).collect();
        std::fs::write(&path, &text).unwrap();
        let database = cluster.database();
        let mark = log.mark();
        let output =
            Command::new(&psql).args(["-X", "-q", "-d", database.url(), "-f"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        // psql sends empty statements too.
        let mut theirs = log.statements(mark);
        theirs.retain(|statement| statement != ";");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(sql::same_tokens(ours, theirs.trim_end_matches(';')), "{ours}\nis for psql\n{theirs}");
        }
        assert_eq!(ours.len(), theirs.len(), "{text}");
    }
}
