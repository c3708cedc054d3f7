-- +goose Up
CREATE TABLE samples (
    hash         text PRIMARY KEY,
    bytes        bigint NOT NULL,
    source       text NOT NULL,
    device       text NOT NULL,
    site         text NOT NULL,
    camera       text NOT NULL,
    zone         text NOT NULL,
    epoch        text NOT NULL,
    seq          bigint NOT NULL,
    origin       text NOT NULL,
    why          text NOT NULL,
    worth        double precision NOT NULL,
    verdict      text NOT NULL,
    correction   text NOT NULL,
    captured_at  bigint NOT NULL,
    received_at  bigint NOT NULL,
    state        text NOT NULL,
    checked      boolean NOT NULL,
    fault        text NOT NULL,
    duplicate_of text NOT NULL,
    width        bigint NOT NULL,
    height       bigint NOT NULL,
    sharpness    double precision NOT NULL,
    brightness   double precision NOT NULL,
    fingerprint  bigint NOT NULL
);
CREATE INDEX samples_newest ON samples (received_at, hash);
CREATE INDEX samples_twins ON samples (source, device, camera, captured_at);
CREATE TABLE embeddings (
    hash   text NOT NULL,
    space  text NOT NULL,
    vector blob NOT NULL,
    PRIMARY KEY (hash, space)
);
