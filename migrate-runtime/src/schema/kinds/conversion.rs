//! Conversions between encodings.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "conversion",
    catalog: "pg_conversion",
    objects: "
        SELECT c.oid, 'conversion ' || format('%I.%I', n.nspname, c.conname) AS heading, c.conowner
        FROM pg_conversion c JOIN space n ON n.oid = c.connamespace
        WHERE c.oid {in} AND NOT {member c.oid}",
    owner: "conowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, CASE WHEN c.condefault THEN 'default ' ELSE '' END || 'for ' || quote_literal(pg_encoding_to_char(c.conforencoding))
            || ' to ' || quote_literal(pg_encoding_to_char(c.contoencoding)) || ' from ' || c.conproc::oid::regprocedure::text
        FROM conversion k JOIN pg_conversion c ON c.oid = k.oid"],
        parts: &[],
    }],
    ..Kind::NONE
};
