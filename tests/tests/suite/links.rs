//! T35: links, loops, devices and pipes under the name of a migration, through the program.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use migrate_tests::TestEnvironment;

/// A hang is a failure long before the harness gives up; how fast it is otherwise says nothing on a loaded machine.
const AT_ONCE: Duration = Duration::from_secs(10);

fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment
}

#[track_caller]
fn refused(environment: &TestEnvironment, said: &str) {
    for verb in [&["up", "--dry-run"][..], &["up"], &["lock"]] {
        let output = environment.run(verb);
        assert!(output.expect(5).stderr.contains(said), "{verb:?}: {}", output.stderr);
        assert!(output.stderr.contains("hint: "), "{}", output.stderr);
        assert!(output.took < AT_ONCE, "{:?}", output.took);
    }
}

#[test]
fn links_inside_of_the_project_are_files() {
    let environment = project();
    environment.write("shared/b.sql", "CREATE TABLE b ();\n");
    symlink("../shared/b.sql", environment.path("migrations/0002_b.up.sql")).unwrap();
    environment.write("migrations/0002_b.down.sql", "DROP TABLE b;\n");
    environment.run(&["up"]).success();
    environment.run(&["status", "--check"]).success();
    // What the link leads to is what was applied.
    environment.write("shared/b.sql", "CREATE TABLE b (id int);\n");
    environment.run(&["up"]).expect(9);

    // The whole folder may be a link, too.
    let environment = project();
    std::fs::rename(environment.path("migrations"), environment.path("sql")).unwrap();
    symlink("sql", environment.path("migrations")).unwrap();
    environment.run(&["up"]).success();
}

#[test]
fn links_that_lead_nowhere_or_outside_are_refused() {
    let up = "migrations/0002_b.up.sql";
    let link = |target: &str| {
        let environment = project();
        environment.write("migrations/0002_b.down.sql", "SELECT 1;\n");
        symlink(target, environment.path(up)).unwrap();
        environment
    };
    refused(&link("/etc/hostname"), "outside the project");
    refused(&link("nothing.sql"), "which is not there");
    refused(&link("0002_b.up.sql"), "leads back to itself");
    refused(&link("."), "is a folder");
    refused(&link("/dev/zero"), "is a device");

    let environment = link("0003_c.up.sql");
    symlink("0002_b.up.sql", environment.path("migrations/0003_c.up.sql")).unwrap();
    refused(&environment, "leads back to itself");

    // The folder itself, by a link; named by its own path it is a choice.
    let elsewhere = project();
    let environment = project();
    std::fs::rename(environment.path("migrations"), environment.path("old")).unwrap();
    symlink(elsewhere.path("migrations"), environment.path("migrations")).unwrap();
    refused(&environment, "outside the project");
    let dir = elsewhere.path("migrations");
    environment.run(&["up", "--dir", dir.to_str().unwrap()]).success();
}

#[test]
fn what_is_no_file_is_refused_and_not_opened() {
    let environment = project();
    environment.capture(environment.program("mkfifo").arg("migrations/0002_b.up.sql")).success();
    refused(&environment, "is a named pipe");

    let environment = project();
    std::fs::create_dir(environment.path("migrations/0002_b.up.sql")).unwrap();
    refused(&environment, "is a folder");

    let environment = project();
    environment.migration("0002_B", "SELECT 1;\n", "SELECT 1;\n");
    environment.migration("0002_b", "SELECT 1;\n", "SELECT 1;\n");
    refused(&environment, "differ only in case");
}

#[test]
fn what_may_not_be_read_is_named() {
    if rustix::process::geteuid().is_root() {
        // Root may read everything: its commands would not notice.
        let environment = project();
        std::fs::set_permissions(environment.path("migrations/0001_a.up.sql"), mode(0o000)).unwrap();
        environment.run(&["up"]).success();
        return;
    }
    let environment = project();
    std::fs::set_permissions(environment.path("migrations/0001_a.up.sql"), mode(0o000)).unwrap();
    refused(&environment, "0001_a.up.sql: cannot be read");
}

fn mode(bits: u32) -> std::fs::Permissions {
    std::fs::Permissions::from_mode(bits)
}
