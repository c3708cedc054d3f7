-- +goose Up
CREATE TABLE datasets (
    number   bigint PRIMARY KEY,
    manifest text NOT NULL UNIQUE,
    bytes    bigint NOT NULL,
    as_of    bigint NOT NULL,
    made_at  bigint NOT NULL,
    made_by  text NOT NULL,
    counts   text NOT NULL
);
CREATE TABLE dataset_groups (
    group_name text PRIMARY KEY,
    stratum    text NOT NULL,
    first_at   bigint NOT NULL,
    split      text NOT NULL,
    decided_at bigint NOT NULL
);
CREATE TABLE dataset_uses (
    number   bigint PRIMARY KEY,
    manifest text NOT NULL,
    split    text NOT NULL,
    pictures bigint NOT NULL,
    purpose  text NOT NULL,
    used_by  text NOT NULL,
    used_at  bigint NOT NULL
);
CREATE INDEX dataset_uses_of ON dataset_uses (manifest, number);
