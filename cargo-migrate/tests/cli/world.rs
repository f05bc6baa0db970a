//! A project in a temporary folder, and the command line run in it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cargo_migrate::{Context, Input, Records, Stream};
use migrate_runtime::Interrupt;
use migrate_testing::ScratchDatabase;
use tempfile::TempDir;

/// A project.
pub struct World {
    folder: TempDir,
    pub env: BTreeMap<String, String>,
    /// What a person answers; `None` where nobody sits there.
    pub answers: Option<String>,
    /// The width of the terminal behind both outputs.
    pub terminal: Option<usize>,
    pub now: SystemTime,
    database: Option<ScratchDatabase>,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub code: u8,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl World {
    /// A package `shop` without any metadata.
    pub fn new() -> Self {
        let world = Self::empty();
        world.manifest("");
        world.write("src/lib.rs", "");
        world
    }

    /// A folder with nothing in it.
    pub fn empty() -> Self {
        let kept = ["PATH", "HOME", "CARGO", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"];
        let env = std::env::vars().filter(|(name, _)| kept.contains(&name.as_str())).collect();
        let folder = tempfile::tempdir().unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_774_746_000);
        Self { folder, env, answers: None, terminal: None, now, database: None }
    }

    /// The project with two migrations and a database of its own in `DATABASE_URL`.
    pub fn with_database() -> Self {
        let mut world = Self::new();
        let database =
            migrate_testing::scratch().unwrap_or_else(|error| panic!("{error}: {:?}", error.hint()));
        world.env.insert("DATABASE_URL".to_owned(), database.url().to_owned());
        world.database = Some(database);
        world.migration("0001_create_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
        world.migration("0002_create_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
        world
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        self.root().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    /// The manifest of the package, with this after it.
    pub fn manifest(&self, metadata: &str) {
        let package = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
        self.write("Cargo.toml", &format!("{package}{metadata}"));
    }

    pub fn migration(&self, stem: &str, up: &str, down: &str) {
        self.write(&format!("migrations/{stem}.up.sql"), up);
        self.write(&format!("migrations/{stem}.down.sql"), down);
    }

    /// The names in a folder, in order.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs `cargo migrate …`.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let (stdout, stderr) = (Buffer::default(), Buffer::default());
        let answers = self.answers.clone();
        let context = Context {
            stdout: Stream::new(stdout.clone(), self.terminal),
            stderr: Stream::new(stderr.clone(), self.terminal),
            stdin: Input::new(Cursor::new(answers.clone().unwrap_or_default()), answers.is_some()),
            env: self.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            cwd: self.root(),
            now: self.now,
            interrupt: Interrupt::new(),
            in_flight: Arc::default(),
            as_events: Arc::default(),
            records: Records::default(),
        };
        let arguments = ["cargo-migrate", "migrate"].iter().chain(arguments).map(Into::into);
        let code = cargo_migrate::run(arguments, &context).code();
        let text = |buffer: Buffer| {
            let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
            let text = text.replace(&self.root().display().to_string(), "[project]");
            match &self.database {
                Some(database) => redact(&text, database.url()),
                None => text,
            }
        };
        Ran { code, stdout: text(stdout), stderr: text(stderr) }
    }

    /// [`run`](Self::run), which has to end in this code.
    #[track_caller]
    pub fn expect(&self, code: u8, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }
}

/// The database's URL, however much of it is shown, as `[database]`.
fn redact(text: &str, url: &str) -> String {
    let database = migrate_runtime::Database::resolve(Some(url), &|_| None).unwrap();
    text.replace(url, "[database]").replace(&database.to_string(), "[database]")
}

impl Ran {
    /// The document on standard output.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}
