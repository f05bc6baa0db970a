//! Sequences: what they count, and the column that they belong to.

use super::Aspect;

pub(super) const ASPECT: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_sequence)",
    // Since version 15 a sequence follows its table in being unlogged, and can be told otherwise.
    facts: &["
        SELECT r.heading, 1, v.line
        FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
        LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0
            AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
        LEFT JOIN pg_class o ON o.oid = d.refobjid
        LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid,
        LATERAL (VALUES
            ('as ' || format_type(s.seqtypid, NULL) || ' start ' || s.seqstart || ' increment ' || s.seqincrement
                || ' min ' || s.seqmin || ' max ' || s.seqmax || ' cache ' || s.seqcache
                || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END),
            (CASE d.deptype WHEN 'i' THEN 'identity of ' ELSE 'owned by ' END || d.refobjid::regclass::text || '.' || quote_ident(a.attname)),
            (CASE WHEN r.relpersistence <> COALESCE(o.relpersistence, 'p') {>=15} {else} AND r.relpersistence = 'u' {end}
                THEN CASE r.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END END)
        ) AS v (line)
        WHERE v.line IS NOT NULL",
    ],
    parts: &[],
};
