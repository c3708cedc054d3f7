#!/usr/bin/env bash
# Watches two boards for long and fails when anything grows: one looks at photos
# again and again, one at a looped video. Variables: MINUTES (30), PHOTOS (a
# folder), VIDEO (a file), MODEL (a bundle), PORT (8290, and the next), DATA (a
# folder that is made anew). What is not given is rendered and trained.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=$PWD/.cache/soak
mkdir -p "$cache"

if [ -z "${PHOTOS:-}" ] || [ -z "${MODEL:-}" ]; then
    [ -f "$cache/patch/.done" ] || {
        rm -rf "$cache/patch"
        bin/gourdianctl render --out "$cache/patch" --count 200 --seed 21
        touch "$cache/patch/.done"
    }
fi
if [ -z "${MODEL:-}" ]; then
    MODEL=$cache/model.gourdian
    [ -f "$MODEL" ] || bin/gourdianctl model train --data "$cache/patch" --task grade --out "$MODEL"
fi
PHOTOS=${PHOTOS:-$cache/patch}
if [ -z "${VIDEO:-}" ]; then
    VIDEO=$cache/patch.mp4
    command -v ffmpeg >/dev/null || { echo "ffmpeg is missing: run \`scripts/setup.sh test\`, or give VIDEO=FILE" >&2; exit 1; }
    # Each picture for three seconds, as long as a thing must stand there to count.
    [ -f "$VIDEO" ] || find "$PHOTOS" -name '*.jpg' | sort | head -60 | xargs cat |
        ffmpeg -loglevel error -y -f image2pipe -framerate 1/3 -c:v mjpeg -i - \
            -vf 'scale=640:640:force_original_aspect_ratio=increase,crop=640:640' -r 10 -c:v mpeg4 -q:v 4 "$VIDEO.part.mp4"
    [ -f "$VIDEO" ] || mv "$VIDEO.part.mp4" "$VIDEO"
fi

mkdir -p "$cache/bin"
go build -o "$cache/bin/soak" ./scripts/soak
exec "$cache/bin/soak" --agent bin/gourdian-agent --bundle "$MODEL" --photos "$PHOTOS" --video "$VIDEO" \
    --minutes "${MINUTES:-30}" --every "${EVERY:-30s}" --port "${PORT:-8290}" --dir "${DATA:-$cache/data}"
