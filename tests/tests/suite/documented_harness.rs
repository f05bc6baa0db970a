//! The pages about the safety harness: every command of their `sh` blocks is typed, in the order of the pages, by a user who
//! has read so far. Where a question would be asked the answer is `--yes`; names with a time in them are those of here.

use migrate_tests::production::has_pg_dump;
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Output, TestEnvironment, skip};

use crate::documented_commands::{blocks, commands, typed};

/// A shop on a server of its own, called as on the pages, `orders` and what else they name in it.
fn shop(cluster: &Cluster) -> TestEnvironment {
    cluster.admin().batch_execute("CREATE ROLE app LOGIN SUPERUSER").unwrap();
    cluster.admin().batch_execute("CREATE DATABASE shop OWNER app").unwrap();
    let mut environment = TestEnvironment::without_database();
    let settings = blocks("docs/deploy.md", "toml").concat();
    environment.write("Cargo.toml", environment.read("Cargo.toml") + &settings);
    environment.migration(
        "0001_create_orders",
        "CREATE TABLE orders (id int PRIMARY KEY, total int NOT NULL);\n\
         CREATE TABLE events_1 (id int);\nINSERT INTO orders SELECT n, n FROM generate_series(1, 1000) AS n;\n",
        "DROP TABLE events_1;\nDROP TABLE orders;\n",
    );
    let port = cluster.server().port().to_string();
    let url = format!("postgres://app@127.0.0.1:{port}/shop");
    environment.set_var("DATABASE_URL", &url).set_var("PRODUCTION_DATABASE_URL", &url);
    // For the programs that are typed without an address.
    environment.set_var("PGHOST", "127.0.0.1").set_var("PGPORT", &port).set_var("PGUSER", "app");
    environment.run(&["up"]).success();
    environment.migration(
        "0010_add_notes",
        "ALTER TABLE orders ADD COLUMN note text;\nUPDATE orders SET total = total + 1;\n",
        "ALTER TABLE orders DROP COLUMN note;\n",
    );
    environment.run(&["lock"]).success();
    environment
}

#[test]
fn every_command_on_the_pages_of_the_harness() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let cluster = Cluster::builder().tcp().start();
    let environment = shop(&cluster);
    let type_in = |command: &str| -> Output { typed(&environment, command) };

    // A backup of each form, and each of them restored by hand, as the page says.
    let (backup, by_hand): (Vec<_>, Vec<_>) =
        commands("docs/backup.md").into_iter().partition(|command| command.starts_with("cargo migrate"));
    let [createdb, custom, directory, plain] = &by_hand[..] else { panic!("{by_hand:?}") };
    let mut restored_by_hand = 0;
    for command in &backup {
        let asks = if command.contains("prune") { " --yes" } else { "" };
        type_in(&format!("{command}{asks}")).success();
        let restore = match command.strip_prefix("cargo migrate backup create") {
            Some("") => custom,
            Some(rest) if rest.contains("directory") => directory,
            Some(rest) if rest.contains("plain") => plain,
            _ => continue,
        };
        type_in(&format!("dropdb --if-exists shop_restored && {createdb} && {restore}")).success();
        let mut copy = postgres::Client::connect(&cluster.url("shop_restored"), postgres::NoTls).unwrap();
        assert_eq!(answer(&mut copy, "SELECT count(*) FROM orders"), "1000", "{restore}");
        drop(copy);
        type_in("dropdb shop_restored").success();
        restored_by_hand += 1;
    }
    assert_eq!(restored_by_hand, 3);

    for page in ["rehearse", "preflight", "deploy", "postflight", "health"] {
        for command in commands(&format!("docs/{page}.md")) {
            if command.ends_with("deploy --dry-run") {
                environment.migration("0012_c", "CREATE TABLE c (id int);\n", "DROP TABLE c;\n");
                environment.run(&["lock"]).success();
            }
            let output = type_in(&command);
            output.success();
            // What is typed does what its page is about, and not nothing.
            let nothing = ["nothing to", "nothing is pending"];
            if page != "preflight" {
                assert!(
                    !nothing.iter().any(|said| output.stdout.contains(said)),
                    "{command}: {}",
                    output.stdout
                );
            }
        }
    }

    let mut run = None;
    for command in commands("docs/records.md") {
        // A deployment and its postflight may end in one second: the time of one that is alone in its.
        let time = || {
            let listed = environment.run(&["report", "list"]).stdout;
            let ids = listed.split_whitespace().filter_map(|word| word.split_once("-report-"));
            let times: Vec<_> = ids.map(|(_, time)| time.to_owned()).collect();
            let alone =
                times.iter().find(|time| times.iter().filter(|other| other.starts_with(*time)).count() == 1);
            alone.unwrap_or_else(|| panic!("{listed}")).clone()
        };
        let command = command.replace("8c6660ba897c9e4f", run.as_deref().unwrap_or("8c6660ba897c9e4f"));
        let command = if command.contains("20261121T1930") {
            command.replace("20261121T1930", &time())
        } else {
            command
        };
        let output = type_in(&command);
        output.success();
        assert!(!output.stdout.trim().is_empty(), "{command}");
        if run.is_none() {
            run = Some(answer(
                &mut client(&cluster),
                "SELECT run FROM schema_migrations_log WHERE action = 'up' ORDER BY id DESC LIMIT 1",
            ));
        }
    }
}

fn client(cluster: &Cluster) -> postgres::Client {
    postgres::Client::connect(&cluster.url("shop"), postgres::NoTls).unwrap()
}
