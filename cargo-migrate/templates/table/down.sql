-- No CASCADE: if something depends on the table by then, that is worth an error.
DROP TABLE {{table}};
