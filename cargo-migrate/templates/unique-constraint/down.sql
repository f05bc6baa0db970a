DROP INDEX CONCURRENTLY IF EXISTS {{table}}_{{column}}_key;
