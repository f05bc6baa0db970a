DROP PROCEDURE reporting.refresh();
DROP FUNCTION cancel_order(bigint);
DROP FUNCTION reporting.customer_value(bigint, currency_code);
