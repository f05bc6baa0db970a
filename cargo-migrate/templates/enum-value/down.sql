-- migrate: lock-timeout 3s
--
-- PostgreSQL has no DROP VALUE: the type is made anew, and every column of it moved over. That rewrites their tables
-- under ACCESS EXCLUSIVE. Refused by the server, with nothing changed, where a row still has the value, and where a
-- view, a trigger's WHEN, an index predicate or a function uses the type: drop those before and make them again after.
DO $swap$
DECLARE
    wanted  text;
    columns CONSTANT jsonb := (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'table', a.attrelid::regclass,
            'column', quote_ident(a.attname),
            'default', pg_get_expr(d.adbin, d.adrelid)
        )), '[]')
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.atttypid = '{{type}}'::regtype AND NOT a.attisdropped
    );
    item    jsonb;
BEGIN
    SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) INTO wanted
    FROM pg_enum
    WHERE enumtypid = '{{type}}'::regtype AND enumlabel <> '{{value}}';

    ALTER TYPE {{type}} RENAME TO {{type}}_before_swap;
    EXECUTE format('CREATE TYPE {{type}} AS ENUM (%s)', wanted);

    FOR item IN SELECT * FROM jsonb_array_elements(columns) LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT', item->>'table', item->>'column');
        EXECUTE format(
            'ALTER TABLE %1$s ALTER COLUMN %2$s TYPE {{type}} USING %2$s::text::{{type}}',
            item->>'table', item->>'column'
        );
        IF item->>'default' IS NOT NULL THEN
            EXECUTE format(
                'ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s',
                item->>'table', item->>'column', item->>'default'
            );
        END IF;
    END LOOP;

    DROP TYPE {{type}}_before_swap;
END
$swap$;
