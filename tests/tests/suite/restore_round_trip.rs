//! A restored database is the one that was backed up, with all that belongs to it.

use std::process::Command;

use migrate_testing::Binaries;
use migrate_tests::{Cluster, Restorable};

/// Everything that pg_dump has to say about a database, its owner, privileges and settings too, without the log that a
/// restore writes a line into.
fn dump(shop: &Restorable, database: &str) -> String {
    let program = Binaries::find(None).and_then(|binaries| binaries.program("pg_dump")).unwrap();
    let mut command = Command::new(program);
    command.args(["--create", "--exclude-table-data=schema_migrations_log", "--dbname"]);
    let output = command.arg(shop.cluster.url(database)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // The line that a restore writes into the audit log has a number.
    let varies = |line: &&str| {
        !["\\restrict ", "\\unrestrict "].iter().any(|start| line.starts_with(start))
            && !line.contains("setval('public.schema_migrations_log_id_seq'")
    };
    let mut lines: Vec<_> =
        text.split('\n').filter(varies).map(|line| line.replace(database, "shop")).collect();
    // In which order a role's grants on the database were made says nothing.
    let mut grants: Vec<_> = lines.iter().filter(|line| line.contains(" ON DATABASE ")).cloned().collect();
    grants.sort();
    lines.retain(|line| !line.contains(" ON DATABASE "));
    lines.extend(grants);
    lines.join("\n")
}

/// Fails with the lines that only one of them has.
#[track_caller]
fn assert_same(found: &str, expected: &str) {
    let only = |one: &str, other: &str| -> Vec<String> {
        one.split('\n').filter(|line| !other.split('\n').any(|o| o == *line)).map(str::to_owned).collect()
    };
    assert!(found == expected, "new: {:#?}\nmissing: {:#?}", only(found, expected), only(expected, found));
}

fn without_comment(dump: &str) -> String {
    let kept = |line: &&str| {
        !line.starts_with("COMMENT ON DATABASE") && !line.starts_with("{\"cargo_migrate_restore\"")
    };
    dump.split('\n').filter(kept).collect::<Vec<_>>().join("\n")
}

#[test]
fn beside_and_in_its_place_it_is_what_it_was() {
    let shop = Restorable::new();
    let before = dump(&shop, "shop");
    assert!(before.contains("ALTER ROLE app IN DATABASE shop SET work_mem TO '64MB'"), "{before}");
    assert!(before.contains("COMMENT ON DATABASE shop IS 'The shop''s'"), "{before}");
    let id = shop.backup(&[]);
    shop.client("shop").batch_execute("DROP TABLE notes; CREATE TABLE late ()").unwrap();

    let output = shop.restore(&[]);
    output.success();
    let beside = shop.one("shop\\_restored\\_%");
    assert!(output.stdout.contains(&format!("restored {id} into {beside}")), "{}", output.stdout);
    assert!(output.stdout.contains(&format!("--swap --into {beside}")), "{}", output.stdout);
    assert_same(&without_comment(&dump(&shop, &beside)), &without_comment(&before));
    assert_eq!(shop.databases("%\\_unfinished"), Vec::<String>::new());
    // The old one is as it was.
    assert_eq!(shop.ask("shop", "SELECT to_regclass('late')"), "late");
    // Both know how large they are.
    let analyzed = "SELECT count(*) > 0 FROM pg_statistic WHERE starelid = 'orders'::regclass";
    assert_eq!(shop.ask(&beside, analyzed), "t");

    shop.restore(&["--swap", "--into", &beside, "--yes"]).success();
    assert_same(&dump(&shop, "shop"), &before);
    assert_eq!(shop.databases("shop\\_restored\\_%"), Vec::<String>::new());
    let kept = shop.one("shop\\_before\\_%");
    assert_eq!(shop.ask(&kept, "SELECT to_regclass('late')"), "late");
    let log = "SELECT string_agg(action || ' ' || outcome || ' ' || version, ', ' ORDER BY id) \
               FROM schema_migrations_log WHERE action IN ('restore', 'swap')";
    assert_eq!(shop.ask("shop", log), format!("restore ok {id}, swap started {id}, swap ok {id}"));
    // What is swapped in can be worked with.
    shop.run(&["status", "--check"]).success();
    assert_eq!(shop.ask("shop", "INSERT INTO orders (total) VALUES (1) RETURNING id"), "1001");
}

/// Between a restore and its swap there may be days.
#[test]
fn what_was_set_on_the_old_one_since_goes_along() {
    let shop = Restorable::new();
    shop.backup(&[]);
    shop.restore(&["--into", "beside"]).success();
    let mut admin = shop.cluster.admin();
    for statement in [
        "ALTER DATABASE shop SET statement_timeout = '5min'",
        "ALTER DATABASE shop RESET app.tenant",
        "ALTER ROLE app IN DATABASE shop RESET ALL",
        "ALTER ROLE lead IN DATABASE shop SET work_mem = '1MB'",
        "ALTER DATABASE shop CONNECTION LIMIT 20",
        "REVOKE CONNECT ON DATABASE shop FROM app",
        "GRANT TEMPORARY ON DATABASE shop TO lead",
        "COMMENT ON DATABASE shop IS 'since'",
    ] {
        admin.batch_execute(statement).unwrap();
    }
    let before = dump(&shop, "shop");
    shop.restore(&["--swap", "--into", "beside", "--yes"]).success();
    assert_same(&dump(&shop, "shop"), &before);
    // The one that is put back has its own.
    admin.batch_execute("ALTER DATABASE shop CONNECTION LIMIT 30").unwrap();
    shop.restore(&["--swap-back", "--yes"]).success();
    assert_same(&dump(&shop, "shop"), &before);
}

#[test]
fn the_way_back_is_one_command_too() {
    let shop = Restorable::new();
    shop.backup(&[]);
    shop.client("shop").batch_execute("CREATE TABLE late ()").unwrap();
    let before = dump(&shop, "shop");
    let output = shop.restore(&["--swap", "--yes"]);
    let kept = shop.one("shop\\_before\\_%");
    assert!(output.success().stdout.contains(&format!("--swap-back --into {kept}")), "{}", output.stdout);
    assert_eq!(shop.ask("shop", "SELECT to_regclass('late')"), "NULL");
    let output = shop.restore(&["--discard", &kept, "--yes"]);
    assert!(output.expect(1).stderr.contains("nothing can bring it back"), "{}", output.stderr);

    shop.restore(&["--swap-back", "--yes"]).success();
    assert_same(&dump(&shop, "shop"), &before);
    let beside = shop.one("shop\\_restored\\_%");
    assert_eq!(shop.databases("shop\\_before\\_%"), Vec::<String>::new());
    let output = shop.restore(&["--swap-back", "--yes"]);
    assert!(output.expect(1).stderr.contains("no database is kept"), "{}", output.stderr);
    shop.restore(&["--discard", &beside, "--yes"]).success();
    assert_eq!(shop.databases("shop%"), ["shop"]);
}

#[test]
fn a_plain_backup_and_one_in_a_folder_come_back_too() {
    let shop = Restorable::new();
    let before = without_comment(&dump(&shop, "shop"));
    shop.backup(&["--as", "plain"]);
    shop.restore(&["--into", "plain"]).success();
    assert_same(&without_comment(&dump(&shop, "plain")), &before);
    shop.backup(&["--as", "directory", "--jobs", "2"]);
    shop.restore(&["--into", "folder", "--jobs", "2"]).success();
    assert_same(&without_comment(&dump(&shop, "folder")), &before);
}

#[test]
fn locale_and_owner_are_those_of_the_old_one() {
    let cluster = Cluster::start();
    let shop = Restorable::on(cluster);
    let name = "Üml \"aut";
    let icu = "CREATE DATABASE \"Üml \"\"aut\" OWNER keeper TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' \
               LOCALE 'C.UTF-8' ENCODING 'UTF8'";
    if shop.ask("postgres", "SHOW server_version_num").as_str() < "150000"
        || shop.cluster.admin().batch_execute(icu).is_err()
    {
        // A server without ICU has nothing to get wrong.
        return;
    }
    let url = shop.cluster.url(name);
    let at = ["--database-url", &url];
    shop.client(name).batch_execute("CREATE TABLE t AS SELECT 'ä' AS x").unwrap();
    shop.run(&[&["backup", "create"], &at[..]].concat()).success();
    shop.run(&[&["backup", "restore", "--swap", "--yes"], &at[..]].concat()).success();
    let sql = "SELECT concat(pg_get_userbyid(datdba), datlocprovider, daticulocale, datcollate) FROM pg_database \
               WHERE datname = 'Üml \"aut'";
    assert_eq!(shop.ask("postgres", sql), "keeperide-DEC.UTF-8");
    assert_eq!(shop.databases("Üml \"aut\\_before\\_%").len(), 1);
}

#[test]
fn rows_of_some_tables_are_brought_beside() {
    let shop = Restorable::new();
    shop.backup(&[]);
    shop.client("shop").batch_execute("DROP TABLE items").unwrap();
    let output = shop.restore(&["--tables", "items*,we ird.Odd*", "--into", "some"]);
    // The name as SQL writes it has quotes.
    assert!(output.expect(5).stderr.contains("has no rows of we ird.Odd*"), "{}", output.stderr);
    let output = shop.restore(&["--tables", "items*", "--tables", "*Odd*", "--into", "some"]);
    output.success();
    assert_eq!(shop.ask("some", "SELECT count(*) FROM items"), "500");
    assert_eq!(shop.ask("some", "SELECT count(*) FROM orders"), "0");
    assert_eq!(shop.ask("some", "SELECT sum(x) FROM \"we ird\".\"Odd \"\"name\""), "3");
    assert!(
        output.stdout.contains("pg_dump --data-only --table=public.items_1 'postgres://postgres@/some?"),
        "{}",
        output.stdout
    );
    let output = shop.restore(&["--swap", "--into", "some", "--yes"]);
    assert!(output.expect(1).stderr.contains("not the whole database"), "{}", output.stderr);
    let output = shop.restore(&["--tables", "itms", "--into", "other"]);
    assert!(output.expect(5).stderr.contains("did you mean `public.items_1`?"), "{}", output.stderr);
    shop.restore(&["--discard", "some", "--yes"]).success();
}
