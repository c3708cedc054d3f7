-- +goose Up
CREATE TABLE models (
    number    bigint PRIMARY KEY,
    bundle    text NOT NULL UNIQUE,
    blob      text NOT NULL,
    bytes     bigint NOT NULL,
    facts     text NOT NULL,
    pushed_by text NOT NULL,
    pushed_at bigint NOT NULL,
    notes     text NOT NULL,
    deleted   boolean NOT NULL
);
CREATE TABLE model_aliases (
    name     text PRIMARY KEY,
    number   bigint NOT NULL REFERENCES models (number),
    revision bigint NOT NULL
);
CREATE TABLE model_moves (
    alias       text NOT NULL,
    revision    bigint NOT NULL,
    from_number bigint NOT NULL,
    to_number   bigint NOT NULL,
    moved_by    text NOT NULL,
    moved_at    bigint NOT NULL,
    reason      text NOT NULL,
    PRIMARY KEY (alias, revision)
);
