-- Nothing was lost: the new column has the values. The old one comes back at the end of the table, without the indexes
-- and constraints that it had; add them here.
--
-- The UPDATE runs while ALTER TABLE holds ACCESS EXCLUSIVE, so this is slow on a large table.
ALTER TABLE {{table}} ADD COLUMN {{column}} {{type:text}};
UPDATE {{table}} SET {{column}} = {{new_column}} WHERE {{new_column}} IS NOT NULL;

CREATE FUNCTION {{table}}_sync_{{new_column}}() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.{{new_column}} := coalesce(NEW.{{new_column}}, NEW.{{column}});
        NEW.{{column}} := NEW.{{new_column}};
    ELSIF NEW.{{new_column}} IS DISTINCT FROM OLD.{{new_column}} THEN
        NEW.{{column}} := NEW.{{new_column}};
    ELSE
        NEW.{{new_column}} := NEW.{{column}};
    END IF;
    RETURN NEW;
END
$function$;

CREATE TRIGGER {{table}}_sync_{{new_column}} BEFORE INSERT OR UPDATE ON {{table}}
    FOR EACH ROW EXECUTE FUNCTION {{table}}_sync_{{new_column}}();

ALTER TABLE {{table}} ADD CONSTRAINT {{table}}_{{new_column}}_in_sync
    CHECK ({{new_column}} IS NOT DISTINCT FROM {{column}});
