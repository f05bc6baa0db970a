-- IF EXISTS, because this also cleans up after an up that failed half-way.
DROP INDEX CONCURRENTLY IF EXISTS {{table}}_{{column}}_idx;
