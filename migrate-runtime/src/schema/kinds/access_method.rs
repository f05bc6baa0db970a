//! Access methods.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "access_method",
    catalog: "pg_am",
    objects: "
        SELECT a.oid, 'access method ' || quote_ident(a.amname) AS heading, a.amtype, a.amhandler
        FROM pg_am a
        WHERE a.oid >= 16384 AND a.oid {in} AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_am'::regclass AND m.objid = a.oid)",
    owner: "",
    acl: "",
    acl_type: "",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT a.heading, 1, CASE a.amtype WHEN 't' THEN 'table' ELSE 'index' END || ' handler ' || a.amhandler::oid::regprocedure::text
        FROM access_method a"],
        parts: &[],
    }],
};
