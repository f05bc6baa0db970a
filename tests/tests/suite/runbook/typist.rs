//! Who types what stands in a part of the runbook, in a shop whose `production` is a real database.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use migrate_tests::output::{self, Running};
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Cluster, Output, TestEnvironment, binaries};
use postgres::{Client, NoTls};

use super::page::{Block, Part};
use super::screen;

/// What every shop has, applied.
const FIRST: (&str, &str, &str) = (
    "0001_create_orders",
    "CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer text NOT NULL, total int NOT NULL);\n\
     INSERT INTO orders (customer, total) SELECT 'ann', n FROM generate_series(1, 1000) AS n;\n",
    "DROP TABLE orders;\n",
);

/// What most parts have pending.
pub(super) const COUPONS: (&str, &str, &str) = (
    "0002_add_coupons",
    "ALTER TABLE orders ADD COLUMN coupon text;\n",
    "ALTER TABLE orders DROP COLUMN coupon;\n",
);

/// A migration that stands still where a part wants it to.
pub(super) const STANDS: (&str, &str, &str) = (
    "0002_add_coupons",
    "-- migrate: lock-timeout 10min\nALTER TABLE orders ADD COLUMN coupon text;\nSELECT pg_advisory_xact_lock(9);\n",
    "ALTER TABLE orders DROP COLUMN coupon;\n",
);

const PRODUCTION: &str = "\n[package.metadata.migrate]\nlock-timeout = \"100ms\"\n\n\
    [package.metadata.migrate.env.production]\ndatabase = \"env:PRODUCTION_DATABASE_URL\"\nprotected = true\n";

/// A screen that is not as the page has it.
pub(super) struct Other {
    pub block: Block,
    pub printed: String,
}

pub(super) struct Typist<'a> {
    pub cluster: &'a Cluster,
    pub shop: TestEnvironment,
    /// The database that is `production`.
    pub database: String,
    heading: String,
    blocks: VecDeque<Block>,
    /// What the page says, and what is meant here.
    means: Vec<(String, String)>,
    /// What a command is run by.
    wrapper: Vec<String>,
    others: &'a Mutex<Vec<Other>>,
}

impl<'a> Typist<'a> {
    /// What the server has for all shops.
    pub fn prepare(cluster: &Cluster) {
        cluster.admin().batch_execute("CREATE ROLE app LOGIN SUPERUSER").unwrap();
    }

    /// A shop with [`FIRST`] applied, for the blocks of a part.
    pub fn new(cluster: &'a Cluster, part: &Part, others: &'a Mutex<Vec<Other>>) -> Self {
        static COUNTER: AtomicUsize = AtomicUsize::new(0);
        // As wide as the name that it stands for, and in no other word.
        let database = format!("s{:03}", COUNTER.fetch_add(1, Ordering::Relaxed));
        let mut admin = cluster.admin();
        admin.batch_execute(&format!("CREATE DATABASE {database} OWNER app STRATEGY file_copy")).unwrap();
        let mut shop = TestEnvironment::without_database();
        shop.write("Cargo.toml", shop.read("Cargo.toml") + PRODUCTION);
        let server = format!("127.0.0.1:{}", cluster.server().port());
        let means = vec![
            ("/srv/shop".to_owned(), shop.project().display().to_string()),
            ("db.example:5432".to_owned(), server.clone()),
            ("\"db.example\"".to_owned(), "\"127.0.0.1\"".to_owned()),
            ("shop".to_owned(), database.clone()),
        ];
        shop.set_var("PRODUCTION_DATABASE_URL", format!("postgres://app@{server}/{database}"));
        let (heading, blocks) = (part.heading.clone(), part.blocks.iter().cloned().collect());
        let typist = Self { cluster, shop, database, heading, blocks, means, wrapper: Vec::new(), others };
        typist.migration(FIRST);
        typist.run("up --env production --force set-up --skip-backup set-up").success();
        typist.client().batch_execute("ANALYZE orders").unwrap();
        typist
    }

    /// Writes a migration, without a down where that is empty, and the lock.
    pub fn migration(&self, (stem, up, down): (&str, &str, &str)) {
        self.shop.write(format!("migrations/{stem}.up.sql"), up);
        if !down.is_empty() {
            self.shop.write(format!("migrations/{stem}.down.sql"), down);
        }
        self.run("lock").success();
    }

    /// What the page calls `page` is `here`.
    pub fn means(&mut self, page: &str, here: impl ToString) {
        self.means.push((page.to_owned(), here.to_string()));
    }

    /// A connection to production.
    pub fn client(&self) -> Client {
        self.client_of(&self.database)
    }

    pub fn client_of(&self, database: &str) -> Client {
        Client::connect(&self.cluster.url(database), NoTls).unwrap()
    }

    /// Runs something that is not on the page.
    #[track_caller]
    pub fn run(&self, arguments: &str) -> Output {
        self.shop.run(&arguments.split(' ').collect::<Vec<_>>())
    }

    /// A preflight, after which a migration may run.
    #[track_caller]
    pub fn preflight(&self) {
        self.run("preflight --env production").success();
    }

    /// Takes the lock at which [`STANDS`] waits, before it does.
    pub fn bar(&self) -> Client {
        let mut client = self.client();
        client.batch_execute("SELECT pg_advisory_lock(9)").unwrap();
        client
    }

    /// Waits until a migration stands at the bar; its backend.
    pub fn standing(&self, client: &mut Client) -> i32 {
        let of = "FROM pg_locks WHERE locktype = 'advisory' AND objid = 9 AND NOT granted AND database = \
                  (SELECT oid FROM pg_database WHERE datname = current_database())";
        poll_until(client, &format!("SELECT count(*) {of}"), "1");
        answer(client, &format!("SELECT pid {of}")).parse().unwrap()
    }

    /// Commands are run by this one from now on.
    pub fn within(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
    }

    /// This machine cannot be put into the state that the part is about.
    pub fn leave_out(&mut self, why: &str) {
        let ci = std::env::var_os("CI").is_some();
        migrate_tests::skip::announce(&format!("`{}` is left out: {why}", self.heading), ci);
        self.blocks.clear();
    }

    /// The address of production.
    pub fn url(&self) -> String {
        format!("postgres://app@127.0.0.1:{}/{}", self.cluster.server().port(), self.database)
    }

    /// Production is at this address from now on.
    pub fn at(&mut self, url: &str) {
        self.shop.set_var("PRODUCTION_DATABASE_URL", url);
    }

    /// The newest backup's folder.
    pub fn backup(&self) -> PathBuf {
        self.shop.path(".migrate/backups/latest").canonicalize().unwrap()
    }

    /// A text of the page as it is meant here.
    fn here(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (page, here) in self.means.iter().rev() {
            text = text.replace(page, here);
        }
        text
    }

    /// A text of here as the page has it.
    fn there(&self, text: &str) -> String {
        self.means.iter().fold(text.to_owned(), |text, (page, here)| text.replace(here, page))
    }

    #[track_caller]
    fn next(&mut self, language: &str) -> Block {
        let block = self.blocks.pop_front();
        let block =
            block.unwrap_or_else(|| panic!("{}: no more blocks, and a {language} was due", self.heading));
        assert_eq!(block.language, language, "{}: line {}", self.heading, block.line);
        block
    }

    /// The next screen: its first line is what is typed, the others what is printed, with that exit code.
    #[track_caller]
    pub fn screen(&mut self, code: i32) -> Output {
        let running = self.begin();
        self.end(running, code)
    }

    /// Types what stands first in the next screen. [`end`](Self::end) takes that from the page.
    #[track_caller]
    pub fn begin(&mut self) -> Running {
        let block = self.blocks.front().unwrap_or_else(|| panic!("{}: no more blocks", self.heading));
        let command = block.text.split('\n').next().unwrap_or_default().strip_prefix("$ ");
        let command =
            command.unwrap_or_else(|| panic!("{}: line {}: no `$ command`", self.heading, block.line));
        self.type_in(command)
    }

    /// Waits for what was begun, and holds it to the screen.
    #[track_caller]
    pub fn end(&mut self, running: Running, code: i32) -> Output {
        let block = self.next("text");
        let output = running.wait();
        self.shop.search_files();
        let command = block.text.split('\n').next().unwrap_or_default();
        let place = format!("{}: line {}: {command}", self.heading, block.line);
        assert_eq!(output.code, code, "{place}\n{}", output.stdout);
        let printed = format!("{command}\n{}", self.there(&output.stdout));
        if !screen::same(&block.text, &printed) {
            self.others.lock().unwrap().push(Other { block, printed });
        }
        output
    }

    /// The next commands, one a line, each with its exit code.
    #[track_caller]
    pub fn sh(&mut self, codes: &[i32]) -> Vec<Output> {
        let block = self.next("sh");
        let lines: Vec<_> = block.text.split('\n').filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(
            lines.len(),
            codes.len(),
            "{}: line {}: one exit code a command",
            self.heading,
            block.line
        );
        let mut outputs = Vec::new();
        for (line, code) in lines.iter().zip(codes) {
            let output = self.type_in(line).wait();
            let place = format!("{}: line {}: {line}", self.heading, block.line);
            assert_eq!(output.code, *code, "{place}\n{}", output.stdout);
            outputs.push(output);
        }
        self.shop.search_files();
        outputs
    }

    /// The next statements, typed into a database.
    #[track_caller]
    pub fn sql(&mut self, client: &mut Client) -> String {
        let block = self.next("sql");
        answer(client, &self.here(&block.text))
    }

    /// The next statements, which are for a file.
    #[track_caller]
    pub fn statements(&mut self) -> String {
        self.next("sql").text
    }

    /// Both outputs come as on a terminal: in the order in which they are written.
    #[track_caller]
    fn type_in(&self, command: &str) -> Running {
        let folder = binaries::program("cargo-migrate").parent().unwrap();
        let script = format!("PATH=\"{}:$PATH\"; exec 2>&1; {}", folder.display(), self.here(command));
        let words = [&self.wrapper[..], &["bash".to_owned(), "-ec".to_owned(), script]].concat();
        output::spawn(self.shop.program(&words[0]).args(&words[1..]))
    }

    /// Everything of the part was typed.
    #[track_caller]
    pub fn done(&self) {
        let left: Vec<_> = self.blocks.iter().map(|block| block.line).collect();
        assert!(left.is_empty(), "{}: the blocks in the lines {left:?} are not run", self.heading);
    }
}
