-- +goose Up
CREATE TABLE work_cards (
    item       text PRIMARY KEY,
    owner      text NOT NULL,
    state      text NOT NULL,
    until      bigint NOT NULL,
    mark       text NOT NULL,
    mark_count bigint NOT NULL,
    version    bigint NOT NULL
);
CREATE TABLE work_events (
    item       text NOT NULL,
    version    bigint NOT NULL,
    what       text NOT NULL,
    detail     text NOT NULL,
    before     text NOT NULL,
    changed_by text NOT NULL,
    changed_at bigint NOT NULL,
    undone     boolean NOT NULL,
    PRIMARY KEY (item, version)
);
