//! Languages and transforms.

use super::{Aspect, Kind};

pub(super) const LANGUAGE: Kind = Kind {
    name: "language",
    catalog: "pg_language",
    objects: "
        SELECT l.oid, 'language ' || quote_ident(l.lanname) AS heading, l.lanowner, l.lanacl, l.lanpltrusted, l.lanplcallfoid, l.laninline, l.lanvalidator
        FROM pg_language l
        WHERE l.lanispl AND l.oid >= 16384 AND l.oid {in}
            AND NOT {member l.oid}",
    owner: "lanowner",
    acl: "lanacl",
    acl_type: "'l'::\"char\"",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT l.heading, 1, v.line
        FROM language l, LATERAL (VALUES
            (CASE WHEN l.lanpltrusted THEN 'trusted' END),
            (CASE WHEN l.lanplcallfoid <> 0 THEN 'handler ' || l.lanplcallfoid::regprocedure::text END),
            (CASE WHEN l.laninline <> 0 THEN 'inline ' || l.laninline::regprocedure::text END),
            (CASE WHEN l.lanvalidator <> 0 THEN 'validator ' || l.lanvalidator::regprocedure::text END)) AS v (line)
        WHERE v.line IS NOT NULL"],
        parts: &[],
    }],
};

pub(super) const TRANSFORM: Kind = Kind {
    name: "transform",
    catalog: "pg_transform",
    objects: "
        SELECT t.oid, 'transform for ' || format_type(t.trftype, NULL) || ' language ' || quote_ident(l.lanname) AS heading,
            t.trffromsql, t.trftosql
        FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang
        WHERE t.oid {in} AND NOT {member t.oid}",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT t.heading, 1, v.line
        FROM transform t, LATERAL (VALUES
            (CASE WHEN t.trffromsql <> 0 THEN 'from sql ' || t.trffromsql::oid::regprocedure::text END),
            (CASE WHEN t.trftosql <> 0 THEN 'to sql ' || t.trftosql::oid::regprocedure::text END)) AS v (line)
        WHERE v.line IS NOT NULL"],
        parts: &[],
    }],
    ..Kind::NONE
};
