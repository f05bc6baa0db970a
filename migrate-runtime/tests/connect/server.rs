//! A PostgreSQL of the test's own: a data folder, a socket folder and a port, gone when dropped.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use migrate_runtime::Database;
use tempfile::TempDir;

/// Which roles exist, and what each may do over TCP; over the socket everybody may connect.
const ROLES: &str = "\
    CREATE ROLE anyhow LOGIN;\
    CREATE ROLE only_tls LOGIN;\
    CREATE ROLE only_plain LOGIN;\
    CREATE ROLE certified LOGIN;\
    SET password_encryption = 'scram-sha-256';\
    CREATE ROLE scram LOGIN PASSWORD 'Canary p@ss:/%w''ord';";

const HBA: &str = "\
local   all all                       trust\n\
hostssl   all only_tls   127.0.0.1/32 trust\n\
host      all only_tls   127.0.0.1/32 reject\n\
hostnossl all only_plain 127.0.0.1/32 trust\n\
host      all only_plain 127.0.0.1/32 reject\n\
hostssl   all certified  127.0.0.1/32 cert\n\
host      all scram      127.0.0.1/32 scram-sha-256\n\
host      all all        127.0.0.1/32 trust\n";

/// The password of the role `scram`, as a word of its own and percent-encoded.
pub const PASSWORD: &str = "Canary p@ss:/%w'ord";
pub const PASSWORD_IN_URL: &str = "Canary%20p%40ss%3A%2F%25w%27ord";

/// Certificate and key of the server in PEM, and of the authority that signs its clients.
pub struct ServerTls {
    pub certificate: String,
    pub key: String,
    pub client_authority: String,
}

pub struct Server {
    pub folder: TempDir,
    pub port: u16,
    child: Child,
}

impl Server {
    /// Starts a server. `None`, with a word about it, where there is no PostgreSQL; in CI that is a failure.
    pub fn start(tls: Option<ServerTls>) -> Option<Self> {
        let Some(bin) = binaries() else {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: initdb and postgres were not found");
            eprintln!("skipped: no PostgreSQL: initdb and postgres were not found");
            return None;
        };
        let mut folder = tempfile::Builder::new().prefix("connect-").tempdir().unwrap();
        let owner = owner();
        give(folder.path(), owner, 0o755);
        let data = folder.path().join("data");
        run(as_owner(Command::new(bin.join("initdb")), owner)
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data));
        write(&data.join("pg_hba.conf"), HBA, owner);
        let mut settings = "fsync = off\nlisten_addresses = '127.0.0.1'\n".to_owned();
        if let Some(tls) = tls {
            write(&data.join("server.crt"), &tls.certificate, owner);
            write(&data.join("server.key"), &tls.key, owner);
            write(&data.join("clients.crt"), &tls.client_authority, owner);
            settings += "ssl = on\nssl_ca_file = 'clients.crt'\n";
        }
        write(&data.join("postgresql.auto.conf"), &settings, owner);

        // A port that is free now may be taken a moment later: then the server ends, and another is tried.
        for _ in 0..5 {
            let port = free_port();
            let child = as_owner(Command::new(bin.join("postgres")), owner)
                .arg("-D")
                .arg(&data)
                .args(["-p", &port.to_string(), "-k"])
                .arg(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut server = Self { folder, port, child };
            if server.is_up() {
                server.sql(ROLES);
                return Some(server);
            }
            // The folder is taken out before `server` would delete it.
            let _ = server.child.wait();
            folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
        }
        panic!("the server did not start");
    }

    /// Waits for an answer; false where the server ended.
    fn is_up(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let database = self.over_socket();
            if block_on(async { database.connect("wait").await.is_ok() }) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server did not answer");
    }

    /// As the superuser, over the socket.
    pub fn over_socket(&self) -> Database {
        let folder = self.folder.path().display();
        self.database(&format!("postgres://postgres@/postgres?host={folder}&port={}", self.port))
    }

    /// With nothing but what the text says.
    pub fn database(&self, text: &str) -> Database {
        resolve(text).unwrap()
    }

    /// Runs SQL as the superuser.
    pub fn sql(&self, sql: &str) {
        let database = self.over_socket();
        block_on(async {
            let (client, link) = database.connect("sql").await.unwrap();
            tokio::spawn(link.run(|_| {}));
            client.batch_execute(sql).await.unwrap();
        });
    }

    /// What psql makes of the same text: whether the connection is encrypted; `None` where it cannot connect.
    #[cfg(feature = "tls")]
    pub fn psql(&self, text: &str) -> Option<bool> {
        let output = Command::new(binaries().unwrap().join("psql"))
            .env_clear()
            .env("HOME", "/nonexistent")
            .args(["-XAtw", "-d", text, "-c", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"])
            .output()
            .unwrap();
        output.status.success().then(|| output.stdout == b"t\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Immediate shutdown; a SIGKILL would leave its children behind.
        let _ = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// Settings in an environment that has nothing in it.
pub fn resolve(text: &str) -> Result<Database, migrate_runtime::Error> {
    Database::resolve(Some(text), &|name| (name == "HOME").then(|| "/nonexistent".to_owned()))
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The folder with initdb, postgres and psql.
fn binaries() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok();
    let named = output.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    named
        .into_iter()
        .chain(debian.into_iter().rev())
        .chain(std::env::split_paths(&path))
        .find(|folder| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file()))
}

/// Another user to run the server as, where we are root: PostgreSQL refuses root.
fn owner() -> Option<(u32, u32)> {
    let me = std::fs::metadata("/proc/self").map(|me| std::os::unix::fs::MetadataExt::uid(&me)).unwrap_or(1);
    if me != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let user = ["postgres:", "nobody:"]
        .iter()
        .find_map(|name| users.split('\n').find(|line| line.starts_with(name)))
        .unwrap();
    let fields: Vec<&str> = user.split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

fn as_owner(mut command: Command, owner: Option<(u32, u32)>) -> Command {
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

fn give(path: &Path, owner: Option<(u32, u32)>, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    if let Some((user, group)) = owner {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

fn write(path: &Path, text: &str, owner: Option<(u32, u32)>) {
    std::fs::write(path, text).unwrap();
    give(path, owner, 0o600);
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
