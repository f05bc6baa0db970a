//! On stable Rust and with no build script, a build has the migrations that are there: a real cargo on a crate of the test's own.

#![allow(clippy::unwrap_used, reason = "clippy sees no test in the helpers of one")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use migrate_runtime::core::folder::{self, Options};
use migrate_runtime::core::lock::Lock;

const MAIN: &str = r#"
runtime_by_another_name::embed!();

fn main() {
    for migration in embedded::MIGRATIONS.migrations.iter() {
        println!("{} {}", migration.stem, migration.up.text.trim());
    }
    if let Some(schema) = embedded::SCHEMA {
        println!("{} bytes of schema", schema.len());
    }
}
"#;

const EXPECTS: &str = r#"
runtime_by_another_name::expect!("orders.total");
"#;

/// With the profile of our own workspace, so that its dependencies are those that are compiled already.
const WORKSPACE: &str = r#"
[workspace]
members = ["app"]
resolver = "3"

[profile.dev]
debug = "line-tables-only"

[profile.dev.package."*"]
debug = false
"#;

/// An application in a workspace, with the migrations in the folder of the workspace.
struct Application {
    root: PathBuf,
}

impl Application {
    fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("app/src")).unwrap();
        fs::create_dir_all(root.join("migrations")).unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let runtime = ours.join("migrate-runtime");
        let application = Self { root };
        application.write("Cargo.toml", WORKSPACE);
        // The versions that are compiled already and surely there without a network.
        application.write("Cargo.lock", &fs::read_to_string(ours.join("Cargo.lock")).unwrap());
        let dependency =
            format!("runtime_by_another_name = {{ package = \"migrate-runtime\", path = {runtime:?} }}");
        application.write(
            "app/Cargo.toml",
            &format!("[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n{dependency}\n"),
        );
        // Nothing that we emit may need to be allowed by the application.
        application.write(
            "app/src/main.rs",
            &format!("#![deny(warnings, missing_docs, unsafe_code)]\n//! A test.\n{MAIN}"),
        );
        application
    }

    fn write(&self, path: &str, content: &str) {
        fs::write(self.root.join(path), content).unwrap();
    }

    fn migration(&self, stem: &str, up: &str) {
        self.write(&format!("migrations/{stem}.up.sql"), up);
        self.write(&format!("migrations/{stem}.down.sql"), "SELECT 0;");
    }

    /// What `cargo migrate lock` does.
    fn lock(&self) {
        let folder = self.root.join("migrations");
        let set =
            folder::read(&folder, &Options::new(&self.root)).unwrap_or_else(|problems| panic!("{problems}"));
        Lock::of(&set).write(&folder).unwrap();
    }

    fn cargo(&self, verb: &str) -> Output {
        // The target folder of the workspace: what this test has compiled already is not compiled again.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args([verb, "--offline", "--quiet", "--color", "never"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", target);
        // What cargo tells this test about itself is not meant for the cargo that it starts.
        for name in std::env::vars_os().map(|(name, _)| name) {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "RUSTFLAGS" {
                command.env_remove(name);
            }
        }
        command.output().unwrap()
    }

    /// What the application says after a build.
    fn runs(&self) -> Vec<String> {
        let output = self.cargo("run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        migrate_runtime::core::text::lines(&text).map(str::to_owned).collect()
    }

    fn fails(&self) -> String {
        let output = self.cargo("build");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn a_build_has_the_migrations_that_are_there() {
    let application = Application::new("rebuild");
    application.migration("0001_a", "SELECT 1;");
    application.lock();
    assert_eq!(application.runs(), ["0001_a SELECT 1;"]);

    // As `cargo migrate new` leaves it.
    application.migration("0002_b", "SELECT 2;");
    application.lock();
    assert_eq!(application.runs(), ["0001_a SELECT 1;", "0002_b SELECT 2;"]);

    // As `git pull` brings it: files and lock in one go, from elsewhere.
    let elsewhere = application.root.join("elsewhere");
    fs::rename(application.root.join("migrations"), &elsewhere).unwrap();
    fs::create_dir(application.root.join("migrations")).unwrap();
    for entry in fs::read_dir(&elsewhere).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), application.root.join("migrations").join(entry.file_name())).unwrap();
    }
    application.migration("0003_c", "SELECT 3;");
    application.lock();
    assert_eq!(application.runs().len(), 3);

    // Edited, and not locked.
    application.write("migrations/0002_b.up.sql", "SELECT 22;");
    let error = application.fails();
    assert!(error.contains("migrations/0002_b.up.sql was edited"), "{error}");
    assert!(error.contains("cargo migrate lock"), "{error}");
    application.lock();
    assert_eq!(application.runs()[1], "0002_b SELECT 22;");

    // One of the files is gone.
    fs::remove_file(application.root.join("migrations/0003_c.down.sql")).unwrap();
    let error = application.fails();
    assert!(
        error.contains("migrations/0003_c.up.sql: has no migrations/0003_c.down.sql beside it"),
        "{error}"
    );
    fs::remove_file(application.root.join("migrations/0003_c.up.sql")).unwrap();
    application.lock();
    assert_eq!(application.runs().len(), 2);

    // The recorded schema is an input of the build, once it is there; the lock is written with it.
    application.write("migrations/schema.sql.snap", "table public.orders\n    column total integer\n");
    application.write("app/src/main.rs", &format!("//! A test.\n{MAIN}{EXPECTS}"));
    assert_eq!(application.runs().pop().unwrap(), "45 bytes of schema");
    application.write("migrations/schema.sql.snap", "table public.orders\n    column totals integer\n");
    let error = application.fails();
    assert!(
        error.contains("public.orders has no column total") && error.contains("did you mean `totals`"),
        "{error}"
    );
    fs::remove_file(application.root.join("migrations/schema.sql.snap")).unwrap();
    let error = application.fails();
    assert!(error.contains("migrations/schema.sql.snap: is not there"), "{error}");

    // A folder of the crate's own goes before that of the workspace, from the next build of the crate on.
    fs::create_dir(application.root.join("app/migrations")).unwrap();
    application.write(
        "app/migrations/migrations.lock",
        &Lock::of(&migrate_runtime::core::Set::new("", vec![])).render(),
    );
    application.write("app/src/main.rs", &format!("//! A test.\n{MAIN}"));
    assert_eq!(application.runs(), [""; 0]);
}

/// T29: a hundred megabytes, half of it rows of `INSERT` and half data of `COPY`, are in the application as they are in the file.
#[test]
fn a_hundred_megabytes_are_embedded() {
    if std::env::var_os("MIGRATE_TEST_NIGHTLY").is_none() {
        eprintln!("SKIPPED: set MIGRATE_TEST_NIGHTLY to run it");
        return;
    }
    let application = Application::new("rebuild_large");
    let row = "x\"\\\t".repeat(1_000);
    let insert = format!("INSERT INTO big VALUES ('{row}');\n").repeat(50 * 1024 * 1024 / row.len());
    let data = format!("{}\n", "y".repeat(8_000)).repeat(50 * 1024 * 1024 / 8_000);
    let up = format!("CREATE TABLE big (line text);\n{insert}COPY big FROM stdin;\n{data}\\.\n");
    application.migration("0001_big", &up);
    application.lock();
    let main = "runtime_by_another_name::embed!();\n\nfn main() {\n    \
                for migration in embedded::MIGRATIONS.migrations.iter() {\n        \
                println!(\"{} {} {}\", migration.stem, migration.up.text.len(), migration.up.checksum);\n    }\n}\n";
    application.write("app/src/main.rs", &format!("//! A test.\n{main}"));
    let began = std::time::Instant::now();
    let checksum = migrate_runtime::core::Checksum::of(&up);
    assert_eq!(application.runs(), [format!("0001_big {} {checksum}", up.len())]);
    eprintln!("{} bytes embedded in {:?}", up.len(), began.elapsed());
    let _ = fs::remove_dir_all(&application.root);
}
