-- With the options and grants of phase 1, if you changed them there.
CREATE VIEW {{table}} AS SELECT * FROM {{new_table}};
