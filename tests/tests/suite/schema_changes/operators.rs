//! Operators, operator classes and families, casts.

use super::{Topic, change};

pub const TOPIC: Topic = Topic {
    name: "operators",
    setup: r"
        CREATE TYPE money2 AS (cents int);
        CREATE TYPE yen AS (amount int);
        CREATE FUNCTION same(money2, money2) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.cents = $2.cents';
        CREATE FUNCTION unlike(money2, money2) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.cents <> $2.cents';
        CREATE FUNCTION negative(money2) RETURNS money2 LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE FUNCTION compare(money2, money2) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.cents - $2.cents';
        CREATE FUNCTION compare_otherwise(money2, money2) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $2.cents - $1.cents';
        CREATE FUNCTION sorting(internal) RETURNS void LANGUAGE internal STRICT AS 'btint4sortsupport';
        CREATE FUNCTION exchange(money2) RETURNS yen LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1.cents)::operators.yen';
        CREATE FUNCTION exchange_back(yen) RETURNS money2 LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1.amount)::operators.money2';
        CREATE OPERATOR === (leftarg = money2, rightarg = money2, function = same);
        CREATE OPERATOR <<< (leftarg = money2, rightarg = money2, function = unlike);
        CREATE OPERATOR >>> (leftarg = money2, rightarg = money2, function = unlike);
        CREATE OPERATOR <<<= (leftarg = money2, rightarg = money2, function = unlike);
        CREATE OPERATOR >>>= (leftarg = money2, rightarg = money2, function = unlike);
        CREATE OPERATOR %%% (leftarg = money2, rightarg = money2, function = same);
        CREATE OPERATOR FAMILY monies USING btree;
        CREATE OPERATOR CLASS by_cents FOR TYPE money2 USING btree AS
            OPERATOR 1 <<<, OPERATOR 2 <<<=, OPERATOR 3 ===, OPERATOR 4 >>>=, OPERATOR 5 >>>,
            FUNCTION 1 compare(money2, money2);
        CREATE CAST (yen AS money2) WITH FUNCTION exchange_back(yen);
        CREATE SCHEMA operators_elsewhere;
    ",
    changes: &[
        change("CREATE OPERATOR", "CREATE OPERATOR ~~~ (leftarg = money2, rightarg = money2, function = same)", "DROP OPERATOR ~~~ (money2, money2)"),
        change("CREATE OPERATOR, prefix", "CREATE OPERATOR !!! (rightarg = money2, function = negative)", "DROP OPERATOR !!! (NONE, money2)"),
        change("CREATE OPERATOR COMMUTATOR", "CREATE OPERATOR ~~~ (leftarg = money2, rightarg = money2, function = same, commutator = ~~~)", "DROP OPERATOR ~~~ (money2, money2)"),
        change("CREATE OPERATOR NEGATOR",
            "CREATE OPERATOR ~~~ (leftarg = money2, rightarg = money2, function = same);
             CREATE OPERATOR !~~~ (leftarg = money2, rightarg = money2, function = unlike, negator = ~~~)",
            "DROP OPERATOR ~~~ (money2, money2); DROP OPERATOR !~~~ (money2, money2)"),
        change("CREATE OPERATOR RESTRICT JOIN", "CREATE OPERATOR ~~~ (leftarg = money2, rightarg = money2, function = same, restrict = eqsel, join = eqjoinsel)", "DROP OPERATOR ~~~ (money2, money2)"),
        change("CREATE OPERATOR HASHES MERGES", "CREATE OPERATOR ~~~ (leftarg = money2, rightarg = money2, function = same, commutator = ~~~, hashes, merges)", "DROP OPERATOR ~~~ (money2, money2)"),
        change("DROP OPERATOR", "DROP OPERATOR %%% (money2, money2)", "CREATE OPERATOR %%% (leftarg = money2, rightarg = money2, function = same)"),
        change("ALTER OPERATOR SET RESTRICT", "ALTER OPERATOR === (money2, money2) SET (restrict = eqsel)", "ALTER OPERATOR === (money2, money2) SET (restrict = NONE)"),
        change("ALTER OPERATOR SET JOIN", "ALTER OPERATOR === (money2, money2) SET (join = eqjoinsel)", "ALTER OPERATOR === (money2, money2) SET (join = NONE)"),
        change("ALTER OPERATOR SET COMMUTATOR",
            "CREATE OPERATOR ~~~ (leftarg = money2, rightarg = money2, function = same); ALTER OPERATOR ~~~ (money2, money2) SET (commutator = ~~~, hashes)",
            "DROP OPERATOR ~~~ (money2, money2)").since(17),
        change("ALTER OPERATOR OWNER TO", "ALTER OPERATOR === (money2, money2) OWNER TO ddl_alice", "ALTER OPERATOR === (money2, money2) OWNER TO postgres"),
        change("ALTER OPERATOR SET SCHEMA", "ALTER OPERATOR === (money2, money2) SET SCHEMA operators_elsewhere", "ALTER OPERATOR operators_elsewhere.=== (money2, money2) SET SCHEMA operators"),
        change("COMMENT ON OPERATOR", "COMMENT ON OPERATOR === (money2, money2) IS 'same'", "COMMENT ON OPERATOR === (money2, money2) IS NULL"),
        change("CREATE OPERATOR FAMILY", "CREATE OPERATOR FAMILY f USING hash", "DROP OPERATOR FAMILY f USING hash"),
        change("ALTER OPERATOR FAMILY ADD OPERATOR", "ALTER OPERATOR FAMILY monies USING btree ADD OPERATOR 3 === (money2, money2)", "ALTER OPERATOR FAMILY monies USING btree DROP OPERATOR 3 (money2, money2)"),
        change("ALTER OPERATOR FAMILY ADD FUNCTION", "ALTER OPERATOR FAMILY monies USING btree ADD FUNCTION 1 (money2, money2) compare(money2, money2)", "ALTER OPERATOR FAMILY monies USING btree DROP FUNCTION 1 (money2, money2)"),
        change("ALTER OPERATOR FAMILY DROP", "ALTER OPERATOR FAMILY by_cents USING btree ADD FUNCTION 2 (money2) sorting(internal)", "ALTER OPERATOR FAMILY by_cents USING btree DROP FUNCTION 2 (money2)"),
        change("ALTER OPERATOR FAMILY RENAME TO", "ALTER OPERATOR FAMILY monies USING btree RENAME TO f", "ALTER OPERATOR FAMILY f USING btree RENAME TO monies"),
        change("ALTER OPERATOR FAMILY OWNER TO", "ALTER OPERATOR FAMILY monies USING btree OWNER TO ddl_alice", "ALTER OPERATOR FAMILY monies USING btree OWNER TO postgres"),
        change("ALTER OPERATOR FAMILY SET SCHEMA", "ALTER OPERATOR FAMILY monies USING btree SET SCHEMA operators_elsewhere", "ALTER OPERATOR FAMILY operators_elsewhere.monies USING btree SET SCHEMA operators"),
        change("COMMENT ON OPERATOR FAMILY", "COMMENT ON OPERATOR FAMILY monies USING btree IS 'monies'", "COMMENT ON OPERATOR FAMILY monies USING btree IS NULL"),
        change("CREATE OPERATOR CLASS", "CREATE OPERATOR CLASS c FOR TYPE money2 USING hash AS OPERATOR 1 ===", "DROP OPERATOR FAMILY c USING hash"),
        change("CREATE OPERATOR CLASS DEFAULT", "CREATE OPERATOR CLASS c DEFAULT FOR TYPE money2 USING hash AS OPERATOR 1 ===", "DROP OPERATOR FAMILY c USING hash"),
        change("CREATE OPERATOR CLASS FAMILY", "CREATE OPERATOR CLASS c FOR TYPE money2 USING btree FAMILY monies AS OPERATOR 3 ===, FUNCTION 1 compare(money2, money2)",
            "DROP OPERATOR CLASS c USING btree"),
        change("CREATE OPERATOR CLASS STORAGE", "CREATE OPERATOR CLASS c FOR TYPE int[] USING gin AS OPERATOR 7 @> (anyarray, anyarray), FUNCTION 1 btint4cmp(int, int), STORAGE int", "DROP OPERATOR FAMILY c USING gin"),
        change("CREATE OPERATOR CLASS FOR ORDER BY", "CREATE OPERATOR CLASS c FOR TYPE point USING gist AS OPERATOR 15 <-> (point, point) FOR ORDER BY float_ops", "DROP OPERATOR FAMILY c USING gist"),
        change("CREATE OPERATOR CLASS FUNCTION of another",
            "DROP OPERATOR FAMILY by_cents USING btree;
             CREATE OPERATOR CLASS by_cents FOR TYPE money2 USING btree AS OPERATOR 1 <<<, OPERATOR 2 <<<=, OPERATOR 3 ===, OPERATOR 4 >>>=, OPERATOR 5 >>>,
                 FUNCTION 1 compare_otherwise(money2, money2)",
            "DROP OPERATOR FAMILY by_cents USING btree;
             CREATE OPERATOR CLASS by_cents FOR TYPE money2 USING btree AS OPERATOR 1 <<<, OPERATOR 2 <<<=, OPERATOR 3 ===, OPERATOR 4 >>>=, OPERATOR 5 >>>,
                 FUNCTION 1 compare(money2, money2)"),
        change("ALTER OPERATOR CLASS RENAME TO", "ALTER OPERATOR CLASS by_cents USING btree RENAME TO c", "ALTER OPERATOR CLASS c USING btree RENAME TO by_cents"),
        change("ALTER OPERATOR CLASS OWNER TO", "ALTER OPERATOR CLASS by_cents USING btree OWNER TO ddl_alice", "ALTER OPERATOR CLASS by_cents USING btree OWNER TO postgres"),
        change("ALTER OPERATOR CLASS SET SCHEMA", "ALTER OPERATOR CLASS by_cents USING btree SET SCHEMA operators_elsewhere", "ALTER OPERATOR CLASS operators_elsewhere.by_cents USING btree SET SCHEMA operators"),
        change("COMMENT ON OPERATOR CLASS", "COMMENT ON OPERATOR CLASS by_cents USING btree IS 'by cents'", "COMMENT ON OPERATOR CLASS by_cents USING btree IS NULL"),
        change("CREATE CAST WITH FUNCTION", "CREATE CAST (money2 AS yen) WITH FUNCTION exchange(money2)", "DROP CAST (money2 AS yen)"),
        change("CREATE CAST AS ASSIGNMENT", "CREATE CAST (money2 AS yen) WITH FUNCTION exchange(money2) AS ASSIGNMENT", "DROP CAST (money2 AS yen)"),
        change("CREATE CAST AS IMPLICIT", "CREATE CAST (money2 AS yen) WITH FUNCTION exchange(money2) AS IMPLICIT", "DROP CAST (money2 AS yen)"),
        change("CREATE CAST WITH INOUT", "CREATE CAST (money2 AS int) WITH INOUT", "DROP CAST (money2 AS int)"),
        change("CREATE CAST WITHOUT FUNCTION", "CREATE CAST (json AS bytea) WITHOUT FUNCTION", "DROP CAST (json AS bytea)"),
        change("DROP CAST", "DROP CAST (yen AS money2)", "CREATE CAST (yen AS money2) WITH FUNCTION exchange_back(yen)"),
        change("another context of a cast", "DROP CAST (yen AS money2); CREATE CAST (yen AS money2) WITH FUNCTION exchange_back(yen) AS IMPLICIT",
            "DROP CAST (yen AS money2); CREATE CAST (yen AS money2) WITH FUNCTION exchange_back(yen)"),
        change("COMMENT ON CAST", "COMMENT ON CAST (yen AS money2) IS 'exchange'", "COMMENT ON CAST (yen AS money2) IS NULL"),
    ],
};
