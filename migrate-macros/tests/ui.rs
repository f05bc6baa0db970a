//! What is wrong with a folder is a compile error at the call of `embed!`. One mistake, one file in `ui/`; its folder is made
//! here, because git carries neither pipes, nor names that are not UTF-8, nor line ends as they are.

#![allow(clippy::unwrap_used, reason = "clippy sees no test in the helpers of one")]

use std::fs;
use std::path::{Path, PathBuf};

use migrate_runtime::core::folder::{self, Options};
use migrate_runtime::core::lock::{FILE_NAME, Lock};

const IRREVERSIBLE: &str = "-- migrate: irreversible it is a test\nSELECT 1;\n";

const SCHEMA: &str = "---
source: a.rs
---
table public.orders
    column id bigint not null
    column total numeric(12,2)

view sales.totals
    column sum numeric
";

/// A folder that the ui files name, beside the `Cargo.toml` that trybuild makes for them.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let folder = target.join("tests/trybuild/migrate-macros").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder).pair("0001_good")
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.join(name), content).unwrap();
        self
    }

    fn pair(self, stem: &str) -> Self {
        self.file(&format!("{stem}.up.sql"), "SELECT 1;\n").file(&format!("{stem}.down.sql"), "SELECT 2;\n")
    }

    fn without(self, name: &str) -> Self {
        fs::remove_file(self.0.join(name)).unwrap();
        self
    }

    /// The lock of the folder as it is now: what is done to the folder after this is the mistake.
    fn locked(self) -> Self {
        let set =
            folder::read(&self.0, &Options::new(&self.0)).unwrap_or_else(|problems| panic!("{problems}"));
        Lock::of(&set).write(&self.0).unwrap();
        self
    }

    fn lock_text(&self) -> String {
        fs::read_to_string(self.0.join(FILE_NAME)).unwrap()
    }
}

#[test]
fn mistakes_are_compile_errors() {
    let folder = |name: &str| Folder::new(name).locked();
    folder("missing_down").file("0002_a.up.sql", "SELECT 1;");
    folder("missing_up").file("0002_a.down.sql", "SELECT 1;");
    folder("irreversible_with_down").pair("0002_a").file("0002_a.up.sql", IRREVERSIBLE);
    folder("irreversible_down").pair("0002_a").file("0002_a.down.sql", IRREVERSIBLE);
    folder("empty").pair("0002_a").file("0002_a.up.sql", "\n-- nothing\n/* at all */\n");
    folder("duplicate_version").pair("1_a").pair("01_b");
    folder("names_differ").file("0002_a.up.sql", "SELECT 1;").file("0002_b.down.sql", "SELECT 1;");
    folder("stray").file("notes.sql", "SELECT 1;");
    folder("check_that_writes")
        .file("0001_good.check.sql", "-- migrate: before\n-- no orphans\nSELECT 1;\nDELETE FROM orphans;\n");
    folder("check_orphan").file("0002_a.check.sql", "SELECT 1;");
    folder("check_not_locked").file("0001_good.check.sql", "SELECT 1;");
    folder("check_directive").file("0001_good.check.sql", "-- migrate: lock-timeout 3s\nSELECT 1;");
    folder("version_too_large").pair("99999999999999999999_a");
    folder("look_alike_digit").pair("０００２_a");
    folder("not_utf8").pair("0002_a").file("0002_a.up.sql", b"SELECT '\xE9';");
    folder("utf16").pair("0002_a").file("0002_a.up.sql", b"\xFF\xFES\0E\0L\0E\0C\0T\0");
    folder("nul").pair("0002_a").file("0002_a.up.sql", b"SELECT '\0';");
    folder("unknown_directive")
        .pair("0002_a")
        .file("0002_a.up.sql", "-- migrate: no-transacton\nSELECT 1;\n");
    folder("transaction_control").pair("0002_a").file("0002_a.up.sql", "SELECT 1;\nCOMMIT;\nSELECT 2;\n");
    folder("meta_command").pair("0002_a").file("0002_a.up.sql", "SELECT 1;\n\\i other.sql\n");
    folder("many")
        .file("0002_a.up.sql", "SELECT 1;")
        .file("notes.sql", "")
        .pair("0003_b")
        .file("0003_b.up.sql", "");

    folder("expect").file("schema.sql.snap", SCHEMA);
    folder("expect_no_schema");
    folder("expect_bad_schema").file("schema.sql.snap", SCHEMA.replace("    column id", "  column id"));
    folder("schema_broken").file("schema.sql.snap", SCHEMA.replace("table public.orders\n", ""));

    folder("lock_missing").without(FILE_NAME);
    folder("lock_added").pair("0002_a");
    folder("lock_edited").file("0001_good.up.sql", "SELECT 3;\n");
    Folder::new("lock_removed").pair("0002_a").locked().without("0002_a.up.sql").without("0002_a.down.sql");
    let conflict = folder("lock_conflict");
    let text = conflict.lock_text().replace("# digest", "<<<<<<< ours\n# digest");
    conflict.file(FILE_NAME, text);
    let by_hand = folder("lock_by_hand");
    let text = by_hand.lock_text();
    let digest = text.trim_end().rsplit(' ').next().unwrap();
    by_hand.file(FILE_NAME, text.replace(digest, &"0".repeat(64)));

    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::fs::symlink;
        let link = |name: &str, target: &str| {
            let folder = folder(name).pair("0002_a").without("0002_a.up.sql");
            symlink(target, folder.0.join("0002_a.up.sql")).unwrap();
        };
        link("link_outside", "/etc/passwd");
        link("link_broken", "nowhere.sql");
        link("link_loop", "0002_a.up.sql");
        link("device", "/dev/zero");
        let pipe = folder("pipe").pair("0002_a").without("0002_a.up.sql").0.join("0002_a.up.sql");
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
        let bytes = std::ffi::OsStr::from_bytes(b"0002_\xE9.up.sql");
        fs::write(folder("name_not_utf8").0.join(bytes), "SELECT 1;").unwrap();
    }

    let cases = trybuild::TestCases::new();
    // Elsewhere than on Linux a name must be UTF-8, and paths are written in other ways.
    let files = if cfg!(target_os = "linux") { "tests/ui/*.rs" } else { "tests/ui/[a-ce-kmoq-z]*.rs" };
    cases.compile_fail(files);
}
