//! The server goes away in the middle of a migration (T8): shut down, crashed, or one of its processes killed.
//!
//! The run ends with 6 and says what became of the migration: it asks the server once that is back.

use migrate_testing::StopMode;
use migrate_tests::gate::{HEAD, STAND};
use migrate_tests::invariant::{Effect, Migration};
use migrate_tests::proxy::{Action, Fault, Trigger, When};
use migrate_tests::subject::Goal;
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Gate, Proxy, Subject};

#[derive(Debug, Clone, Copy)]
enum Blow {
    Stop(StopMode),
    KillBackend,
}

const BLOWS: [Blow; 4] = [
    Blow::Stop(StopMode::Fast),
    Blow::Stop(StopMode::Immediate),
    Blow::Stop(StopMode::Kill),
    Blow::KillBackend,
];

impl Blow {
    fn strike(self, cluster: &Cluster, backend: i32) {
        match self {
            Blow::Stop(mode) => cluster.restart(mode),
            Blow::KillBackend => {
                cluster.kill_backend(backend);
                migrate_tests::until("the server to recover", || {
                    postgres::Client::connect(&cluster.url("postgres"), postgres::NoTls).is_ok()
                });
            }
        }
    }
}

fn subject() -> Subject {
    let gated = [HEAD, "CREATE TABLE orders (id int);\n", STAND, "INSERT INTO orders VALUES (1);\n"].concat();
    let migrations = [
        Migration {
            stem: "0001_create_accounts",
            up: "CREATE TABLE accounts (id int);\n",
            down: "DROP TABLE accounts;\n",
            effects: &[Effect::Relation("accounts")],
        },
        Migration {
            stem: "0002_create_orders",
            up: gated.leak(),
            down: "DROP TABLE orders;\n",
            effects: &[Effect::Relation("orders"), Effect::Rows("orders", "true", 1)],
        },
        Migration {
            stem: "0003_create_parcels",
            up: "CREATE TABLE parcels (id int);\n",
            down: "DROP TABLE parcels;\n",
            effects: &[Effect::Relation("parcels")],
        },
    ];
    Subject::with(Cluster::start(), &migrations)
}

#[test]
fn during_the_body() {
    let subject = subject();
    for blow in BLOWS {
        let database = subject.database(Goal::Up);
        let mut gate = Gate::close(&subject.cluster.url(&database));
        let running = subject.start(Goal::Up, &subject.cluster.url(&database));
        let backend = gate.wait_for_somebody();
        blow.strike(&subject.cluster, backend);
        gate.open();
        let ended = running.wait();
        let context = format!("{blow:?}: exit {}\n{}", ended.code, ended.stderr);
        assert_eq!(ended.code, 6, "{context}");
        assert!(ended.stderr.contains("0002_create_orders"), "{context}");
        assert!(ended.stderr.contains("the server had not committed it"), "{context}");
        subject.check(Goal::Up, &database, ended.code, &context);
    }
}

#[test]
fn during_the_commit() {
    let subject = subject();
    for blow in BLOWS {
        let database = subject.database(Goal::Up);
        let proxy = Proxy::start(subject.cluster.upstream());
        let mut gate = Gate::close(&subject.cluster.url(&database));
        let running = subject.start(Goal::Up, &proxy.url(&database));
        let backend = gate.wait_for_somebody();
        // The next COMMIT is that of the migration which stands at the gate; the server's word of it is not passed on.
        proxy.arm(Fault::new(When::Before, Trigger::Tag("COMMIT".to_owned()), Action::Hold));
        gate.open();
        proxy.wait_held();
        blow.strike(&subject.cluster, backend);
        proxy.cut();
        let ended = running.wait();
        let context = format!("{blow:?}: exit {}\n{}{}", ended.code, ended.stderr, proxy.transcript());
        assert_eq!(ended.code, 6, "{context}");
        assert!(ended.stderr.contains("0002_create_orders"), "{context}");
        // A commit that is not the run's last does not wait for the disk: a crash of the server may take it back. What is
        // said is what is so, and effect and record share their fate.
        let mut client = postgres::Client::connect(&subject.cluster.url(&database), postgres::NoTls).unwrap();
        let recorded =
            answer(&mut client, "SELECT count(*) FROM schema_migrations WHERE version LIKE '0002%'");
        let said =
            if recorded == "1" { "the server had committed it" } else { "the server had not committed it" };
        assert!(ended.stderr.contains(said), "{recorded} recorded, {context}");
        drop((proxy, client));
        subject.check(Goal::Up, &database, ended.code, &context);
    }
}
