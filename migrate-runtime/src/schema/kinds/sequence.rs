//! Sequences: what they count, and the column that they belong to.

use super::Aspect;

pub(super) const ASPECT: Aspect = Aspect {
    facts: &["
        SELECT r.heading, 1, 'as ' || format_type(s.seqtypid, NULL) || ' start ' || s.seqstart || ' increment ' || s.seqincrement
            || ' min ' || s.seqmin || ' max ' || s.seqmax || ' cache ' || s.seqcache || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END
        FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid WHERE r.relkind = 'S'",
        "
        SELECT r.heading, 1, CASE d.deptype WHEN 'i' THEN 'identity of ' ELSE 'owned by ' END
            || d.refobjid::regclass::text || '.' || quote_ident(a.attname)
        FROM relation r JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0
            AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE r.relkind = 'S'",
        // Since version 15 a sequence follows its table, and can be told otherwise.
        "
        SELECT r.heading, 1, CASE r.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END
        FROM relation r LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0
            AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
        LEFT JOIN pg_class o ON o.oid = d.refobjid
        WHERE r.relkind = 'S' AND r.relpersistence <> COALESCE(o.relpersistence, 'p')
            {>=15} {else} AND r.relpersistence = 'u' {end}",
    ],
    parts: &[],
};
