//! What the documentation tells people to type is typed here: every command, every query and every setting of its code
//! blocks, as printed but for what stands in a list with a reason. The runbook has a test of its own.

use std::collections::BTreeSet;

use migrate_tests::{Output, TestEnvironment, binaries, skip};

/// The code blocks of a language in a page.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(binaries::workspace().join(page)).unwrap();
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.split('\n') {
        match &mut block {
            Some(open) if line == "```" => {
                blocks.push(std::mem::take(open));
                block = None;
            }
            Some(open) => *open += &format!("{line}\n"),
            None if line == format!("```{language}") => block = Some(String::new()),
            None => {}
        }
    }
    assert!(block.is_none(), "{page}: a block does not end");
    blocks
}

/// The commands of a page's `sh` blocks, one a line, without the comments behind them.
pub(crate) fn commands(page: &str) -> Vec<String> {
    let lines = blocks(page, "sh").concat();
    let lines = lines.split('\n').map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Runs a command as a person types it, where cargo finds the program as an installed one.
#[track_caller]
pub(crate) fn typed(environment: &TestEnvironment, command: &str) -> Output {
    let folder = binaries::program("cargo-migrate").parent().unwrap();
    let path = format!("PATH=\"{}:$PATH\"; {command}", folder.display());
    environment.capture(environment.program("sh").args(["-ec", &path]))
}

#[test]
fn the_quick_start() {
    let mut environment = TestEnvironment::without_database();
    std::fs::remove_dir(environment.path("migrations")).unwrap();
    let production = migrate_testing::scratch().unwrap();
    environment.set_var("PRODUCTION_DATABASE_URL", production.url());
    let all = commands("README.md");
    // The first two are for the clone: one is run below on a copy, the other runs this test. The third needs minutes.
    let elsewhere = ["cargo migrate up", "cargo test --workspace", "cargo install --path cargo-migrate"];
    assert_eq!(&all[..3], elsewhere);
    let mut told = 0;
    for command in &all[3..] {
        if command.starts_with("cargo migrate ci init") {
            // From here on a team's repository is meant, with a branch on its server.
            for git in [
                "init --quiet --initial-branch=main",
                "-c user.name=x -c user.email=x@example.org commit --quiet --allow-empty -m x",
                "update-ref refs/remotes/origin/main HEAD",
            ] {
                typed(&environment, &format!("git {git}")).success();
            }
        }
        if command.contains("--env production") && !environment.read("Cargo.toml").contains("env.production")
        {
            let settings =
                blocks("README.md", "toml").into_iter().find(|block| block.contains("env.production"));
            environment.write("Cargo.toml", environment.read("Cargo.toml") + "\n" + &settings.unwrap());
        }
        let output = typed(&environment, command);
        output.success();
        if command == "cargo migrate status" {
            assert!(output.stdout.contains("1 applied"), "{}", output.stdout);
            told += 1;
        }
    }
    assert_eq!(told, 1);
    assert!(environment.read("review.md").contains("create_customers"));
    assert!(environment.read("migrations/schema.sql.snap").contains("table public.customers"));

    // The other verbs of the README's table, in the project that this made.
    for (command, code) in [
        ("cargo migrate status --check", 0),
        ("cargo migrate down", 0),
        ("cargo migrate status --check", 8),
        ("cargo migrate up --dry-run", 0),
        ("cargo migrate up", 0),
        ("cargo migrate redo", 0),
        ("cargo migrate history", 0),
        ("cargo migrate lock --check", 0),
        ("cargo migrate repair", 0),
        ("cargo migrate new --template help", 0),
        ("cargo migrate down --all", 0),
        ("cargo migrate local stop", 0),
    ] {
        typed(&environment, command).expect(code);
    }
}

#[test]
fn the_clones_own_migrations_on_a_fresh_clone() {
    let environment = TestEnvironment::without_database();
    let (from, to) = (binaries::workspace().join("migrations"), environment.path("migrations"));
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
    let manifest = std::fs::read_to_string(binaries::workspace().join("Cargo.toml")).unwrap();
    let metadata =
        manifest.split("[workspace.metadata.migrate]").nth(1).unwrap().split("\n\n").next().unwrap();
    environment.write(
        "Cargo.toml",
        environment.read("Cargo.toml") + &format!("[workspace.metadata.migrate]{metadata}\n"),
    );
    let up = typed(&environment, "cargo migrate up");
    assert!(up.success().stdout.contains("19 migrations applied"), "{}", up.stdout);
    typed(&environment, "cargo migrate down --steps 2 && cargo migrate up && cargo migrate lock --check")
        .success();
}

/// Every `cargo migrate …` that stands in running text is one that the program understands.
#[test]
fn commands_in_running_text_are_understood() {
    let environment = TestEnvironment::without_database();
    let mut seen = BTreeSet::new();
    let mut pages = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned(), "CHANGELOG.md".to_owned()];
    for entry in std::fs::read_dir(binaries::workspace().join("docs")).unwrap() {
        pages.push(format!("docs/{}", entry.unwrap().file_name().into_string().unwrap()));
    }
    for page in pages {
        let text = std::fs::read_to_string(binaries::workspace().join(&page)).unwrap();
        for code in text.split('`').skip(1).step_by(2) {
            let Some(rest) = code
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .strip_prefix("cargo migrate ")
                .map(str::to_owned)
            else {
                continue;
            };
            // Placeholders and alternatives are not for typing, and where the output goes is the shell's.
            if rest.contains(['…', '|', '[', '\\', '>']) || !seen.insert(rest.clone()) {
                continue;
            }
            let arguments: Vec<_> = rest.split(' ').chain(["--help"]).collect();
            let output = environment.run(&arguments);
            assert_eq!(output.code, 0, "{page}: `cargo migrate {rest}`: {}", output.stderr);
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
}

#[test]
fn the_configurations_settings() {
    let mut environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["lock"]).success();
    let url = environment.database().url().to_owned();
    environment.remove_var("DATABASE_URL");
    let manifest = environment.read("Cargo.toml");
    let settings = blocks("docs/configuration.md", "toml").concat();
    environment.write("Cargo.toml", format!("{manifest}{settings}"));
    environment.set_var("STAGING_DATABASE_URL", &url).set_var("PRODUCTION_DATABASE_URL", &url);
    environment.run(&["up", "--env", "staging"]).success();
    environment.run(&["status", "--check", "--env", "production", "-v"]).success();
    environment.run(&["down", "--env", "production"]).expect(1);
    for command in commands("docs/configuration.md") {
        let output = typed(&environment, &format!("{command} </dev/null"));
        // Nobody is there to say yes.
        output.expect(if command.ends_with("local reset") { 1 } else { 0 });
    }
}

/// The lines for monitoring systems, on a database that is well, on one that is not and on none.
#[test]
fn what_monitoring_systems_run() {
    let mut environment = TestEnvironment::new();
    environment.write(
        "Cargo.toml",
        environment.read("Cargo.toml")
            + "\n[package.metadata.migrate.env.production]\ndatabase = \"env:DATABASE_URL\"\n",
    );
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["lock"]).success();
    let all = commands("docs/health.md");
    let [human, json, nagios, prometheus] = all.as_slice() else { panic!("{all:?}") };
    if environment.capture(environment.program("sh").args(["-c", "jq --version"])).code != 0 {
        skip!("jq is not installed");
    }
    let look = |environment: &TestEnvironment, code: i32, first: &str, prom: &[&str]| {
        for command in [human, json] {
            typed(environment, command);
        }
        let output = typed(environment, nagios);
        assert!(output.expect(code).stdout.starts_with(first), "{}", output.stdout);
        assert_eq!(output.stdout.trim_end().split('\n').count(), 1, "{}", output.stdout);
        typed(environment, prometheus).success();
        let text = environment.read("migrate.prom");
        assert_eq!(text.split_terminator('\n').collect::<Vec<_>>(), prom);
    };
    let none = "migrate_backup_age_seconds NaN";
    look(
        &environment,
        2,
        "needs attention: pending: postgres://",
        &["migrate_healthy 0", "migrate_pending 1", "migrate_dirty 0", none],
    );
    environment.run(&["up"]).success();
    let well = ["migrate_healthy 1", "migrate_pending 0", "migrate_dirty 0"];
    look(&environment, 0, "healthy: postgres://", &[&well[..], &[none]].concat());
    environment.run(&["--env", "production", "backup", "create"]).success();
    typed(&environment, prometheus).success();
    let age = environment.read("migrate.prom");
    let age = age.trim_end().rsplit_once("migrate_backup_age_seconds ").unwrap().1;
    assert!(age.parse::<u32>().unwrap() < 3600, "{age}");
    environment.set_var("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    look(
        &environment,
        2,
        "error: ",
        &["migrate_healthy 0", "migrate_pending NaN", "migrate_dirty NaN", none],
    );
    environment.remove_var("DATABASE_URL");
    let output = typed(&environment, nagios);
    output.expect(3);
}

#[test]
fn the_files_directives() {
    let environment = TestEnvironment::new();
    for (number, head) in blocks("docs/files.md", "sql").iter().enumerate() {
        environment.migration(&format!("{:04}_a", number + 1), &format!("{head}SELECT 1;\n"), "SELECT 1;\n");
    }
    environment.run(&["up"]).success();
    environment.run(&["status", "--check"]).success();
}
