//! What goes with an object, as the server's own dependencies say (`pg_depend`).

/// One thing that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    /// `r`, `p`, `m`, `S`, `v` as `pg_class.relkind` has it; `column`; `other`.
    pub(super) kind: String,
    /// For people: `view public.totals`.
    pub(super) described: String,
    /// Of a relation and of a column's table: its oid, and its name as SQL writes it.
    pub(super) relation: Option<(u32, String)>,
    /// Of a column.
    pub(super) column: Option<String>,
    /// It is what is dropped, not what goes with it.
    pub(super) is_start: bool,
    /// A partition of something that goes.
    pub(super) is_part: bool,
}

/// All that goes with an object (`(classid, objid, objsubid)`, SQL that gives one row), itself included, in `columns` of
/// [`Gone`]. Without CASCADE only what belongs to it goes: partitions, sequences of its columns. A rule stands for its view.
pub(super) fn query(start: &str, cascade: bool) -> String {
    let ways = if cascade { "'n', 'a', 'i', 'e', 'x', 'P', 'S'" } else { "'a', 'i', 'e', 'P', 'S'" };
    format!(
        "WITH RECURSIVE start(classid, objid, objsubid) AS ({start}), gone(classid, objid, objsubid) AS (\
           SELECT classid::pg_catalog.oid, objid::pg_catalog.oid, objsubid::pg_catalog.int4 FROM start \
           UNION SELECT next.classid, next.objid, next.objsubid FROM gone CROSS JOIN LATERAL (\
             SELECT need.classid, need.objid, need.objsubid FROM pg_catalog.pg_depend AS need \
             WHERE need.refclassid = gone.classid AND need.refobjid = gone.objid \
               AND (gone.objsubid = 0 OR need.refobjsubid = gone.objsubid) AND need.deptype IN ({ways}) \
             UNION ALL SELECT need.refclassid, need.refobjid, need.refobjsubid FROM pg_catalog.pg_depend AS need \
             WHERE gone.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND need.classid = gone.classid \
               AND need.objid = gone.objid AND need.deptype = 'i') AS next(classid, objid, objsubid)), \
         whole AS (SELECT objid FROM gone WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid = 0) \
         SELECT CASE WHEN class.oid IS NULL THEN 'other' WHEN gone.objsubid > 0 THEN 'column' ELSE class.relkind::text END, \
                pg_catalog.pg_describe_object(gone.classid, gone.objid, gone.objsubid), class.oid, \
                CASE WHEN class.oid IS NOT NULL THEN pg_catalog.format('%I.%I', space.nspname, class.relname) END, \
                pg_catalog.quote_ident(attribute.attname), \
                EXISTS (SELECT FROM start WHERE start.classid = gone.classid AND start.objid = gone.objid \
                        AND start.objsubid = gone.objsubid), \
                EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(class.oid) AS parent \
                        WHERE parent.relid <> class.oid AND parent.relid IN (SELECT objid FROM whole)) \
         FROM gone LEFT JOIN pg_catalog.pg_class AS class ON gone.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
              AND class.oid = gone.objid \
         LEFT JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace \
         LEFT JOIN pg_catalog.pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = gone.objsubid \
              AND gone.objsubid > 0 \
         LEFT JOIN pg_catalog.pg_constraint AS con ON gone.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass \
              AND con.oid = gone.objid \
         LEFT JOIN pg_catalog.pg_trigger AS trigger ON gone.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass \
              AND trigger.oid = gone.objid \
         LEFT JOIN pg_catalog.pg_attrdef AS given ON gone.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass \
              AND given.oid = gone.objid \
         LEFT JOIN pg_catalog.pg_type AS type ON gone.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND type.oid = gone.objid \
         WHERE class.relkind IN ('r', 'p', 'm', 'S', 'v') AND (gone.objsubid = 0 OR class.relkind <> 'v') \
                 AND (gone.objsubid = 0 OR class.oid NOT IN (SELECT objid FROM whole)) \
            OR con.conrelid <> 0 AND con.conrelid NOT IN (SELECT objid FROM whole) AND con.contype = 'f' \
            OR NOT trigger.tgisinternal AND trigger.tgrelid NOT IN (SELECT objid FROM whole) \
            OR given.oid IS NOT NULL AND given.adrelid NOT IN (SELECT objid FROM whole) \
            OR type.typtype IN ('d', 'e') AND type.typcategory <> 'A' \
            OR gone.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass \
         ORDER BY 4, 5, 2"
    )
}
