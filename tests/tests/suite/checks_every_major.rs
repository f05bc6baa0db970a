//! The checks of preflight and postflight on every supported major version: their own tests, with that version's server in
//! place of this machine's.

use std::process::Command;

use migrate_testing::Binaries;
use migrate_tests::nightly;

/// The topics of this suite that show a check to fire, or not to.
const TOPICS: [&str; 4] = ["preflight", "postflight", "flight_replication", "reading_waits_for_no_table"];

#[test]
fn every_check_fires_and_is_silent_on_every_major_version() {
    nightly!();
    for major in [14, 16, 17, 18] {
        let binaries =
            Binaries::find(Some(major)).unwrap_or_else(|error| panic!("{error}: {:?}", error.hint()));
        // Those of this suite.
        let mut suite = Command::new(std::env::current_exe().unwrap());
        suite.args(TOPICS).args(["--test-threads", "2"]);
        // And those beside the checks themselves.
        let mut units = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        units.args([
            "test",
            "--package",
            "cargo-migrate",
            "--lib",
            "--",
            "flight::",
            "inspection::",
            "health::",
        ]);
        units.env("CARGO_TARGET_DIR", migrate_tests::binaries::target_folder());
        units.current_dir(migrate_tests::binaries::workspace());
        for (what, command) in [("the suite", &mut suite), ("the units", &mut units)] {
            // Their own long tests are run for one version, beside this one.
            let output = command
                .env("MIGRATE_PG_BIN", &binaries.folder)
                .env_remove("MIGRATE_TEST_NIGHTLY")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{what} on PostgreSQL {major}: {said}");
            assert!(said.contains("test result: ok. ") && !said.contains(" 0 passed"), "{what}: {said}");
        }
    }
}
