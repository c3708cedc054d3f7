#!/usr/bin/env bash
# Speed beside a peer in the same run: the engine through its worker beside a C
# loop on ONNX Runtime's C API; a whole frame, on a board and as a photo for a
# hub, beside a C++ loop of imdecode, INTER_AREA and the same API; the 8-bit
# backbones beside those of ONNX Runtime's own quantizer; the broker of the hub
# beside mosquitto. Same libraries, graph and threads; the sides take turns, block
# by block. Ratios above 1 mean that gourdian is slower. On a busy machine look at
# the processor times and at the medians of the ratios. Then what board and hub
# take of memory and network.
#
#   ROUNDS=n  blocks on each side (default 20 for the engine, half of it for frames)
#   PHOTOS=d  a folder of pictures to compare the 8-bit backbones on as well
#   PHOTO=f   a JPEG instead of a rendered one of 1280x720
set -euo pipefail
export ORT_DISABLE_TELEMETRY=1 # of the library under Python; gourdian's worker sets it itself
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-20}
out=$PWD/.cache/bench
model=$out/model-fp32.gourdian
mkdir -p "$out"

machine() {
    echo "machine: $(sed -n 's/^model name[^:]*: //p;s/^Model[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -m), Linux $(uname -r)"
    echo "features: $(grep -m1 -E '^(flags|Features)' /proc/cpuinfo | tr ' ' '\n' |
        grep -xE 'avx2|fma|f16c|avx512f|avx512bw|avx512_vnni|avx_vnni|avx512_bf16|amx_int8|asimd|asimddp|asimdhp|i8mm|sve' | tr '\n' ' ')"
    echo "load before: $(cut -d' ' -f1-3 /proc/loadavg) (the sides alternate, so other work weighs on all of them; repeat on a quiet machine)"
    echo "program: $(bin/gourdianctl version | head -n 1)"
}

# The frame needs a model that board and hub run. Its verdicts do not matter here.
make_model() {
    [ -f "$model" ] && bin/gourdianctl model inspect "$model" >/dev/null 2>&1 && return 0
    echo "Making a small model for board and hub (once)"
    rm -rf "$out/patch"
    bin/gourdianctl render --out "$out/patch" --count 80 --seed 1
    # One variant: the hub would take another one than the peer's.
    bin/gourdianctl model train --data "$out/patch" --task grade --variants fp32 --out "$model" >"$out/train.txt"
}

# The peer of the 8-bit backbones is ONNX Runtime's own quantizer, in Python.
make_python() {
    [ -x "$out/python/bin/python" ] && "$out/python/bin/python" -c 'import onnx, onnxruntime' 2>/dev/null && return 0
    echo "Installing ONNX Runtime's quantizer (once)"
    python3 -m venv "$out/python"
    "$out/python/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2
}

for program in engine frame quantize; do
    go build -o "$out/$program" "./scripts/bench/$program"
done
make_model
make_python
echo
machine
cores=$(nproc)
for threads in $(printf '1\n%s\n' "$cores" | sort -nu); do
    echo
    "$out/engine" --rounds "$rounds" --threads "$threads"
done
echo
"$out/frame" --rounds "$(((rounds + 1) / 2))" --threads "$((cores < 2 ? cores : 2))" --model "$model" ${PHOTO:+--photo "$PHOTO"}
echo
"$out/frame" --hub --rounds "$(((rounds + 1) / 2))" --threads 1 --model "$model" ${PHOTO:+--photo "$PHOTO"}
echo
echo "A board on a week of history: memory in MB (2^20 bytes, resident), seconds to the first verdict"
go test -tags nomsgpack,gocv_specific_modules,gocv_videoio,workers -run '^$' -bench Footprint -benchtime 1x ./agent
echo
echo "Records of boards from the broker to the commit, beside mosquitto with a subscriber that keeps nothing"
go test -tags nomsgpack -run '^$' -bench BrokerToCommit -benchtime 1x ./cloud/internal/ingest
echo
echo "A board that is left alone for minutes: what crosses its network in a day, memory of hub and board"
go test -tags nomsgpack,workers -run '^$' -bench Idle -benchtime 1x ./internal/e2e
echo
"$out/quantize" --rounds "$rounds" --python "$out/python/bin/python" ${PHOTOS:+--data "$PHOTOS"}
