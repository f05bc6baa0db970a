//! The servers of the harness: what can be done to them, and what they tell.

use migrate_testing::StopMode;
use migrate_tests::tls::Certificates;
use migrate_tests::{Cluster, PgBouncer, poll_until, skip, wait};
use postgres::{Client, NoTls};

#[test]
fn the_log_tells_what_was_executed() {
    let cluster = Cluster::start();
    let mut client = cluster.admin();
    let log = cluster.log();
    let mark = log.mark();
    client.batch_execute("BEGIN;\nCREATE TABLE t (a int);\nCOMMIT").unwrap();
    client.execute("INSERT INTO t VALUES ($1)", &[&7]).unwrap();
    client.batch_execute("SELECT 1/0").unwrap_err();
    let expected = ["BEGIN;\nCREATE TABLE t (a int);\nCOMMIT", "INSERT INTO t VALUES ($1)", "SELECT 1/0"];
    assert_eq!(log.statements(mark), expected);
    assert_eq!(log.count(mark, "t"), 2);
    let errors = log.errors(mark);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].text, "division by zero");
    assert_eq!(log.statements(log.mark()), Vec::<String>::new());
}

#[test]
fn a_restart_keeps_what_was_committed_and_nothing_else() {
    for mode in [StopMode::Fast, StopMode::Immediate, StopMode::Kill] {
        let cluster = Cluster::start();
        let mut client = cluster.admin();
        client.batch_execute("CREATE TABLE committed (); BEGIN; CREATE TABLE open ()").unwrap();
        client.batch_execute("COMMIT; BEGIN; CREATE TABLE open2 ()").unwrap();
        cluster.restart(mode);
        assert!(client.batch_execute("SELECT 1").is_err());
        let tables = "SELECT string_agg(relname, ',' ORDER BY 1) FROM pg_class \
                      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
        assert_eq!(wait::answer(&mut cluster.admin(), tables), "committed,open", "{mode:?}");
    }
}

#[test]
fn a_killed_backend_takes_everybody_along_and_the_server_recovers() {
    let cluster = Cluster::start();
    let (mut victim, mut bystander) = (cluster.admin(), cluster.admin());
    let pid: i32 = victim.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    cluster.kill_backend(pid);
    migrate_tests::until("the bystander to be thrown out", || bystander.batch_execute("SELECT 1").is_err());
    migrate_tests::until("the server to recover", || {
        Client::connect(&cluster.url("postgres"), NoTls).is_ok()
    });
}

#[test]
fn a_standby_follows_and_can_be_promoted() {
    let primary = Cluster::start();
    let standby = primary.standby();
    primary.admin().batch_execute("CREATE TABLE t (a int)").unwrap();
    let mut client = standby.admin();
    poll_until(&mut client, "SELECT count(*) FROM pg_class WHERE relname = 't'", "1");
    let error = client.batch_execute("INSERT INTO t VALUES (1)").unwrap_err();
    assert_eq!(error.code().unwrap().code(), "25006");
    client.batch_execute("SELECT pg_promote()").unwrap();
    client.batch_execute("INSERT INTO t VALUES (1)").unwrap();
}

#[test]
fn a_server_with_a_certificate_is_known_by_its_authority() {
    let certificates = Certificates::new(&["localhost", "127.0.0.1"]);
    let hba = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
    let cluster = Cluster::builder().tls(&certificates).hba(hba).start();
    let folder = tempfile::tempdir().unwrap();
    let psql = cluster.server().binaries().program("psql").unwrap();
    let ask = |root: &Certificates, mode: &str| {
        let root = root.write_authority(folder.path());
        let url = format!("{}?sslmode={mode}&sslrootcert={}", cluster.tcp_url("postgres"), root.display());
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let mut command = std::process::Command::new(&psql);
        migrate_tests::output::capture(command.args(["-X", "-A", "-t", "-c", sql, &url]))
    };
    assert_eq!(ask(&certificates, "verify-full").success().stdout, "t\n");
    let stranger = ask(&Certificates::new(&["localhost"]), "verify-ca");
    assert!(stranger.expect(2).stderr.contains("certificate verify failed"), "{}", stranger.stderr);
    assert!(ask(&certificates, "disable").expect(2).stderr.contains("no encryption"));
}

#[test]
fn a_pooler_gives_one_server_connection_to_many_clients() {
    let Some(program) = PgBouncer::program() else { skip!("pgbouncer is not installed") };
    let cluster = Cluster::start();
    let pooler = PgBouncer::start(program, &cluster, 1);
    let url = pooler.url("postgres");
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(&url, NoTls).unwrap()).collect();
    let pids: Vec<_> =
        clients.iter_mut().map(|client| wait::answer(client, "SELECT pg_backend_pid()")).collect();
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
    // Transaction pooling: what one sets, the next one has. This is why the engine holds no session lock.
    clients[0].batch_execute("SET lock_timeout = '7s'").unwrap();
    assert_eq!(wait::answer(&mut clients[1], "SHOW lock_timeout"), "7s");
}
