//! Casts that somebody made.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "cast_",
    catalog: "pg_cast",
    objects: "
        SELECT c.oid, 'cast (' || format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL) || ')' AS heading
        FROM pg_cast c WHERE c.oid >= 16384 AND c.oid {in}
            AND NOT {member c.oid}
            -- That of a range to its multirange comes with the range.
            AND NOT EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = c.castsource AND r.rngmultitypid = c.casttarget)",
    aspects: &[&Aspect {
        needs: "",
        facts: &["
        SELECT k.heading, 1, CASE c.castmethod WHEN 'f' THEN 'with function ' || c.castfunc::regprocedure::text
            WHEN 'i' THEN 'with inout' ELSE 'without function' END
            || CASE c.castcontext WHEN 'a' THEN ' as assignment' WHEN 'i' THEN ' as implicit' ELSE '' END
        FROM cast_ k JOIN pg_cast c ON c.oid = k.oid"],
        parts: &[],
    }],
    ..Kind::NONE
};
