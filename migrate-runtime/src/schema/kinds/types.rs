//! Types: enumerations, composite, range and base types, and domains.

use super::{Aspect, Kind};

/// Row types of tables, arrays and multiranges come with something else and are said there.
pub(super) const KIND: Kind = Kind {
    name: "type",
    catalog: "pg_type",
    objects: "
        SELECT t.oid, CASE t.typtype WHEN 'd' THEN 'domain ' ELSE 'type ' END || format('%I.%I', n.nspname, t.typname) AS heading,
            t.typowner, t.typacl, t.typtype, t.typrelid, t.typisdefined
        FROM pg_type t JOIN space n ON n.oid = t.typnamespace
        WHERE t.oid {in}
            AND (t.typtype IN ('e', 'd', 'r')
                OR t.typtype = 'c' AND (SELECT c.relkind FROM pg_class c WHERE c.oid = t.typrelid) = 'c'
                OR t.typtype = 'p' AND NOT t.typisdefined
                OR t.typtype = 'b' AND (SELECT e.typarray FROM pg_type e WHERE e.oid = t.typelem) IS DISTINCT FROM t.oid)
            AND NOT {member t.oid}",
    owner: "typowner",
    acl: "typacl",
    acl_type: "'T'::\"char\"",
    aspects: &[&ENUM, &COMPOSITE, &DOMAIN, &RANGE, &BASE, &super::constraint::DOMAIN],
};

const ENUM: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_type WHERE oid >= 16384 AND typtype = 'e')",
    facts: &["
        SELECT y.heading, (row_number() OVER (PARTITION BY y.oid ORDER BY e.enumsortorder))::int - 100000000, 'value ' || quote_literal(e.enumlabel)
        FROM type y JOIN pg_enum e ON e.enumtypid = y.oid",
        // An enumeration may have no value at all, and then says at least what it is.
        "
        SELECT y.heading, 1, 'enum' FROM type y WHERE y.typtype = 'e' AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = y.oid)"],
    parts: &[],
};

const COMPOSITE: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_class WHERE oid >= 16384 AND relkind = 'c')",
    facts: &["
        SELECT y.heading, a.attnum - 32768, 'attribute ' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attcollation <> t.typcollation THEN (
                SELECT ' collate ' || format('%I.%I', cn.nspname, co.collname)
                FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation
            ) ELSE '' END
        FROM type y JOIN pg_attribute a ON a.attrelid = y.typrelid JOIN pg_type t ON t.oid = a.atttypid
        WHERE y.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped",
        "
        SELECT y.heading, 1, 'comment on ' || quote_ident(a.attname) || ' ' || quote_literal(d.description)
        FROM type y JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = y.typrelid AND d.objsubid > 0
        JOIN pg_attribute a ON a.attrelid = y.typrelid AND a.attnum = d.objsubid
        WHERE y.typtype = 'c'"],
    parts: &[],
};

const DOMAIN: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_type WHERE oid >= 16384 AND typtype = 'd')",
    facts: &["
        SELECT y.heading, 1, 'as ' || format_type(t.typbasetype, t.typtypmod)
            || CASE WHEN t.typcollation <> b.typcollation THEN (
                SELECT ' collate ' || format('%I.%I', cn.nspname, co.collname)
                FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = t.typcollation
            ) ELSE '' END
            || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END
            || COALESCE(' default ' || pg_get_expr(t.typdefaultbin, 0), ' default ' || quote_literal(t.typdefault), '')
        FROM type y JOIN pg_type t ON t.oid = y.oid JOIN pg_type b ON b.oid = t.typbasetype WHERE y.typtype = 'd'"],
    parts: &[],
};

const RANGE: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_range WHERE rngtypid >= 16384)",
    facts: &["
        SELECT y.heading, 1, v.line
        FROM type y JOIN pg_range g ON g.rngtypid = y.oid
        JOIN pg_opclass o ON o.oid = g.rngsubopc JOIN pg_namespace p ON p.oid = o.opcnamespace
        JOIN pg_type s ON s.oid = g.rngsubtype,
        LATERAL (VALUES
            ('range of ' || format_type(g.rngsubtype, NULL)),
            ('multirange ' || format_type(g.rngmultitypid, NULL)),
            (CASE WHEN NOT o.opcdefault THEN 'operator class ' || format('%I.%I', p.nspname, o.opcname) END),
            (CASE WHEN g.rngcollation <> s.typcollation THEN 'collate ' || (
                SELECT format('%I.%I', cn.nspname, co.collname)
                FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = g.rngcollation) END),
            (CASE WHEN g.rngcanonical <> 0 THEN 'canonical ' || g.rngcanonical::regprocedure::text END),
            (CASE WHEN g.rngsubdiff <> 0 THEN 'subtype diff ' || g.rngsubdiff::regprocedure::text END)
        ) AS v (line)
        WHERE v.line IS NOT NULL"],
    parts: &[],
};

const BASE: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_type WHERE oid >= 16384 AND typtype IN ('b', 'p'))",
    facts: &["
        SELECT y.heading, 1, v.line
        FROM type y JOIN pg_type t ON t.oid = y.oid,
        LATERAL (VALUES
            (CASE WHEN NOT t.typisdefined THEN 'not defined yet' END),
            (CASE WHEN t.typisdefined THEN 'base type, length ' || t.typlen || ', alignment ' || t.typalign::text
                || ', storage ' || t.typstorage::text || CASE WHEN t.typbyval THEN ', by value' ELSE '' END
                || ', category ' || quote_literal(t.typcategory::text) || CASE WHEN t.typispreferred THEN ', preferred' ELSE '' END
                || ', delimiter ' || quote_literal(t.typdelim::text)
                || CASE WHEN t.typcollation <> 0 THEN ', collatable' ELSE '' END END),
            (CASE WHEN t.typelem <> 0 THEN 'element ' || format_type(t.typelem, NULL) END),
            ('default ' || quote_literal(t.typdefault)),
            (CASE WHEN t.typinput <> 0 AND t.typisdefined THEN 'input ' || t.typinput::regprocedure::text END),
            (CASE WHEN t.typoutput <> 0 AND t.typisdefined THEN 'output ' || t.typoutput::regprocedure::text END),
            (CASE WHEN t.typreceive <> 0 THEN 'receive ' || t.typreceive::regprocedure::text END),
            (CASE WHEN t.typsend <> 0 THEN 'send ' || t.typsend::regprocedure::text END),
            (CASE WHEN t.typmodin <> 0 THEN 'modifier input ' || t.typmodin::regprocedure::text END),
            (CASE WHEN t.typmodout <> 0 THEN 'modifier output ' || t.typmodout::regprocedure::text END),
            (CASE WHEN t.typanalyze <> 0 THEN 'analyze ' || t.typanalyze::regprocedure::text END),
            (CASE WHEN t.typsubscript <> 0 THEN 'subscript ' || t.typsubscript::regprocedure::text END)
        ) AS v (line)
        WHERE y.typtype IN ('b', 'p') AND v.line IS NOT NULL"],
    parts: &[],
};
