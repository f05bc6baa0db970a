-- Only the digest is kept: who reads this table cannot sign in with what it holds.
CREATE TABLE api_tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id  bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    digest       bytea NOT NULL UNIQUE CONSTRAINT api_tokens_digest_is_sha256 CHECK (octet_length(digest) = 32),
    label        text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz
);

CREATE INDEX api_tokens_in_use_idx ON api_tokens (customer_id) INCLUDE (label) WHERE revoked_at IS NULL;

-- Gives the token out this once.
CREATE FUNCTION issue_api_token(customer bigint, label text) RETURNS text
LANGUAGE plpgsql
AS $function$
DECLARE
    token text := 'shop_' || encode(public.gen_random_bytes(24), 'hex');
BEGIN
    INSERT INTO public.api_tokens (customer_id, digest, label)
    VALUES (customer, public.digest(token, 'sha256'), issue_api_token.label);
    RETURN token;
END
$function$;

REVOKE EXECUTE ON FUNCTION issue_api_token(bigint, text) FROM PUBLIC;
