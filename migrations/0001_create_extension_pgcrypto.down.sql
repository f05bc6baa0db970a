-- Refused by the server while anything uses it; there is no CASCADE in this folder.
DROP EXTENSION pgcrypto;
