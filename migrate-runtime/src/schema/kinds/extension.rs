//! Extensions. Their versions are left out, as `pg_dump` leaves them out, and so is what every database has (PL/pgSQL).

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "extension",
    catalog: "pg_extension",
    objects: "
        SELECT e.oid, 'extension ' || quote_ident(e.extname) AS heading, e.extnamespace
        FROM pg_extension e WHERE e.oid >= 16384 AND e.extname <> 'plpgsql' AND e.oid {in}",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT e.heading, 1, 'schema ' || quote_ident(n.nspname) FROM extension e JOIN pg_namespace n ON n.oid = e.extnamespace"],
        parts: &[],
    }],
    ..Kind::NONE
};
