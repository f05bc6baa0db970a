//! `preflight` on a server whose disk is nearly full: its data folder on a small file system.

use migrate_tests::{Cluster, SmallDisk, TestEnvironment};
use postgres::{Client, NoTls};

use crate::preflight::Seen;

const REWRITE: (&str, &str, &str) = (
    "0002_work",
    "ALTER TABLE orders ALTER COLUMN id TYPE bigint;\n",
    "ALTER TABLE orders ALTER COLUMN id TYPE int;\n",
);

#[test]
fn a_run_that_does_not_fit_is_refused_and_one_that_fits_is_not() {
    let small = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(small.path(), "256m") else {
        if rustix::process::geteuid().is_root() {
            migrate_tests::skip!("a small file system cannot be mounted");
        }
        return;
    };
    let cluster = Cluster::builder().setting("max_wal_size", "48MB").below(small.path()).start();
    // `CREATE DATABASE` copies the template: there is room for it.
    let database = cluster.database();
    let mut environment = crate::preflight_server::project(database.url());
    let mut client = database.connect().unwrap();
    client.batch_execute("INSERT INTO orders SELECT generate_series(1, 400000); CHECKPOINT").unwrap();
    // A column more writes nothing anew, and an index or a rewrite of 14 MB has room.
    assert_eq!(Seen::passed(&environment, &[]).severity("disk-space"), "info");
    environment.migration(REWRITE.0, REWRITE.1, REWRITE.2);
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("disk-space", "info");
    let needed = finding["data"]["needed_bytes"].as_u64().unwrap();
    assert!(needed > 20 << 20, "{finding:#}");
    assert_eq!(finding["data"]["proven"], true);

    let ballast = small.path().join("ballast");
    let leave = |left: u64| {
        std::fs::write(&ballast, "").unwrap();
        let free = rustix::fs::statvfs(small.path()).unwrap();
        let free = free.f_bavail * free.f_frsize;
        std::fs::write(&ballast, vec![1; usize::try_from(free - left).unwrap()]).unwrap();
    };
    leave(needed - (4 << 20));
    let seen = Seen::failed(&environment, &[]);
    let finding = seen.only("disk-space", "failure");
    assert!(finding["data"]["free_bytes"].as_u64().unwrap() < needed, "{finding:#}");
    leave(needed + (8 << 20));
    assert_eq!(Seen::passed(&environment, &[]).severity("disk-space"), "info");
    // Less than a twentieth of 256 MB, for a run that writes little.
    environment.migration("0002_work", "ALTER TABLE orders ADD COLUMN note text;\n", "SELECT 1;\n");
    leave(10 << 20);
    Seen::passed(&environment, &[]).only("disk-space", "warning");

    // Whom the server's settings are hidden from cannot know; it matters where the run writes much.
    std::fs::remove_file(&ballast).unwrap();
    client
        .batch_execute("CREATE ROLE app LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO app; GRANT CREATE ON SCHEMA public TO app; ALTER TABLE orders OWNER TO app")
        .unwrap();
    environment.set_var("DATABASE_URL", database.url().replace("//postgres@", "//app@"));
    Seen::passed(&environment, &[]).only("disk-space", "info");
    environment.migration(REWRITE.0, REWRITE.1, REWRITE.2);
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(
        seen.only("disk-space", "warning")["data"]["unknown"],
        "this role may not know where the server keeps its data"
    );
    drop(Client::connect(database.url(), NoTls).unwrap());
}

/// A tablespace has a disk of its own, and where the server keeps it no run has to fit.
#[test]
fn a_tablespace_on_a_full_disk_is_a_warning() {
    let small = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(small.path(), "16m") else {
        if rustix::process::geteuid().is_root() {
            migrate_tests::skip!("a small file system cannot be mounted");
        }
        return;
    };
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment: TestEnvironment = crate::preflight_server::project(database.url());
    let inside = small.path().join("space");
    std::fs::create_dir(&inside).unwrap();
    cluster.server().user().own(small.path()).unwrap();
    cluster.server().user().own(&inside).unwrap();
    cluster
        .admin()
        .batch_execute(&format!("CREATE TABLESPACE small LOCATION '{}'", inside.display()))
        .unwrap();
    let of_space = |seen: &Seen| {
        let findings = seen.findings("disk-space");
        let found = findings.iter().find(|one| one["data"]["path"] == inside.display().to_string());
        found.expect("the tablespace's disk")["severity"].clone()
    };
    assert_eq!(of_space(&Seen::passed(&environment, &[])), "info");
    std::fs::write(small.path().join("ballast"), vec![1; (16 << 20) - (200 << 10)]).unwrap();
    assert_eq!(of_space(&Seen::passed(&environment, &[])), "warning");
    cluster.admin().batch_execute("DROP TABLESPACE small").unwrap();
}
