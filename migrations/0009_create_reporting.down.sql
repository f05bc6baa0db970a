DROP MATERIALIZED VIEW reporting.daily_revenue;
DROP VIEW reporting.order_totals;
DROP SCHEMA reporting;
