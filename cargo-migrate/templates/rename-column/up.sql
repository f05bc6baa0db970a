-- template: rename a column while old and new application run: both kept alike, then drop the old (3 migrations)
-- name: {{name}}_add
-- migrate: lock-timeout 3s
--
-- Phase 1 of 3, quick. ALTER TABLE … RENAME COLUMN would be one line, and every instance of the application that
-- still says the old name would fail until the last is replaced. So for a while there are both columns, and a trigger
-- keeps them alike, whichever one is written.
ALTER TABLE {{table}} ADD COLUMN {{new_column}} {{type:text}};

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

-- Phase 2 validates it: the proof that nothing was forgotten before the old column goes.
ALTER TABLE {{table}} ADD CONSTRAINT {{table}}_{{new_column}}_in_sync
    CHECK ({{new_column}} IS NOT DISTINCT FROM {{column}}) NOT VALID;
