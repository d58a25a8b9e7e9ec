#!/usr/bin/env bash
# build.sh PRESET - configures and builds one CMake preset into build/PRESET, quietly.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"

preset=$1
folder=$ROOT/build/$preset
cd "$ROOT"
mkdir -p build

if [ -d "$folder" ] && [ ! -w "$folder" ]; then
    # Built by somebody else (root, as a rule). Its programs are as good; only we cannot renew them.
    [ -x "$folder/nexus-bridge" ] || die "$folder is not ours to write in: run as its owner"
    warn "$folder belongs to $(stat -c %U "$folder"): used as it is, not rebuilt"
    exit 0
fi
# Nothing to do is the common case, and says nothing.
if [ -f "$folder/build.ninja" ] && cmake --build --preset "$preset" -- -n 2>/dev/null |
    grep -q 'no work to do'; then
    exit 0
fi
run_logged "build/$preset-configure.log" "configuring $preset" cmake --preset "$preset"
run_logged "build/$preset-build.log" "building $preset" cmake --build --preset "$preset"
