//! `cargo migrate schema`: the text, its digest, what is left out, and that nothing is written.

use migrate_runtime::core::Schema;
use migrate_tests::TestEnvironment;
use migrate_tests::wait::answer;

const MADE: &str = "
    CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,2) NOT NULL DEFAULT 0);
    CREATE VIEW totals AS SELECT sum(total) AS sum FROM orders;
    CREATE SCHEMA sales;
    CREATE TABLE sales.regions (name text);
    GRANT SELECT ON orders TO PUBLIC;";

fn made() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", MADE, "DROP SCHEMA sales CASCADE; DROP TABLE orders CASCADE;");
    environment.run(&["up"]).success();
    environment
}

#[test]
fn it_is_printed_as_it_can_be_read_again() {
    let environment = made();
    let text = environment.run(&["schema"]).success().stdout.clone();
    let schema = Schema::parse(&text).unwrap();
    assert_eq!(schema.text(), text);
    for line in [
        "table public.orders\n",
        "    column total numeric(12,2) not null default 0\n",
        "view public.totals\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("schema_migrations"), "our own tables are no part of it:\n{text}");
    // Into a file goes what was hashed.
    let digest = environment.run(&["schema", "--digest"]).success().stdout.clone();
    assert_eq!(digest.trim_end(), schema.digest().to_string());
    let portable = environment.run(&["schema", "--no-owners", "--no-grants"]).success().stdout.clone();
    let has = |word: &str, text: &str| text.contains(&format!("\n    {word} "));
    assert!(has("owner", &text) && has("grant", &text), "{text}");
    assert!(!has("owner", &portable) && !has("grant", &portable), "{portable}");
    let other =
        environment.run(&["schema", "--digest", "--no-owners", "--no-grants"]).success().stdout.clone();
    assert_eq!(other.trim_end(), Schema::parse(&portable).unwrap().digest().to_string());
}

#[test]
fn objects_are_chosen_by_pattern_and_kind() {
    let environment = made();
    let headings = |arguments: &[&str]| {
        let output = environment.run(&[&["schema"], arguments].concat());
        let schema = Schema::parse(&output.success().stdout).unwrap();
        schema.objects().map(|object| object.heading.clone()).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(headings(&["--kind", "table"]), "table public.orders, table sales.regions");
    assert_eq!(headings(&["--only", "public.*"]), "table public.orders, view public.totals");
    assert_eq!(headings(&["--kind", "table", "--exclude", "*sales.*"]), "table public.orders");
    assert_eq!(headings(&["--only", "nothing"]), "");
    let refused = environment.run(&["schema", "--only", "[a"]);
    assert!(
        refused.expect(5).stderr.contains("invalid value '[a' for '--only <PATTERN>'"),
        "{}",
        refused.stderr
    );
}

#[test]
fn json_has_each_object_with_its_facts() {
    let environment = made();
    let output = environment.run(&["schema", "--format", "json", "--kind", "table"]);
    let document: serde_json::Value = serde_json::from_str(&output.success().stdout).unwrap();
    let objects = &document["result"]["objects"];
    assert_eq!(objects[0]["object"], "table public.orders");
    assert_eq!((&objects[0]["kind"], &objects[0]["name"]), (&"table".into(), &"public.orders".into()));
    let facts: Vec<_> =
        objects[0]["facts"].as_array().unwrap().iter().filter_map(|fact| fact.as_str()).collect();
    assert!(facts.contains(&"column id bigint not null"), "{facts:?}");
    assert_eq!(document["result"]["digest"].as_str().unwrap().len(), 64);
}

#[test]
fn it_needs_nothing_but_connect_and_writes_nothing() {
    let environment = made();
    let mut client = environment.client();
    let name = environment.database().name();
    client
        .batch_execute(&format!(
            "DROP ROLE IF EXISTS looker_{name}; CREATE ROLE looker_{name} LOGIN;
             REVOKE ALL ON SCHEMA public FROM PUBLIC"
        ))
        .unwrap();
    let state = "SELECT md5(string_agg(c::text, ' ' ORDER BY oid)) FROM pg_class c WHERE relnamespace > 16000 OR \
                 relnamespace = 'public'::regnamespace";
    let before = answer(&mut client, state);
    let url = environment.database().url().replace("postgres@", &format!("looker_{name}@"));
    for arguments in [&["schema"][..], &["schema", "--digest"]] {
        let output = environment.run(&[arguments, &["--database-url", &url]].concat());
        assert!(!output.success().stdout.is_empty());
    }
    assert_eq!(answer(&mut client, state), before);
    client.batch_execute(&format!("DROP ROLE looker_{name}")).unwrap();
}
