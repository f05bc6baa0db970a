//! Constraints of tables and domains, with their validity and deferrability.

use super::Aspect;

pub(super) const TABLE: Aspect = Aspect {
    needs: "",
    facts: &[
        "
        SELECT r.heading, 1, 'constraint ' || quote_ident(c.conname) || ' '
            || pg_get_constraintdef(c.oid)
            || CASE WHEN c.coninhcount = 0 THEN '' WHEN c.conislocal THEN ' inherited and local' ELSE ' inherited' END
        FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
        WHERE c.contype NOT IN ('n', 't')",
        // A NOT NULL is said with its column; since version 18 it has a name too, told where somebody chose it, and can
        // be not valid.
        "
        {>=18} SELECT r.heading, 1, 'constraint ' || quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid)
        FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'n' AND (NOT c.convalidated OR c.connoinherit OR c.coninhcount = 0
            AND c.conname <> r.relname || '_' || a.attname || '_not_null'
            AND (octet_length(r.relname) + octet_length(a.attname) < 54 OR c.conname !~ '_not_null$'))
        {else} SELECT NULL, 1, NULL WHERE false {end}",
    ],
    parts: &["
        SELECT r.heading, 'pg_constraint'::regclass, c.oid, 'constraint ' || quote_ident(c.conname)
        FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid"],
};

pub(super) const DOMAIN: Aspect = Aspect {
    needs: "EXISTS (SELECT FROM pg_type WHERE oid >= 16384 AND typtype = 'd')",
    facts: &["
        SELECT y.heading, 1, 'constraint ' || quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid)
        FROM type y JOIN pg_constraint c ON c.contypid = y.oid WHERE c.contype <> 'n'"],
    parts: &["
        SELECT y.heading, 'pg_constraint'::regclass, c.oid, 'constraint ' || quote_ident(c.conname)
        FROM type y JOIN pg_constraint c ON c.contypid = y.oid"],
};
