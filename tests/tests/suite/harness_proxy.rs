//! The proxy itself: what it counts and what it breaks, in conversations whose every message is known.

use std::process::Command;
use std::time::{Duration, Instant};

use migrate_tests::proxy::{Action, Fault, Trigger, When};
use migrate_tests::{Cluster, Proxy, output, poll_until, until, wait};
use postgres::{Client, NoTls};

struct Fixture {
    cluster: Cluster,
    proxy: Proxy,
}

impl Fixture {
    fn new() -> Self {
        let cluster = Cluster::start();
        let proxy = Proxy::start(cluster.upstream());
        Self { cluster, proxy }
    }

    fn client(&self) -> Client {
        Client::connect(&self.proxy.url("postgres"), NoTls).unwrap()
    }

    fn sent(&self) -> Vec<String> {
        let records = self.proxy.records();
        let sent =
            records.iter().filter(|record| record.direction == migrate_tests::proxy::Direction::ToServer);
        sent.map(|record| record.name.clone()).collect()
    }
}

#[test]
fn a_known_conversation_is_counted() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    client.batch_execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)").unwrap();
    client.query("SELECT a FROM t WHERE a = $1", &[&1]).unwrap();
    client.close().unwrap();
    until("the goodbye", || fixture.sent().last().is_some_and(|name| name == "Terminate"));
    let expected = [
        "Startup",
        "Query",
        "Parse",
        "Describe",
        "Sync",
        "Bind",
        "Execute",
        "Sync",
        "Close",
        "Sync",
        "Terminate",
    ];
    assert_eq!(fixture.sent(), expected, "{}", fixture.proxy.transcript());
    let traffic = fixture.proxy.traffic();
    assert_eq!(traffic.connections, 1);
    assert_eq!(traffic.to_server, expected.len());
    // Startup, the batch, Parse, Execute, Close.
    assert_eq!(traffic.round_trips, 5, "{}", fixture.proxy.transcript());
    let records = fixture.proxy.records();
    let tags: Vec<_> = records.iter().filter(|record| record.name == "CommandComplete").collect();
    let tags: Vec<_> = tags.iter().map(|record| record.text.as_deref().unwrap()).collect();
    assert_eq!(tags, ["CREATE TABLE", "INSERT 0 1", "SELECT 1"]);
    let bytes: usize = records.iter().map(|record| record.length).sum();
    assert_eq!(bytes, traffic.bytes_to_server + traffic.bytes_to_client);
    // The server saw the same.
    let mut client = fixture.client();
    fixture.proxy.reset();
    client.batch_execute("SELECT 1").unwrap();
    assert_eq!((fixture.proxy.traffic().to_server, fixture.proxy.traffic().round_trips), (1, 1));
}

#[test]
fn psql_asks_for_encryption_first_and_is_framed_all_the_same() {
    let fixture = Fixture::new();
    let psql = fixture.cluster.server().binaries().program("psql").unwrap();
    let mut command = Command::new(psql);
    command.args(["-X", "-A", "-t", "-c", "SELECT 40 + 2", &fixture.proxy.url("postgres")]);
    let output = output::capture(command.env("PGGSSENCMODE", "disable"));
    assert_eq!(output.success().stdout, "42\n");
    until("the goodbye", || fixture.sent().last().is_some_and(|name| name == "Terminate"));
    assert_eq!(fixture.sent(), ["SslRequest", "Startup", "Query", "Terminate"]);
    assert_eq!(fixture.proxy.traffic().round_trips, 3);
}

#[test]
fn a_client_is_killed_before_and_after_its_nth_message() {
    let fixture = Fixture::new();
    fixture.cluster.admin().batch_execute("CREATE TABLE t (a int)").unwrap();
    let psql = fixture.cluster.server().binaries().program("psql").unwrap();
    for (when, rows) in [(When::Before, "1"), (When::After, "2")] {
        let proxy = Proxy::start(fixture.cluster.upstream());
        // SslRequest, Startup, Query, Query, …
        proxy.arm(Fault::new(when, Trigger::Frontend(4), Action::Kill));
        let mut command = Command::new(&psql);
        command.args(["-X", "-c", "TRUNCATE t; INSERT INTO t VALUES (1)", "-c", "INSERT INTO t VALUES (2)"]);
        let running = output::spawn(command.arg(proxy.url("postgres")).env("PGGSSENCMODE", "disable"));
        proxy.target(running.pid());
        assert_eq!(running.wait().code, 137, "{}", proxy.transcript());
        assert!(proxy.struck());
        let mut admin = fixture.cluster.admin();
        let others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' \
                      AND pid <> pg_backend_pid()";
        poll_until(&mut admin, others, "0");
        assert_eq!(
            wait::answer(&mut admin, "SELECT count(*) FROM t"),
            rows,
            "{when:?}: {}",
            proxy.transcript()
        );
    }
}

#[test]
fn a_reply_is_lost_though_the_server_has_committed() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    fixture.proxy.arm(Fault::new(When::Before, Trigger::Tag("COMMIT".to_owned()), Action::Cut));
    let error = client.batch_execute("BEGIN; CREATE TABLE t (a int); COMMIT").unwrap_err();
    assert!(error.is_closed() || error.as_db_error().is_none(), "{error:?}");
    assert!(fixture.proxy.struck());
    // New connections are taken, and the truth is there.
    fixture.client().batch_execute("SELECT FROM t").unwrap();
}

#[test]
fn a_message_is_held_until_it_is_let_go() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    fixture.proxy.arm(Fault::new(When::Before, Trigger::Sql("INTO t".to_owned()), Action::Hold));
    let mark = fixture.cluster.log().mark();
    let working = std::thread::spawn(move || client.batch_execute("SELECT 1 INTO t"));
    fixture.proxy.wait_held();
    assert_eq!(fixture.cluster.log().count(mark, "INTO t"), 0);
    assert!(!working.is_finished());
    fixture.proxy.release();
    working.join().unwrap().unwrap();
    assert_eq!(fixture.cluster.log().count(mark, "INTO t"), 1);
}

#[test]
fn replies_are_swallowed_without_closing_anything() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    fixture.proxy.arm(Fault::new(When::Before, Trigger::Tag("CREATE TABLE".to_owned()), Action::Swallow));
    let working = std::thread::spawn(move || client.batch_execute("CREATE TABLE t (a int)"));
    fixture.proxy.wait_struck(1);
    poll_until(&mut fixture.cluster.admin(), "SELECT count(*) FROM pg_class WHERE relname = 't'", "1");
    assert!(!working.is_finished());
    fixture.proxy.cut();
    working.join().unwrap().unwrap_err();
}

#[test]
fn a_black_hole_passes_nothing_on_and_can_be_filled() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    fixture.proxy.black_hole(true);
    let mark = fixture.cluster.log().mark();
    let working = std::thread::spawn(move || client.batch_execute("SELECT 'through'"));
    let url = fixture.proxy.url("postgres");
    let late = std::thread::spawn(move || Client::connect(&url, NoTls).map(drop));
    until("the second connection to be taken", || fixture.proxy.traffic().connections == 2);
    assert_eq!(fixture.cluster.log().count(mark, "through"), 0);
    assert!(!working.is_finished() && !late.is_finished());
    fixture.proxy.black_hole(false);
    working.join().unwrap().unwrap();
    late.join().unwrap().unwrap();
    assert_eq!(fixture.cluster.log().count(mark, "through"), 1);
}

#[test]
fn a_delay_is_paid_once_a_round_trip_in_each_direction() {
    let cluster = Cluster::start();
    let proxy = Proxy::with_delay(cluster.upstream(), Duration::from_millis(20));
    let mut client = Client::connect(&proxy.url("postgres"), NoTls).unwrap();
    let start = Instant::now();
    for _ in 0..5 {
        client.batch_execute("SELECT 1").unwrap();
    }
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200), "{took:?}");
    // A fault after a message waits until that one is delivered.
    proxy.arm(Fault::new(When::After, Trigger::Sql("TABLE t".to_owned()), Action::Cut));
    client.batch_execute("CREATE TABLE t (a int)").unwrap_err();
    poll_until(&mut cluster.admin(), "SELECT count(*) FROM pg_class WHERE relname = 't'", "1");
}
