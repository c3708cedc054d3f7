#!/usr/bin/env bash
# Runs every test: scripts/test.sh TAGS. Nothing skips for a missing tool; the
# tests on photos, the only ones that may skip, are listed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
tags=$1
out=$PWD/.cache/test
mkdir -p "$out"

echo "Format and vet"
unformatted=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 ls -d 2>/dev/null | xargs -d '\n' gofmt -l)
[ -z "$unformatted" ] || { printf 'not formatted (run gofmt -w):\n%s\n' "$unformatted" >&2; exit 1; }
go vet -tags "$tags" ./...

echo "Pure Go programs build without cgo"
CGO_ENABLED=0 go build -tags nomsgpack ./...

if [ -x scripts/browser/run.sh ]; then
    echo "Browser tests"
    scripts/browser/run.sh
fi

echo "Tests (race detector on; the first time compiles for minutes; the whole output goes to .cache/test/go.json)"
go build -o "$out/testreport" ./scripts/testreport
go test -race -tags "$tags" -timeout 18m -json ./... 2>&1 | tee "$out/go.json" | "$out/testreport"

if [ -f .cache/arm64/sysroot/.key ]; then
    echo "arm64 programs under emulation"
    make --no-print-directory test-arm64
else
    echo "The arm64 programs are not tested here. To have them built and tested from now on: make arm64"
fi
