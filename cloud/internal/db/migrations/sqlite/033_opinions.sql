-- +goose Up
CREATE TABLE opinions (
    hash        text NOT NULL,
    model       text NOT NULL,
    verdict     text NOT NULL,
    class       text NOT NULL,
    probability double precision NOT NULL,
    PRIMARY KEY (hash, model)
);
