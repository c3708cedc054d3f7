-- +goose Up
CREATE TABLE jobs (
    id         bigint PRIMARY KEY,
    kind       text NOT NULL,
    args       text NOT NULL,
    identity   text NOT NULL,
    state      text NOT NULL,
    started_by text NOT NULL,
    attempts   bigint NOT NULL,
    deaths     bigint NOT NULL,
    created_at bigint NOT NULL,
    due_at     bigint NOT NULL,
    started_at bigint NOT NULL,
    ended_at   bigint NOT NULL,
    step       text NOT NULL,
    step_at    bigint NOT NULL,
    done       bigint NOT NULL,
    total      bigint NOT NULL,
    result     text NOT NULL,
    error      text NOT NULL,
    cancel     boolean NOT NULL,
    ended_by   text NOT NULL,
    owner      text NOT NULL,
    lease      bigint NOT NULL,
    fence      bigint NOT NULL,
    carrier    bigint NOT NULL
);
CREATE UNIQUE INDEX jobs_once ON jobs (identity) WHERE state IN ('waiting', 'running');
CREATE INDEX jobs_identity ON jobs (identity);
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_kind ON jobs (kind, id);
CREATE TABLE job_lines (
    job  bigint NOT NULL,
    seq  bigint NOT NULL,
    at   bigint NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (job, seq)
);
