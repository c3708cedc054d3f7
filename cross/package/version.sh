#!/usr/bin/env bash
# Prints the version that Debian's tools order rightly:
#
#   cross/package/version.sh                    of this checkout
#   cross/package/version.sh DESCRIBED COMMITS  of what `git describe --tags --dirty` said after so many commits
#
# v1.2.0 is 1.2.0, five commits later 1.2.0+5.gabc1234, v1.2.0-rc1 is 1.2.0~rc1
# and so older. Without any tag the commits are counted: 0.0+120.gabc1234.
set -euo pipefail
cd "$(dirname "$0")/../.."
described=${1:-$(git describe --always --dirty --tags)}
commits=${2:-$(git rev-list --count HEAD)}

dirty=
case $described in *-dirty) dirty=.dirty described=${described%-dirty} ;; esac
since=
if [[ $described =~ ^(.+)-([0-9]+)-(g[0-9a-f]+)$ ]]; then
    described=${BASH_REMATCH[1]} since=+${BASH_REMATCH[2]}.${BASH_REMATCH[3]}
elif [[ $described =~ ^[0-9a-f]{7,}$ ]]; then
    described=0.0 since=+$commits.g${BASH_REMATCH[0]}
fi
[ -z "$dirty" ] || since=${since:-+0}$dirty
version=${described#v}
# Only one hyphen, and it makes older: 1.2.0-rc1.
version=${version/-/\~}$since
if [[ ! $version =~ ^[0-9][A-Za-z0-9.+~]*$ ]]; then
    echo "The tag $described makes no version that Debian knows: name it like v1.2.0 or v1.2.0-rc1." >&2
    exit 1
fi
printf '%s\n' "$version"
