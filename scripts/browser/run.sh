#!/usr/bin/env bash
# Looks at the real pages of real boards and of a hub in Debian's Chromium: every page at two
# widths, in two languages, light and dark; with a keyboard; without JavaScript;
# while workers are being killed. Screenshots go to .cache/screenshots/.
#
#   scripts/browser/run.sh [PATTERN]   only the checks whose name matches
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${GOURDIAN_BIN:-$PWD/bin}
cache=$PWD/.cache/browser

for program in gourdian-agent gourdian-camera gourdian-hub gourdian-infer gourdianctl; do
    [ -x "$bin/$program" ] || { echo "$bin/$program is missing: run make build" >&2; exit 1; }
done
[ -d .cache/npm/node_modules/playwright-core ] || { echo "The browser tools are missing: run scripts/setup.sh test" >&2; exit 1; }
command -v chromium >/dev/null || { echo "Chromium is missing: run scripts/setup.sh test" >&2; exit 1; }

# A small model of rendered pumpkins, kept for as long as it would be made alike.
recipe="--count 160 --seed 5 --size 256"
key=$("$bin/gourdianctl" version --json | sed '/"version"/d' | { cat; echo "$recipe"; } | sha256sum | cut -c1-16)
model=$cache/$key/model.gourdian
if [ ! -f "$model" ]; then
    echo "Making a model for the browser tests (about a minute, once)"
    rm -rf "$cache/$key"
    mkdir -p "$cache/$key"
    # shellcheck disable=SC2086 # the recipe is words
    { "$bin/gourdianctl" render --out "$cache/$key/patch" $recipe &&
        "$bin/gourdianctl" model train --data "$cache/$key/patch" --task grade --out "$model"; } >"$cache/model.log" 2>&1 || {
        tail -n 20 "$cache/model.log" >&2
        exit 1
    }
    rm -rf "$cache/$key/patch"
fi

rm -rf "$cache/boards" .cache/screenshots
mkdir -p "$cache/boards" .cache/screenshots
export GOURDIAN_BIN=$bin GOURDIAN_MODEL=$model GOURDIAN_BOARDS=$cache/boards
exec node --test-reporter=./scripts/browser/report.mjs ${1:+--test-name-pattern="$1"} scripts/browser/all.test.mjs
