//! Indexes. One that belongs to a constraint is said there, unless it has something that the constraint does not say.

use super::Aspect;

/// `pg_get_indexdef` begins with exactly the words that are cut off here; what it says behind them is put together from
/// the catalogs where the columns are plain and everything else is the default (ruleutils.c, `pg_get_indexdef_worker`).
/// That is so for B-trees and hashes only, whose operator classes have no parameters of their own.
/// An exclusion constraint says everything that its index says, a key its columns.
pub(super) const ASPECT: Aspect = Aspect {
    needs: "",
    facts: &["
        SELECT heading, 1, 'index ' || quote_ident(relname) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
            || CASE WHEN contype = 'x' OR plain AND contype IN ('p', 'u') THEN ''
                ELSE CASE WHEN indisunique THEN ' unique ' ELSE ' ' END
                    || CASE WHEN plain THEN amname || ' (' || columns || ')'
                    ELSE substr(pg_get_indexdef(indexrelid), length(format('CREATE %sINDEX %I ON %s%s USING ',
                        CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END, relname,
                        CASE WHEN relkind = 'I' THEN 'ONLY ' ELSE '' END, name)) + 1) END END
            || COALESCE(extra, '')
        FROM (
            SELECT r.heading, r.name, c.relname, c.relkind, i.indexrelid, i.indisvalid, i.indisunique, quote_ident(m.amname) AS amname,
                k.contype,
                i.indexprs IS NULL AND i.indpred IS NULL AND c.reloptions IS NULL AND i.indnatts = i.indnkeyatts
                    {>=15} AND NOT i.indnullsnotdistinct {end} AND COALESCE(p.plain, false) AS plain,
                p.columns,
                NULLIF(concat(
                    CASE WHEN c.reltablespace <> 0 THEN
                        (SELECT ' tablespace ' || quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = c.reltablespace) END,
                    CASE WHEN i.indexprs IS NOT NULL THEN
                        (SELECT ' statistics (' || string_agg(a.attnum || ' ' || a.attstattarget, ', ' ORDER BY a.attnum) || ')'
                        FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0) END,
                    CASE WHEN c.relispartition THEN
                        (SELECT ' attached to ' || h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = i.indexrelid) END
                ), '') AS extra
            FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_am m ON m.oid = c.relam
            LEFT JOIN pg_constraint k ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
            JOIN (
                SELECT i.indexrelid, string_agg(quote_ident(a.attname), ', ' ORDER BY u.at) AS columns,
                    count(*) = min(i.indnatts) AND bool_and(o.opcdefault AND o.oid < 16384 AND c.relam IN (403, 405) AND i.indoption[u.at - 1] = 0
                        AND (o.opcintype = a.atttypid OR o.opcintype = 25 AND a.atttypid = 1043)
                        AND i.indcollation[u.at - 1] = a.attcollation) AS plain
                FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
                CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, at)
                LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum AND a.attrelid >= 16384 AND a.attnum > 0
                LEFT JOIN pg_opclass o ON o.oid = i.indclass[u.at - 1]
                GROUP BY i.indexrelid
            ) AS p ON p.indexrelid = i.indexrelid
        ) AS described
        WHERE NOT indisvalid OR extra IS NOT NULL OR contype IS NULL OR contype <> 'x' AND NOT plain",
        "
        SELECT r.heading, 1, CASE v.what WHEN 1 THEN 'cluster on ' ELSE 'replica identity using index ' END || quote_ident(c.relname)
        FROM relation r JOIN pg_index i ON i.indrelid = r.oid AND (i.indisclustered OR i.indisreplident)
        JOIN pg_class c ON c.oid = i.indexrelid, (VALUES (1), (2)) AS v (what)
        WHERE v.what = 1 AND i.indisclustered OR v.what = 2 AND i.indisreplident AND r.relreplident = 'i'",
        "
        SELECT r.heading, 1, 'depends on extension ' || quote_ident(e.extname) || ': index ' || quote_ident(c.relname)
        FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
            AND d.deptype = 'x' AND d.classid = 'pg_class'::regclass
        JOIN pg_index i ON i.indexrelid = d.objid JOIN pg_class c ON c.oid = i.indexrelid JOIN relation r ON r.oid = i.indrelid",
    ],
    parts: &["
        SELECT r.heading, 'pg_class'::regclass, i.indexrelid, 'index ' || quote_ident(c.relname)
        FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid"],
};
