-- template: row-level security with a first policy
-- migrate: lock-timeout 3s
--
-- From ENABLE on, who is not the owner sees only what a policy allows. The owner is not restricted unless FORCE is said
-- too: an application that connects as the owner needs it. In one transaction, so that there is no moment without rows.
ALTER TABLE {{table}} ENABLE ROW LEVEL SECURITY;

-- (SELECT …), so that the setting is read once for the statement and not once for the row; `true`, so that a missing
-- setting is NULL (no rows) and not an error. WITH CHECK is for what is written; without it USING holds for both.
CREATE POLICY {{table}}_own ON {{table}} TO {{role:PUBLIC}}
    USING ({{column}}::text = (SELECT current_setting('{{setting:app.tenant}}', true)))
    WITH CHECK ({{column}}::text = (SELECT current_setting('{{setting:app.tenant}}', true)));
