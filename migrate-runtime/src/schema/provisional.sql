-- One row for each line of the listing: the heading of its object, and what is said about that.
WITH mine AS (
    SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
member AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
relation AS (
    SELECT c.*, n.nspname,
        CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' END
        || ' ' || pg_catalog.format('%I.%I', n.nspname, c.relname) AS heading
    FROM pg_catalog.pg_class c JOIN mine n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objid = c.oid)
),
kind AS (
    SELECT t.*, n.nspname,
        CASE t.typtype WHEN 'd' THEN 'domain ' ELSE 'type ' END || pg_catalog.format('%I.%I', n.nspname, t.typname) AS heading
    FROM pg_catalog.pg_type t JOIN mine n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c')
        AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND objid = t.oid)
),
routine AS (
    SELECT p.*,
        CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END
        || pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) AS heading
    FROM pg_catalog.pg_proc p JOIN mine n ON n.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM member WHERE classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND objid = p.oid)
),
line (object, rank, key, line) AS (
    SELECT 'extension ' || extname, 0, '', NULL FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'
    UNION ALL
    SELECT 'schema ' || pg_catalog.quote_ident(nspname), 0, '', 'owner ' || pg_catalog.pg_get_userbyid(nspowner) FROM mine
    UNION ALL
    -- types
    SELECT k.heading, 0, '', 'enum (' || pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) || ')'
    FROM kind k JOIN pg_catalog.pg_enum e ON e.enumtypid = k.oid GROUP BY k.heading
    UNION ALL
    SELECT k.heading, 1, pg_catalog.lpad(a.attnum::text, 5, '0'),
        pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
    FROM kind k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.typrelid
    WHERE k.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT heading, 0, '', pg_catalog.format_type(typbasetype, typtypmod)
        || CASE WHEN typnotnull THEN ' not null' ELSE '' END || COALESCE(' default ' || typdefault, '')
    FROM kind WHERE typtype = 'd'
    UNION ALL
    SELECT k.heading, 0, '', 'range of ' || pg_catalog.format_type(r.rngsubtype, NULL)
    FROM kind k JOIN pg_catalog.pg_range r ON r.rngtypid = k.oid
    UNION ALL
    -- The NOT NULL of a domain is a constraint too since version 17, and said above.
    SELECT k.heading, 2, c.conname, 'constraint ' || pg_catalog.quote_ident(c.conname) || ' ' || pg_catalog.pg_get_constraintdef(c.oid)
    FROM kind k JOIN pg_catalog.pg_constraint c ON c.contypid = k.oid WHERE c.contype <> 'n'
    UNION ALL
    SELECT heading, 9, '', 'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(oid, 'pg_type'))
    FROM kind WHERE pg_catalog.obj_description(oid, 'pg_type') IS NOT NULL
    UNION ALL
    -- tables, views, sequences
    SELECT heading, 0, '0', NULL FROM relation
    UNION ALL
    SELECT r.heading, 0, '1', pg_catalog.format_type(s.seqtypid, NULL) || ' start ' || s.seqstart || ' increment ' || s.seqincrement
        || ' min ' || s.seqmin || ' max ' || s.seqmax || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END
    FROM relation r JOIN pg_catalog.pg_sequence s ON s.seqrelid = r.oid
    UNION ALL
    SELECT heading, 0, '1', 'unlogged' FROM relation WHERE relpersistence = 'u'
    UNION ALL
    SELECT heading, 0, '2', 'with (' || pg_catalog.array_to_string(reloptions, ', ') || ')' FROM relation WHERE reloptions IS NOT NULL
    UNION ALL
    SELECT heading, 0, '3', 'partition by ' || pg_catalog.pg_get_partkeydef(oid) FROM relation WHERE relkind = 'p'
    UNION ALL
    SELECT r.heading, 0, '4', CASE WHEN r.relispartition THEN 'partition of ' ELSE 'inherits ' END || i.inhparent::pg_catalog.regclass::text
        || COALESCE(' ' || pg_catalog.pg_get_expr(r.relpartbound, r.oid), '')
    FROM relation r JOIN pg_catalog.pg_inherits i ON i.inhrelid = r.oid
    UNION ALL
    SELECT r.heading, 1, pg_catalog.lpad(a.attnum::text, 5, '0'),
        'column ' || pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation <> t.typcollation
            THEN ' collate ' || pg_catalog.format('%I.%I', cn.nspname, co.collname) ELSE '' END
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || CASE WHEN a.attgenerated <> '' THEN ' generated always as (' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ')'
                || CASE a.attgenerated WHEN 's' THEN ' stored' ELSE ' virtual' END
            WHEN a.attidentity = 'a' THEN ' generated always as identity'
            WHEN a.attidentity = 'd' THEN ' generated by default as identity'
            ELSE COALESCE(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') END
    FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
    LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind <> 'S'
    UNION ALL
    SELECT heading, 2, '', pg_catalog.pg_get_viewdef(oid) FROM relation WHERE relkind IN ('v', 'm')
    UNION ALL
    -- The NOT NULL of a column is a constraint too since version 18, and said above.
    SELECT r.heading, 3, c.conname, 'constraint ' || pg_catalog.quote_ident(c.conname) || ' ' || pg_catalog.pg_get_constraintdef(c.oid)
    FROM relation r JOIN pg_catalog.pg_constraint c ON c.conrelid = r.oid WHERE c.contype NOT IN ('n', 't')
    UNION ALL
    SELECT r.heading, 4, c.relname, 'index ' || pg_catalog.quote_ident(c.relname) || CASE WHEN i.indisvalid THEN ' ' ELSE ' INVALID ' END
        || pg_catalog.pg_get_indexdef(i.indexrelid)
    FROM relation r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    UNION ALL
    SELECT r.heading, 5, t.tgname, 'trigger ' || pg_catalog.quote_ident(t.tgname)
        || CASE t.tgenabled WHEN 'O' THEN ' ' WHEN 'D' THEN ' DISABLED ' ELSE ' (' || t.tgenabled::text || ') ' END || pg_catalog.pg_get_triggerdef(t.oid)
    FROM relation r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT r.heading, 5, w.rulename, 'rule ' || pg_catalog.quote_ident(w.rulename) || ' ' || pg_catalog.pg_get_ruledef(w.oid)
    FROM relation r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT r.heading, 6, '', CASE WHEN r.relforcerowsecurity THEN 'row level security, forced' ELSE 'row level security' END
    FROM relation r WHERE r.relrowsecurity
    UNION ALL
    SELECT r.heading, 6, p.polname, 'policy ' || pg_catalog.quote_ident(p.polname)
        || CASE WHEN p.polpermissive THEN ' permissive' ELSE ' restrictive' END
        || CASE p.polcmd WHEN 'r' THEN ' for select' WHEN 'a' THEN ' for insert' WHEN 'w' THEN ' for update' WHEN 'd' THEN ' for delete' ELSE '' END
        || ' to ' || (SELECT pg_catalog.string_agg(CASE x.role WHEN 0 THEN 'public' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.role)) END, ', ' ORDER BY 1)
            FROM pg_catalog.unnest(p.polroles) AS x (role))
        || COALESCE(' using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
        || COALESCE(' with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    FROM relation r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT r.heading, 9, pg_catalog.lpad(d.objsubid::text, 5, '0'),
        'comment ' || COALESCE('on ' || pg_catalog.quote_ident(a.attname) || ' ', '') || pg_catalog.quote_literal(d.description)
    FROM relation r JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = r.oid
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.objsubid AND d.objsubid > 0
    UNION ALL
    -- functions
    SELECT heading, 0, '', CASE prokind WHEN 'a' THEN 'returns ' || pg_catalog.pg_get_function_result(oid) ELSE pg_catalog.rtrim(pg_catalog.pg_get_functiondef(oid), E'\n') END
    FROM routine
    UNION ALL
    SELECT heading, 9, '', 'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(oid, 'pg_proc'))
    FROM routine WHERE pg_catalog.obj_description(oid, 'pg_proc') IS NOT NULL
    UNION ALL
    -- privileges, but for the owner's
    SELECT heading, 8, '', 'grant ' || pg_catalog.lower(privilege) || columns || ' to '
        || CASE grantee WHEN 0 THEN 'public' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END
        || CASE WHEN grantable THEN ' with grant option' ELSE '' END
    FROM (
        SELECT r.heading, x.privilege_type, '', x.grantee, x.is_grantable, r.relowner FROM relation r, pg_catalog.aclexplode(r.relacl) x
        UNION ALL
        SELECT r.heading, x.privilege_type, ' (' || pg_catalog.quote_ident(a.attname) || ')', x.grantee, x.is_grantable, r.relowner
        FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid, pg_catalog.aclexplode(a.attacl) x
        UNION ALL
        SELECT p.heading, x.privilege_type, '', x.grantee, x.is_grantable, p.proowner FROM routine p, pg_catalog.aclexplode(p.proacl) x
        UNION ALL
        SELECT k.heading, x.privilege_type, '', x.grantee, x.is_grantable, k.typowner FROM kind k, pg_catalog.aclexplode(k.typacl) x
        UNION ALL
        SELECT 'schema ' || pg_catalog.quote_ident(n.nspname), x.privilege_type, '', x.grantee, x.is_grantable, n.nspowner
        FROM mine n, pg_catalog.aclexplode(n.nspacl) x
    ) AS granted (heading, privilege, columns, grantee, grantable, owner)
    WHERE grantee <> owner
)
SELECT object, line FROM line ORDER BY object COLLATE "C", rank, key COLLATE "C", line COLLATE "C" NULLS FIRST
