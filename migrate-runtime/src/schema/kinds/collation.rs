//! Collations. The version of the library that made them is left out, as `pg_dump` leaves it out.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "collation_",
    catalog: "pg_collation",
    objects: "
        SELECT c.oid, 'collation ' || format('%I.%I', n.nspname, c.collname)
            || CASE WHEN c.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding())) THEN '' ELSE ' for ' || pg_encoding_to_char(c.collencoding) END AS heading, c.collowner
        FROM pg_collation c JOIN space n ON n.oid = c.collnamespace
        WHERE c.oid {in} AND NOT {member c.oid}",
    owner: "collowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, v.line
        FROM collation_ k JOIN pg_collation c ON c.oid = k.oid,
        LATERAL (VALUES
            ('provider ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' WHEN 'd' THEN 'default' ELSE 'libc' END),
            (CASE WHEN c.collprovider IN ('i', 'b') THEN 'locale ' || quote_literal(
                {>=17} c.colllocale {else} {>=15} c.colliculocale {else} c.collcollate {end} {end}) END),
            (CASE WHEN c.collprovider = 'c' THEN 'locale collate ' || quote_literal(c.collcollate) || ' ctype ' || quote_literal(c.collctype) END),
            (CASE WHEN NOT c.collisdeterministic THEN 'not deterministic' END),
            ({>=16} 'rules ' || quote_literal(c.collicurules) {else} NULL {end})
        ) AS v (line)
        WHERE v.line IS NOT NULL"],
        parts: &[],
    }],
    ..Kind::NONE
};
