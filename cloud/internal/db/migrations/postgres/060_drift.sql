-- +goose Up
CREATE TABLE drift_hour (
    device  text NOT NULL,
    epoch   text NOT NULL,
    hour    bigint NOT NULL,
    camera  text NOT NULL,
    model   text NOT NULL,
    data    bytea NOT NULL,
    kept_at bigint NOT NULL,
    PRIMARY KEY (device, epoch, hour, camera, model)
);
CREATE INDEX drift_hour_age ON drift_hour (kept_at);
CREATE TABLE drift_day (
    device text NOT NULL,
    camera text NOT NULL,
    day    bigint NOT NULL,
    model  text NOT NULL,
    n      bigint NOT NULL,
    data   bytea NOT NULL,
    PRIMARY KEY (device, camera, day, model)
);
CREATE INDEX drift_day_by_day ON drift_day (day);
CREATE TABLE drift_clock (
    device text PRIMARY KEY,
    until  bigint NOT NULL
);
CREATE TABLE drift_todo (
    device text NOT NULL,
    day    bigint NOT NULL,
    PRIMARY KEY (device, day)
);
CREATE TABLE drift_score (
    device text NOT NULL,
    camera text NOT NULL,
    day    bigint NOT NULL,
    model  text NOT NULL,
    n      bigint NOT NULL,
    span   bigint NOT NULL,
    refs   bigint NOT NULL,
    muted  boolean NOT NULL,
    hit    boolean NOT NULL,
    p      double precision NOT NULL,
    detail text NOT NULL,
    PRIMARY KEY (device, camera, day)
);
CREATE INDEX drift_score_by_day ON drift_score (day);
CREATE TABLE drift_alarm (
    id         bigint PRIMARY KEY,
    reason     text NOT NULL,
    device     text NOT NULL,
    camera     text NOT NULL,
    model      text NOT NULL,
    first_day  bigint NOT NULL,
    last_day   bigint NOT NULL,
    opened_at  bigint NOT NULL,
    state      text NOT NULL,
    outcome    text NOT NULL,
    changed_by text NOT NULL,
    changed_at bigint NOT NULL,
    facts      text NOT NULL
);
CREATE INDEX drift_alarm_by_state ON drift_alarm (state, id);
CREATE TABLE drift_setting (
    name       text PRIMARY KEY,
    value      double precision NOT NULL,
    changed_by text NOT NULL,
    changed_at bigint NOT NULL
);

-- +goose Down
DROP TABLE drift_setting;
DROP TABLE drift_alarm;
DROP TABLE drift_score;
DROP TABLE drift_todo;
DROP TABLE drift_clock;
DROP TABLE drift_day;
DROP TABLE drift_hour;
