-- +goose Up
CREATE TABLE picture_qualities (
    hash       text NOT NULL,
    preprocess text NOT NULL,
    sharpness  double precision NOT NULL,
    mean       double precision NOT NULL,
    p5         bigint NOT NULL,
    p99        bigint NOT NULL,
    black      double precision NOT NULL,
    burned     double precision NOT NULL,
    PRIMARY KEY (hash, preprocess)
);
