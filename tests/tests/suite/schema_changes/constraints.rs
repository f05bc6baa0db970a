//! Constraints of tables: every kind, and what can be said of one.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "constraints",
    setup: r"
        CREATE TABLE target (id int PRIMARY KEY, other int UNIQUE, third int, UNIQUE (other, third));
        CREATE TABLE plain (a int, b int, c text, d int4range, period daterange);
        CREATE UNIQUE INDEX plain_c ON plain (c);
        CREATE TABLE checked (a int CONSTRAINT positive CHECK (a > 0), b int);
        ALTER TABLE checked ADD CONSTRAINT waiting CHECK (b > 0) NOT VALID;
        CREATE TABLE referring (a int CONSTRAINT to_target REFERENCES target, b int, c int, d int);
        ALTER TABLE referring ADD CONSTRAINT to_other FOREIGN KEY (b) REFERENCES target (other) NOT VALID;
        CREATE TABLE parent (a int, CONSTRAINT local CHECK (a <> 7));
        CREATE TABLE child () INHERITS (parent);
        CREATE TABLE parts (a int NOT NULL, b int) PARTITION BY LIST (a);
        CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
        CREATE TABLE keyed (a int CONSTRAINT keyed_key PRIMARY KEY, b int CONSTRAINT b_once UNIQUE);
    ",
    changes: &[
        change("ADD PRIMARY KEY", "ALTER TABLE plain ALTER a SET NOT NULL; ALTER TABLE plain ADD PRIMARY KEY (a)",
            "ALTER TABLE plain DROP CONSTRAINT plain_pkey; ALTER TABLE plain ALTER a DROP NOT NULL"),
        change("ADD PRIMARY KEY INCLUDE", "ALTER TABLE plain ADD CONSTRAINT k PRIMARY KEY (a) INCLUDE (b)",
            "ALTER TABLE plain DROP CONSTRAINT k; ALTER TABLE plain ALTER a DROP NOT NULL"),
        change("ADD PRIMARY KEY USING INDEX", "ALTER TABLE plain ADD CONSTRAINT k PRIMARY KEY USING INDEX plain_c",
            "ALTER TABLE plain DROP CONSTRAINT k; ALTER TABLE plain ALTER c DROP NOT NULL; CREATE UNIQUE INDEX plain_c ON plain (c)"),
        change("ADD PRIMARY KEY on a partitioned table", "ALTER TABLE parts ADD PRIMARY KEY (a)", "ALTER TABLE parts DROP CONSTRAINT parts_pkey"),
        change("ADD UNIQUE", "ALTER TABLE plain ADD UNIQUE (a, b)", "ALTER TABLE plain DROP CONSTRAINT plain_a_b_key"),
        change("ADD UNIQUE INCLUDE", "ALTER TABLE plain ADD CONSTRAINT u UNIQUE (a) INCLUDE (c)", "ALTER TABLE plain DROP CONSTRAINT u"),
        change("ADD UNIQUE NULLS NOT DISTINCT", "ALTER TABLE plain ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a)", "ALTER TABLE plain DROP CONSTRAINT u").since(15),
        change("ADD UNIQUE WITH", "ALTER TABLE plain ADD CONSTRAINT u UNIQUE (a) WITH (fillfactor = 50)", "ALTER TABLE plain DROP CONSTRAINT u"),
        change("ADD UNIQUE USING INDEX TABLESPACE", "ALTER TABLE plain ADD CONSTRAINT u UNIQUE (a) USING INDEX TABLESPACE ddl_space", "ALTER TABLE plain DROP CONSTRAINT u"),
        change("ADD UNIQUE USING INDEX", "ALTER TABLE plain ADD CONSTRAINT u UNIQUE USING INDEX plain_c",
            "ALTER TABLE plain DROP CONSTRAINT u; CREATE UNIQUE INDEX plain_c ON plain (c)"),
        change("ADD UNIQUE DEFERRABLE", "ALTER TABLE plain ADD CONSTRAINT u UNIQUE (a) DEFERRABLE", "ALTER TABLE plain DROP CONSTRAINT u"),
        change("ADD UNIQUE INITIALLY DEFERRED", "ALTER TABLE plain ADD CONSTRAINT u UNIQUE (a) INITIALLY DEFERRED", "ALTER TABLE plain DROP CONSTRAINT u"),
        change("ADD UNIQUE WITHOUT OVERLAPS", "ALTER TABLE plain ADD CONSTRAINT u UNIQUE (d, period WITHOUT OVERLAPS)", "ALTER TABLE plain DROP CONSTRAINT u").since(18),
        change("a unique index in place of a constraint", "ALTER TABLE keyed DROP CONSTRAINT b_once; CREATE UNIQUE INDEX b_once ON keyed (b)",
            "DROP INDEX b_once; ALTER TABLE keyed ADD CONSTRAINT b_once UNIQUE (b)"),
        change("ADD CHECK", "ALTER TABLE plain ADD CHECK (a > b)", "ALTER TABLE plain DROP CONSTRAINT plain_check"),
        change("ADD CHECK of a column", "ALTER TABLE plain ADD CONSTRAINT a_check CHECK (a IN (1, 2, 3))", "ALTER TABLE plain DROP CONSTRAINT a_check"),
        change("ADD CHECK NO INHERIT", "ALTER TABLE plain ADD CONSTRAINT k CHECK (a > 0) NO INHERIT", "ALTER TABLE plain DROP CONSTRAINT k"),
        change("ADD CHECK NOT VALID", "ALTER TABLE plain ADD CONSTRAINT k CHECK (a > 0) NOT VALID", "ALTER TABLE plain DROP CONSTRAINT k"),
        change("ADD CHECK NOT ENFORCED", "ALTER TABLE plain ADD CONSTRAINT k CHECK (a > 0) NOT ENFORCED", "ALTER TABLE plain DROP CONSTRAINT k").since(18),
        change("ADD CHECK to a parent", "ALTER TABLE parent ADD CONSTRAINT k CHECK (a > 0)", "ALTER TABLE parent DROP CONSTRAINT k"),
        change("ADD CHECK to a child", "ALTER TABLE child ADD CONSTRAINT k CHECK (a > 0)", "ALTER TABLE child DROP CONSTRAINT k"),
        change("ADD CHECK to a partition", "ALTER TABLE part_1 ADD CONSTRAINT k CHECK (b > 0)", "ALTER TABLE part_1 DROP CONSTRAINT k"),
        change("another expression of a CHECK", "ALTER TABLE checked DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (a >= 0)",
            "ALTER TABLE checked DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (a > 0)"),
        change("VALIDATE CONSTRAINT, CHECK", "ALTER TABLE checked VALIDATE CONSTRAINT waiting",
            "ALTER TABLE checked DROP CONSTRAINT waiting, ADD CONSTRAINT waiting CHECK (b > 0) NOT VALID"),
        change("VALIDATE CONSTRAINT, FOREIGN KEY", "ALTER TABLE referring VALIDATE CONSTRAINT to_other",
            "ALTER TABLE referring DROP CONSTRAINT to_other, ADD CONSTRAINT to_other FOREIGN KEY (b) REFERENCES target (other) NOT VALID"),
        change("RENAME CONSTRAINT", "ALTER TABLE checked RENAME CONSTRAINT positive TO above_zero", "ALTER TABLE checked RENAME CONSTRAINT above_zero TO positive"),
        change("RENAME CONSTRAINT of a key", "ALTER TABLE keyed RENAME CONSTRAINT keyed_key TO k", "ALTER TABLE keyed RENAME CONSTRAINT k TO keyed_key"),
        change("DROP CONSTRAINT", "ALTER TABLE checked DROP CONSTRAINT positive", "ALTER TABLE checked ADD CONSTRAINT positive CHECK (a > 0)"),
        change("DROP CONSTRAINT, a primary key", "ALTER TABLE keyed DROP CONSTRAINT keyed_key", "ALTER TABLE keyed ADD CONSTRAINT keyed_key PRIMARY KEY (a)"),
        change("ADD FOREIGN KEY", "ALTER TABLE referring ADD FOREIGN KEY (c) REFERENCES target", "ALTER TABLE referring DROP CONSTRAINT referring_c_fkey"),
        change("ADD FOREIGN KEY of two columns", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c, d) REFERENCES target (other, third)", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY MATCH FULL", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c, d) REFERENCES target (other, third) MATCH FULL", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY ON DELETE CASCADE", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target ON DELETE CASCADE", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY ON DELETE SET NULL", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target ON DELETE SET NULL", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY ON DELETE SET NULL of one column", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c, d) REFERENCES target (other, third) ON DELETE SET NULL (d)", "ALTER TABLE referring DROP CONSTRAINT k").since(15),
        change("ADD FOREIGN KEY ON DELETE SET DEFAULT", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target ON DELETE SET DEFAULT", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY ON DELETE RESTRICT", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target ON DELETE RESTRICT", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY ON UPDATE CASCADE", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target ON UPDATE CASCADE", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY NOT VALID", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target NOT VALID", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY NOT ENFORCED", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target NOT ENFORCED", "ALTER TABLE referring DROP CONSTRAINT k").since(18),
        change("ADD FOREIGN KEY DEFERRABLE", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target DEFERRABLE", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY INITIALLY DEFERRED", "ALTER TABLE referring ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES target DEFERRABLE INITIALLY DEFERRED", "ALTER TABLE referring DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY of a partitioned table", "ALTER TABLE parts ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES target", "ALTER TABLE parts DROP CONSTRAINT k"),
        change("ADD FOREIGN KEY of a partition", "ALTER TABLE part_1 ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES target", "ALTER TABLE part_1 DROP CONSTRAINT k"),
        change("another ON DELETE", "ALTER TABLE referring DROP CONSTRAINT to_target, ADD CONSTRAINT to_target FOREIGN KEY (a) REFERENCES target ON DELETE CASCADE",
            "ALTER TABLE referring DROP CONSTRAINT to_target, ADD CONSTRAINT to_target FOREIGN KEY (a) REFERENCES target"),
        change("ALTER CONSTRAINT DEFERRABLE", "ALTER TABLE referring ALTER CONSTRAINT to_target DEFERRABLE", "ALTER TABLE referring ALTER CONSTRAINT to_target NOT DEFERRABLE"),
        change("ALTER CONSTRAINT INITIALLY DEFERRED", "ALTER TABLE referring ALTER CONSTRAINT to_target DEFERRABLE INITIALLY DEFERRED", "ALTER TABLE referring ALTER CONSTRAINT to_target NOT DEFERRABLE"),
        change("ADD EXCLUDE", "ALTER TABLE plain ADD CONSTRAINT x EXCLUDE USING gist (d WITH &&)", "ALTER TABLE plain DROP CONSTRAINT x"),
        change("ADD EXCLUDE WHERE", "ALTER TABLE plain ADD CONSTRAINT x EXCLUDE USING gist (d WITH &&) WHERE (a > 0)", "ALTER TABLE plain DROP CONSTRAINT x"),
        change("ADD EXCLUDE INITIALLY DEFERRED", "ALTER TABLE plain ADD CONSTRAINT x EXCLUDE (a WITH =) DEFERRABLE INITIALLY DEFERRED", "ALTER TABLE plain DROP CONSTRAINT x"),
        change("ADD EXCLUDE over an expression", "ALTER TABLE plain ADD CONSTRAINT x EXCLUDE USING gist (int4range(a, b) WITH &&) WITH (fillfactor = 60)", "ALTER TABLE plain DROP CONSTRAINT x"),
        change("ADD NOT NULL with a name", "ALTER TABLE plain ADD CONSTRAINT k NOT NULL a", "ALTER TABLE plain DROP CONSTRAINT k").since(18),
        change("ADD NOT NULL NO INHERIT", "ALTER TABLE plain ADD CONSTRAINT k NOT NULL a NO INHERIT", "ALTER TABLE plain DROP CONSTRAINT k").since(18),
        change("ADD NOT NULL NOT VALID", "ALTER TABLE plain ADD CONSTRAINT k NOT NULL a NOT VALID", "ALTER TABLE plain DROP CONSTRAINT k").since(18),
        change("COMMENT ON CONSTRAINT", "COMMENT ON CONSTRAINT positive ON checked IS 'above zero'", "COMMENT ON CONSTRAINT positive ON checked IS NULL"),
        change("COMMENT ON CONSTRAINT of a key", "COMMENT ON CONSTRAINT keyed_key ON keyed IS 'the key'", "COMMENT ON CONSTRAINT keyed_key ON keyed IS NULL"),
        change("COMMENT ON CONSTRAINT of a foreign key", "COMMENT ON CONSTRAINT to_target ON referring IS 'refers'", "COMMENT ON CONSTRAINT to_target ON referring IS NULL"),
    ],
};
