-- +goose Up
CREATE TABLE model_override (
    id        text PRIMARY KEY,
    bundle    text NOT NULL,
    at        bigint NOT NULL,
    body      text NOT NULL,
    signature text NOT NULL
);
CREATE INDEX model_override_of ON model_override (bundle, at);
CREATE TABLE model_pieces (
    bundle   text PRIMARY KEY,
    sum      text NOT NULL,
    manifest bigint NOT NULL,
    body     text NOT NULL
);
CREATE TABLE delivered (
    day     text NOT NULL,
    device  text NOT NULL,
    purpose text NOT NULL,
    bytes   bigint NOT NULL,
    PRIMARY KEY (day, device, purpose)
);
CREATE TABLE rollout (
    id         text PRIMARY KEY,
    number     bigint NOT NULL UNIQUE,
    version    bigint NOT NULL,
    bundle     text NOT NULL,
    state      text NOT NULL,
    why        text NOT NULL,
    who        text NOT NULL,
    reason     text NOT NULL,
    plan       text NOT NULL,
    wave       bigint NOT NULL,
    forgiven   bigint NOT NULL,
    started_at bigint NOT NULL,
    wave_at    bigint NOT NULL,
    ended_at   bigint NOT NULL
);
CREATE TABLE rollout_board (
    rollout    text NOT NULL,
    device     text NOT NULL,
    wave       bigint NOT NULL,
    state      text NOT NULL,
    stage      text NOT NULL,
    step       text NOT NULL,
    why        text NOT NULL,
    before     text NOT NULL,
    done       bigint NOT NULL,
    total      bigint NOT NULL,
    reused     bigint NOT NULL,
    shadow     text NOT NULL,
    offered_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    PRIMARY KEY (rollout, device)
);
CREATE INDEX rollout_board_of ON rollout_board (device, state);
CREATE TABLE rollout_event (
    rollout text NOT NULL,
    n       bigint NOT NULL,
    at      bigint NOT NULL,
    who     text NOT NULL,
    what    text NOT NULL,
    detail  text NOT NULL,
    PRIMARY KEY (rollout, n)
);
ALTER TABLE board ADD COLUMN wanted text NOT NULL DEFAULT '';
