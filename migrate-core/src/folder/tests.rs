//! Folders with every mistake that there is.

use std::fs;
use std::time::{Duration, Instant};

use super::*;
use crate::{Direction, Moment};

/// A folder below a project, with files in it.
struct Project {
    root: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(project.folder()).unwrap();
        project
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("migrations")
    }

    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.folder().join(name), content).unwrap();
        self
    }

    fn pair(self, stem: &str) -> Self {
        self.file(&format!("{stem}.up.sql"), "select 1;\n").file(&format!("{stem}.down.sql"), "select 2;\n")
    }

    fn read(&self) -> Result<Set, Problems> {
        read(&self.folder(), &Options::new(self.root.path()))
    }

    /// The problems, with the folder's path gone.
    fn problems(&self) -> Vec<String> {
        let problems = self.read().expect_err("the folder has a problem").problems;
        for problem in &problems {
            assert!(!problem.hint().is_empty(), "{problem}");
            assert!(problem.path().starts_with(self.root.path()), "{problem}");
        }
        let folder = format!("{}/", self.folder().display());
        problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }

    fn stems(&self) -> Vec<String> {
        let set = self.read().unwrap();
        set.migrations.iter().map(|migration| migration.stem.to_string()).collect()
    }
}

#[test]
fn reads_pairs_in_the_order_of_their_numbers() {
    let project = Project::new()
        .pair("10_c")
        .pair("0009_b")
        .file("1_a.up.sql", "-- migrate: irreversible it is a test\nselect 1;\n")
        .file("README.md", "")
        .file("migrations.lock", "")
        .file(".gitattributes", "")
        .file("._10_c.up.sql", b"\0\x05\x16\x07");
    fs::create_dir(project.folder().join("templates")).unwrap();
    fs::write(project.folder().join("templates/table.up.sql"), "").unwrap();
    assert_eq!(project.stems(), ["1_a", "0009_b", "10_c"]);
    let set = project.read().unwrap();
    assert!(set.migrations[0].down.is_none() && set.migrations[1].down.is_some());
    assert_eq!(set.digest.count, 3);
}

#[test]
fn an_empty_folder_is_an_empty_set() {
    assert_eq!(Project::new().stems(), [""; 0]);
}

#[test]
fn hostile_names_are_kept_byte_for_byte() {
    let stem = r#"0001_it's "x"; drop table y; -- $$ \ % {}"#;
    assert_eq!(Project::new().pair(stem).stems(), [stem]);
}

#[test]
fn the_checksum_does_not_depend_on_the_checkout() {
    let up = |content: &[u8]| {
        let project = Project::new().file("1_a.up.sql", content).file("1_a.down.sql", "select 1");
        project.read().unwrap().migrations[0].up.clone()
    };
    assert_eq!(up(b"select 1;\r\nselect 2;\r\n"), up(b"\xEF\xBB\xBFselect 1;\nselect 2;\n"));
    assert_ne!(up(b"select 1;\nselect 2;").checksum, up(b"select 1;\nselect 2;\n").checksum);
    assert_ne!(up(b"select 1; \rselect 2;").checksum, up(b"select 1; \nselect 2;").checksum);
}

#[test]
fn every_problem_is_told_in_one_go() {
    let project = Project::new()
        .file("0001_a.up.sql", "select 1;")
        .file("0002_b.down.sql", "select 1;")
        .file("0003_c.sql", "select 1;")
        .file("notes.SQL", "")
        .pair("0004_d")
        .file("0004_d.up.sql", " \n-- nothing\n")
        .pair("0005_e")
        .file("0005_e.up.sql", b"select '\xE9';")
        .pair("0006_f")
        .file("0006_f.down.sql", b"select \0;")
        .file("0007_g.check.sql", "select 1;");
    assert_eq!(
        project.problems(),
        [
            "0001_a.up.sql: has no 0001_a.down.sql beside it",
            "0002_b.down.sql: has no 0002_b.up.sql beside it",
            "0003_c.sql: the name ends neither in `.up.sql` nor in `.down.sql`",
            "0004_d.up.sql: has no statement in it",
            "0005_e.up.sql: byte 8 (0xe9) is not UTF-8",
            "0006_f.down.sql: byte 7 is NUL, which PostgreSQL takes in no statement",
            "0007_g.check.sql: is the check of a migration that is not there",
            "notes.SQL: the name ends neither in `.up.sql` nor in `.down.sql`",
        ]
    );
    let all = project.read().unwrap_err();
    assert!(all.to_string().starts_with("8 problems in "));
    assert!(all.hint().contains("irreversible"));
}

#[test]
fn a_check_stands_beside_its_migration() {
    let plain = Project::new().pair("1_a").pair("2_b").read().unwrap();
    let project = Project::new().pair("1_a").pair("2_b").file(
        "2_b.check.sql",
        b"\xEF\xBB\xBF-- none left\r\nSELECT 1;\r\n-- migrate: before\r\nSELECT 2;\r\n",
    );
    let set = project.read().unwrap();
    assert_eq!(set.migrations[0].check, None);
    let check = set.migrations[1].check.as_ref().unwrap();
    assert_eq!((check.file.as_ref(), check.checks.len()), ("2_b.check.sql", 2));
    assert_eq!(check.text, "-- none left\nSELECT 1;\n-- migrate: before\nSELECT 2;\n");
    assert_eq!(check.of(Moment::Before).count(), 1);
    // What is applied is the same with and without.
    assert_eq!(set.digest, plain.digest);
    let files: Vec<_> = set.migrations[1].files().map(|(file, _)| file.to_owned()).collect();
    assert_eq!(files, ["2_b.up.sql", "2_b.down.sql", "2_b.check.sql"]);
    let sql = fs::read_dir(project.folder()).unwrap().map(|entry| entry.unwrap().path());
    let read = of_files(&project.folder(), sql.map(|path| (path.clone(), Ok(fs::read(&path).unwrap()))));
    assert_eq!(read.unwrap().migrations[1].check.as_ref(), Some(check));
}

#[test]
fn checks_with_something_wrong() {
    let project = Project::new()
        .pair("1_a")
        .file("1_b.check.sql", "SELECT 1;")
        .pair("2_a")
        .file("2_a.check.sql", "-- nothing\n")
        .pair("3_a")
        .file("3_a.check.sql", "SELECT 1;\nDELETE FROM t;")
        .file("4_a.check.sql", "SELECT 1;")
        .pair("5_a")
        .file("5_a.check.sql", b"SELECT '\xE9';")
        .file("6_a.up.sql", "SELECT 1;")
        .file("6_a.check.sql", "SELECT 1;");
    assert_eq!(
        project.problems(),
        [
            "1_b.check.sql: is the check of a migration that is not there",
            "2_a.check.sql: has no query in it",
            "3_a.check.sql:2:1: `DELETE` in a file of checks, where only queries stand",
            "4_a.check.sql: is the check of a migration that is not there",
            "5_a.check.sql: byte 8 (0xe9) is not UTF-8",
            "6_a.up.sql: has no 6_a.down.sql beside it",
        ]
    );
    let problems = project.read().unwrap_err();
    assert!(problems.hint().contains("name it `1_a.check.sql`"), "{}", problems.hint());
}

#[test]
fn one_version_twice_names_both_files() {
    let project = Project::new().pair("1_a").pair("01_b").pair("001_c").pair("2_d");
    assert_eq!(
        project.problems(),
        [
            "001_c.up.sql and 01_b.up.sql have the same version 1",
            "001_c.up.sql and 1_a.up.sql have the same version 1"
        ]
    );
    let project = Project::new().pair("1_a").file("1_b.up.sql", "select 1;");
    assert_eq!(
        project.problems(),
        ["1_a.up.sql and 1_b.up.sql have the same version 1", "1_b.up.sql: has no 1_b.down.sql beside it"]
    );
}

#[test]
fn a_broken_file_is_a_duplicate_too() {
    let project = Project::new().pair("1_a").pair("1_b").file("1_b.up.sql", "");
    assert_eq!(
        project.problems(),
        ["1_a.up.sql and 1_b.up.sql have the same version 1", "1_b.up.sql: has no statement in it"]
    );
}

#[test]
fn an_up_and_a_down_of_two_names() {
    let project = Project::new().file("1_b.up.sql", "select 1;").file("01_a.down.sql", "select 1;");
    assert_eq!(
        project.problems(),
        ["1_b.up.sql and 01_a.down.sql are of one version but their names differ"]
    );
}

#[test]
fn irreversible_and_a_down_exclude_each_other() {
    let head = "-- migrate: irreversible it is a test\nselect 1;\n";
    let project = Project::new().pair("1_a").file("1_a.up.sql", head);
    assert_eq!(project.problems(), ["1_a.up.sql says `-- migrate: irreversible` but 1_a.down.sql is there"]);
    let project = Project::new().pair("1_a").file("1_a.down.sql", head);
    assert_eq!(project.problems(), ["1_a.down.sql:1:1: a down file cannot be irreversible"]);
}

#[test]
fn a_script_that_makes_no_sense_is_told_with_its_line() {
    let project = Project::new().pair("1_a").file("1_a.up.sql", "-- why\n-- migrate: unknown\nselect 1;\n");
    let problems = project.read().unwrap_err().problems;
    assert!(matches!(problems.as_slice(), [Problem::Script { .. }]));
    assert_eq!(problems[0].line(), Some(2));
    assert!(project.problems()[0].starts_with("1_a.up.sql:2:1: unknown directive"));
}

#[test]
fn a_file_larger_than_a_message_is_refused_unread() {
    let project = Project::new().pair("1_a");
    // A hole: it takes no room on the disk, and would take seconds to read.
    let file = fs::File::create(project.folder().join("1_a.up.sql")).unwrap();
    file.set_len(MAX_FILE_BYTES + 1).unwrap();
    assert_eq!(
        project.problems(),
        ["1_a.up.sql: is 1072693249 bytes, more than PostgreSQL takes in one message (1 GiB)"]
    );
}

#[test]
fn a_folder_that_is_none() {
    let project = Project::new();
    let options = Options::new(project.root.path());
    let missing = read(&project.root.path().join("no"), &options).unwrap_err();
    assert!(matches!(missing.problems.as_slice(), [Problem::Unreadable { .. }]));
    assert!(missing.hint().contains("cargo migrate init"));
    fs::write(project.root.path().join("file"), "").unwrap();
    let file = read(&project.root.path().join("file"), &options).unwrap_err();
    assert!(matches!(file.problems.as_slice(), [Problem::NotAFolder { .. }]));
}

#[test]
fn a_folder_named_as_a_file() {
    let project = Project::new().pair("1_a");
    fs::remove_file(project.folder().join("1_a.down.sql")).unwrap();
    fs::create_dir(project.folder().join("1_a.down.sql")).unwrap();
    assert_eq!(project.problems(), ["1_a.down.sql: is a folder, not a file"]);
}

#[test]
fn every_problem_has_a_hint_and_a_message_in_our_form() {
    let path = || PathBuf::from("migrations/1_a.up.sql");
    let io = |kind: std::io::ErrorKind| std::io::Error::from(kind);
    let text = "\\i x".to_owned();
    let all = [
        Problem::Unreadable { path: path(), source: io(std::io::ErrorKind::NotFound) },
        Problem::Unreadable { path: path(), source: io(std::io::ErrorKind::PermissionDenied) },
        Problem::NotAFolder { path: path() },
        Problem::NameNotUtf8 { path: path() },
        Problem::Name { path: path(), error: name::NameError::NoVersion },
        Problem::Text { path: path(), error: text::TextError::Utf16 },
        Problem::Script { path: path(), error: Script::parse("1_a.up.sql", text).unwrap_err() },
        Problem::Empty { path: path() },
        Problem::EmptyCheck { path: path() },
        Problem::OrphanCheck { path: path(), instead: None },
        Problem::OrphanCheck { path: path(), instead: Some("1_b".to_owned()) },
        Problem::TooLarge { path: path(), bytes: 1 },
        Problem::NotAFile { path: path(), kind: FileKind::Fifo },
        Problem::BrokenLink { path: path(), target: path() },
        Problem::LinkLoop { path: path() },
        Problem::OutsideProject { path: path(), target: path(), project: path() },
        Problem::MissingHalf { path: path(), half: Direction::Up, missing: path() },
        Problem::MissingHalf { path: path(), half: Direction::Down, missing: path() },
        Problem::NamesDiffer { up: path(), down: path() },
        Problem::CaseOnly { first: path(), second: path() },
        Problem::DuplicateVersion { version: Version::new(1), first: path(), second: path() },
        Problem::IrreversibleWithDown { up: path(), down: path() },
    ];
    for problem in all {
        let message = problem.to_string();
        assert!(!problem.hint().is_empty(), "{message}");
        assert!(message.contains("migrations/1_a.up.sql") && !message.ends_with('.'), "{message}");
    }
}

#[test]
fn newer_than_tells_what_changed_since() {
    let project = Project::new().pair("1_a").pair("2_b");
    let set = project.read().unwrap();
    assert_eq!(newer_than(&set, &project.folder()), None);
    assert_eq!(newer_than(&set, &project.root.path().join("no")), None);
    let project = project.pair("3_c").file("2_b.up.sql", "select 3;\n");
    let differences: Vec<_> =
        newer_than(&set, &project.folder()).unwrap().iter().map(|d| d.file().to_owned()).collect();
    assert_eq!(differences, ["2_b.up.sql", "3_c.up.sql", "3_c.down.sql"]);
}

#[test]
fn five_thousand_files_take_less_than_a_second() {
    let mut project = Project::new();
    for number in 1..=2500 {
        project = project.pair(&format!("{number:04}_table"));
    }
    let start = Instant::now();
    assert_eq!(project.read().unwrap().migrations.len(), 2500);
    // The promise is for a release build; the test of an unoptimised one shares its machine with others.
    assert!(cfg!(debug_assertions) || start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn files_that_are_not_on_disk_are_judged_as_those_of_a_folder() {
    let file = |name: &str, text: &str| {
        (Path::new("main:migrations").join(name), Ok::<_, Problem>(text.as_bytes().to_owned()))
    };
    let pair = [file("1_a.up.sql", "select 1;\r\n"), file("1_a.down.sql", "select 2;"), file("a.txt", "")];
    let set = of_files(Path::new("main:migrations"), pair).unwrap();
    let on_disk = Project::new().file("1_a.up.sql", "select 1;\n").file("1_a.down.sql", "select 2;");
    assert_eq!(set.migrations, on_disk.read().unwrap().migrations);
    assert_eq!(set.folder, "main:migrations");

    let path = || PathBuf::from("main:migrations/1_a.down.sql");
    let gone = Problem::BrokenLink { path: path(), target: "x".into() };
    let files = [file("1_a.up.sql", " "), (path(), Err(gone)), file("x.sql", ""), file(".2_b.up.sql", "")];
    let problems = of_files(Path::new("main:migrations"), files).unwrap_err().problems;
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "main:migrations/1_a.down.sql: is a link to x, which is not there",
            "main:migrations/1_a.up.sql: has no statement in it",
            "main:migrations/x.sql: the name ends neither in `.up.sql` nor in `.down.sql`",
        ]
    );
}

#[cfg(unix)]
mod links {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    impl Project {
        fn link(self, name: &str, target: impl AsRef<Path>) -> Self {
            let path = self.folder().join(name);
            let _ = fs::remove_file(&path);
            symlink(target, path).unwrap();
            self
        }
    }

    #[test]
    fn inside_the_project_they_are_followed() {
        let project = Project::new().pair("1_a");
        fs::write(project.root.path().join("shared.sql"), "select 7;\n").unwrap();
        let project = project.link("1_a.up.sql", "../shared.sql");
        assert_eq!(project.read().unwrap().migrations[0].up.text, "select 7;\n");
    }

    #[test]
    fn out_of_the_project_they_are_refused_unless_allowed() {
        let outside = tempfile::NamedTempFile::new().unwrap();
        fs::write(outside.path(), "select 7;\n").unwrap();
        let project = Project::new().pair("1_a").link("1_a.up.sql", outside.path());
        let problems = project.read().unwrap_err().problems;
        assert!(matches!(problems.as_slice(), [Problem::OutsideProject { .. }]), "{problems:?}");
        // A root that is not there does not open the door.
        let nowhere = Options::new(project.root.path().join("../nowhere/.."));
        assert!(read(&project.folder(), &nowhere).is_err());
        let options = Options { project_root: project.root.path().to_owned(), follow_links_outside: true };
        assert_eq!(read(&project.folder(), &options).unwrap().migrations[0].up.text, "select 7;\n");
    }

    #[test]
    fn the_folder_itself_may_be_one_inside_the_project() {
        let project = Project::new().pair("1_a");
        let elsewhere = Project::new().pair("1_a");
        symlink("migrations", project.root.path().join("inside")).unwrap();
        symlink(elsewhere.folder(), project.root.path().join("outside")).unwrap();
        let options = Options::new(project.root.path());
        assert!(read(&project.root.path().join("inside"), &options).is_ok());
        let problems = read(&project.root.path().join("outside"), &options).unwrap_err().problems;
        assert!(matches!(problems.as_slice(), [Problem::OutsideProject { .. }]), "{problems:?}");
        // Named by a path outside it is a choice, and then its own links must not leave it.
        assert!(read(&elsewhere.folder(), &options).is_ok());
        let dots = project
            .root
            .path()
            .join("..")
            .join(elsewhere.root.path().file_name().unwrap())
            .join("migrations");
        assert!(read(&dots, &options).is_ok());
        let elsewhere = elsewhere.link("1_a.up.sql", project.folder().join("1_a.up.sql"));
        assert!(read(&elsewhere.folder(), &options).is_err());
    }

    #[test]
    fn broken_and_looping_ones_are_refused() {
        let project = Project::new()
            .pair("1_a")
            .pair("2_b")
            .link("1_a.up.sql", "nowhere.sql")
            .link("2_b.up.sql", "2_b.down.sql")
            .link("2_b.down.sql", "2_b.up.sql")
            // The lock of an editor.
            .link(".#1_a.down.sql", "somebody@example.1234:1700000000");
        assert_eq!(
            project.problems(),
            [
                "1_a.up.sql: is a link to nowhere.sql, which is not there",
                "2_b.down.sql: is a link that leads back to itself",
                "2_b.up.sql: is a link that leads back to itself",
            ]
        );
    }

    #[test]
    fn devices_and_pipes_are_refused_at_once() {
        let project = Project::new().pair("1_a").link("1_a.up.sql", "/dev/zero");
        let pipe = project.folder().join("1_a.down.sql");
        fs::remove_file(&pipe).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let start = Instant::now();
        assert_eq!(
            project.problems(),
            ["1_a.down.sql: is a named pipe, not a file", "1_a.up.sql: is a device, not a file"]
        );
        assert!(start.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn names_that_are_not_utf8_or_not_printable() {
        let project = Project::new().file("1_a\nb.up.sql", "select 1;");
        let bytes = std::ffi::OsStr::from_bytes(b"1_\xE9.up.sql");
        fs::write(project.folder().join(bytes), "select 1;").unwrap();
        fs::write(project.folder().join(std::ffi::OsStr::from_bytes(b"\xE9.txt")), "").unwrap();
        assert_eq!(
            project.problems(),
            [
                "1_a\nb.up.sql: the name has the unprintable character U+000A",
                "1_\u{FFFD}.up.sql: the name is not UTF-8"
            ]
        );
    }

    #[test]
    fn names_that_differ_only_in_case() {
        let project = Project::new().pair("1_a");
        if project.folder().join("1_A.up.sql").exists() {
            // A file system where case does not count cannot have the mistake.
            return;
        }
        assert_eq!(project.pair("1_A").problems(), ["1_A.up.sql and 1_a.up.sql differ only in case"]);
        let project = Project::new().file("1_A.up.sql", "select 1;").file("1_a.down.sql", "select 1;");
        assert_eq!(
            project.problems(),
            ["1_A.up.sql and 1_a.down.sql are of one version but their names differ"]
        );
    }

    #[test]
    fn a_file_without_permission() {
        use std::os::unix::fs::PermissionsExt;
        let project = Project::new().pair("1_a");
        let path = project.folder().join("1_a.up.sql");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        if fs::read(&path).is_ok() {
            // We are root: the same error comes from a file that is gone between listing and reading.
            let gone = read_file(&project.folder().join("2_gone.up.sql"), None).err().unwrap();
            assert!(matches!(gone, Problem::Unreadable { .. }));
            return;
        }
        assert!(project.problems()[0].starts_with("1_a.up.sql: cannot be read: "));
    }
}
