-- +goose Up
CREATE TABLE site (
    name       text PRIMARY KEY,
    created_at bigint NOT NULL
);
CREATE TABLE join_token (
    id         text PRIMARY KEY,
    secret     text NOT NULL UNIQUE,
    site       text NOT NULL,
    note       text NOT NULL,
    rejoin     boolean NOT NULL,
    uses       bigint NOT NULL,
    used       bigint NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    expires_at bigint NOT NULL,
    revoked_at bigint NOT NULL
);
CREATE TABLE board (
    device     text PRIMARY KEY,
    name       text NOT NULL,
    site       text NOT NULL,
    team       text NOT NULL,
    state      text NOT NULL,
    key_hash   text NOT NULL,
    serial     text NOT NULL,
    cert_until bigint NOT NULL,
    joined_at  bigint NOT NULL,
    token      text NOT NULL,
    successor  text NOT NULL,
    agent      text NOT NULL,
    model      text NOT NULL,
    severity   text NOT NULL,
    unsent     bigint NOT NULL,
    goodbye    boolean NOT NULL,
    seen_at    bigint NOT NULL,
    status     text NOT NULL,
    status_at  bigint NOT NULL,
    wish       bigint NOT NULL,
    settings   text NOT NULL,
    log_lines  text NOT NULL
);
CREATE INDEX board_by_name ON board (name, device);
CREATE INDEX board_by_site ON board (site, device);
CREATE TABLE board_event (
    device text NOT NULL,
    at     bigint NOT NULL,
    n      bigint NOT NULL,
    what   text NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (device, at, n)
);

-- +goose Down
DROP TABLE board_event;
DROP TABLE board;
DROP TABLE join_token;
DROP TABLE site;
