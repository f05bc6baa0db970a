//! What changed in a schema since the last look.
//!
//! Any change of a catalog row gives it another place (`ctid`) or another transaction (`xmin`), within one transaction
//! too. So one pass over the catalogs makes a sum of both for each bucket of objects; where it is another one, the
//! objects of the bucket are read again, and with them those whose text has their names in it, which `pg_depend` knows.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::session::{Row, Rows};

/// Objects share a bucket where their oids agree in the lower bits: a few in most databases.
const BUCKETS: u32 = 1024;

/// The catalogs that a schema is read from, and to which object's bucket a row counts. Indexes, constraints and the like
/// count to their table, and to themselves where they have a row of their own.
const CATALOGS: &[(&str, &str, &str)] = &[
    ("pg_class", "oid", ""),
    // Those of the system have something to say only where somebody granted it.
    ("pg_attribute", "attrelid", "attrelid >= 16384 AND attnum > 0 OR attacl IS NOT NULL"),
    ("pg_attrdef", "adrelid", ""),
    ("pg_constraint", "conrelid::int4 + contypid::int4", "oid >= 16384"),
    ("pg_index", "indrelid", "indexrelid >= 16384"),
    ("pg_trigger", "tgrelid", ""),
    ("pg_rewrite", "ev_class", "oid >= 16384"),
    ("pg_policy", "polrelid", ""),
    ("pg_inherits", "inhrelid", ""),
    ("pg_partitioned_table", "partrelid", ""),
    ("pg_sequence", "seqrelid", ""),
    ("pg_foreign_table", "ftrelid", ""),
    ("pg_statistic_ext", "oid", ""),
    ("pg_type", "oid", ""),
    // A range type says the name of its multirange type, on which it does not depend.
    ("pg_type", "(SELECT rngtypid FROM pg_range WHERE rngmultitypid = pg_type.oid)", "typtype = 'm'"),
    ("pg_enum", "enumtypid", ""),
    ("pg_range", "rngtypid", "rngtypid >= 16384"),
    ("pg_proc", "oid", ""),
    ("pg_aggregate", "aggfnoid::oid", "aggfnoid >= 16384::oid"),
    ("pg_operator", "oid", "oid >= 16384"),
    ("pg_opclass", "oid", "oid >= 16384"),
    ("pg_opfamily", "oid", "oid >= 16384"),
    ("pg_amop", "amopfamily", "oid >= 16384"),
    ("pg_amproc", "amprocfamily", "oid >= 16384"),
    ("pg_cast", "oid", "oid >= 16384"),
    ("pg_collation", "oid", "oid >= 16384"),
    ("pg_conversion", "oid", "oid >= 16384"),
    ("pg_ts_parser", "oid", "oid >= 16384"),
    ("pg_ts_template", "oid", "oid >= 16384"),
    ("pg_ts_dict", "oid", "oid >= 16384"),
    ("pg_ts_config", "oid", "oid >= 16384"),
    ("pg_ts_config_map", "mapcfg", "mapcfg >= 16384"),
    ("pg_foreign_data_wrapper", "oid", ""),
    ("pg_foreign_server", "oid", ""),
    ("pg_language", "oid", ""),
    ("pg_transform", "oid", ""),
    ("pg_am", "oid", "oid >= 16384"),
    ("pg_event_trigger", "oid", ""),
    ("pg_extension", "oid", ""),
    ("pg_namespace", "oid", ""),
    ("pg_default_acl", "oid", ""),
    ("pg_description", "objoid", "objoid >= 16384 OR classoid = 'pg_namespace'::regclass"),
    ("pg_seclabel", "objoid", ""),
    ("pg_init_privs", "objoid", ""),
    // Who belongs to an extension, and which column a sequence belongs to.
    (
        "pg_depend",
        "objid",
        "deptype IN ('e', 'x') OR deptype IN ('a', 'i') AND classid = 'pg_class'::regclass \
         AND refclassid = 'pg_class'::regclass AND refobjsubid > 0",
    ),
];

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

/// What the catalogs were like at one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    buckets: HashMap<u32, String>,
    /// Of schemas, roles and tablespaces, whose names are in every other object's text, and of the database itself.
    names: HashMap<String, String>,
}

impl Sums {
    /// A query of three columns: what, which, its value.
    ///
    /// A transaction's number is its distance from the first: a cast to text and back costs four times that. The number
    /// of a row that `initdb` wrote or that is frozen is infinitely far from everything, and stays so.
    pub fn sql() -> String {
        let mut sql = String::from("SELECT 'b', bucket::text, bit_xor(hash)::text FROM (");
        for (number, (catalog, object, condition)) in CATALOGS.iter().enumerate() {
            let _ = write!(
                sql,
                "{}SELECT ({object})::int4 & {} AS bucket, hashtidextended(ctid, {}::int8 \
                 + COALESCE((SELECT age('3'::xid)::int8) - NULLIF(age(xmin), 2147483647), 0)) AS hash FROM {catalog}{}",
                if number == 0 { "" } else { " UNION ALL " },
                BUCKETS - 1,
                (number as i64) << 40,
                if condition.is_empty() { String::new() } else { format!(" WHERE {condition}") }
            );
        }
        sql += ") AS rows GROUP BY bucket \
            UNION ALL SELECT 'n', 'schema ' || oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_' \
            UNION ALL SELECT 'n', 'role ' || oid, rolname FROM pg_roles WHERE oid < 16384 OR oid IN (SELECT refobjid \
                FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass \
                AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())) \
            UNION ALL SELECT 'n', 'tablespace ' || oid, spcname FROM pg_tablespace \
            UNION ALL SELECT 'n', 'database', oid::text FROM pg_database WHERE datname = current_database()";
        sql
    }

    /// What [`Sums::sql`] returned.
    pub fn read<'a>(rows: impl Iterator<Item = Row<'a>>) -> Self {
        let mut sums = Self::default();
        for row in rows {
            match row.get(0) {
                Some("b") => {
                    if let Some(bucket) = row.number(1) {
                        sums.buckets.insert(bucket, row.text(2));
                    }
                }
                _ => {
                    sums.names.insert(row.text(1), row.text(2));
                }
            }
        }
        sums
    }

    /// The buckets that are not as they were; `None` where everything has to be read again.
    pub fn changed(&self, before: &Self) -> Option<HashSet<u32>> {
        let renamed =
            before.names.iter().any(|(key, name)| self.names.get(key).is_some_and(|now| now != name));
        let keys = self.buckets.keys().chain(before.buckets.keys());
        let changed: HashSet<u32> =
            keys.filter(|bucket| self.buckets.get(bucket) != before.buckets.get(bucket)).copied().collect();
        (!renamed && changed.len() < BUCKETS as usize / 3).then_some(changed)
    }
}

/// The bucket of an object.
pub(super) fn bucket(oid: u32) -> u32 {
    oid & (BUCKETS - 1)
}

/// A query of catalog and oid: the objects in these buckets, and those that say the names of one of them.
///
/// A dependent's own dependents are reached where its name is made of other names: a type of a type, a function or an
/// operator with its arguments.
pub(super) fn touched(buckets: &HashSet<u32>) -> String {
    let list: Vec<_> = buckets.iter().map(u32::to_string).collect();
    let list = list.join(",");
    let seeds: Vec<_> = WITH_OID
        .iter()
        .map(|catalog| {
            format!(
                "SELECT '{catalog}'::regclass::oid, oid, {} FROM {catalog} WHERE oid::int4 & {} = ANY ('{{{list}}}'::int4[])",
                if matches!(*catalog, "pg_namespace" | "pg_extension") { "false" } else { "oid >= 16384" },
                BUCKETS - 1
            )
        })
        .collect();
    format!(
        "WITH RECURSIVE seed (classid, objid, follow) AS MATERIALIZED ({}),
        reach (classid, objid, follow) AS (
            SELECT classid, objid, follow FROM seed
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
            UNION ALL SELECT 'pg_class'::regclass, c.oid FROM found f JOIN pg_class c
                ON f.classid = 'pg_class'::regclass AND c.reltoastrelid = f.objid AND f.objid <> 0
            UNION ALL SELECT 'pg_opfamily'::regclass, m.amopfamily FROM found f JOIN pg_amop m
                ON f.classid = 'pg_amop'::regclass AND m.oid = f.objid
            UNION ALL SELECT 'pg_opfamily'::regclass, m.amprocfamily FROM found f JOIN pg_amproc m
                ON f.classid = 'pg_amproc'::regclass AND m.oid = f.objid
            UNION ALL SELECT 'pg_opclass'::regclass, c.oid FROM found f JOIN pg_amop m
                ON f.classid = 'pg_amop'::regclass AND m.oid = f.objid JOIN pg_opclass c ON c.opcfamily = m.amopfamily
            UNION ALL SELECT 'pg_opclass'::regclass, c.oid FROM found f JOIN pg_amproc m
                ON f.classid = 'pg_amproc'::regclass AND m.oid = f.objid JOIN pg_opclass c ON c.opcfamily = m.amprocfamily
        ) AS owners (classid, objid)",
        seeds.join(" UNION ALL ")
    )
}

/// What [`touched`] returned: for each catalog, the oids.
pub(super) fn by_catalog(rows: &Rows) -> HashMap<String, Vec<u32>> {
    let mut catalogs: HashMap<String, Vec<u32>> = HashMap::new();
    for row in rows.iter() {
        if let Some(oid) = row.number(1) {
            catalogs.entry(row.text(0)).or_default().push(oid);
        }
    }
    catalogs
}
