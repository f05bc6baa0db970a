-- CRLF
CREATE TABLE crlf (
  id int
);
CREATE INDEX crlf_id ON crlf (id);
