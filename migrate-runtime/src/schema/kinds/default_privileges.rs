//! Default privileges: an entry of one schema adds to what there is, one without a schema stands in the place of the
//! server's own defaults.

use super::Kind;

pub(in crate::schema) const KIND: Kind = Kind {
    name: "default_privilege",
    catalog: "pg_default_acl",
    objects: "
        SELECT d.oid, 'default privileges for ' || quote_ident(pg_get_userbyid(d.defaclrole)) || COALESCE(' in schema ' || quote_ident(n.nspname), '')
            || ' on ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END AS heading,
            d.defaclrole, d.defaclnamespace, d.defaclacl,
            -- acldefault() has no letter for large objects before version 18.
            CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END AS kind
        FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
        WHERE d.oid {in}",
    owner: "",
    acl: "",
    acl_type: "",
    aspects: &[],
};

pub(super) const GRANTS: &str = "
        SELECT d.heading, 1, 'grant ' || lower(x.privilege_type) || ' to '
            || CASE x.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(x.grantee)) END
            || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END
            || CASE WHEN x.there THEN '' ELSE ' (revoked)' END
        FROM default_privilege d, LATERAL (
            SELECT true AS there, n.* FROM (
                SELECT privilege_type, grantee, is_grantable FROM aclexplode(d.defaclacl)
                EXCEPT SELECT privilege_type, grantee, is_grantable
                FROM aclexplode(CASE WHEN d.defaclnamespace = 0 AND d.kind <> 'L' THEN acldefault(d.kind, d.defaclrole) END)) AS n
            UNION ALL
            SELECT false, n.* FROM (
                SELECT privilege_type, grantee, is_grantable
                FROM aclexplode(CASE WHEN d.defaclnamespace = 0 AND d.kind <> 'L' THEN acldefault(d.kind, d.defaclrole) END)
                EXCEPT SELECT privilege_type, grantee, is_grantable FROM aclexplode(d.defaclacl)) AS n
        ) AS x";
