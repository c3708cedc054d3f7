-- +goose Up
CREATE TABLE labels (
    hash        text PRIMARY KEY,
    label       text NOT NULL,
    version     bigint NOT NULL,
    labelled_by text NOT NULL,
    labelled_at bigint NOT NULL
);
CREATE INDEX labels_by_label ON labels (label);
CREATE TABLE label_events (
    hash        text NOT NULL,
    version     bigint NOT NULL,
    what        text NOT NULL,
    from_label  text NOT NULL,
    to_label    text NOT NULL,
    labelled_by text NOT NULL,
    labelled_at bigint NOT NULL,
    undone      boolean NOT NULL,
    PRIMARY KEY (hash, version)
);
CREATE INDEX label_events_by_who ON label_events (labelled_by, labelled_at);
CREATE TABLE label_claims (
    hash  text PRIMARY KEY,
    who   text NOT NULL,
    until bigint NOT NULL
);
