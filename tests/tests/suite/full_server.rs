//! T16: the server's disk is full. The migration fails with SQLSTATE 53100 and is rolled back, and with room it goes through.

use std::process::Command;

use migrate_tests::wait::answer;
use migrate_tests::{Cluster, SmallDisk, TestEnvironment, nightly, output, poll_until};

#[test]
fn a_full_tablespace_is_told_and_rolled_back() {
    nightly!();
    let small = tempfile::Builder::new().prefix("migrate-small-").tempdir().unwrap();
    let _disk = SmallDisk::mount(small.path(), "16m").expect("it takes root to mount");
    let cluster = Cluster::start();
    let inside = small.path().join("space");
    std::fs::create_dir(&inside).unwrap();
    cluster.server().user().own(small.path()).unwrap();
    cluster.server().user().own(&inside).unwrap();
    let mut admin = cluster.admin();
    admin.batch_execute(&format!("CREATE TABLESPACE small LOCATION '{}'", inside.display())).unwrap();
    let database = cluster.database();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", database.url());
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.migration(
        "0002_large",
        "CREATE TABLE large (id int, text text) TABLESPACE small;\n\
         ALTER TABLE large ALTER text SET STORAGE EXTERNAL;\n\
         INSERT INTO large SELECT n, repeat(md5(n::text), 200) FROM generate_series(1, 20000) AS n;\n",
        "DROP TABLE large;\n",
    );
    let full = environment.run(&["up"]);
    full.expect(2);
    assert!(full.stderr.contains("53100"), "{}", full.stderr);
    assert!(full.stderr.contains("No space left on device"), "{}", full.stderr);
    assert!(full.stderr.contains("0002_large.up.sql:3"), "{}", full.stderr);
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT string_agg(version, ' ') FROM schema_migrations"), "0001_a");
    assert_eq!(answer(&mut client, "SELECT to_regclass('large') IS NULL"), "t");
    poll_until(&mut client, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0");

    let remount = output::capture(Command::new("mount").args(["-o", "remount,size=1g"]).arg(small.path()));
    assert_eq!(remount.code, 0, "{}", remount.stderr);
    environment.run(&["up"]).success();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM large"), "20000");
    drop(client);
    environment.run(&["down", "--all"]).success();
    admin.batch_execute("DROP TABLESPACE small").unwrap();
}
