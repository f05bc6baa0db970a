//! Row security policies.

use super::Aspect;

pub(super) const ASPECT: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_policy)",
    facts: &["
        SELECT r.heading, 1, 'policy ' || quote_ident(p.polname)
            || CASE WHEN p.polpermissive THEN ' permissive' ELSE ' restrictive' END
            || CASE p.polcmd WHEN 'r' THEN ' for select' WHEN 'a' THEN ' for insert' WHEN 'w' THEN ' for update'
                WHEN 'd' THEN ' for delete' ELSE '' END
            || ' to ' || (SELECT string_agg(CASE x.role WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(x.role)) END, ', '
                    ORDER BY pg_get_userbyid(x.role) COLLATE \"C\") FROM unnest(p.polroles) AS x (role))
            || COALESCE(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
            || COALESCE(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
        FROM relation r JOIN pg_policy p ON p.polrelid = r.oid"],
    parts: &["
        SELECT r.heading, 'pg_policy'::regclass, p.oid, 'policy ' || quote_ident(p.polname)
        FROM relation r JOIN pg_policy p ON p.polrelid = r.oid"],
};
