-- template: a trigger and its function
-- migrate: lock-timeout 3s
--
-- CREATE TRIGGER takes SHARE ROW EXCLUSIVE: writers wait for a moment. The condition belongs in WHEN rather than in the
-- function: rows that it does not concern then cost no call.
CREATE FUNCTION {{table}}_{{name}}() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    -- BEFORE: what is returned is what is written; NULL skips the row. AFTER: the result is ignored.
    RETURN NEW;
END
$function$;

CREATE TRIGGER {{table}}_{{name}} {{when:BEFORE INSERT OR UPDATE}} ON {{table}}
    FOR EACH ROW EXECUTE FUNCTION {{table}}_{{name}}();
