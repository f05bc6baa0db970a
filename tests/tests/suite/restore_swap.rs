//! A swap: who is told, what stops it, and that nothing is swapped in that was not verified.

use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Restorable, Terminal, edit_manifest, poll_until};
use postgres::{Client, NoTls};

#[test]
fn sessions_are_told_asked_about_and_ended() {
    let shop = Restorable::new();
    shop.backup(&[]);
    let mut admin = shop.cluster.admin();
    let mut busy = shop.client("shop");
    busy.batch_execute("SET application_name = 'checkout'; BEGIN; LOCK TABLE orders").unwrap();
    let oid = answer(&mut admin, "SELECT oid FROM pg_database WHERE datname = 'shop'");

    // Nobody there to ask: refused before it is loaded.
    let output = shop.restore(&["--swap"]);
    assert!(output.expect(1).stderr.contains("pass --yes"), "{}", output.stderr);
    assert_eq!(shop.databases("shop%"), ["shop"]);

    let mut terminal = Terminal::start(&mut shop.environment.command(&["backup", "restore", "--swap"]), 120);
    terminal.wait_for("1 session in shop will be ended:");
    terminal.wait_for("checkout");
    terminal.enter("n");
    let output = terminal.wait();
    assert!(output.expect(1).stdout.contains("not confirmed"), "{}", output.stdout);
    let beside = shop.one("shop\\_restored\\_%");
    assert!(output.stdout.contains(&format!("--swap --into {beside}")), "{}", output.stdout);
    busy.batch_execute("SELECT 1").unwrap();

    let mut terminal = Terminal::start(
        &mut shop.environment.command(&["backup", "restore", "--swap", "--into", &beside]),
        120,
    );
    terminal.wait_for("which is kept as shop_before_");
    terminal.enter("y");
    let output = terminal.wait();
    assert!(output.success().stdout.contains("1 session ended"), "{}", output.stdout);
    busy.batch_execute("SELECT 1").unwrap_err();
    let kept = format!("SELECT datname LIKE 'shop\\_before\\_%' FROM pg_database WHERE oid = {oid}");
    assert_eq!(answer(&mut admin, &kept), "t");
    assert_eq!(
        answer(&mut admin, "SELECT bool_and(datallowconn) FROM pg_database WHERE datname LIKE 'shop%'"),
        "t"
    );
}

/// Applications come straight back: as long as anybody can connect by the name, it leads to one of the two.
#[test]
fn who_comes_back_at_once_does_not_stop_it() {
    let shop = Restorable::new();
    shop.backup(&[]);
    shop.client("shop").batch_execute("CREATE TABLE late ()").unwrap();
    let url = shop.cluster.url("shop");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let coming_back = || {
            let (mut connected, mut refused) = (0, Vec::new());
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                match Client::connect(&url, NoTls) {
                    Ok(mut client) => {
                        connected += 1;
                        // Ended in the middle of it, or not.
                        let _ = client.batch_execute("SELECT pg_sleep(0.001)");
                    }
                    Err(error) => refused.push(error.as_db_error().map(|error| error.message().to_owned())),
                }
            }
            (connected, refused)
        };
        let crowd: Vec<_> = (0..4).map(|_| scope.spawn(coming_back)).collect();
        let output = shop.restore(&["--swap", "--yes"]);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        let came: Vec<_> = crowd.into_iter().map(|one| one.join().unwrap()).collect();
        output.success();
        for (connected, refused) in came {
            assert!(connected > 0);
            // Who was at the door when the name changed hands hears that it was renamed, once.
            assert!(refused.len() <= 2, "{refused:?}");
        }
    });
    assert_eq!(shop.ask("shop", "SELECT to_regclass('late')"), "NULL");
}

#[test]
fn what_is_not_what_was_backed_up_is_not_swapped_in() {
    let shop = Restorable::new();
    let id = shop.backup(&[]);
    let path = shop.manifest(&id);
    let manifest = std::fs::read_to_string(&path).unwrap();
    edit_manifest(&path, |value| {
        value["rows"]["public.orders"] = 999.into();
        value["schema_digest"] = "0".repeat(64).into();
    });
    let output = shop.restore(&["--swap", "--yes"]);
    let said = &output.expect(1).stderr;
    assert!(said.contains("public.orders has 1000 rows, and had 999"), "{said}");
    assert!(said.contains("its schema digest is"), "{said}");
    assert_eq!(shop.databases("shop\\_before\\_%"), Vec::<String>::new());
    let left = shop.one("shop\\_restored\\_%\\_unfinished");
    assert!(said.contains(&format!("--discard {left}")), "{said}");
    // It is not taken for a verified one.
    let output = shop.restore(&["--swap", "--into", &left, "--yes"]);
    assert!(output.expect(1).stderr.contains("did not finish"), "{}", output.stderr);
    std::fs::write(&path, manifest).unwrap();
    let output = shop.restore(&["--swap", "--yes"]);
    assert!(
        output.success().stderr.contains(&format!("{left} was left by a restore of {id}")),
        "{}",
        output.stderr
    );
    shop.restore(&["--discard", &left, "--yes"]).success();
}

/// The rows of a large table are not known before its archive is read.
#[test]
fn rows_that_were_not_counted_yet_are_counted_before() {
    let shop = Restorable::new();
    let id = shop.backup(&[]);
    let path = shop.manifest(&id);
    edit_manifest(&path, |manifest| manifest["rows"]["public.orders"] = serde_json::Value::Null);
    let output = shop.restore(&["--into", "counted"]);
    let counting = format!("counting the rows in {id}: it was never verified");
    assert!(output.success().stderr.contains(&counting), "{}", output.stderr);
    assert_eq!(shop.ask("counted", "SELECT count(*) FROM orders"), "1000");
    // Of a table that is not in the archive nobody can say how many there should be.
    edit_manifest(&path, |manifest| {
        manifest["rows"]["public.orders"] = serde_json::Value::Null;
        manifest["rows"]["public.nowhere"] = serde_json::Value::Null;
    });
    let output = shop.restore(&["--into", "other"]);
    assert!(output.expect(1).stderr.contains("public.nowhere is not in it"), "{}", output.stderr);
    assert_eq!(shop.databases("other%"), Vec::<String>::new());
}

#[test]
fn what_is_tied_to_the_old_one_refuses_with_the_way_out() {
    let cluster =
        Cluster::builder().setting("max_prepared_transactions", "5").setting("wal_level", "logical").start();
    let shop = Restorable::on(cluster);
    shop.backup(&[]);
    let mut client = shop.client("shop");
    let mut refused = |set: &str, said: &[&str], undo: &str| {
        client.batch_execute(set).unwrap();
        let output = shop.restore(&["--swap", "--yes"]);
        for part in said {
            assert!(output.expect(1).stderr.contains(part), "{part}: {}", output.stderr);
        }
        assert_eq!(shop.databases("shop%"), ["shop"], "it is refused before anything is made");
        for one in undo.split("; ") {
            client.batch_execute(one).unwrap();
        }
    };
    refused(
        "BEGIN; CREATE TABLE two (); PREPARE TRANSACTION 'it''s'",
        &["the transaction it's of postgres is prepared", "ROLLBACK PREPARED 'it''s'"],
        "ROLLBACK PREPARED 'it''s'",
    );
    refused(
        "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')",
        &["the replication slot cdc reads from it", "pg_drop_replication_slot('cdc')"],
        "SELECT pg_drop_replication_slot('cdc')",
    );
    refused(
        "CREATE SUBSCRIPTION sub CONNECTION 'host=/nowhere dbname=x' PUBLICATION p WITH (connect = false); \
         ALTER SUBSCRIPTION sub ENABLE",
        &["the subscription sub writes into it", "ALTER SUBSCRIPTION \"sub\" DISABLE"],
        "ALTER SUBSCRIPTION sub DISABLE; ALTER SUBSCRIPTION sub SET (slot_name = NONE); DROP SUBSCRIPTION sub",
    );
    shop.restore(&["--swap", "--yes"]).success();
}

#[test]
fn no_migration_runs_into_it() {
    let shop = Restorable::new();
    shop.backup(&[]);
    let mut runner = shop.client("shop");
    // The runner lock of public.schema_migrations, a contract between versions.
    runner.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(5106966883207162579)").unwrap();
    let output = shop.restore(&["--swap", "--yes", "--lock-wait", "1s"]);
    assert!(output.expect(6).stderr.contains("another runner held the migration lock"), "{}", output.stderr);
    assert!(output.stderr.contains("another runner is at work (pid "), "{}", output.stderr);
    let beside = shop.one("shop\\_restored\\_%");
    assert!(output.stderr.contains(&format!("--swap --into {beside}")), "{}", output.stderr);
    runner.batch_execute("COMMIT").unwrap();
    shop.restore(&["--swap", "--into", &beside, "--yes"]).success();
}

#[test]
fn a_role_that_may_not_end_sessions_is_told_before() {
    let shop = Restorable::new();
    shop.cluster.admin().batch_execute("GRANT CREATE ON SCHEMA public TO keeper").unwrap();
    let owned = shop.cluster.url("mine").replace("postgres@", "keeper@");
    shop.cluster.admin().batch_execute("CREATE DATABASE mine OWNER keeper").unwrap();
    let mut keeper = Client::connect(&owned, NoTls).unwrap();
    keeper.batch_execute("CREATE TABLE t AS SELECT 1 AS x").unwrap();
    let at = ["--database-url", &owned];
    shop.run(&[&["backup", "create"], &at[..]].concat()).success();
    let swap = || shop.run(&[&["backup", "restore", "--swap", "--yes"], &at[..]].concat());
    let other = Client::connect(&owned.replace("keeper@", "app@"), NoTls).unwrap();
    let output = swap();
    assert!(output.expect(1).stderr.contains("GRANT pg_signal_backend TO \"keeper\""), "{}", output.stderr);
    assert_eq!(shop.databases("mine%"), ["mine"]);
    drop(other);
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'mine' AND usename = 'app'";
    poll_until(&mut shop.cluster.admin(), gone, "0");
    // Its own sessions it may end, and needs nobody's help.
    swap().success();
    keeper.batch_execute("SELECT 1").unwrap_err();
    assert_eq!(shop.databases("mine%").len(), 2);
    shop.cluster.admin().batch_execute("ALTER ROLE keeper NOCREATEDB").unwrap();
    let output = swap();
    assert!(output.expect(1).stderr.contains("ALTER ROLE \"keeper\" CREATEDB"), "{}", output.stderr);
}
