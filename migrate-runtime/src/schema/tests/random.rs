//! Whatever happens to a schema, reading what changed gives what reading everything gives.

use super::support::Subject;
use crate::schema::{SchemaOptions, SchemaReader};

/// Templates: `$t` a table, `$u` another, `$v` a view, `$y` a type, `$f` a function, `$q` a sequence, `$s` a schema, `$c`
/// and `$d` columns, `$r` a role, `$n` a number. Many fail, for what they name is not there: that is a change too.
const STATEMENTS: &[&str] = &[
    "CREATE TABLE $s.$t ($c int PRIMARY KEY, $d text)",
    "CREATE TABLE $s.$t ($c serial PRIMARY KEY, $d $s.$y[])",
    "CREATE TABLE $s.$t ($c int GENERATED ALWAYS AS IDENTITY, $d $s.$y)",
    "CREATE TABLE $s.$t (LIKE $s.$u INCLUDING ALL)",
    "CREATE TABLE $s.$t () INHERITS ($s.$u)",
    "CREATE TABLE $s.$t ($c int, $d int) PARTITION BY LIST ($c)",
    "CREATE TABLE $s.$t PARTITION OF $s.$u FOR VALUES IN ($n)",
    "ALTER TABLE $s.$t DETACH PARTITION $s.$u",
    "DROP TABLE $s.$t",
    "DROP TABLE $s.$t CASCADE",
    "ALTER TABLE $s.$t RENAME TO $u",
    "ALTER TABLE $s.$t RENAME TO $u",
    "ALTER TABLE $s.$t RENAME COLUMN $c TO $d",
    "ALTER TABLE $s.$t RENAME COLUMN $d TO $c",
    "ALTER TABLE $s.$t ADD COLUMN $c numeric DEFAULT $n",
    "ALTER TABLE $s.$t ADD COLUMN $d $s.$y",
    "ALTER TABLE $s.$t ADD COLUMN $c $s.$u",
    "ALTER TABLE $s.$t DROP COLUMN $c CASCADE",
    "ALTER TABLE $s.$t ALTER $c SET NOT NULL",
    "ALTER TABLE $s.$t ALTER $c SET DEFAULT $n",
    "ALTER TABLE $s.$t ALTER $c SET STATISTICS $n",
    "ALTER TABLE $s.$t ALTER $c TYPE bigint",
    "ALTER TABLE $s.$t SET (fillfactor = 5$n)",
    "ALTER TABLE $s.$t SET (toast.autovacuum_enabled = off)",
    "ALTER TABLE $s.$t SET SCHEMA s1",
    "ALTER TABLE $s.$t ADD CONSTRAINT $u FOREIGN KEY ($c) REFERENCES $s.$u",
    "ALTER TABLE $s.$t ADD CONSTRAINT c$n CHECK ($c > $n) NOT VALID",
    "ALTER TABLE $s.$t VALIDATE CONSTRAINT c$n",
    "ALTER TABLE $s.$t RENAME CONSTRAINT c$n TO c1",
    "ALTER TABLE $s.$t DROP CONSTRAINT c$n",
    "ALTER TABLE $s.$t REPLICA IDENTITY FULL",
    "ALTER TABLE $s.$t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE $s.$t OWNER TO $r",
    "CREATE POLICY p$n ON $s.$t USING ($c > $n)",
    "DROP POLICY p$n ON $s.$t",
    "ALTER POLICY p$n ON $s.$t RENAME TO p1",
    "CREATE INDEX i$n ON $s.$t ($c, $d)",
    "CREATE INDEX ON $s.$t ($c) WHERE $c > $n",
    "ALTER INDEX $s.i$n RENAME TO i1",
    "ALTER INDEX $s.i$n SET (fillfactor = 7$n)",
    "DROP INDEX $s.i$n",
    "CREATE VIEW $s.$v AS SELECT * FROM $s.$t",
    "CREATE VIEW $s.$v AS SELECT a.$c AS x, b.* FROM $s.$t a, $s.$u b",
    "CREATE OR REPLACE VIEW $s.$v AS SELECT $c FROM $s.$t",
    "ALTER VIEW $s.$v RENAME TO w1",
    "DROP VIEW $s.$v CASCADE",
    "CREATE MATERIALIZED VIEW $s.m$n AS SELECT count(*) FROM $s.$t",
    "CREATE TYPE $s.$y AS ENUM ('a', 'b')",
    "CREATE TYPE $s.$y AS (a int, b text)",
    "CREATE DOMAIN $s.$y AS int CHECK (VALUE > $n)",
    "ALTER TYPE $s.$y ADD VALUE 'c$n' BEFORE 'a'",
    "ALTER TYPE $s.$y RENAME VALUE 'a' TO 'z'",
    "ALTER TYPE $s.$y RENAME ATTRIBUTE a TO c",
    "ALTER TYPE $s.$y RENAME TO y1",
    "ALTER TYPE $s.$y RENAME TO y2",
    "ALTER TYPE $s.$y SET SCHEMA s2",
    "DROP TYPE $s.$y CASCADE",
    "CREATE FUNCTION $s.$f($s.$y, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'",
    "CREATE FUNCTION $s.$f(int, int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $1 + $2 + $n",
    "CREATE OR REPLACE FUNCTION $s.$f(int, int) RETURNS int LANGUAGE sql IMMUTABLE RETURN $n",
    "CREATE FUNCTION $s.$f($s.$t) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'",
    "ALTER FUNCTION $s.$f(int, int) RENAME TO g1",
    "ALTER FUNCTION $s.$f(int, int) COST $n",
    "DROP FUNCTION $s.$f(int, int) CASCADE",
    "CREATE AGGREGATE $s.a$n(int) (SFUNC = $s.$f, STYPE = int)",
    "CREATE FUNCTION $s.trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER x$n BEFORE INSERT ON $s.$t FOR EACH ROW EXECUTE FUNCTION s0.trig()",
    "ALTER TABLE $s.$t DISABLE TRIGGER x$n",
    "ALTER FUNCTION s0.trig() RENAME TO trig2",
    "ALTER FUNCTION s0.trig2() RENAME TO trig",
    "CREATE RULE r$n AS ON DELETE TO $s.$t DO INSTEAD NOTHING",
    "CREATE SEQUENCE $s.$q",
    "ALTER SEQUENCE $s.$q OWNED BY $s.$t.$c",
    "ALTER SEQUENCE $s.$q OWNED BY NONE",
    "ALTER SEQUENCE $s.$q INCREMENT 1$n",
    "ALTER SEQUENCE $s.$q RENAME TO q1",
    "ALTER TABLE $s.$t ALTER $c SET DEFAULT nextval('$s.$q')",
    "COMMENT ON TABLE $s.$t IS 'x$n'",
    "COMMENT ON COLUMN $s.$t.$c IS 'x$n'",
    "COMMENT ON COLUMN $s.$y.a IS 'x$n'",
    "COMMENT ON CONSTRAINT c$n ON $s.$t IS 'y$n'",
    "COMMENT ON INDEX $s.i$n IS 'z$n'",
    "COMMENT ON TRIGGER x$n ON $s.$t IS 'z$n'",
    "COMMENT ON TABLE $s.$t IS NULL",
    "GRANT SELECT ON $s.$t TO $r",
    "GRANT UPDATE ($c) ON $s.$t TO PUBLIC",
    "REVOKE ALL ON $s.$t FROM $r",
    "ALTER SCHEMA s2 RENAME TO s3",
    "ALTER SCHEMA s3 RENAME TO s2",
    "DROP SCHEMA s2 CASCADE",
    "CREATE SCHEMA s2",
    "ALTER ROLE $r RENAME TO $r_other",
    "ALTER ROLE $r_other RENAME TO $r",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO $r",
    "CREATE STATISTICS $s.st$n ON $c, $d FROM $s.$t",
    "ALTER STATISTICS $s.st$n RENAME TO st1",
    "CREATE OPERATOR $s.=== (LEFTARG = $s.$y, RIGHTARG = int, FUNCTION = $s.$f)",
    "CREATE CAST (int AS $s.$y) WITH INOUT",
    "CREATE PUBLICATION pub$n FOR TABLE $s.$t",
    "ALTER PUBLICATION pub$n SET (publish = 'insert')",
    "ALTER EXTENSION pgcrypto ADD TABLE $s.$t",
    "ALTER EXTENSION pgcrypto DROP TABLE $s.$t",
    "VACUUM",
    "VACUUM FULL pg_catalog.pg_class",
];

/// A linear congruential generator (Knuth's MMIX): the same sequence for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn statement(&mut self, role: &str) -> String {
        let mut sql = STATEMENTS[self.below(STATEMENTS.len())].to_owned();
        for (hole, prefix, many) in [
            ("$t", "t", 5),
            ("$u", "t", 5),
            ("$v", "v", 2),
            ("$y", "y", 3),
            ("$f", "f", 2),
            ("$q", "q", 2),
            ("$s", "s", 3),
            ("$n", "", 3),
        ] {
            while sql.contains(hole) {
                sql = sql.replacen(hole, &format!("{prefix}{}", self.below(many)), 1);
            }
        }
        let (c, d) = if self.below(2) == 0 { ("a", "b") } else { ("b", "a") };
        sql.replace("$c", c).replace("$d", d).replace("$r", role)
    }
}

fn sequence(seed: u64, steps: usize) -> usize {
    let options = SchemaOptions::default();
    let mut subject = Subject::new(options.clone());
    let role = format!("role_{}", subject.database.name());
    subject.run(&format!(
        "CREATE ROLE {role}; CREATE SCHEMA s0; CREATE SCHEMA s1; CREATE SCHEMA s2; CREATE EXTENSION pgcrypto; \
         GRANT ALL ON SCHEMA s0, s1, s2 TO {role}"
    ));
    let mut random = Random(seed);
    let mut done: usize = 0;
    let Subject { runtime, session, reader, .. } = &mut subject;
    if seed % 2 == 1 {
        *reader = SchemaReader::new(options.clone()).prepared();
    }
    runtime.block_on(async {
        let mut log: Vec<String> = Vec::new();
        let mut inside = false;
        for step in 0..steps {
            // Now and then a transaction begins or ends, either way.
            let control = match (inside, random.below(6)) {
                (false, 0) => Some("BEGIN"),
                (true, 0) => Some("COMMIT"),
                (true, 1) => Some("ROLLBACK"),
                _ => None,
            };
            if let Some(control) = control {
                log.push(control.to_owned());
                session.query(control).await.unwrap();
                inside = control == "BEGIN";
            }
            let wanted = done + 1 + random.below(2);
            for _ in 0..20 {
                if done >= wanted {
                    break;
                }
                let sql = random.statement(&role);
                if !inside {
                    if session.query(&sql).await.is_ok() {
                        done += 1;
                        log.push(sql);
                    }
                    continue;
                }
                session.query("SAVEPOINT one").await.unwrap();
                if session.query(&sql).await.is_err() {
                    session.query("ROLLBACK TO one").await.unwrap();
                } else if random.below(4) == 0 {
                    // Read what the subtransaction did before it is undone.
                    reader.read_inside(session).await.unwrap();
                    session.query("ROLLBACK TO one").await.unwrap();
                    log.push(format!("SAVEPOINT; {sql}; read; ROLLBACK TO"));
                } else {
                    done += 1;
                    session.query("RELEASE one").await.unwrap();
                    log.push(sql);
                }
            }
            let mut fresh = SchemaReader::new(options.clone());
            let (ours, all) = match inside {
                true => (reader.read_inside(session).await, fresh.read_inside(session).await),
                false => (reader.read(session).await, fresh.read(session).await),
            };
            let (ours, all) = (ours.unwrap(), all.unwrap());
            assert_eq!(
                ours.text(),
                all.text(),
                "seed {seed}, step {step}, after\n{}\n{}",
                log.join(";\n"),
                ours.diff(&all).text()
            );
        }
        if inside {
            session.query("ROLLBACK").await.unwrap();
        }
        let _ = session.query(&format!("ALTER ROLE {role}_other RENAME TO {role}")).await;
        session.query(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}")).await.unwrap();
    });
    done
}

#[test]
fn what_changed_is_what_there_is() {
    let seed = std::env::var("MIGRATE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let nightly = std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some();
    let seeds: Vec<u64> = match seed {
        Some(seed) => vec![seed],
        None => (1..=if nightly { 60 } else { 3 }).collect(),
    };
    for seed in seeds {
        let done = sequence(seed, if nightly { 120 } else { 50 });
        assert!(done > 30, "seed {seed}: only {done} statements did something");
    }
}
