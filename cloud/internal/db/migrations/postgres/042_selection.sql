-- +goose Up
ALTER TABLE samples ADD COLUMN queue text NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN left_out boolean NOT NULL DEFAULT FALSE;
ALTER TABLE label_events ADD COLUMN batch text NOT NULL DEFAULT '';
CREATE INDEX label_events_by_batch ON label_events (batch, hash);
CREATE TABLE sample_batches (
    batch   text PRIMARY KEY,
    what    text NOT NULL,
    label   text NOT NULL,
    count   bigint NOT NULL,
    made_by text NOT NULL,
    made_at bigint NOT NULL,
    undone  boolean NOT NULL
);
CREATE TABLE sample_batch_items (
    batch        text NOT NULL,
    hash         text NOT NULL,
    before_value text NOT NULL,
    PRIMARY KEY (batch, hash)
);
