-- +goose Up
ALTER TABLE board ADD COLUMN contract bigint NOT NULL DEFAULT 0;
ALTER TABLE board ADD COLUMN unfit text NOT NULL DEFAULT '';
CREATE TABLE erasures (
    device   text NOT NULL,
    hash     text NOT NULL,
    asked_at bigint NOT NULL,
    done_at  bigint NOT NULL,
    PRIMARY KEY (device, hash)
);
CREATE INDEX erasures_of_picture ON erasures (hash);
