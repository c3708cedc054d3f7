#!/bin/sh
# Runs an arm64 program of dist/arm64/ on this machine. Which one is said by the
# name of a link to this script, so that it stands wherever a program's path is
# asked for:
#
#   ln -s "$PWD/cross/arm64/emulate.sh" /tmp/gourdian-agent && /tmp/gourdian-agent --version
#
# exec keeps the process: descriptors, signals and the parent's death reach it.
root=$(dirname "$(readlink -f "$0")")/../..
exec qemu-aarch64-static -L "$root/.cache/arm64/sysroot" "$root/dist/arm64/$(basename "$0")" "$@"
