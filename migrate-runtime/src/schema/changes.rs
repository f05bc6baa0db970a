//! What changed in a schema since the last look.
//!
//! Any change of a catalog row makes a new version of it, with the transaction (`xmin`) that wrote it. What was written
//! since the last look is therefore seen row by row: every transaction that was not over then has a number from the
//! oldest running one of then on. What went is seen by a sum of place (`ctid`) and transaction of the older rows, one for
//! each bucket of objects. The objects of both are read again, and with them those whose text has their names in it,
//! which `pg_depend` knows.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::prepared::Query;
use crate::session::{Row, Rows};

/// Objects share a bucket where their oids agree in the lower bits: a few in most databases.
const BUCKETS: u32 = 1024;
/// More than that, and everything is read again.
const MANY: usize = 2000;

/// A catalog that a schema is read from.
struct Catalog {
    name: &'static str,
    /// To which object a row counts: its catalog and its oid. Indexes, constraints and the like count to their table, and
    /// to themselves where they have a row of their own.
    class: &'static str,
    object: &'static str,
    /// Rows that are looked at at all.
    only: &'static str,
    /// Those of them that can go without another row of the object changing; empty for all.
    summed: &'static str,
}

const fn catalog(
    name: &'static str,
    class: &'static str,
    object: &'static str,
    only: &'static str,
) -> Catalog {
    Catalog { name, class, object, only, summed: "" }
}

const CLASS: &str = "'pg_class'::regclass";
const TYPE: &str = "'pg_type'::regclass";
const ITSELF: &str = "";

const CATALOGS: &[Catalog] = &[
    // A TOAST table follows its table, whose own row changes with it; a composite type has a row here, and is known as
    // a type.
    Catalog {
        summed: "oid >= 16384",
        ..catalog(
            "pg_class",
            "CASE WHEN relkind = 'c' THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END",
            "CASE WHEN relkind = 'c' THEN reltype ELSE oid END",
            "relnamespace <> 99",
        )
    },
    // A column that is dropped keeps its row, and the row of a default goes with a change of its column.
    Catalog { summed: "false", ..catalog("pg_attribute", CLASS, "attrelid", "") },
    Catalog { summed: "false", ..catalog("pg_attrdef", CLASS, "adrelid", "") },
    // Row types and arrays go with what they belong to.
    Catalog {
        summed: "oid >= 16384 AND typtype <> 'c' AND (typarray <> 0 OR typtype = 'p')",
        ..catalog("pg_type", TYPE, "oid", "")
    },
    catalog("pg_index", CLASS, "indrelid", "indexrelid >= 16384"),
    catalog(
        "pg_constraint",
        "CASE WHEN conrelid <> 0 THEN 'pg_class'::regclass ELSE 'pg_type'::regclass END",
        "CASE WHEN conrelid <> 0 THEN conrelid ELSE contypid END",
        "oid >= 16384",
    ),
    catalog("pg_inherits", CLASS, "inhrelid", ""),
    catalog("pg_partitioned_table", CLASS, "partrelid", ""),
    Catalog { summed: "oid >= 16384", ..catalog("pg_proc", ITSELF, "oid", "") },
    catalog("pg_trigger", CLASS, "tgrelid", ""),
    catalog("pg_rewrite", CLASS, "ev_class", "oid >= 16384"),
    catalog("pg_policy", CLASS, "polrelid", ""),
    catalog("pg_sequence", CLASS, "seqrelid", ""),
    catalog("pg_foreign_table", CLASS, "ftrelid", ""),
    catalog("pg_statistic_ext", ITSELF, "oid", ""),
    catalog("pg_enum", TYPE, "enumtypid", ""),
    catalog("pg_range", TYPE, "rngtypid", "rngtypid >= 16384"),
    catalog("pg_aggregate", "'pg_proc'::regclass", "aggfnoid::oid", "aggfnoid >= 16384::oid"),
    catalog("pg_operator", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_opclass", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_opfamily", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_amop", "'pg_opfamily'::regclass", "amopfamily", "oid >= 16384"),
    catalog("pg_amproc", "'pg_opfamily'::regclass", "amprocfamily", "oid >= 16384"),
    catalog("pg_cast", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_collation", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_conversion", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_ts_parser", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_ts_template", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_ts_dict", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_ts_config", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_ts_config_map", "'pg_ts_config'::regclass", "mapcfg", "mapcfg >= 16384"),
    catalog("pg_foreign_data_wrapper", ITSELF, "oid", ""),
    catalog("pg_foreign_server", ITSELF, "oid", ""),
    catalog("pg_language", ITSELF, "oid", ""),
    catalog("pg_transform", ITSELF, "oid", ""),
    catalog("pg_am", ITSELF, "oid", "oid >= 16384"),
    catalog("pg_event_trigger", ITSELF, "oid", ""),
    catalog("pg_extension", ITSELF, "oid", ""),
    catalog("pg_namespace", ITSELF, "oid", ""),
    catalog("pg_default_acl", ITSELF, "oid", ""),
    catalog("pg_description", "classoid", "objoid", "objoid >= 16384 OR classoid = 'pg_namespace'::regclass"),
    catalog("pg_seclabel", "classoid", "objoid", ""),
    catalog("pg_init_privs", "classoid", "objoid", ""),
    // Who belongs to an extension. A sequence that comes to belong to another column is itself changed.
    catalog(
        "pg_depend",
        "classid",
        "objid",
        "refclassid = 'pg_extension'::regclass AND deptype IN ('e', 'x')",
    ),
];

/// How many of them are what tables in their simplest form have, so that nothing of another kind is new.
const PLAIN: usize = 8;
/// From here on a row can go of what is no object of its own (the comment of an index), or no object of the schema yet (a
/// member of an extension).
const OF_ANYTHING: usize = 40;

/// What has a row of its own and an oid: the objects, and their parts that can have a comment.
const WITH_OID: &[&str] = &[
    "pg_class",
    "pg_type",
    "pg_proc",
    "pg_constraint",
    "pg_trigger",
    "pg_rewrite",
    "pg_policy",
    "pg_statistic_ext",
    "pg_operator",
    "pg_opclass",
    "pg_opfamily",
    "pg_cast",
    "pg_collation",
    "pg_conversion",
    "pg_ts_parser",
    "pg_ts_template",
    "pg_ts_dict",
    "pg_ts_config",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_language",
    "pg_transform",
    "pg_am",
    "pg_event_trigger",
    "pg_extension",
    "pg_namespace",
    "pg_default_acl",
];

/// Catalogs whose rows not everybody may look at so closely, or that are others in other versions: few rows, read again
/// each time.
pub(super) const ALWAYS: [&str; 3] = ["pg_user_mapping", "pg_publication", "pg_subscription"];

/// A row that was written by a transaction which was perhaps not over at a look.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Young {
    /// Its place in [`CATALOGS`].
    catalog: usize,
    /// Which object it counts to.
    class: u32,
    object: u32,
    /// Of its place and transaction.
    hash: String,
}

/// What the catalogs were like at one look.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// The oldest transaction that was running, or the next one where none was.
    oldest: Option<u32>,
    /// Of the rows that are older than this one: the sum of each bucket, of objects and of what is about anything.
    sums: HashMap<(bool, u32), String>,
    /// The other rows.
    young: HashSet<Young>,
    /// Of schemas, roles and tablespaces, whose names are in every other object's text, and of the database itself.
    names: HashMap<String, String>,
    /// Of the rows that are older than the look before: the same.
    before: HashMap<(bool, u32), String>,
    /// The rows since the look before.
    since: HashSet<Young>,
}

/// What is to be read again.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed {
    /// Catalog and oid of what was written.
    written: HashSet<(u32, u32)>,
    /// Something of an object in these buckets went, or is there again after a roll back.
    went: HashSet<u32>,
    /// Something about anything in these went.
    about: HashSet<u32>,
    /// Nothing but tables, columns, indexes and constraints was written.
    pub plain: bool,
}

impl Look {
    /// A query of six columns: what, which, and its values.
    ///
    /// A transaction's number is its distance from the first: a cast to text and back costs four times that. The number
    /// of a row that `initdb` wrote or that is frozen is infinitely far from everything, and stays so.
    pub fn query(before: Option<&Self>) -> Query {
        let oldest = "pg_snapshot_xmin(pg_current_snapshot())::xid";
        let value = match before.and_then(|before| before.oldest) {
            Some(oldest) => format!("'{oldest}'"),
            None => oldest.to_owned(),
        };
        let since = "SELECT age($1)";
        let mut sql = format!(
            "SELECT 'o', ({oldest})::text, NULL, NULL, NULL, NULL \
             UNION ALL SELECT CASE WHEN about THEN 'd' ELSE 'b' END, bucket::text, \
             (bit_xor(hash) FILTER (WHERE summed AND age > (SELECT age({oldest}))))::text, \
             (bit_xor(hash) FILTER (WHERE summed AND age > ({since})))::text, \
             string_agg(row || ':' || hash, ',') FILTER (WHERE age <= ({since})), \
             string_agg(row || ':' || hash, ',') FILTER (WHERE age <= (SELECT age({oldest}))) FROM ("
        );
        for (number, Catalog { name, class, object, only, summed }) in CATALOGS.iter().enumerate() {
            let class = match class.is_empty() {
                true => format!("'{name}'::regclass"),
                false => (*class).to_owned(),
            };
            let summed = if summed.is_empty() { "true" } else { summed };
            let _ = write!(
                sql,
                "{}SELECT {about} AS about, ({object})::int4 & {mask} AS bucket, age(xmin) AS age, {summed} AS summed, \
                 hashtidextended(ctid, {seed}::int8 \
                 + COALESCE((SELECT age('3'::xid)::int8) - NULLIF(age(xmin), 2147483647), 0)) AS hash, \
                 CASE WHEN age(xmin) <= ({since}) THEN concat_ws(':', {number}, ({class})::oid, {object}) END AS row FROM {name}{only}",
                if number == 0 { "" } else { " UNION ALL " },
                about = number >= OF_ANYTHING,
                mask = BUCKETS - 1,
                seed = (number as i64) << 40,
                only = match (only.is_empty(), summed) {
                    (true, "true") => String::new(),
                    (false, "true") => format!(" WHERE {only}"),
                    (true, summed) => format!(" WHERE ({summed} OR age(xmin) <= ({since}))"),
                    (false, summed) => format!(" WHERE ({only}) AND ({summed} OR age(xmin) <= ({since}))"),
                }
            );
        }
        sql += ") AS rows GROUP BY about, bucket \
            UNION ALL SELECT 'n', 'schema ' || oid, nspname, NULL, NULL, NULL FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_' \
            UNION ALL SELECT 'n', 'role ' || oid, rolname, NULL, NULL, NULL FROM pg_roles WHERE oid < 16384 OR oid IN (SELECT refobjid \
                FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass \
                AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())) \
            UNION ALL SELECT 'n', 'tablespace ' || oid, spcname, NULL, NULL, NULL FROM pg_tablespace \
            UNION ALL SELECT 'n', 'database', oid::text, NULL, NULL, NULL FROM pg_database WHERE datname = current_database()";
        Query { sql, parameters: vec![("xid", value)] }
    }

    /// What [`Look::query`] returned.
    pub fn read<'a>(rows: impl Iterator<Item = Row<'a>>) -> Self {
        let mut look = Self::default();
        for row in rows {
            match row.get(0) {
                Some("o") => look.oldest = row.number(1),
                Some("n") => {
                    look.names.insert(row.text(1), row.text(2));
                }
                what => {
                    let Some(bucket) = row.number(1) else { continue };
                    let key = (what == Some("d"), bucket);
                    look.sums.extend(row.owned(2).map(|sum| (key, sum)));
                    look.before.extend(row.owned(3).map(|sum| (key, sum)));
                    look.since.extend(row.get(4).into_iter().flat_map(Young::all));
                    look.young.extend(row.get(5).into_iter().flat_map(Young::all));
                }
            }
        }
        look
    }

    /// What is known of a database holds for its copy, but for its own number.
    pub fn moved(&mut self) {
        self.names.remove("database");
    }

    /// What is not as it was at an earlier look, whose `oldest` this one was asked with; `None` where everything has to be
    /// read again.
    pub fn changed(&self, before: &Self) -> Option<Changed> {
        let renamed =
            before.names.iter().any(|(key, name)| self.names.get(key).is_some_and(|now| now != name));
        let mut changed = Changed { plain: true, ..Changed::default() };
        for young in self.since.symmetric_difference(&before.young) {
            changed.written.insert((young.class, young.object));
            changed.plain &= young.catalog < PLAIN && young.object >= 16384;
        }
        for key in self.before.keys().chain(before.sums.keys()) {
            if self.before.get(key) != before.sums.get(key) {
                let (about, bucket) = *key;
                if about { &mut changed.about } else { &mut changed.went }.insert(bucket);
            }
        }
        let few = changed.written.len() < MANY && changed.went.len() < BUCKETS as usize / 3;
        (before.oldest.is_some() && !renamed && few).then_some(changed)
    }
}

impl Young {
    /// What [`Look::query`] says of the rows of a bucket.
    fn all(text: &str) -> impl Iterator<Item = Self> {
        text.split(',').filter_map(|row| {
            let mut parts = row.splitn(4, ':');
            Some(Self {
                catalog: parts.next()?.parse().ok()?,
                class: parts.next()?.parse().ok()?,
                object: parts.next()?.parse().ok()?,
                hash: parts.next()?.to_owned(),
            })
        })
    }
}

impl Changed {
    /// Nothing is.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.went.is_empty() && self.about.is_empty()
    }

    /// Whether something of this object went, for all that is known.
    pub fn went(&self, oid: u32) -> bool {
        self.went.contains(&(oid & (BUCKETS - 1)))
    }

    /// A query of catalog and oid: the objects that changed, and those that say the names of one of them. `went` are
    /// those that were known before, by catalog, of which [`Changed::went`] says so.
    ///
    /// A dependent's own dependents are reached where its name is made of other names: a type of a type, a function or an
    /// operator with its arguments.
    pub fn touched<'a>(&self, went: impl Iterator<Item = (&'a str, u32)>) -> String {
        let mut classes: HashMap<&str, String> = HashMap::new();
        for (catalog, oid) in went {
            let _ = write!(classes.entry(catalog).or_default(), "{oid},");
        }
        let written = |column: fn(&(u32, u32)) -> u32| {
            self.written.iter().map(|pair| column(pair).to_string()).collect::<Vec<_>>().join(",")
        };
        let mut seeds = vec![format!(
            "SELECT * FROM unnest('{{{}}}'::oid[], '{{{}}}'::oid[])",
            written(|pair| pair.0),
            written(|pair| pair.1)
        )];
        seeds.extend(classes.iter().map(|(catalog, oids)| {
            format!("SELECT '{catalog}'::regclass, unnest('{{{}}}'::oid[])", oids.trim_end_matches(','))
        }));
        if !self.about.is_empty() {
            let list: Vec<_> = self.about.iter().map(u32::to_string).collect();
            seeds.extend(WITH_OID.iter().map(|catalog| {
                format!(
                    "SELECT '{catalog}'::regclass, oid FROM {catalog} WHERE oid::int4 & {} = ANY ('{{{}}}'::int4[])",
                    BUCKETS - 1,
                    list.join(",")
                )
            }));
        }
        TOUCHED.replace("{seeds}", &seeds.join(" UNION ALL "))
    }
}

/// A table's row type and the arrays are said nowhere. A range type says the name of its multirange type, on which it
/// does not depend.
const TOUCHED: &str = "WITH RECURSIVE reach (classid, objid, follow) AS (
        SELECT classid, objid, objid >= 16384 AND classid NOT IN ('pg_namespace'::regclass, 'pg_extension'::regclass)
        FROM ({seeds}) AS seed (classid, objid)
        UNION
        SELECT d.classid, d.objid, d.classid IN ('pg_type'::regclass, 'pg_proc'::regclass, 'pg_operator'::regclass)
        FROM reach r JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid WHERE r.follow
    ),
    found (classid, objid) AS MATERIALIZED (SELECT DISTINCT classid, objid FROM reach)
    SELECT DISTINCT classid::regclass::text, objid::int8 FROM (
        SELECT classid, objid FROM found
        UNION ALL SELECT 'pg_class'::regclass, i.indrelid FROM found f JOIN pg_index i
            ON f.classid = 'pg_class'::regclass AND i.indexrelid = f.objid
        UNION ALL SELECT CASE WHEN c.conrelid = 0 THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END,
            CASE WHEN c.conrelid = 0 THEN c.contypid ELSE c.conrelid END
            FROM found f JOIN pg_constraint c ON f.classid = 'pg_constraint'::regclass AND c.oid = f.objid
        UNION ALL SELECT 'pg_class'::regclass, a.adrelid FROM found f JOIN pg_attrdef a
            ON f.classid = 'pg_attrdef'::regclass AND a.oid = f.objid
        UNION ALL SELECT 'pg_class'::regclass, t.tgrelid FROM found f JOIN pg_trigger t
            ON f.classid = 'pg_trigger'::regclass AND t.oid = f.objid
        UNION ALL SELECT 'pg_class'::regclass, w.ev_class FROM found f JOIN pg_rewrite w
            ON f.classid = 'pg_rewrite'::regclass AND w.oid = f.objid
        UNION ALL SELECT 'pg_class'::regclass, p.polrelid FROM found f JOIN pg_policy p
            ON f.classid = 'pg_policy'::regclass AND p.oid = f.objid
        UNION ALL SELECT 'pg_type'::regclass, c.reltype FROM found f JOIN pg_class c
            ON f.classid = 'pg_class'::regclass AND c.oid = f.objid AND c.relkind = 'c'
        UNION ALL SELECT 'pg_opfamily'::regclass, m.amopfamily FROM found f JOIN pg_amop m
            ON f.classid = 'pg_amop'::regclass AND m.oid = f.objid
        UNION ALL SELECT 'pg_opfamily'::regclass, m.amprocfamily FROM found f JOIN pg_amproc m
            ON f.classid = 'pg_amproc'::regclass AND m.oid = f.objid
        UNION ALL SELECT 'pg_opclass'::regclass, c.oid FROM found f JOIN pg_amop m
            ON f.classid = 'pg_amop'::regclass AND m.oid = f.objid JOIN pg_opclass c ON c.opcfamily = m.amopfamily
        UNION ALL SELECT 'pg_opclass'::regclass, c.oid FROM found f JOIN pg_amproc m
            ON f.classid = 'pg_amproc'::regclass AND m.oid = f.objid JOIN pg_opclass c ON c.opcfamily = m.amprocfamily
        UNION ALL SELECT 'pg_type'::regclass, g.rngtypid FROM found f JOIN pg_range g
            ON f.classid = 'pg_type'::regclass AND g.rngmultitypid = f.objid
    ) AS owners (classid, objid)
    WHERE NOT (classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = objid
            AND (t.typtype = 'b' AND (SELECT e.typarray FROM pg_type e WHERE e.oid = t.typelem) = t.oid
                OR t.typtype = 'c' AND (SELECT c.relkind FROM pg_class c WHERE c.oid = t.typrelid) <> 'c')))
        AND classid NOT IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_trigger'::regclass,
            'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_amop'::regclass, 'pg_amproc'::regclass)";

/// What [`Changed::touched`] returned: for each catalog, the oids.
pub(super) fn by_catalog(rows: &Rows) -> HashMap<String, Vec<u32>> {
    let mut catalogs: HashMap<String, Vec<u32>> = HashMap::new();
    for row in rows.iter() {
        if let Some(oid) = row.number(1) {
            catalogs.entry(row.text(0)).or_default().push(oid);
        }
    }
    catalogs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogs_are_in_the_order_that_the_numbers_say() {
        let place = |name| CATALOGS.iter().position(|catalog| catalog.name == name).unwrap();
        assert_eq!((place("pg_partitioned_table"), place("pg_description")), (PLAIN - 1, OF_ANYTHING));
    }

    #[test]
    fn what_was_written_and_what_went() {
        let look = |oldest, now: &str, before: &str, young: &str, since: &str| Look {
            oldest: Some(oldest),
            sums: HashMap::from([((false, 7), now.to_owned())]),
            before: HashMap::from([((false, 7), before.to_owned())]),
            young: Young::all(young).collect(),
            since: Young::all(since).collect(),
            names: HashMap::new(),
        };
        let first = look(100, "a", "", "", "");
        let second = look(105, "b", "a", "", "0:1259:20000:55");
        let changed = second.changed(&first).unwrap();
        assert_eq!(changed.written, HashSet::from([(1259, 20000)]));
        assert!(changed.plain && changed.went.is_empty() && changed.about.is_empty());
        assert!(look(106, "b", "b", "", "").changed(&second).unwrap().is_empty());
        assert!(look(106, "b", "c", "", "").changed(&second).unwrap().went(7 + BUCKETS));
        // Within a transaction that writes, rows are young at one look and the next; rolled back they are missing.
        let inside = look(105, "b", "b", "3:1247:20002:-1", "3:1247:20002:-1");
        assert!(look(106, "b", "b", "", "3:1247:20002:-1").changed(&inside).unwrap().is_empty());
        let changed = look(106, "b", "b", "", "").changed(&inside).unwrap();
        assert_eq!(changed.written, HashSet::from([(1247, 20002)]));
    }
}
