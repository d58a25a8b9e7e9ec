#!/usr/bin/env bash
# test.sh [LABEL] - builds the release and the sanitizer presets and runs their tests, all but those
# labelled soak, or those of one LABEL. Ends with "N passed, N failed[, N skipped]", counted from
# what ctest recorded; exits 0 only when none failed.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"

label=${1:-}
presets=(release asan)
passed=0 failed=0 skipped=0

count() { # count FILE ATTRIBUTE - of the <testsuite> element that ctest writes
    sed -n "s/.*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

selection() {
    if [ -n "$label" ]; then
        printf '%s\n' --label-regex "^$label\$"
    else
        printf '%s\n' --label-exclude '^soak$'
    fi
}

run_preset() {
    local preset=$1 results=$ROOT/build/test-$1.xml wanted tests bad skip
    mapfile -t wanted < <(selection)
    rm -f "$results"
    step "tests of the $preset build (log: build/test-$preset.log)"
    ctest --preset "$preset" --no-tests=ignore --parallel 2 "${wanted[@]}" \
        --output-junit "$results" --output-log "$ROOT/build/test-$preset.log" || true
    if [ ! -s "$results" ]; then
        [ -n "$label" ] && return 0 # no test of that label in this build
        failed=$((failed + 1))
        return 0
    fi
    # The attributes lie on lines of their own within the element.
    tests=$(count "$results" tests)
    bad=$(count "$results" failures)
    skip=$(($(count "$results" skipped) + $(count "$results" disabled)))
    passed=$((passed + tests - bad - skip))
    failed=$((failed + bad))
    skipped=$((skipped + skip))
}

cd "$ROOT"
mkdir -p build
if ! "$ROOT/tools/packages.sh" run build page test; then
    say "0 passed, 1 failed"
    exit 1
fi
"$ROOT/tools/page.sh" || warn "without MQTT.js: the test of the page will be skipped"
if [ "$label" = soak ]; then
    "$ROOT/tools/upstream.sh" || warn "without it Mosquitto's own tests will be skipped"
fi

built=()
for preset in "${presets[@]}"; do
    if "$ROOT/tools/build.sh" "$preset"; then
        built+=("$preset")
    else
        failed=$((failed + 1))
    fi
done
for preset in "${built[@]}"; do run_preset "$preset"; done

summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary+=", $skipped skipped"
if [ $((passed + failed + skipped)) -eq 0 ]; then
    warn "no test has the label '$label'"
    failed=1
fi
say "$summary"
[ "$failed" -eq 0 ]
