//! Event triggers.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "event_trigger",
    catalog: "pg_event_trigger",
    objects: "
        SELECT e.oid, 'event trigger ' || quote_ident(e.evtname) AS heading, e.evtowner, e.evtevent, e.evtfoid, e.evtenabled, e.evttags
        FROM pg_event_trigger e
        WHERE e.oid {in} AND NOT {member e.oid}",
    owner: "evtowner",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT e.heading, 1, 'on ' || e.evtevent
            || COALESCE(' when tag in (' || (SELECT string_agg(quote_literal(t), ', ' ORDER BY t COLLATE \"C\") FROM unnest(e.evttags) AS t) || ')', '')
            || ' execute ' || e.evtfoid::regprocedure::text
            || CASE e.evtenabled WHEN 'D' THEN ' DISABLED' WHEN 'A' THEN ' ENABLED ALWAYS' WHEN 'R' THEN ' ENABLED REPLICA' ELSE '' END
        FROM event_trigger e"],
        parts: &[],
    }],
    ..Kind::NONE
};
