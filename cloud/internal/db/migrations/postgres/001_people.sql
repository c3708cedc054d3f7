-- +goose Up
CREATE TABLE person (
  id text NOT NULL PRIMARY KEY,
  name text NOT NULL UNIQUE,
  role text NOT NULL,
  password text NOT NULL,
  disabled bool NOT NULL,
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL
);
CREATE TABLE session (
  token text NOT NULL PRIMARY KEY,
  data bytea NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX session_expires ON session (expires_at);
CREATE TABLE invite (
  secret text NOT NULL PRIMARY KEY,
  person text NOT NULL,
  expires_at bigint NOT NULL
);
CREATE TABLE api_token (
  id text NOT NULL PRIMARY KEY,
  person text NOT NULL REFERENCES person (id) ON DELETE CASCADE,
  name text NOT NULL,
  secret text NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  used_at bigint NOT NULL
);
CREATE TABLE audit (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  who text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  detail text NOT NULL
);

-- +goose Down
DROP TABLE audit;
DROP TABLE api_token;
DROP TABLE invite;
DROP TABLE session;
DROP TABLE person;
