//! What a restore refuses, before it touches a server where it can.

use migrate_tests::{Cluster, PgBouncer, Restorable, TestEnvironment, edit_manifest, skip};

#[test]
fn a_damaged_backup_is_refused_before_a_server_is_asked() {
    let shop = Restorable::new();
    let id = shop.backup(&[]);
    let archive = shop.manifest(&id).with_file_name("archive.dump");
    let whole = std::fs::read(&archive).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let nowhere = ["--database-url", "postgres://postgres@127.0.0.1:1/shop"];
    let cases: [(&[u8], &str); 3] =
        [(&whole[..whole.len() / 2], "cut off"), (b"", "is empty"), (&flipped, "was changed")];
    for (bytes, said) in cases {
        std::fs::write(&archive, bytes).unwrap();
        let output = shop.run(&[&["backup", "restore"], &nowhere[..]].concat());
        assert!(output.expect(1).stderr.contains(said), "{said}: {}", output.stderr);
    }
    std::fs::write(&archive, whole).unwrap();
    shop.run(&[&["backup", "restore"], &nowhere[..]].concat()).expect(6);
    shop.restore(&[]).success();
}

#[test]
fn another_database_is_restored_only_where_that_is_said() {
    let shop = Restorable::new();
    shop.backup(&[]);
    shop.cluster.admin().batch_execute("CREATE DATABASE other").unwrap();
    let url = shop.cluster.url("other");
    let restore = |more: &[&str]| shop.run(&[&["backup", "restore", "--database-url", &url], more].concat());
    let output = restore(&[]);
    assert!(output.expect(1).stderr.contains("is a backup of shop, and this is other"), "{}", output.stderr);
    restore(&["--from-another-database", "--swap", "--yes"]).success();
    assert_eq!(shop.ask("other", "SELECT count(*) FROM orders"), "1000");
    // A swap makes the database another one, and its backups stay its own.
    shop.restore(&["--swap", "--yes"]).success();
    shop.restore(&["--into", "again"]).success();
}

/// Somebody dropped it: then there is nothing to be like, and nothing to keep.
#[test]
fn a_database_that_is_gone_comes_back() {
    let shop = Restorable::new();
    shop.backup(&[]);
    shop.cluster.admin().batch_execute("DROP DATABASE shop WITH (FORCE)").unwrap();
    let output = shop.restore(&["--swap", "--yes"]);
    assert!(output.success().stdout.contains("swapped: shop is now"), "{}", output.stdout);
    assert_eq!(shop.databases("shop%"), ["shop"]);
    assert_eq!(shop.ask("shop", "SELECT count(*) FROM orders"), "1000");
}

#[test]
fn names_that_are_taken_or_are_none_are_refused() {
    let shop = Restorable::new();
    shop.backup(&[]);
    let refused = |arguments: &[&str], code: i32, said: &str| {
        let output = shop.restore(arguments);
        assert!(output.expect(code).stderr.contains(said), "{said}: {}", output.stderr);
    };
    refused(&["--into", "shop"], 1, "there is a database shop already");
    refused(&["--into", "x_unfinished"], 5, "the ending of databases that are not");
    refused(&["--into", &"x".repeat(64)], 5, "longer than 63 bytes");
    refused(&["--discard", "shop", "--yes"], 1, "no restore made it");
    refused(&["--discard", "nothing", "--yes"], 1, "there is no database nothing");
    refused(&["--swap-back", "--yes"], 1, "no database is kept that was shop before");
    refused(&["nonsense"], 5, "there is no backup `nonsense`");
    shop.restore(&["--into", "beside"]).success();
    refused(&["--into", "beside"], 1, "--swap --into beside");
    assert_eq!(shop.databases("%unfinished"), Vec::<String>::new());
    // Where nobody says yes, it stays.
    refused(&["--discard", "beside"], 1, "pass --yes");
    shop.restore(&["--discard", "beside", "--yes"]).success();
    shop.backup(&["--as", "plain"]);
    refused(&["--tables", "orders"], 1, "no tables can be picked");
}

#[test]
fn what_the_server_refuses_leaves_nothing() {
    let shop = Restorable::new();
    let id = shop.backup(&[]);
    // A backup whose archive says something else than the server can do: its roles are gone.
    let mut admin = shop.cluster.admin();
    edit_manifest(&shop.manifest(&id), |manifest| manifest["roles"] = serde_json::json!([]));
    admin.batch_execute("ALTER DATABASE shop SET default_transaction_read_only TO off").unwrap();
    let mut client = shop.client("shop");
    client.batch_execute("ALTER TABLE \"we ird\".\"Odd \"\"name\" OWNER TO postgres").unwrap();
    client.batch_execute("DROP OWNED BY lead; REVOKE CONNECT ON DATABASE shop FROM lead").unwrap();
    drop(client);
    admin.batch_execute("DROP ROLE lead").unwrap();
    let output = shop.restore(&[]);
    assert!(output.expect(1).stderr.contains("role \"lead\" does not exist"), "{}", output.stderr);
    assert!(output.stderr.contains("nothing is left of the new one"), "{}", output.stderr);
    assert_eq!(shop.databases("shop%"), ["shop"]);
}

#[test]
fn a_standby_and_a_wrong_password_are_6() {
    let shop = Restorable::new();
    shop.backup(&[]);
    let standby = shop.cluster.standby();
    let output = shop.run(&["backup", "restore", "--database-url", &standby.url("shop")]);
    assert!(output.expect(6).stderr.contains("it is a hot standby"), "{}", output.stderr);
    drop(standby);
    let cluster =
        Cluster::builder().tcp().hba("local all all trust\nhost all all all scram-sha-256\n").start();
    let wrong = cluster.tcp_url("shop").replace("postgres@", "postgres:wrong@");
    let output = shop.run(&["backup", "restore", "--database-url", &wrong]);
    assert!(output.expect(6).stderr.contains("password authentication failed"), "{}", output.stderr);
}

#[test]
fn a_pooler_is_refused() {
    let Some(program) = PgBouncer::program() else { skip!("pgbouncer is not installed") };
    let shop = Restorable::new();
    shop.backup(&[]);
    let pooler = PgBouncer::start(program, &shop.cluster, 5);
    let output = shop.run(&["backup", "restore", "--database-url", &pooler.url("shop")]);
    assert!(output.expect(1).stderr.contains("is a pooler"), "{}", output.stderr);
    assert_eq!(shop.databases("shop%"), ["shop"]);
}

#[test]
fn without_a_backup_there_is_nothing_to_restore() {
    let environment = TestEnvironment::new();
    let output = environment.run(&["backup", "restore"]);
    assert!(output.expect(5).stderr.contains("backup create"), "{}", output.stderr);
}
