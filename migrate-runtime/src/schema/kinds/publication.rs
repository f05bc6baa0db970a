//! Publications, and what they publish.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "publication",
    catalog: "pg_publication",
    objects: "
        SELECT p.oid, 'publication ' || quote_ident(p.pubname) AS heading, p.pubowner
        FROM pg_publication p
        WHERE p.oid {in} AND NOT {member p.oid}",
    owner: "pubowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, v.line
        FROM publication k JOIN pg_publication p ON p.oid = k.oid, LATERAL (VALUES
            (CASE WHEN p.puballtables THEN 'all tables' END),
            ('publish ' || concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)),
            (CASE WHEN p.pubviaroot THEN 'via partition root' END),
            ({>=18} CASE p.pubgencols WHEN 's' THEN 'generated columns stored' END {else} NULL {end})) AS v (line)
        WHERE v.line IS NOT NULL",
            "
        SELECT k.heading, 1, 'table ' || p.prrelid::regclass::text
            {>=15} || CASE WHEN p.prattrs IS NULL THEN '' ELSE ' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                FROM pg_attribute a WHERE a.attrelid = p.prrelid AND a.attnum = ANY (p.prattrs::int2[])) || ')' END
            || COALESCE(' where ' || pg_get_expr(p.prqual, p.prrelid), '') {end}
        FROM publication k JOIN pg_publication_rel p ON p.prpubid = k.oid",
            "
        {>=15} SELECT k.heading, 1, 'tables in schema ' || quote_ident(n.nspname)
        FROM publication k JOIN pg_publication_namespace p ON p.pnpubid = k.oid JOIN pg_namespace n ON n.oid = p.pnnspid
        {else} SELECT NULL, 1, NULL WHERE false {end}"],
        parts: &[],
    }],
    ..Kind::NONE
};
