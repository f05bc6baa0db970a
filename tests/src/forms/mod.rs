//! What PostgreSQL's manual says about the locks of each statement, and what else each does: a table for whoever
//! measures it, and for whoever claims it.
//!
//! Locks: "ALTER TABLE" (each subform; "an ACCESS EXCLUSIVE lock is acquired unless explicitly noted"), "Explicit
//! Locking" (the commands below each mode), and the page of each other command. Rewrites and scans: the notes of "ALTER
//! TABLE" and of the command's page. Where the server does other than its manual says, the entry has a note with the
//! place in its source.

mod alter_table;
mod others;

pub use alter_table::ALTER_TABLE;
pub use others::{ALONE, OTHERS};

use migrate_runtime::rehearsal::LockMode;

/// One form of a statement.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// What is run before, in a script of its own.
    pub before: &'static str,
    /// The statement, on the tables of [`SETUP`].
    pub sql: &'static str,
    /// The oldest server that has it.
    pub since: u32,
    /// The newest server on which it is so.
    pub until: u32,
    /// Each table with the strongest lock on it. An index is locked with its table.
    pub locks: &'static [(&'static str, LockMode)],
    /// Tables and indexes that get new files.
    pub rewrites: &'static [&'static str],
    /// Tables that are read from end to end.
    pub scans: &'static [&'static str],
    /// Tables that are read from end to end or by an index, as the planner finds cheaper.
    pub may_scan: &'static [&'static str],
    /// Indexes that are built.
    pub builds: &'static [&'static str],
    /// Where the server differs from its manual, or goes beyond it, and why.
    pub note: &'static str,
}

/// A form that takes these locks, and does nothing else that takes long.
pub const fn form(sql: &'static str, locks: &'static [(&'static str, LockMode)]) -> Form {
    Form {
        before: "",
        sql,
        since: 14,
        until: u32::MAX,
        locks,
        rewrites: &[],
        scans: &[],
        may_scan: &[],
        builds: &[],
        note: "",
    }
}

impl Form {
    /// After this.
    pub const fn after(mut self, before: &'static str) -> Self {
        self.before = before;
        self
    }

    /// Not before this version.
    pub const fn since(mut self, major: u32) -> Self {
        self.since = major;
        self
    }

    /// Not after this version.
    pub const fn until(mut self, major: u32) -> Self {
        self.until = major;
        self
    }

    /// Gives these new files.
    pub const fn rewrites(mut self, relations: &'static [&'static str]) -> Self {
        self.rewrites = relations;
        self
    }

    /// Reads these.
    pub const fn scans(mut self, tables: &'static [&'static str]) -> Self {
        self.scans = tables;
        self
    }

    /// May read these.
    pub const fn may_scan(mut self, tables: &'static [&'static str]) -> Self {
        self.may_scan = tables;
        self
    }

    /// Builds these.
    pub const fn builds(mut self, indexes: &'static [&'static str]) -> Self {
        self.builds = indexes;
        self
    }

    /// Where and why the server differs from its manual.
    pub const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

/// The tables that the forms are about, in the schema that is first in the `search_path`.
pub const SETUP: &str = "
CREATE TABLE parent (id int PRIMARY KEY, u int CONSTRAINT parent_u UNIQUE);
INSERT INTO parent VALUES (1, 1);
CREATE TABLE t (
    id int CONSTRAINT t_pkey PRIMARY KEY,
    a int,
    b text,
    c varchar(10),
    d timestamp,
    e int CONSTRAINT e_not_null CHECK (e IS NOT NULL),
    n int NOT NULL,
    i int GENERATED ALWAYS AS IDENTITY,
    g int GENERATED ALWAYS AS (a + 1) STORED,
    p int CONSTRAINT t_p_fkey REFERENCES parent,
    CONSTRAINT positive CHECK (a > 0)
);
ALTER TABLE t ADD CONSTRAINT small CHECK (a < 100) NOT VALID;
ALTER TABLE t ADD CONSTRAINT later FOREIGN KEY (a) REFERENCES parent (u) NOT VALID;
INSERT INTO t (id, a, b, c, d, e, n, p) VALUES (1, 1, 'b', 'c', '2020-01-01', 1, 1, 1);
CREATE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_n ON t (n);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER trg BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE RULE ru AS ON UPDATE TO t WHERE NEW.a = 5 DO ALSO SELECT 1;
CREATE STATISTICS st ON a, n FROM t;
CREATE TABLE big (k int NOT NULL, v text) PARTITION BY RANGE (k);
CREATE TABLE big_1 PARTITION OF big FOR VALUES FROM (0) TO (10);
CREATE TABLE big_rest PARTITION OF big DEFAULT;
CREATE TABLE loose (k int NOT NULL, v text);
CREATE TABLE mother (x int, y text);
CREATE TABLE child () INHERITS (mother);
CREATE TABLE orphan (x int, y text);
CREATE TYPE pair AS (x int, y text);
CREATE TABLE typed OF pair;
CREATE VIEW v AS SELECT x, y FROM orphan;
CREATE MATERIALIZED VIEW m AS SELECT x, y FROM mother;
CREATE UNIQUE INDEX m_x ON m (x);
CREATE SEQUENCE s;
";
