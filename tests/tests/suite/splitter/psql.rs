//! psql as an oracle: what it sends of a file, by the server's log.

use std::process::Command;

use migrate_core::sql;
use migrate_testing::{ScratchServer, ScratchSettings};

/// The statements of our torture file, and of every example migration, are what psql sends of them.
#[test]
fn psql_sends_the_same_statements() {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let settings = vec![setting("log_statement", "all"), setting("log_line_prefix", "<%e>")];
    let server = ScratchServer::start(ScratchSettings { settings, ..ScratchSettings::default() }).unwrap();
    let Ok(psql) = server.binaries().program("psql") else { migrate_tests::skip!("there is no psql") };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.sql");
    for text in super::corpus::scripts() {
        let statements = sql::statements(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let ours: Vec<&str> = statements.iter().map(|one| &text[one.start..one.end]).collect();
        std::fs::write(&path, &text).unwrap();
        let database = server.database().unwrap();
        let before = std::fs::read(server.log()).unwrap().len();
        let output =
            Command::new(&psql).args(["-X", "-q", "-d", database.url(), "-f"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let log = std::fs::read(server.log()).unwrap();
        let theirs = logged(&String::from_utf8_lossy(&log[before..]));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(
                sql::same_tokens(ours, theirs.trim_end().trim_end_matches(';')),
                "{ours}\nis for psql\n{theirs}"
            );
        }
        assert_eq!(ours.len(), theirs.len(), "{text}");
    }
}

/// The statements in a server's log. Further lines of one are indented by a tab.
fn logged(log: &str) -> Vec<String> {
    let entries = log.replace("\n\t", "\u{1}");
    let statements = entries.split('\n').filter_map(|entry| entry.strip_prefix("<00000>LOG:  statement: "));
    // psql sends empty statements too.
    let statements = statements.filter(|statement| *statement != ";");
    statements.map(|statement| statement.replace('\u{1}', "\n")).collect()
}
