DROP FUNCTION issue_api_token(bigint, text);
DROP TABLE api_tokens;
