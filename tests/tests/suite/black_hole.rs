//! T10: a network that swallows everything without a word. What libpq's timeouts bound, ends within them: exit 6, with what
//! is known of the migration, and the server lets go of what the lost client held.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use migrate_tests::production::has_pg_dump;
use migrate_tests::{Cluster, TestEnvironment, binaries, nightly, output, poll_until, skip};

/// Two ends of a cable: the server is at one of them, the other is in a name space of its own.
struct Cable {
    name: String,
}

const SERVER: &str = "10.231.77.1";
const CLIENT: &str = "10.231.77.2";

fn ip(arguments: &[&str]) {
    let output = output::capture(Command::new("ip").args(arguments));
    assert_eq!(output.code, 0, "ip {arguments:?} (it takes root and iproute2): {}", output.stderr);
}

impl Cable {
    fn new() -> Self {
        let name = format!("mig{}", std::process::id());
        let (here, there) = (format!("{name}a"), format!("{name}b"));
        ip(&["netns", "add", &name]);
        let cable = Self { name };
        let name = cable.name.as_str();
        ip(&["link", "add", &here, "type", "veth", "peer", "name", &there, "netns", name]);
        ip(&["addr", "add", &format!("{SERVER}/30"), "dev", &here]);
        ip(&["link", "set", &here, "up"]);
        ip(&["-n", name, "addr", "add", &format!("{CLIENT}/30"), "dev", &there]);
        ip(&["-n", name, "link", "set", &there, "up"]);
        cable
    }

    /// From now on nothing arrives, in either direction. The client's end stays up: its system must not know.
    fn pull(&self) {
        ip(&["addr", "del", &format!("{SERVER}/30"), "dev", &format!("{}a", self.name)]);
        ip(&["link", "set", &format!("{}a", self.name), "arp", "off"]);
        // An answer of "no route" would be an answer.
        ip(&[
            "-n",
            &self.name,
            "neigh",
            "replace",
            SERVER,
            "lladdr",
            "02:00:00:00:00:01",
            "dev",
            &format!("{}b", self.name),
        ]);
    }

    fn command(&self, environment: &TestEnvironment, arguments: &[&str]) -> Command {
        let mut command = environment.program("ip");
        let program: PathBuf = binaries::program("cargo-migrate").to_owned();
        command.args(["netns", "exec", &self.name]).arg(program).arg("migrate").args(arguments);
        command
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // The name space takes its end along, and that the other.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

#[test]
fn a_migration_in_flight_is_given_up_within_the_limits() {
    nightly!();
    // Noticed within 3 s; asked for the truth for as long as the connection may take, 3 s a try.
    given_up(&["up"], Duration::from_secs(3 + 3 + 2));
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    // A deployment has a lock of its own, and more to ask: what became of it, where it is written down, who migrates.
    given_up(&["deploy"], Duration::from_secs(60));
}

/// One at a time: the addresses are fixed.
fn given_up(verb: &[&str], limit: Duration) {
    let cable = Cable::new();
    let cluster = Cluster::builder()
        .tcp()
        .setting("listen_addresses", SERVER)
        .hba(&format!("local all all trust\nhost all all {CLIENT}/32 trust\n"))
        .start();
    let database = cluster.database();
    let mut environment = TestEnvironment::without_database();
    environment.set_var(
        "DATABASE_URL",
        format!(
            "postgres://postgres@{SERVER}:{}/{}?connect_timeout=3&tcp_user_timeout=3000&keepalives_idle=1\
             &keepalives_interval=1&keepalives_count=3",
            cluster.server().port(),
            database.name()
        ),
    );
    environment.migration("0001_a", "CREATE TABLE a (id int);\nSELECT pg_sleep(600);\n", "DROP TABLE a;\n");
    let running = output::spawn(&mut cable.command(&environment, verb));
    let mut admin = cluster.admin();
    poll_until(&mut admin, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
    cable.pull();
    let pulled = Instant::now();
    let ended = running.wait();
    let took = pulled.elapsed();
    ended.expect(6);
    assert!(took < limit, "{verb:?}: {took:?}: {}", ended.stderr);
    assert!(ended.stderr.contains("0001_a"), "{verb:?}: {}", ended.stderr);
    // The server's end of the lost connections: noticed by its keepalives, 11 s after the last word.
    // The connection that watched holds nothing and is noticed when the system does.
    let ours = "SELECT coalesce(string_agg(application_name || ': ' || state || ': ' || query, '; '), '') \
                FROM pg_stat_activity WHERE application_name LIKE 'cargo-migrate%' AND backend_type = 'client backend' AND xact_start IS NOT NULL";
    poll_until(&mut admin, ours, "");
}

#[test]
fn a_server_that_does_not_answer_is_given_up_within_the_limit() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", format!("postgres://x@127.0.0.1:{port}/x?connect_timeout=2"));
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    // Built before the clock runs.
    binaries::program("cargo-migrate");
    let started = Instant::now();
    let ended = environment.run(&["up"]);
    ended.expect(6);
    assert!(started.elapsed() < Duration::from_secs(2 + 2), "{:?}", started.elapsed());
    assert!(ended.stderr.contains("no answer within 2 s"), "{}", ended.stderr);
}
