// Package db opens the hub's database: SQLite in the data folder, or
// PostgreSQL by its address. Above it everything is bun and the same on both;
// package dbtest runs a suite on the two.
//
// Columns are text, bigint, double precision, boolean and bytes. Times are
// microseconds since 1970 in UTC, documents JSON as text, and no statement asks
// the database for the time: so both keep and compare alike.
package db
