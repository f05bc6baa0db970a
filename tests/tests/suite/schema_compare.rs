//! `cargo migrate schema diff`: a database, a folder, a git revision, a file, each with each.

use std::process::Command;

use migrate_tests::TestEnvironment;

fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration(
        "0001_orders",
        "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n",
        "DROP TABLE orders;\n",
    );
    environment.migration(
        "0002_total",
        "ALTER TABLE orders ADD COLUMN total numeric(12,2);\n",
        "ALTER TABLE orders DROP COLUMN total;\n",
    );
    environment
}

fn git(environment: &TestEnvironment, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"]);
    let output = git.args(arguments).current_dir(environment.project()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_two_of_them() {
    let environment = project();
    git(&environment, &["init", "--quiet"]);
    git(&environment, &["add", "migrations"]);
    git(&environment, &["commit", "--quiet", "-m", "x"]);
    environment.migration(
        "0003_index",
        "CREATE INDEX orders_note ON orders (note);\n",
        "DROP INDEX orders_note;\n",
    );
    environment.run(&["up"]).success();
    let snapshot = environment.run(&["schema", "--no-owners", "--no-grants"]).success().stdout.clone();
    environment.write("now.snap", snapshot);
    // With owners in it, which are not compared.
    environment.write("owners.txt", &environment.run(&["schema"]).success().stdout);
    let script = "\\restrict abc\nSET check_function_bodies = off;\nCREATE TABLE orders (id bigint PRIMARY KEY, note text, total numeric(12,2));\n\
                  CREATE INDEX orders_note ON orders (note);\n\\unrestrict abc\n";
    environment.write("schema.sql", script);
    for other in ["migrations", "@3", "dir:migrations@0003_index", "now.snap", "owners.txt", "schema.sql"] {
        let same = environment.run(&["schema", "diff", "database", other]);
        assert!(same.success().stdout.contains(" have the same schema"), "{other}: {}", same.stdout);
    }
    for older in ["HEAD", "main", "git:main", "migrations@2", "@0002_total", "git:HEAD@2"] {
        let differs = environment.run(&["schema", "diff", older, "database"]);
        let text = &differs.expect(8).stdout;
        assert!(text.contains("  table public.orders\n+     index orders_note "), "{older}: {text}");
        assert!(text.ends_with("1 object differs\n"), "{text}");
    }
    let by_url = ["schema", "diff", environment.database().url(), "HEAD@1"];
    let back = environment.run(&by_url);
    assert!(back.expect(8).stdout.contains("-     column total numeric(12,2)"), "{}", back.stdout);
    let ignored = ["schema", "diff", "HEAD", "database", "--ignore", "index public.orders.*"];
    environment.run(&ignored).success();
    // Both readings.
    git(&environment, &["branch", "migrations"]);
    let refused = environment.run(&["schema", "diff", "migrations", "database"]);
    let text = &refused.expect(5).stderr;
    assert!(
        text.contains("`migrations` can mean the folder migrations or the git revision migrations"),
        "{text}"
    );
    assert!(text.contains("hint: write `dir:migrations` or `git:migrations`"), "{text}");
}

#[test]
fn the_difference_as_a_person_and_a_program_read_it() {
    let environment = project();
    environment.write("old.snap", "table public.moved\n    column a integer\n    column b integer\n\ntable public.orders\n    column id bigint not null\n    column total integer\n\nview public.gone\n    column x integer\n");
    environment.write("new.snap", "table public.moved\n    column b integer\n    column a integer\n\ntable public.made\n    column a integer\n\ntable public.orders\n    column id bigint not null\n    column total numeric(12,2)\n");
    let output = environment.run(&["schema", "diff", "old.snap", "new.snap"]);
    insta::assert_snapshot!(output.expect(8).stdout);
    let json = environment.run(&["schema", "diff", "old.snap", "new.snap", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json.expect(8).stdout).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    environment.write("order.snap", "table public.t\n    column a integer\n    column b integer\n");
    environment.write("other.snap", "table public.t\n    column b integer\n    column a integer\n");
    let order = environment.run(&["schema", "diff", "order.snap", "other.snap"]);
    assert!(
        order
            .expect(8)
            .stdout
            .ends_with("1 object with the same columns in another order, nothing else differs\n"),
        "{}",
        order.stdout
    );
    let nasty = environment.write("nasty.snap", "function public.f()\n    definition\n    |\u{1b}[2J\n");
    let shown = environment.run(&["schema", "diff", nasty.to_str().unwrap(), "new.snap"]);
    assert!(shown.expect(8).stdout.contains("|\\u{1b}[2J"), "{}", shown.stdout);
}

#[test]
fn what_cannot_be_read_is_told() {
    let environment = project();
    for (source, code, message) in [
        ("nowhere", 5, "`nowhere` is no folder, no file and no git revision"),
        ("@9", 5, "there is no migration `9`"),
        ("env:nowhere", 5, "nowhere"),
        ("file:nowhere.snap", 5, "nowhere.snap"),
        ("postgres://u@127.0.0.1:1/d", 6, "could not connect to postgres://u@127.0.0.1:1/d"),
    ] {
        let refused = environment.run(&["schema", "diff", source, "@1"]);
        let text = &refused.expect(code).stderr;
        assert!(text.contains(message), "{source}: {text}");
    }
    environment.write("broken.snap", "    column a integer\n");
    let refused = environment.run(&["schema", "diff", "broken.snap", "@1"]);
    assert!(
        refused.expect(5).stderr.contains("broken.snap: line 1: belongs to no object"),
        "{}",
        refused.stderr
    );
    environment.migration("0003_bad", "ALTER TABLE orders\n  ADD COLUMN totl nonsense;\n", "SELECT 1;\n");
    let failed = environment.run(&["schema", "diff", "migrations", "@1"]);
    assert!(failed.expect(2).stderr.contains("0003_bad.up.sql:2"), "{}", failed.stderr);
    environment.migration("0003_bad", "CREATE EXTENSION no_such_extension;\n", "SELECT 1;\n");
    let lacks = environment.run(&["schema", "diff", "migrations", "@1"]);
    let text = &lacks.expect(5).stderr;
    assert!(text.contains("`0003_bad` needs the extension no_such_extension, which PostgreSQL"), "{text}");
    assert!(text.contains("hint: install it"), "{text}");
}
