//! Operators. One that is only mentioned by another, and has no function yet, is none.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "operator",
    catalog: "pg_operator",
    objects: "
        SELECT o.oid, 'operator ' || quote_ident(n.nspname) || '.' || o.oprname || ' ('
            || CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END || ', '
            || CASE WHEN o.oprright = 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END || ')' AS heading, o.oprowner
        FROM pg_operator o JOIN space n ON n.oid = o.oprnamespace
        WHERE o.oprcode <> 0 AND o.oid {in}
            AND NOT {member o.oid}",
    owner: "oprowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT p.heading, 1, v.line
        FROM operator p JOIN pg_operator o ON o.oid = p.oid,
        LATERAL (VALUES
            ('function ' || o.oprcode::oid::regprocedure::text),
            (CASE WHEN o.oprcom <> 0 THEN 'commutator ' || o.oprcom::regoperator::text END),
            (CASE WHEN o.oprnegate <> 0 THEN 'negator ' || o.oprnegate::regoperator::text END),
            (CASE WHEN o.oprrest <> 0 THEN 'restrict ' || o.oprrest::oid::regprocedure::text END),
            (CASE WHEN o.oprjoin <> 0 THEN 'join ' || o.oprjoin::oid::regprocedure::text END),
            (CASE WHEN o.oprcanhash THEN 'hashes' END),
            (CASE WHEN o.oprcanmerge THEN 'merges' END)
        ) AS v (line)
        WHERE v.line IS NOT NULL"],
        parts: &[],
    }],
    ..Kind::NONE
};
