-- migrate: lock-timeout 3s
DROP POLICY {{table}}_own ON {{table}};

-- Only where no other policy is left on the table; otherwise take this line out.
ALTER TABLE {{table}} DISABLE ROW LEVEL SECURITY;
