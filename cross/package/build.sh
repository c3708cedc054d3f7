#!/usr/bin/env bash
# Makes Debian packages in dist/: cross/package/build.sh ARCH...
#
# The same commit gives the same bytes, wherever the checkout stands.
# GOURDIAN_PACKAGE_VERSION overrides the version, for tests of an upgrade.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { echo "usage: cross/package/build.sh amd64|arm64 ..." >&2; exit 2; }
version=${GOURDIAN_PACKAGE_VERSION:-$(cross/package/version.sh)}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

for arch in "$@"; do
    if [ "$arch" = arm64 ] && [ ! -f .cache/arm64/sysroot/.key ]; then
        echo "No package for arm64: run \`make arm64\` once, which installs what building for arm64 needs."
        continue
    fi
    cross/build.sh "$arch"
    for name in gourdian-workers gourdian gourdian-hub; do
        package=dist/${name}_${version}_$arch.deb
        go run -C cross/package/deb . -root "$PWD" -name "$name" -arch "$arch" -version "$version" -out "$PWD/$package"
        printf '  made %s (%s kB)\n' "$package" $(($(stat -c %s "$package") / 1000))
    done
done
