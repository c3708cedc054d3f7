-- +goose Up
CREATE TABLE settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);
CREATE TABLE setting_changes (
    seq        bigint PRIMARY KEY,
    changed_by text NOT NULL,
    changed_at bigint NOT NULL,
    edits      text NOT NULL,
    undone     boolean NOT NULL
);
