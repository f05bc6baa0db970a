CREATE OR REPLACE FUNCTION record_order_event() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO public.order_events (order_id, kind, details)
    VALUES (NEW.id, 'status', jsonb_build_object('from', OLD.status, 'to', NEW.status));
    RETURN NULL;
END
$function$;
