//! Names that a shell, pg_dump's patterns, SQL or a list of pg_restore's would take for something else: each table is backed
//! up, verified and restored as itself, and nothing else is touched.

use migrate_runtime::quote_identifier;
use migrate_tests::{Cluster, Output, TestEnvironment};
use postgres::{Client, NoTls};
use serde_json::{Value, json};

/// 63 bytes, of which the last letter has two.
const LONG: &str = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnü";

const NAMES: [&str; 20] = [
    "a*",
    "a?c",
    "x.y",
    "we ird",
    "we",
    "it's \"q\"",
    "; DROP TABLE canary; --",
    "$HOME $(touch pwned) `touch pwned`",
    "100%s %d",
    "new\nline",
    "carriage\r\nreturn",
    "t FROM stdin;\n\\.\nDROP TABLE canary;",
    "üñí→",
    "-rf",
    "MiXed",
    "(a|b)+[c]",
    "back\\slash \\d \\",
    "$1$ $$",
    "order",
    LONG,
];

fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A server, a role and a database with names of this kind, and in it a table of each name, with as many rows as its number;
/// beside them what a pattern would match, and a canary.
struct Shop {
    cluster: Cluster,
    environment: TestEnvironment,
    database: String,
}

const DATABASE: &str = "d b; \"DROP\" $(id) %s 'q' a=b host=x -ü";
const ROLE: &str = "r \"o'le\" $x; -- @/:";

fn shop() -> Shop {
    let cluster = Cluster::start();
    let mut admin = cluster.admin();
    admin.batch_execute(&format!("CREATE ROLE {} LOGIN SUPERUSER", quote_identifier(ROLE))).unwrap();
    let of = quote_identifier(ROLE);
    admin.batch_execute(&format!("CREATE DATABASE {} OWNER {of}", quote_identifier(DATABASE))).unwrap();
    let url = cluster.url(DATABASE).replace("postgres@", &format!("{}@", encoded(ROLE)));
    let mut client = Client::connect(&url, NoTls).unwrap();
    for (rows, name) in NAMES.iter().enumerate() {
        let name = quote_identifier(name);
        client
            .batch_execute(&format!(
                "CREATE TABLE {name} ({name} int, \"a) FROM stdin;\nx\" text); \
                 INSERT INTO {name} SELECT n, E'1\\n2' FROM generate_series(1, {rows}) n; \
                 CREATE SCHEMA {name}; CREATE TABLE {name}.inside (x int); INSERT INTO {name}.inside VALUES (1)"
            ))
            .unwrap();
    }
    client
        .batch_execute(
            "CREATE TABLE abc (x int); CREATE TABLE x (y int); CREATE TABLE canary AS SELECT 1 AS x",
        )
        .unwrap();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", url);
    Shop { cluster, environment, database: DATABASE.to_owned() }
}

impl Shop {
    fn client(&self, database: &str) -> Client {
        Client::connect(&self.cluster.url(database), NoTls).unwrap()
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.environment.run(&[&["--format", "json"], arguments].concat());
        let canary = self.client(&self.database).query_one("SELECT count(*) FROM canary", &[]);
        assert_eq!(canary.unwrap().get::<_, i64>(0), 1, "{arguments:?}");
        assert!(!self.environment.path("pwned").exists(), "{arguments:?}");
        output
    }

    #[track_caller]
    fn result(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let document: Value = serde_json::from_str(&output.success().stdout).unwrap();
        document["result"].clone()
    }
}

#[track_caller]
fn rows(client: &mut Client, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    client.query_one(&sql, &[]).unwrap_or_else(|error| panic!("{table}: {error}")).get(0)
}

#[test]
fn the_whole_of_it_in_every_format() {
    let shop = shop();
    for (format, into) in [("custom", "-c $x"), ("directory", "d \"'"), ("plain", "p;%s")] {
        let made = shop.result(&["backup", "create", "--as", format]);
        assert_eq!(made["rows"].as_object().unwrap().len(), 2 * NAMES.len() + 3, "{format}");
        let verified = shop.result(&["backup", "verify"]);
        assert_eq!(verified["good"], true, "{verified}");
        let restored = shop.result(&["backup", "restore", &format!("--into={into}")]);
        assert_eq!(restored["restored"]["database"], into);
        let mut beside = shop.client(into);
        for (expected, name) in NAMES.iter().enumerate() {
            let name = quote_identifier(name);
            assert_eq!(rows(&mut beside, &name), i64::try_from(expected).unwrap(), "{format}: {name}");
            assert_eq!(rows(&mut beside, &format!("{name}.inside")), 1, "{format}: {name}");
        }
    }
    shop.result(&["backup", "verify", "--restore"]);
    // The name is the database's own, with more behind it.
    let restored = shop.result(&["backup", "restore"]);
    assert!(restored["restored"]["database"].as_str().unwrap().starts_with("d b; \"DROP\" $(id)"));
    shop.result(&[
        "backup",
        "restore",
        "--discard",
        restored["restored"]["database"].as_str().unwrap(),
        "--yes",
    ]);
    // In its place, and back.
    let swapped = shop.result(&["backup", "restore", "--swap", "--yes"]);
    assert_eq!(swapped["swapped"]["database"], json!(DATABASE));
    shop.result(&["backup", "restore", "--swap-back", "--yes"]);
}

#[test]
fn tables_and_schemas_that_are_named_are_those_and_no_others() {
    let shop = shop();
    // As pg_dump takes them: in quotes nothing is a pattern.
    let named: Vec<_> = NAMES.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    let words: Vec<_> = named.iter().map(String::as_str).collect();
    let made = shop.result(&[&["backup", "create", "--tables"], &words[..]].concat());
    let mut tables: Vec<_> = made["rows"].as_object().unwrap().keys().cloned().collect();
    let quoted = |name: &str| if name == "we" { name.to_owned() } else { quote_identifier(name) };
    let mut expected: Vec<_> = NAMES.iter().map(|name| format!("public.{}", quoted(name))).collect();
    tables.sort();
    expected.sort();
    assert_eq!(tables, expected);
    assert_eq!(shop.result(&["backup", "verify"])["good"], true);
    let made = shop.result(&[&["backup", "create", "--schema"], &words[..]].concat());
    assert_eq!(made["rows"].as_object().unwrap().len(), NAMES.len());
    assert_eq!(shop.result(&["backup", "verify"])["good"], true);
    // Without quotes it is one.
    let made = shop.result(&["backup", "create", "--tables", "a*"]);
    assert_eq!(made["rows"], json!({ "public.\"a*\"": 0, "public.\"a?c\"": 1, "public.abc": 0 }));

    // Picked out of a whole one.
    shop.result(&["backup", "create"]);
    for (index, name) in NAMES.iter().enumerate().skip(1) {
        // One run for each takes long; the others differ in nothing here.
        if !["a?c", "we", "we ird", "new\nline", "; DROP TABLE canary; --", LONG].contains(name) {
            continue;
        }
        let into = format!("picked{index}");
        let table = format!("--tables=public.{}", quoted(name));
        let restored = shop.result(&["backup", "restore", &table, "--into", &into]);
        assert_eq!(restored["restored"]["verified"]["tables"], 1, "{name}");
        let mut beside = shop.client(&into);
        for (expected, other) in NAMES.iter().enumerate() {
            let expected = if other == name { i64::try_from(expected).unwrap() } else { 0 };
            assert_eq!(rows(&mut beside, &quote_identifier(other)), expected, "{name}: {other}");
        }
    }
}

#[test]
fn environments_folders_and_lost_data() {
    let mut shop = shop();
    let name = "prod; $(id) 'q' %s -ü";
    let manifest = shop.environment.read("Cargo.toml");
    shop.environment.write(
        "Cargo.toml",
        format!("{manifest}[package.metadata.migrate.env.\"{name}\"]\ndatabase = \"env:DATABASE_URL\"\nprotected = true\n"),
    );
    shop.environment.set_var("MIGRATE_ENV", name);
    let folder = shop.environment.path("-b $(touch pwned) 'q' \"d\" %s\nü;");
    let tables = ["; DROP TABLE canary; --", "we ird", "new\nline", "x.y"];
    for (number, table) in tables.iter().enumerate() {
        let (of, made) = (quote_identifier(table), quote_identifier(&format!("{table}2")));
        shop.environment.migration(
            &format!("{:04}_t", number + 1),
            &format!("CREATE TABLE {made} AS SELECT * FROM {of};\n"),
            &format!("DROP TABLE {made};\n"),
        );
    }
    shop.environment.run(&["lock"]).success();
    let made = shop.result(&["backup", "create", "--backup-dir", folder.to_str().unwrap()]);
    assert_eq!(made["environment"], json!(name));
    assert!(folder.join("latest/archive.dump").is_file());
    let at = ["--backup-dir", folder.to_str().unwrap()];
    shop.result(&[&["backup", "verify"], &at[..]].concat());
    let rehearsed = shop.result(&[&["rehearse"], &at[..]].concat());
    assert_eq!(rehearsed["backup"]["environment"], json!(name));
    assert_eq!(rehearsed["failed"], Value::Null);
    let listed = shop.environment.run(&["report", "list"]);
    assert!(listed.success().stdout.contains("rehears"), "{}", listed.stdout);
    shop.result(&[&["up", "--force", "it's a \"test\"; $(id)"], &at[..]].concat());
    let lost = shop.environment.run(&["down", "--dry-run", "--all"]);
    // Each of the tables that go is named, on one line.
    for name in ["; DROP TABLE canary; --2", "we ird2", "new\\nline2", "x.y2"] {
        assert!(
            lost.success().stderr.contains(name) || lost.stdout.contains(name),
            "{name}: {}",
            lost.stdout
        );
    }
    shop.result(&[&["down", "--all", "--yes", "--force", "a \"test\""], &at[..]].concat());
    let mut client = shop.client(DATABASE);
    assert_eq!(rows(&mut client, &quote_identifier("a?c")), 1);
}
