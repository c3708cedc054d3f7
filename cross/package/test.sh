#!/usr/bin/env bash
# Tries the amd64 packages in a clean Debian: cross/package/test.sh GO_TAGS
# Mounts and processes live in namespaces of their own, which end with the test
# however it ends.
set -euo pipefail
cd "$(dirname "$0")/../.."
tags=$1
out=$PWD/.cache/debroot

[ "$(id -u)" -eq 0 ] || { echo "Only root can install a package into a root folder: sudo make test-packages" >&2; exit 1; }
unshare --mount --pid --fork true 2>/dev/null || {
    echo "This machine lets nobody make mount namespaces (a container without CAP_SYS_ADMIN?); try another." >&2
    exit 1
}

cross/package/build.sh amd64
# The same with a higher version, for the upgrade.
GOURDIAN_PACKAGE_VERSION=$(cross/package/version.sh)+upgrade cross/package/build.sh amd64

go test -c -tags "$tags,packages" -o "$out/packagetest" ./cross/package/packagetest
GOURDIAN_PACKAGE_VERSION=$(cross/package/version.sh)
export GOURDIAN_PACKAGE_VERSION
cd cross/package/packagetest
exec unshare --mount --pid --fork --kill-child --mount-proc "$out/packagetest" -test.v -test.timeout 25m "${@:2}"
