#!/usr/bin/env bash
# Builds what boards and hubs run for one kind of processor into dist/:
#
#   cross/build.sh amd64|arm64
#
# The same commit gives the same bytes, wherever the checkout stands. amd64 is
# built with this machine's compiler and OpenCV, arm64 with Debian's cross
# compiler and the sysroot that `scripts/setup.sh arm64` makes.
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:-}
out=dist/$arch
library=libonnxruntime.so.1.32.0

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

# build NAME CGO TAGS: vcs stamps and build ids are left out, for both tell
# folders apart whose programs are the same.
build() {
    local start=$SECONDS
    GOOS=linux GOARCH=$arch CGO_ENABLED=$2 go build -trimpath -buildvcs=false -tags "$3" \
        -ldflags "$ldflags -buildid=" -o "$out/$1" "./cmd/$1" ||
        fail "building $1 for $arch failed; see the compiler's words above"
    [ $((SECONDS - start)) -lt 2 ] || printf '  built %s in %d s\n' "$1" $((SECONDS - start))
}

# use_cross_compiler points cgo at the sysroot. OpenCV's libraries are named one
# by one: its pkg-config file asks for all of them, contributed ones included.
# What these need in turn is found by rpath-link; their own loose ends (drivers
# that a board may have or not) are the board's affair.
use_cross_compiler() {
    local sysroot=$PWD/.cache/arm64/sysroot
    local libraries=$sysroot/usr/lib/aarch64-linux-gnu
    [ -f "$sysroot/.key" ] || fail "There is no arm64 sysroot: run \`make arm64\`."
    export CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++
    export CGO_CFLAGS="-O2 --sysroot=$sysroot"
    # OpenCV's headers put the names of their files into the program.
    export CGO_CXXFLAGS="$CGO_CFLAGS -std=c++11 -I$sysroot/usr/include/opencv4 -ffile-prefix-map=$sysroot="
    export CGO_LDFLAGS="--sysroot=$sysroot -Wl,--allow-shlib-undefined \
-Wl,-rpath-link,$libraries:$libraries/blas:$libraries/lapack"
    camera_tags=$camera_tags,customenv
    camera_libraries="-lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lopencv_videoio"
}

# The Makefile knows tags and linker flags.
{ read -r go_tags && read -r camera_tags && read -r ldflags; } < <(make --silent --no-print-directory flags)

case $arch in
amd64)
    [ "$(uname -m)" = x86_64 ] || fail "The amd64 programs are built on an x86-64 machine."
    from=.cache/onnxruntime/$library
    ;;
arm64)
    from=.cache/arm64/$library
    use_cross_compiler
    ;;
*)
    echo "usage: cross/build.sh amd64|arm64" >&2
    exit 2
    ;;
esac
[ -f "$from" ] || fail "ONNX Runtime for $arch is missing: run \`make $([ "$arch" = arm64 ] && echo arm64 || echo setup)\`."

echo "Building for $arch into $out/"
mkdir -p "$out"
build gourdian-agent 0 "$go_tags"
build gourdian-hub 0 "$go_tags"
build gourdianctl 0 "$go_tags"
build gourdian-infer 1 "$go_tags"
CGO_LDFLAGS="${CGO_LDFLAGS-} ${camera_libraries-}" build gourdian-camera 1 "$camera_tags"
install -m 644 "$from" "$out/$library"
