-- template: a function
--
-- IMMUTABLE, STABLE or VOLATILE is a promise that the planner relies on: STABLE may read tables, IMMUTABLE may not.
-- A SECURITY DEFINER function runs as its owner: give it SET search_path = pg_catalog, pg_temp, write schema names in
-- its body, and REVOKE EXECUTE ON FUNCTION … FROM PUBLIC in this same file.
CREATE FUNCTION {{function}}() RETURNS {{returns:text}}
LANGUAGE plpgsql
STABLE
AS $function$
BEGIN
    RETURN NULL;
END
$function$;
