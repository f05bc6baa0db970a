//! `backup verify`, `list`, `show` and `prune`: what is damaged is told by name, what is good is good after a restore too.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use migrate_tests::{Cluster, TestEnvironment};
use serde_json::Value;

/// A project with two applied migrations, and rows.
pub(crate) fn shop() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration(
        "0001_customers",
        "CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);",
        "DROP TABLE customers;",
    );
    environment.migration(
        "0002_orders",
        "CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers ON DELETE CASCADE, \
         total numeric NOT NULL);",
        "DROP TABLE orders;",
    );
    environment.run(&["up"]).success();
    environment
        .client()
        .batch_execute(
            "INSERT INTO customers SELECT n, 'name ' || n FROM generate_series(1, 10) n; \
             INSERT INTO orders SELECT n, 1 + n % 10, n FROM generate_series(1, 100) n",
        )
        .unwrap();
    environment
}

/// The document that a command answers with.
pub(crate) fn document(environment: &TestEnvironment, arguments: &[&str]) -> Value {
    let output = environment.run(&[&["--format", "json"], arguments].concat());
    serde_json::from_str(&output.success().stdout).unwrap()
}

/// The folders of all backups, oldest first.
pub(crate) fn backups(environment: &TestEnvironment) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(environment.path(".migrate/backups")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths.filter(|path| path.is_dir() && !path.is_symlink()).collect();
    found.sort();
    found
}

fn edit_manifest(folder: &Path, edit: impl FnOnce(&mut Value)) {
    migrate_tests::edit_manifest(&folder.join("manifest.json"), edit);
}

/// T17: each of the ways in which a backup can be spoilt is told in words of its own, before any server is touched.
#[test]
fn each_of_the_mutilations_is_found_and_named() {
    let mut environment = shop();
    environment.run(&["backup", "create"]).success();
    environment.run(&["backup", "create", "--as", "plain"]).success();
    environment.run(&["backup", "create", "--as", "directory"]).success();
    let [custom, plain, directory] = &backups(&environment)[..] else { panic!() };
    let name = |folder: &Path| folder.file_name().unwrap().to_str().unwrap().to_owned();
    // No server is there to be touched.
    environment.remove_var("DATABASE_URL");
    let good = |folder: &Path| {
        let told = environment.run(&["backup", "verify", &name(folder)]);
        assert!(told.success().stdout.contains("good: "), "{}", told.stdout);
    };
    let archive = custom.join("archive.dump");
    let whole = std::fs::read(&archive).unwrap();
    let manifest = std::fs::read(custom.join("manifest.json")).unwrap();
    let restore = || {
        if archive.is_dir() {
            std::fs::remove_dir(&archive).unwrap();
        }
        std::fs::write(&archive, &whole).unwrap();
        std::fs::write(custom.join("manifest.json"), &manifest).unwrap();
    };
    let mutilations: [(&str, &dyn Fn(), &str); 11] = [
        (
            "truncated",
            &|| std::fs::write(&archive, &whole[..whole.len() / 2]).unwrap(),
            "archive.dump is cut off: ",
        ),
        (
            "appended",
            &|| std::fs::write(&archive, [&whole[..], b"x"].concat()).unwrap(),
            "archive.dump is too long: ",
        ),
        (
            "changed",
            &|| {
                let mut bytes = whole.clone();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x40;
                std::fs::write(&archive, bytes).unwrap();
            },
            "archive.dump was changed: its SHA-256 is ",
        ),
        ("missing", &|| std::fs::remove_file(&archive).unwrap(), "archive.dump is missing"),
        ("extra", &|| std::fs::write(custom.join("notes"), "x").unwrap(), "notes does not belong to it"),
        (
            "bad manifest",
            &|| std::fs::write(custom.join("manifest.json"), "{").unwrap(),
            "its manifest cannot be read: ",
        ),
        (
            "unreadable",
            &|| {
                std::fs::remove_file(&archive).unwrap();
                std::fs::create_dir(&archive).unwrap();
            },
            "archive.dump cannot be read: ",
        ),
        (
            "swapped",
            &|| assert!(std::fs::copy(plain.join("archive.sql.gz"), &archive).is_ok()),
            "archive.dump is that of backup-",
        ),
        (
            "the manifest of another",
            &|| assert!(std::fs::copy(plain.join("manifest.json"), custom.join("manifest.json")).is_ok()),
            "its manifest is that of ",
        ),
        ("empty", &|| std::fs::write(&archive, "").unwrap(), "archive.dump is empty"),
        (
            "a link",
            &|| {
                std::fs::remove_file(&archive).unwrap();
                symlink("/dev/zero", &archive).unwrap();
            },
            "archive.dump cannot be read: it is not an ordinary file",
        ),
    ];
    for (mutilation, mutilate, told) in mutilations {
        mutilate();
        let output = environment.run(&["backup", "verify", &name(custom)]);
        let line = format!("damaged: {}: {told}", name(custom));
        assert!(output.expect(8).stdout.contains(&line), "{mutilation}: {}", output.stdout);
        let _ = std::fs::remove_file(custom.join("notes"));
        if archive.is_symlink() {
            std::fs::remove_file(&archive).unwrap();
        }
        restore();
        good(custom);
    }
    // A flipped bit in gzip breaks its unpacking, and that is said.
    let packed = plain.join("archive.sql.gz");
    let mut bytes = std::fs::read(&packed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&packed, bytes).unwrap();
    let output = environment.run(&["backup", "verify", &name(plain)]);
    let told = &output.expect(8).stdout;
    assert!(told.contains("archive.sql.gz was changed, and cannot be unpacked any more: "), "{told}");
    // One file of many.
    good(directory);
    let one = std::fs::read_dir(directory.join("archive")).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(&one).unwrap();
    let output = environment.run(&["backup", "verify", &name(directory)]);
    let told = &output.expect(8).stdout;
    assert!(told.contains(&format!("archive/{} is missing", name(&one))), "{told}");
}

/// Any field: each is told by its name, by whatever verb comes upon it; and what a version without seals wrote is read.
#[test]
fn an_edited_manifest_is_told_with_its_field() {
    let environment = shop();
    environment.run(&["backup", "create"]).success();
    let folder = &backups(&environment)[0];
    let path = folder.join("manifest.json");
    let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let other = |value: &Value| match value {
        Value::Null => 1.into(),
        Value::Bool(value) => (!value).into(),
        Value::Number(_) => 4_711.into(),
        Value::String(text) => format!("{text}x").into(),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(serde_json::Map::default()),
    };
    let fields: Vec<_> = written.as_object().unwrap().keys().filter(|field| *field != "seal").collect();
    assert!(fields.len() > 20, "{fields:?}");
    for field in fields {
        let mut edited = written.clone();
        // A newer version is told as one.
        edited[field] = if field == "version" { 1.into() } else { other(&written[field]) };
        std::fs::write(&path, edited.to_string()).unwrap();
        let output = environment.run(&["backup", "verify"]);
        let told = format!("manifest.json was edited after it was written: `{field}` is not what it was");
        assert!(output.expect(8).stdout.contains(&told), "{field}: {}", output.stdout);
    }
    let mut edited = written.clone();
    edited["rows"]["public.orders"] = 99.into();
    std::fs::write(&path, edited.to_string()).unwrap();
    let output = environment.run(&["backup", "restore"]);
    assert!(output.expect(1).stderr.contains("`rows` is not what it was"), "{}", output.stderr);
    assert!(environment.run(&["backup", "list"]).success().stdout.contains("`rows` is not what it was"));
    std::fs::write(&path, written.to_string()).unwrap();
    environment.run(&["backup", "verify"]).success();
    edit_manifest(folder, |_| {});
    environment.run(&["backup", "verify"]).success();
    // What was read through is sealed from then on.
    let verified: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(verified["seal"]["verified"].is_string(), "{verified}");
}

/// A manifest that fits an archive which is no archive, or one of other rows: what only reading it through shows.
#[test]
fn what_checksums_do_not_show_reading_does() {
    let environment = shop();
    environment.run(&["backup", "create"]).success();
    let folder = &backups(&environment)[0];
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    edit_manifest(folder, |manifest| manifest["rows"]["public.orders"] = 99.into());
    let output = environment.run(&["backup", "verify"]);
    assert!(
        output.expect(8).stdout.contains("public.orders has 100 rows in it, and had 99"),
        "{}",
        output.stdout
    );
    std::fs::write(folder.join("manifest.json"), &manifest).unwrap();
    let nonsense = "PGDMP and then nothing";
    std::fs::write(folder.join("archive.dump"), nonsense).unwrap();
    edit_manifest(folder, |manifest| {
        manifest["files"]["archive.dump"]["bytes"] = nonsense.len().into();
        let sum = migrate_core::Checksum::of_bytes(nonsense.as_bytes()).to_string();
        manifest["files"]["archive.dump"]["sha256"] = sum.into();
    });
    let output = environment.run(&["backup", "verify"]);
    assert!(output.expect(8).stdout.contains("it cannot be read through: pg_restore: "), "{}", output.stdout);
}

#[test]
fn restored_it_is_what_it_was() {
    let mut environment = shop();
    let role = format!("owner_{}", environment.database().name());
    let mut client = environment.client();
    client
        .batch_execute(&format!(
            "CREATE ROLE {role}; ALTER TABLE orders OWNER TO {role}; GRANT SELECT ON customers TO {role}; \
             CREATE MATERIALIZED VIEW sums AS SELECT customer, sum(total) FROM orders GROUP BY 1; \
             CREATE SEQUENCE s; SELECT nextval('s')"
        ))
        .unwrap();
    for format in ["custom", "directory", "plain"] {
        environment.run(&["backup", "create", "--as", format]).success();
        let output = environment.run(&["backup", "verify", "--restore"]);
        let told = &output.success().stdout;
        assert!(told.contains("restored: schema and rows are what they were"), "{format}: {told}");
    }
    let shown = document(&environment, &["backup", "show"]);
    assert_eq!(shown["result"]["verified"]["restored"], true);
    // On another server there has to be the role, and nothing of it stays.
    let other = Cluster::start();
    let server = other.url("postgres");
    let output = environment.run(&["backup", "verify", "--restore", "--server", &server]);
    assert!(output.expect(1).stderr.contains(&format!("the server has no role {role}")), "{}", output.stderr);
    other.admin().batch_execute(&format!("CREATE ROLE {role}")).unwrap();
    environment.run(&["backup", "verify", "--restore", "--server", &server]).success();
    let left = other.admin().query_one("SELECT count(*) FROM pg_database WHERE datname LIKE 'cargo%'", &[]);
    assert_eq!(left.unwrap().get::<_, i64>(0), 0);
    // What was not in the archive is noticed.
    let folder = backups(&environment).pop().unwrap();
    edit_manifest(&folder, |manifest| manifest["schema_digest"] = "0".repeat(64).into());
    let output = environment.run(&["backup", "verify", "--restore", "--server", &server]);
    assert!(
        output.expect(8).stdout.contains("restored, it is not what it was: the digest of the schema is ")
    );
    environment.run(&["backup", "create", "--tables", "orders"]).success();
    let output = environment.run(&["backup", "verify", "--restore"]);
    assert!(output.expect(5).stderr.contains("has a part of a database"));
    client
        .batch_execute(&format!(
            "REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}"
        ))
        .unwrap();
    environment.set_var("MIGRATE_PG_CLIENT_BIN", "");
}

#[test]
fn backups_are_listed_shown_and_pruned() {
    let environment = shop();
    let output = environment.run(&["backup", "list"]);
    assert!(output.success().stdout.starts_with("there are no backups in "));
    environment.run(&["backup", "show"]).expect(5);
    for _ in 0..4 {
        environment.run(&["backup", "create"]).success();
    }
    let folders = backups(&environment);
    let id = |index: usize| folders[index].file_name().unwrap().to_str().unwrap().to_owned();
    environment.run(&["backup", "verify", &id(1)]).success();
    edit_manifest(&folders[0], |manifest| manifest["taken_at"] = "2020-01-01T00:00:00.000Z".into());
    let listed = document(&environment, &["backup", "list"]);
    let listed = listed["result"]["backups"].as_array().unwrap();
    assert_eq!(
        listed.iter().map(|backup| backup["id"].as_str().unwrap()).collect::<Vec<_>>(),
        [id(3), id(2), id(1), id(0)]
    );
    assert_eq!(listed[0]["latest"], true);
    assert!(environment.run(&["backup", "list"]).success().stdout.contains("read"));
    // Nobody is there to be asked.
    let output = environment.run(&["backup", "prune", "--keep", "1"]);
    assert!(output.expect(1).stderr.contains(&format!("would go: {}", id(0))), "{}", output.stderr);
    environment.run(&["backup", "prune", "--keep", "1", "--dry-run"]).success();
    assert_eq!(backups(&environment).len(), 4);
    environment.run(&["backup", "prune", "--older-than", "7d", "--yes"]).success();
    assert_eq!(backups(&environment), folders[1..]);
    // The newest, and the newest verified one.
    environment.run(&["backup", "prune", "--keep", "1", "--yes"]).success();
    assert_eq!(backups(&environment), [folders[1].clone(), folders[3].clone()]);
    let output = environment.run(&["backup", "prune", "--keep", "0", "--yes"]);
    assert!(output.success().stdout.contains("nothing may go; 2 backups kept"));
    environment.run(&["backup", "prune"]).expect(5);
    let made = document(&environment, &["backup", "create", "--keep", "1"]);
    assert_eq!(made["result"]["pruned"], serde_json::json!([id(3)]));
    assert_eq!(backups(&environment).len(), 2);
}
