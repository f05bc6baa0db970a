//! Schemas.

use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "schema",
    catalog: "pg_namespace",
    objects: "
        SELECT n.oid, 'schema ' || quote_ident(n.nspname) AS heading, n.nspowner, n.nspacl
        FROM space n
        WHERE n.oid {in} AND NOT {member n.oid}",
    owner: "nspowner",
    acl: "nspacl",
    acl_type: "'n'::\"char\"",
    ..Kind::NONE
};
