#!/usr/bin/env bash
# Builds every program into bin/: scripts/build.sh GO_TAGS CAMERA_TAGS LDFLAGS
set -euo pipefail
cd "$(dirname "$0")/.."
go_tags=$1 camera_tags=$2 ldflags=$3
mkdir -p bin

build() { # NAME CGO TAGS
    [ -f "cmd/$1/main.go" ] || return 0
    local start=$SECONDS
    CGO_ENABLED=$2 go build -trimpath -tags "$3" -ldflags "$ldflags" -o "bin/$1" "./cmd/$1" || {
        echo "building $1 failed; see the compiler's words above" >&2
        exit 1
    }
    [ $((SECONDS - start)) -lt 2 ] || printf '  built %s in %d s\n' "$1" $((SECONDS - start))
}

echo "Building into bin/"
build gourdian-agent 0 "$go_tags"
build gourdian-hub 0 "$go_tags"
build gourdianctl 0 "$go_tags"
build gourdian-infer 1 "$go_tags"
build gourdian-camera 1 "$camera_tags"
