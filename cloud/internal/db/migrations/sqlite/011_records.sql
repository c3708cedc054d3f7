-- +goose Up
CREATE TABLE stream (
    device  text NOT NULL,
    epoch   text NOT NULL,
    through bigint NOT NULL,
    begun_at bigint NOT NULL,
    moved_at bigint NOT NULL,
    PRIMARY KEY (device, epoch)
);
CREATE TABLE record (
    device      text NOT NULL,
    epoch       text NOT NULL,
    seq         bigint NOT NULL,
    site        text NOT NULL,
    camera      text NOT NULL,
    captured_at bigint NOT NULL,
    received_at bigint NOT NULL,
    verdict     text NOT NULL,
    reason      text NOT NULL,
    model       text NOT NULL,
    image       text NOT NULL,
    body        text NOT NULL,
    PRIMARY KEY (device, epoch, seq)
);
CREATE INDEX record_of_board ON record (device, captured_at);
CREATE INDEX record_newest ON record (received_at);
CREATE TABLE quarantine (
    device text NOT NULL,
    epoch  text NOT NULL,
    seq    bigint NOT NULL,
    at     bigint NOT NULL,
    reason text NOT NULL,
    body   text NOT NULL,
    PRIMARY KEY (device, epoch, seq)
);
CREATE TABLE lost_records (
    device text NOT NULL,
    epoch  text NOT NULL,
    first  bigint NOT NULL,
    last   bigint NOT NULL,
    at     bigint NOT NULL,
    PRIMARY KEY (device, epoch, first)
);
CREATE TABLE tally (
    day     text NOT NULL,
    site    text NOT NULL,
    device  text NOT NULL,
    camera  text NOT NULL,
    verdict text NOT NULL,
    n       bigint NOT NULL,
    PRIMARY KEY (day, site, device, camera, verdict)
);
CREATE INDEX tally_of_board ON tally (device, day);
CREATE TABLE hour_summary (
    device  text NOT NULL,
    epoch   text NOT NULL,
    hour    bigint NOT NULL,
    camera  text NOT NULL,
    verdict text NOT NULL,
    n       bigint NOT NULL,
    PRIMARY KEY (device, epoch, hour, camera, verdict)
);

-- +goose Down
DROP TABLE hour_summary;
DROP TABLE tally;
DROP TABLE lost_records;
DROP TABLE quarantine;
DROP TABLE record;
DROP TABLE stream;
