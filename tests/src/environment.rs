//! A project of its own in a cleared environment, and the real program run in it.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use migrate_testing::{LocalServer, ScratchDatabase};
use postgres::Client;
use tempfile::TempDir;

use crate::output::{self, CANARY, Output, Running};
use crate::{Redactor, binaries};

/// A project in a temporary folder, whose commands see no setting of the machine's and, in `DATABASE_URL`, an empty
/// database of their own, with the canary as password.
#[derive(Debug)]
pub struct TestEnvironment {
    folder: TempDir,
    database: Option<ScratchDatabase>,
    variables: BTreeMap<OsString, OsString>,
    /// The files into which the test itself wrote the canary.
    secret: Mutex<HashSet<PathBuf>>,
}

impl TestEnvironment {
    /// A project with an empty `migrations` folder and a database.
    ///
    /// # Panics
    ///
    /// Where the project or the database cannot be made, as everything here does.
    pub fn new() -> Self {
        let database =
            migrate_testing::scratch().unwrap_or_else(|error| panic!("{error}: {:?}", error.hint()));
        let mut environment = Self::without_database();
        environment.set_var("DATABASE_URL", with_password(database.url(), CANARY));
        environment.database = Some(database);
        environment
    }

    /// A project whose commands are told of no database.
    pub fn without_database() -> Self {
        let folder = tempfile::Builder::new().prefix("migrate-test-").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let environment = Self { folder, database: None, variables: cleared(), secret: Mutex::default() };
        let home = environment.folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let mut environment = environment;
        environment.set_var("HOME", home);
        environment.write(
            "Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n",
        );
        environment.write("src/lib.rs", "//! A project to migrate.\n");
        std::fs::create_dir(environment.path("migrations")).unwrap();
        environment
    }

    /// The project's folder.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    /// A path in the project.
    pub fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        self.project().join(file)
    }

    /// Writes a file of the project, and the folders above it.
    pub fn write(&self, file: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if output::leaks(&String::from_utf8_lossy(text.as_ref())) {
            self.secret.lock().unwrap().insert(path.clone());
        }
        path
    }

    /// Writes both halves of a migration.
    pub fn migration(&self, stem: &str, up: &str, down: &str) -> &Self {
        self.write(format!("migrations/{stem}.up.sql"), up);
        self.write(format!("migrations/{stem}.down.sql"), down);
        self
    }

    /// Reads a file of the project.
    pub fn read(&self, file: impl AsRef<Path>) -> String {
        let path = self.path(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Removes a file of the project.
    pub fn remove(&self, file: impl AsRef<Path>) {
        let path = self.path(file);
        std::fs::remove_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Sets an environment variable of all later commands.
    pub fn set_var(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Takes an environment variable away from all later commands.
    pub fn remove_var(&mut self, name: &str) -> &mut Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// `cargo migrate …`, as cargo runs it, in the project.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = self.program(binaries::program("cargo-migrate"));
        command.arg("migrate").args(arguments);
        command
    }

    /// Any program, in the project and in this environment.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables).current_dir(self.project());
        command
    }

    /// Runs `cargo migrate …` to its end.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        self.capture(&mut self.command(arguments))
    }

    /// Runs a command to its end and searches the project for the canary, too.
    #[track_caller]
    pub fn capture(&self, command: &mut Command) -> Output {
        let output = output::capture(command);
        self.search_files();
        output
    }

    /// Starts `cargo migrate …`.
    #[track_caller]
    pub fn spawn<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Running {
        output::spawn(&mut self.command(arguments))
    }

    /// The database.
    #[track_caller]
    pub fn database(&self) -> &ScratchDatabase {
        self.database.as_ref().expect("this environment was made without a database")
    }

    /// A connection to the database.
    #[track_caller]
    pub fn client(&self) -> Client {
        self.database().connect().unwrap()
    }

    /// A redactor that knows this environment's folders.
    pub fn redactor(&self) -> Redactor {
        let mut redactor =
            Redactor::new().path(&self.project(), "[project]").path(self.folder.path(), "[folder]");
        if let Some(migrate_host) = self.database.as_ref().and_then(|database| host(database.url())) {
            redactor = redactor.literal(migrate_host, "[sockets]");
        }
        redactor
    }

    /// Fails where a file that a program wrote has the canary in it.
    ///
    /// # Panics
    ///
    /// Then.
    #[track_caller]
    pub fn search_files(&self) {
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, kind) = (entry.path(), entry.file_type());
                if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
                    folders.push(path);
                } else if kind.is_ok_and(|kind| kind.is_file())
                    && !self.secret.lock().unwrap().contains(&path)
                {
                    let text = std::fs::read(&path).unwrap_or_default();
                    assert!(
                        !output::leaks(&String::from_utf8_lossy(&text)),
                        "the password is in {}",
                        path.display()
                    );
                }
            }
        }
    }
}

impl Default for TestEnvironment {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        // A local server that a command started outlives it, and must not outlive its folder.
        let target = self.path("target");
        if target.join("migrate-local").is_dir() {
            let _ = LocalServer::new(target).reset();
        }
    }
}

/// The variables that every command gets: what programs are found with, and what makes outputs equal.
fn cleared() -> BTreeMap<OsString, OsString> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let kept = |name: &str| std::env::var_os(name).map(|value| (OsString::from(name), value));
    let mut variables: BTreeMap<_, _> = [
        "PATH",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "CARGO",
        "RUSTUP_TOOLCHAIN",
        "MIGRATE_PG_BIN",
        "MIGRATE_CACHE_DIR",
    ]
    .into_iter()
    .filter_map(kept)
    .collect();
    // A server that has to be installed is so once, and not in each test's home; root's cache is the system's anyway.
    if !rustix::process::geteuid().is_root() && std::env::var_os("MIGRATE_CACHE_DIR").is_none() {
        variables.insert("MIGRATE_CACHE_DIR".into(), binaries::target_folder().join("migrate-cache").into());
    }
    // The commands' home is a temporary folder, cargo's is not.
    for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let value = std::env::var_os(name).unwrap_or_else(|| home.join(folder).into());
        variables.insert(name.into(), value);
    }
    for (name, value) in [("COLUMNS", "100"), ("TERM", "dumb"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC")] {
        variables.insert(name.into(), value.into());
    }
    variables
}

/// The URL with a password in it.
pub fn with_password(url: &str, password: &str) -> String {
    let (user, rest) = url.split_once('@').expect("our URLs have a user");
    format!("{user}:{password}@{rest}")
}

/// The value of `host` in the query of a socket URL.
fn host(url: &str) -> Option<&str> {
    url.split_once("host=")?.1.split('&').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_runs_in_the_project_and_sees_nothing_of_ours() {
        let environment = TestEnvironment::new();
        let output =
            environment.capture(environment.program("env").env("SEEN", "yes").env_remove("DATABASE_URL"));
        output.success();
        assert!(output.stdout.contains("SEEN=yes"));
        assert!(!output.stdout.contains("CARGO_MANIFEST_DIR"), "{}", output.stdout);
        let output = environment.capture(&mut environment.program("pwd"));
        assert_eq!(environment.redactor().redact(&output.stdout), "[project]\n");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let metadata = ["metadata", "--no-deps", "--offline", "--format-version=1"];
        let output = environment.capture(environment.program(cargo).args(metadata));
        assert!(output.success().stdout.contains("shop"));
    }

    #[test]
    fn the_database_takes_the_url_with_the_password() {
        let environment = TestEnvironment::new();
        let url = environment.variables[OsStr::new("DATABASE_URL")].to_str().unwrap();
        assert!(output::leaks(url));
        let mut client = Client::connect(url, postgres::NoTls).unwrap();
        let name: String = client.query_one("SELECT current_database()::text", &[]).unwrap().get(0);
        assert_eq!(name, environment.database().name());
    }

    #[test]
    #[should_panic(expected = "the password is in ")]
    fn a_password_in_a_file_that_a_program_wrote_is_found() {
        let environment = TestEnvironment::without_database();
        environment.write(".env", format!("PGPASSWORD={CANARY}"));
        environment.search_files();
        environment.capture(environment.program("cp").args([".env", "migrate.log"]));
    }

    #[test]
    fn a_local_server_ends_with_the_environment() {
        let environment = TestEnvironment::without_database();
        let url = LocalServer::new(environment.path("target")).start("app").unwrap();
        Client::connect(&url, postgres::NoTls).unwrap();
        drop(environment);
        Client::connect(&url, postgres::NoTls).map(drop).unwrap_err();
    }

    #[test]
    fn migrations_are_written_in_pairs() {
        let environment = TestEnvironment::without_database();
        environment.migration("0001_a", "SELECT 1", "SELECT 2");
        assert_eq!(environment.read("migrations/0001_a.up.sql"), "SELECT 1");
        environment.remove("migrations/0001_a.down.sql");
        assert!(!environment.path("migrations/0001_a.down.sql").exists());
    }
}
