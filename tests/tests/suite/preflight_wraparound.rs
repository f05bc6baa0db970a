//! `preflight` on a server that is running out of transaction and multixact ids: brought there with pg_resetwal.

use std::path::Path;
use std::process::Command;

use migrate_testing::StopMode;
use migrate_tests::{Cluster, skip};

use crate::preflight::Seen;

/// Transaction ids in a file of `pg_xact`, multixact ids in one of `pg_multixact/offsets` (`clog.c`, `multixact.c`).
const XIDS: u64 = 32 * 8192 * 4;
const MULTIS: u64 = 32 * 2048;
/// All that there are before the oldest.
const LIMIT: u64 = 1 << 31;

/// The next ids of a server that is stopped; the files that they are kept in are made, as the server would have.
fn set_next_ids(cluster: &Cluster, program: &Path, xid: u64, multi: u64) {
    cluster.stop(StopMode::Fast);
    let (server, data) = (cluster.server(), cluster.server().data());
    let mut command = Command::new(program);
    command.args(["-x", &xid.to_string(), "-m", &format!("{multi},1"), "-D"]).arg(&data);
    let output = server.user().prepare(&mut command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (folder, number) in [("pg_xact", xid / XIDS), ("pg_multixact/offsets", multi / MULTIS)] {
        let path = data.join(folder).join(format!("{number:04X}"));
        std::fs::write(&path, vec![0; 256 << 10]).unwrap();
        server.user().own(&path).unwrap();
    }
    cluster.resume();
}

#[test]
fn ids_that_run_out_are_told_and_stop_the_run_where_few_are_left() {
    let cluster = Cluster::builder().setting("max_prepared_transactions", "2").start();
    // The folder may have links to some of the programs.
    let server = std::fs::canonicalize(cluster.server().binaries().folder.join("postgres")).unwrap();
    let program = server.with_file_name("pg_resetwal");
    if !program.is_file() {
        if cluster.server().binaries().major == 15 {
            skip!("pg_resetwal is not installed");
        }
        // The packages of the other versions have the server alone.
        return;
    }
    let database = cluster.database();
    let environment = crate::preflight_server::project(database.url());
    assert_eq!(Seen::passed(&environment, &[]).severity("transaction-ids"), "info");
    // It keeps autovacuum, which a server starts for this however it is set, from freezing what is old.
    let mut client = database.connect().unwrap();
    client
        .batch_execute(
            "CREATE TABLE kept (a int); INSERT INTO kept VALUES (1); BEGIN; INSERT INTO kept VALUES (2); \
             SELECT FROM kept FOR SHARE; PREPARE TRANSACTION 'keeps'",
        )
        .unwrap();
    drop(client);
    let kinds = |seen: &Seen, severity: &str| -> Vec<String> {
        let findings = seen.findings("transaction-ids").iter().filter(|one| one["severity"] == severity);
        findings.filter_map(|one| Some(one["data"]["kind"].as_str()?.to_owned())).collect()
    };
    // Beyond autovacuum_freeze_max_age (200 million), and that of multixacts (400 million).
    set_next_ids(&cluster, &program, 300 * XIDS, 7_700 * MULTIS);
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(kinds(&seen, "warning"), ["transaction", "multixact"], "{:#}", seen.check("transaction-ids"));
    // Fewer than 40 million are left.
    set_next_ids(
        &cluster,
        &program,
        (LIMIT - 38_000_000) / XIDS * XIDS,
        (LIMIT - 38_000_000) / MULTIS * MULTIS,
    );
    let seen = Seen::failed(&environment, &[]);
    assert_eq!(kinds(&seen, "failure"), ["transaction", "multixact"], "{:#}", seen.check("transaction-ids"));
    for finding in seen.findings("transaction-ids").iter().filter(|one| one["severity"] == "failure") {
        assert!(finding["data"]["left"].as_u64().unwrap() <= 40_000_000, "{finding:#}");
    }
}
