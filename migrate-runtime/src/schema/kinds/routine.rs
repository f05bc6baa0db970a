//! Functions, procedures and aggregates.

use super::{Aspect, Kind};

pub(super) const KIND: Kind = Kind {
    name: "routine",
    catalog: "pg_proc",
    objects: "
        SELECT p.oid, p.prokind, CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END
            || format('%I.%I(%s)', n.nspname, p.proname, CASE WHEN p.prokind = 'a' AND p.pronargs = 0 THEN '*' ELSE oidvectortypes(p.proargtypes) END) AS heading,
            p.proowner, p.proacl
        FROM pg_proc p JOIN space n ON n.oid = p.pronamespace
        WHERE p.oid {in} AND NOT {member p.oid}
            -- What the server makes for a range type or another type goes with that.
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                AND d.deptype = 'i' AND d.refclassid = 'pg_type'::regclass)",
    owner: "proowner",
    acl: "proacl",
    acl_type: "'f'::\"char\"",
    aspects: &[&FUNCTION, &super::aggregate::ASPECT],
};

const FUNCTION: Aspect = Aspect {
    needs: "",
    facts: &["
        SELECT p.heading, 1, 'definition' || E'\\n' || rtrim(pg_get_functiondef(p.oid), E'\\n') FROM routine p WHERE p.prokind <> 'a'","
        SELECT p.heading, 1, 'depends on extension ' || quote_ident(e.extname)
        FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
            AND d.deptype = 'x' AND d.classid = 'pg_proc'::regclass
        JOIN routine p ON p.oid = d.objid"],
    parts: &[],
};
