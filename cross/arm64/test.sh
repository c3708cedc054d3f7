#!/usr/bin/env bash
# Runs the arm64 programs of dist/arm64/ under emulation beside those of bin/:
#
#   cross/arm64/test.sh TAGS [FLAGS OF go test...]
set -euo pipefail
cd "$(dirname "$0")/../.."
tags=$1,arm64emulated
shift
mkdir -p .cache/test
go vet -tags "$tags" ./cross/arm64
go build -o .cache/test/testreport ./scripts/testreport
# A cached result would be one of other programs: Go does not see them.
go test -race -count=1 -tags "$tags" -timeout 15m -json "$@" ./cross/arm64 2>&1 |
    tee .cache/test/arm64.json | .cache/test/testreport
