-- Who changed an order. CREATE OR REPLACE keeps the trigger and the grants; the down puts the text of 0008 back.
CREATE OR REPLACE FUNCTION record_order_event() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO public.order_events (order_id, kind, details)
    VALUES (
        NEW.id,
        'status',
        jsonb_build_object(
            'from', OLD.status,
            'to', NEW.status,
            'by', coalesce('customer ' || public.current_customer_id(), session_user::text)
        )
    );
    RETURN NULL;
END
$function$;
