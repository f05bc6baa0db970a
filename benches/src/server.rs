//! A throwaway PostgreSQL on disk, with the settings that a fresh installation has.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use migrate_testing::{Binaries, PostmasterFile, ServerUser, free_port};
use postgres::{Client, NoTls};

use crate::Result;

/// Gone with its data when it is dropped.
pub struct Server {
    pub binaries: Binaries,
    folder: PathBuf,
    pub port: u16,
    child: Child,
}

impl Server {
    pub fn start(parent: &Path, fsync: bool) -> Result<Self> {
        let user = ServerUser::current()?;
        let binaries = Binaries::find(None)?;
        let port = free_port()?;
        let folder = parent.join(format!("migrate-bench-{}", std::process::id()));
        user.private_folder(&folder)?;
        let data = folder.join("data");
        let mut initdb = Command::new(binaries.program("initdb")?);
        initdb.args([
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "--auth=trust",
            "--username=postgres",
            "-D",
        ]);
        let output = user.prepare(initdb.arg(&data)).output()?;
        if !output.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let mut postgres = Command::new(binaries.program("postgres")?);
        postgres.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        postgres.args(["-c", &format!("unix_socket_directories={}", folder.display())]);
        postgres.args(["-c", "listen_addresses=127.0.0.1"]);
        postgres.args(["-c", if fsync { "fsync=on" } else { "fsync=off" }]);
        let log = fs::File::create(folder.join("log"))?;
        user.prepare(&mut postgres).process_group(0).stdout(Stdio::null()).stderr(log);
        let mut server = Self { child: postgres.spawn()?, binaries, folder, port };
        let started = Instant::now();
        while !PostmasterFile::read(&data).is_some_and(|file| file.ready) {
            if started.elapsed() > Duration::from_secs(60) || server.child.try_wait()?.is_some() {
                let log = fs::read_to_string(server.folder.join("log")).unwrap_or_default();
                return Err(format!("the server did not start:\n{log}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Over the Unix socket. The folder is in the host's place and not in a parameter, as all drivers can read it.
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{host}:{}/{database}?sslmode=disable", self.port)
    }

    pub fn client(&self, database: &str) -> Result<Client> {
        Ok(Client::connect(&self.url(database), NoTls)?)
    }

    /// An empty database, and nothing left for the server to do from before that would disturb what is measured.
    pub fn fresh(&self, database: &str) -> Result<String> {
        let mut client = self.client("postgres")?;
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"))?;
        client.batch_execute(&format!("CREATE DATABASE {database}"))?;
        client.batch_execute("CHECKPOINT")?;
        Ok(self.url(database))
    }

    /// What the sessions that have ended took of the processors, of the user's and the system's time, in milliseconds.
    pub fn cpu(&self) -> Result<f64> {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        let pid = file.split('\n').next().unwrap_or_default();
        children_cpu(pid)
    }

    /// How many of the workload's tables and indexes are there: that a tool is fast has to come from something else
    /// than work left out.
    pub fn expect_items(&self, database: &str, count: usize) -> Result<()> {
        let sql = "SELECT count(*) FROM pg_class WHERE relname LIKE 'item\\_%' AND relkind IN ('r', 'i')";
        let found: i64 = self.client(database)?.query_one(sql, &[])?.get(0);
        if found != 2 * count as i64 {
            return Err(format!("{found} tables and indexes where {} should be", 2 * count).into());
        }
        Ok(())
    }
}

/// What the children of a process (`self`, or a number) took that have ended and were waited for, with their own, in
/// milliseconds.
pub fn children_cpu(pid: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may have anything in it. The fields cutime and cstime (proc(5)) are the 14th and 15th after
    // it, in hundredths of a second on every Linux.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 =
        fields.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks * 10.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(postgres) = self.binaries.program("pg_ctl")
            && let Ok(user) = ServerUser::current()
        {
            let mut stop = Command::new(postgres);
            stop.args(["stop", "-s", "-m", "fast", "-D"]).arg(self.folder.join("data"));
            let _ = user.prepare(&mut stop).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
