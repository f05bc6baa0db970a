//! One backup folder for several databases: each has its own `latest`, and nothing of another is pruned or restored.

use migrate_tests::{Cluster, TestEnvironment};
use serde_json::json;

use crate::backup_verify::document;

/// A project of two environments on two databases, staging a copy of production's server as far as its identity goes: both
/// are the database `shop` of one cluster each.
fn shops() -> (TestEnvironment, [Cluster; 2]) {
    let clusters = [Cluster::start(), Cluster::start()];
    let mut environment = TestEnvironment::without_database();
    for (name, cluster) in ["STAGING_URL", "PRODUCTION_URL"].into_iter().zip(&clusters) {
        cluster.admin().batch_execute("CREATE DATABASE shop").unwrap();
        environment.set_var(name, cluster.url("shop"));
        let mut client = postgres::Client::connect(&cluster.url("shop"), postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE TABLE orders AS SELECT '{name}' AS of")).unwrap();
    }
    let manifest = environment.read("Cargo.toml");
    environment.write(
        "Cargo.toml",
        format!(
            "{manifest}[package.metadata.migrate.env.staging]\ndatabase = \"env:STAGING_URL\"\n\
             [package.metadata.migrate.env.production]\ndatabase = \"env:PRODUCTION_URL\"\n"
        ),
    );
    (environment, clusters)
}

#[test]
fn staging_and_production_in_one_folder() {
    let (environment, clusters) = shops();
    let made = |of: &str| {
        let made = document(&environment, &["--env", of, "backup", "create"]);
        made["result"]["id"].as_str().unwrap().to_owned()
    };
    let told = |of: &str, verb: &str| {
        document(&environment, &["--env", of, "backup", verb])["result"]["id"].as_str().unwrap().to_owned()
    };
    let output = environment.run(&["--env", "production", "backup", "verify"]);
    assert!(output.expect(5).stderr.contains("there is no backup `latest` in "), "{}", output.stderr);
    let first = made("staging");
    let output = environment.run(&["--env", "production", "backup", "verify"]);
    let said = &output.expect(5).stderr;
    assert!(said.contains("there is no backup of `production` in "), "{said}");
    assert!(said.contains(", only of shop (staging)") && said.contains("by its id"), "{said}");
    let [old, production] = [made("production"), made("production")];
    let staging = made("staging");

    // The link is the newest of all; `latest` is the newest of one's own.
    assert_eq!((told("production", "show"), told("staging", "show")), (production.clone(), staging.clone()));
    assert_eq!(told("production", "verify"), production);
    let url = clusters[1].url("shop");
    let by_address = document(&environment, &["--database-url", &url, "backup", "show"]);
    assert_eq!(by_address["result"]["id"], json!(production));
    let listed = document(&environment, &["--env", "production", "backup", "list"]);
    let latest = listed["result"]["backups"].as_array().unwrap().iter().filter(|one| one["latest"] == true);
    assert_eq!(latest.map(|one| one["id"].as_str().unwrap()).collect::<Vec<_>>(), [production.as_str()]);
    let shown = environment.run(&["--env", "production", "backup", "list"]);
    assert!(shown.success().stdout.contains("shop (staging)"), "{}", shown.stdout);

    // What is not of it is taken only where that is said.
    let output = environment.run(&["--env", "production", "backup", "restore", &staging]);
    let said = &output.expect(1).stderr;
    assert!(
        said.contains(&format!("{staging} is a backup of shop (staging)")) && said.contains(&production),
        "{said}"
    );
    environment.run(&["--env", "production", "backup", "restore", "--into", "beside"]).success();
    let mut beside = postgres::Client::connect(&clusters[1].url("beside"), postgres::NoTls).unwrap();
    let of: String = beside.query_one("SELECT of FROM orders", &[]).unwrap().get(0);
    assert_eq!(of, "PRODUCTION_URL");

    // Pruned is one's own, or all, and of each the newest and the newest verified one stay.
    let output = environment.run(&["--env", "staging", "backup", "prune", "--keep", "0", "--yes"]);
    let said = &output.success().stdout;
    assert!(said.contains(&format!("removed: {first} of shop (staging)")), "{said}");
    assert!(said.contains("left alone: 2 backups of other databases in the folder (--all)"), "{said}");
    environment.run(&["--env", "production", "backup", "verify", &old]).success();
    let newer = made("production");
    let pruned = document(
        &environment,
        &["--env", "staging", "backup", "prune", "--all", "--keep", "0", "--older-than", "0h", "--yes"],
    );
    // `production` is verified too, and newer than the verified `old`.
    assert_eq!(pruned["result"]["removed"], json!([old]));
    assert_eq!((told("production", "show"), told("staging", "show")), (newer, staging));
}
