//! Restores of backups of a part of a database, of databases that keep text otherwise, and onto a disk that is full.

use std::os::unix::fs::{PermissionsExt, chown};

use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Restorable, SmallDisk, Terminal, TestEnvironment};

#[test]
fn a_part_comes_beside_without_what_calls_for_the_rest() {
    let shop = Restorable::new();
    shop.client("shop")
        .batch_execute(
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             CREATE TRIGGER touched BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION touch(); \
             CREATE SCHEMA app; CREATE TABLE app.days (d int); INSERT INTO app.days VALUES (1), (2)",
        )
        .unwrap();
    // A foreign key to a table that is not in it, a trigger whose function is not, a schema that is not.
    shop.backup(&["--tables", "items", "app.days", "\"we ird\".*"]);
    let output = shop.restore(&["--into", "part"]);
    let said = &output.success().stdout;
    assert!(said.contains("--table=app.days") && said.contains("3 tables with 504 rows"), "{said}");
    assert_eq!(shop.ask("part", "SELECT count(*) FROM items"), "500");
    assert_eq!(shop.ask("part", "SELECT sum(d) FROM app.days"), "3");
    assert_eq!(shop.ask("part", "SELECT sum(x) FROM \"we ird\".\"Odd \"\"name\""), "3");
    assert_eq!(shop.ask("part", "SELECT count(*) FROM pg_trigger"), "0");
    let output = shop.restore(&["--tables", "app.days", "--into", "days"]);
    output.success();
    assert_eq!(shop.ask("days", "SELECT count(*) FROM items"), "0");
    assert_eq!(shop.ask("days", "SELECT count(*) FROM app.days"), "2");
    for arguments in [["--swap", "--yes"].as_slice(), &["--swap", "--into", "part", "--yes"]] {
        let output = shop.restore(arguments);
        assert!(output.expect(1).stderr.contains("not the whole database"), "{}", output.stderr);
    }
    shop.backup(&["--schema", "app"]);
    shop.restore(&["--into", "schema"]).success();
    assert_eq!(shop.ask("schema", "SELECT count(*) FROM app.days"), "2");
    // What a pending migration is about to change.
    shop.environment.migration("0002_days", "ALTER TABLE app.days DROP COLUMN d;", "SELECT 1;");
    shop.backup(&["--affected"]);
    shop.run(&["up"]).success();
    let output = shop.restore(&["--into", "affected"]);
    assert!(output.success().stdout.contains("pg_dump --data-only --table=app.days"), "{}", output.stdout);
    assert_eq!(shop.ask("affected", "SELECT sum(d) FROM app.days"), "3");
}

#[test]
fn a_part_whose_types_are_missing_is_refused_and_leaves_nothing() {
    let shop = Restorable::new();
    for format in ["custom", "plain"] {
        let id = shop.backup(&["--tables", "orders", "--as", format]);
        let output = shop.restore(&["--into", "part"]);
        let said = &output.expect(1).stderr;
        assert!(said.contains(&format!("{id} could not be restored: ")), "{said}");
        assert!(said.contains("type \"public.mood\" does not exist"), "{said}");
        assert!(said.contains("what its tables need besides"), "{said}");
        assert_eq!(shop.databases("part%"), [""; 0]);
    }
    // One session loads SQL: nothing is silently left undone.
    let output = shop.restore(&["--into", "part", "--jobs", "2"]);
    let said = &output.expect(5).stderr;
    assert!(said.contains("is plain SQL") && said.contains("--jobs can do nothing"), "{said}");
    shop.restore(&["--into", "part", "--jobs", "1"]).expect(1);
}

/// A byte that is no UTF-8 in a database that says nothing of its text: it is what it was wherever it is restored.
#[test]
fn what_is_no_utf_8_is_verified_restored_and_rehearsed() {
    let cluster = Cluster::start();
    let mut admin = cluster.admin();
    for (name, encoding) in [("ascii", "SQL_ASCII"), ("latin", "LATIN1")] {
        admin
            .batch_execute(&format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            ))
            .unwrap();
        let mut environment = TestEnvironment::without_database();
        environment.set_var("DATABASE_URL", cluster.url(name));
        let mut client = postgres::Client::connect(&cluster.url(name), postgres::NoTls).unwrap();
        client
            .batch_execute(
                "CREATE TABLE t (x text UNIQUE); INSERT INTO t SELECT convert_from('\\xe4', pg_encoding_to_char(encoding)) \
                 FROM pg_database WHERE datname = current_database()",
            )
            .unwrap();
        drop(client);
        for format in ["custom", "plain"] {
            environment.run(&["backup", "create", "--as", format]).success();
            environment.run(&["backup", "verify", "--restore"]).success();
        }
        environment.migration("0001_u", "CREATE TABLE u AS SELECT * FROM t;\n", "DROP TABLE u;\n");
        environment.run(&["lock"]).success();
        environment.run(&["rehearse"]).success();
        // Nothing is there to be like: the backup knows.
        admin.batch_execute(&format!("DROP DATABASE {name}")).unwrap();
        environment.run(&["backup", "restore", "--swap", "--yes"]).success();
        let sql = format!("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = '{name}'");
        assert_eq!(answer(&mut admin, &sql), encoding);
        let mut client = postgres::Client::connect(&cluster.url(name), postgres::NoTls).unwrap();
        let bytes = format!("SELECT encode(convert_to(x, '{encoding}'), 'hex') FROM t");
        assert_eq!(answer(&mut client, &bytes), "e4");
    }
}

/// T15 for restores: the server's disk is full in the middle of the loading.
#[test]
fn a_full_disk_of_the_server_leaves_the_database_in_use_alone() {
    let shop = Restorable::new();
    let folder = shop.environment.path("disk");
    std::fs::create_dir(&folder).unwrap();
    // The server's user has to come to it.
    for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(std::env::temp_dir())) {
        if above != std::env::temp_dir() {
            std::fs::set_permissions(above, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let Some(disk) = SmallDisk::mount(&folder, "128m") else {
        if rustix::process::geteuid().is_root() {
            migrate_tests::skip!("a small file system cannot be mounted");
        }
        return;
    };
    let user = shop.cluster.server().user().uid();
    chown(&folder, Some(user), Some(user)).unwrap();
    let mut admin = shop.cluster.admin();
    admin.batch_execute(&format!("CREATE TABLESPACE small LOCATION '{}'", folder.display())).unwrap();
    admin.batch_execute("ALTER DATABASE shop SET TABLESPACE small").unwrap();
    shop.client("shop")
        .batch_execute(
            "CREATE TABLE wide AS SELECT repeat(md5(n::text), 30) AS t FROM generate_series(1, 40000) n",
        )
        .unwrap();
    shop.backup(&[]);
    admin.batch_execute("CHECKPOINT").unwrap();
    let before = shop.ask("shop", "SELECT count(*) FROM wide");
    let empty: u64 = answer(&mut admin, "SELECT pg_database_size('template0')").parse().unwrap();
    // Room for an empty database and a quarter of the table.
    let of = rustix::fs::statvfs(&folder).unwrap();
    let ballast = folder.join("ballast");
    let size = usize::try_from(of.f_bavail * of.f_frsize - empty - (10 << 20)).unwrap();
    std::fs::write(&ballast, vec![0; size]).unwrap();

    let output = shop.restore(&["--swap", "--yes"]);
    let said = &output.expect(1).stderr;
    assert!(said.contains("could not be restored: ") && said.contains("No space left on device"), "{said}");
    assert!(
        said.contains("the server's disk is full") && said.contains("nothing is left of the new one"),
        "{said}"
    );
    assert_eq!(shop.databases("shop%"), ["shop"]);
    assert_eq!(shop.ask("shop", "SELECT count(*) FROM wide"), before);
    // With room it is what it was to be.
    std::fs::remove_file(&ballast).unwrap();
    shop.restore(&["--into", "beside"]).success();
    assert_eq!(shop.ask("beside", "SELECT count(*) FROM wide"), before);
    drop(admin);
    drop(shop);
    drop(disk);
}

/// On a terminal how far it is; elsewhere a line every ten seconds at most, which this does not take.
#[test]
fn a_terminal_is_told_how_far_it_is() {
    let shop = Restorable::new();
    // A constraint that takes its time.
    shop.client("shop")
        .batch_execute(
            "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 FROM pg_sleep(0.01)'; \
             CREATE TABLE long AS SELECT n AS x FROM generate_series(1, 400) n; \
             CREATE INDEX long_slow ON long (slow(x))",
        )
        .unwrap();
    shop.backup(&[]);
    let mut command = shop.environment.command(&["backup", "restore", "--into", "beside"]);
    let terminal = Terminal::start(command.env("TERM", "xterm"), 120);
    terminal.wait_for("restore [");
    terminal.wait_for("INDEX public.long_slow");
    terminal.wait().success();
    let output = shop.restore(&["--into", "other"]);
    assert!(!output.success().stderr.contains("restore ["), "{}", output.stderr);
    let output = shop.run(&["--format", "json", "backup", "restore", "--into", "third"]);
    let event = output.success().stderr.split('\n').find(|line| line.contains("\"restore_progress\""));
    let event: serde_json::Value = serde_json::from_str(event.expect("an event")).unwrap();
    assert!(event["done_bytes"].as_u64().unwrap() > 0 && event["total_bytes"].is_u64(), "{event}");
}
