//! Access methods.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "access_method",
    catalog: "pg_am",
    objects: "
        SELECT a.oid, 'access method ' || quote_ident(a.amname) AS heading, a.amtype, a.amhandler
        FROM pg_am a
        WHERE a.oid >= 16384 AND a.oid {in} AND NOT {member a.oid}",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT a.heading, 1, CASE a.amtype WHEN 't' THEN 'table' ELSE 'index' END || ' handler ' || a.amhandler::oid::regprocedure::text
        FROM access_method a"],
        parts: &[],
    }],
    ..Kind::NONE
};
