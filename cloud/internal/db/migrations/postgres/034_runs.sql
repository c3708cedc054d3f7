-- +goose Up
CREATE TABLE runs (
    number     bigint PRIMARY KEY,
    dataset    bigint NOT NULL,
    manifest   text NOT NULL,
    spec       text NOT NULL,
    champion   bigint NOT NULL,
    started_by text NOT NULL,
    started_at bigint NOT NULL,
    job        bigint NOT NULL,
    ended_at   bigint NOT NULL,
    chosen     bigint NOT NULL,
    gate       text NOT NULL
);
CREATE TABLE run_steps (
    run        bigint NOT NULL,
    seq        bigint NOT NULL,
    name       text NOT NULL,
    subject    text NOT NULL,
    identity   text NOT NULL,
    artefact   text NOT NULL,
    reused     boolean NOT NULL,
    started_at bigint NOT NULL,
    ended_at   bigint NOT NULL,
    PRIMARY KEY (run, seq)
);
CREATE TABLE artefacts (
    identity text PRIMARY KEY,
    step     text NOT NULL,
    blob     text NOT NULL,
    made_at  bigint NOT NULL
);
CREATE TABLE run_models (
    run       bigint NOT NULL,
    candidate text NOT NULL,
    version   bigint NOT NULL,
    report    text NOT NULL,
    PRIMARY KEY (run, candidate)
);
CREATE INDEX run_models_version ON run_models (version);
