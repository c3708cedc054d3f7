#!/usr/bin/env bash
# Runs every test: scripts/test.sh TAGS. Nothing skips for a missing tool; the
# tests on photos, the only ones that may skip, are listed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
tags=$1
out=$PWD/.cache/test
mkdir -p "$out"

echo "Format and vet"
unformatted=$(gofmt -l $(git ls-files '*.go'))
[ -z "$unformatted" ] || { printf 'not formatted (run gofmt -w):\n%s\n' "$unformatted" >&2; exit 1; }
go vet -tags "$tags" ./...

echo "Pure Go programs build without cgo"
CGO_ENABLED=0 go build -tags nomsgpack ./...

echo "Tests (race detector on)"
status=0
go test -race -tags "$tags" -timeout 18m -v ./... >"$out/go.log" 2>&1 || status=$?
grep -E '^(ok|FAIL|---? FAIL|panic:)' "$out/go.log" || true
if [ $status -ne 0 ]; then
    echo "Go tests failed; the whole output is in .cache/test/go.log. What failed:" >&2
    grep -E -A 25 '^ *--- FAIL|^panic:|^FAIL|DATA RACE' "$out/go.log" | head -n 300 >&2 || true
    exit $status
fi

if [ -x scripts/browser/run.sh ]; then
    echo "Browser tests"
    scripts/browser/run.sh
fi

passed=$(grep -cE '^--- PASS' "$out/go.log" || true)
skipped=$(grep -cE '^--- SKIP' "$out/go.log" || true)
if [ "$skipped" -ne 0 ]; then
    echo "Skipped (photos are not part of the repository):"
    grep -E -A 1 '^--- SKIP' "$out/go.log" | grep -v '^--$'
fi
unexpected=$(grep -A 1 -E '^ *--- SKIP' "$out/go.log" | grep -vE '^ *--- SKIP|^--$|photos: none at' || true)
[ -z "$unexpected" ] || { printf 'these skips are not about photos:\n%s\n' "$unexpected" >&2; exit 1; }
echo "$passed passed, 0 failed, $skipped skipped"
