#!/usr/bin/env bash
# bench.sh NAME - builds the benchmarks and runs one:
#
#   schema [--no-peers] [OPTION...]  reading and judging a message, beside cJSON, ajv and Blaze
#   hostile [--instructions]         the judge's cost per byte on inputs made to be slow
#   lens [--instructions]            translating a reading, the check of the result included
#   pattern                          one match of an expression, beside PCRE2
#   plugin [--no-load] [OPTION...]   the plugin's instructions an event, and a broker with it beside
#                                    one without it, and one whose plugin does nothing, at full load
#   deliver [OPTION...]              a reading's cost to the receiving broker, in batches or not
#   relay speed|latency|backlog|faults [OPTION...]
#                                    readings from city to city, beside Mosquitto's own bridge
#
# Prints figures and never judges them. ajv and Blaze come by npm into build/bench/peers, checked
# against the digests in bench/peers/package-lock.json, and are run there only.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"

folder=$ROOT/build/bench
programs=$folder/bench
peers=$folder/peers

build() {
    "$ROOT/tools/packages.sh" build
    mkdir -p "$folder"
    run_logged "$folder/configure.log" "configuring the benchmarks" \
        cmake -S "$ROOT" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DNX_BENCH=ON
    run_logged "$folder/build.log" "building $1" cmake --build "$folder" --target "$1"
}

machine() {
    printf 'machine: %s, %s processors, load %s; %s\n' \
        "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
        "$(cut -d ' ' -f 1 /proc/loadavg)" "$(cc --version | head -n 1)"
}

# One line for each table, in place of the figures of a peer.
no_figures() { # no_figures NAME REASON
    for subject in air-quality ngsi-ld; do
        for kind in one many; do printf '%s\t%s\t%s: %s\t\t\n' "$subject" "$kind" "$1" "$2"; done
    done
}

install_peers() {
    if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
        warn "no npm: ajv and Blaze are not measured"
        return 1
    fi
    mkdir -p "$peers"
    cmp -s "$ROOT/bench/peers/package-lock.json" "$peers/node_modules/.installed" && return 0
    cp "$ROOT/bench/peers/package.json" "$ROOT/bench/peers/package-lock.json" "$peers/"
    (cd "$peers" && run_logged "$folder/npm.log" "fetching ajv and Blaze, to compare with" \
        timeout 180 npm ci --ignore-scripts --no-audit --no-fund) || return 1
    cp "$peers/package-lock.json" "$peers/node_modules/.installed"
}

measure_ajv() {
    (cd "$peers" && node "$ROOT/bench/peers/ajv.mjs" "$ROOT/bench/data" "$folder/messages" 300)
}

measure_blaze() {
    local package=$peers/node_modules/@sourcemeta/jsonschema program version
    case $(uname -m) in
    x86_64) program=jsonschema-linux-x86_64 ;;
    aarch64) program=jsonschema-linux-arm64 ;;
    *) return 1 ;;
    esac
    program=$package/build/github-releases/$program
    [ -x "$program" ] || chmod +x "$program" || return 1
    version=$(sed -n 's/^ *"version": "\(.*\)".*/\1/p' "$package/package.json")
    "$ROOT/bench/peers/blaze.sh" "$program" "$version" "$ROOT/bench/data" "$folder/messages"
}

# measure_peer NAME COMMAND - appends its lines, or why there are none.
measure_peer() {
    local lines
    step "measuring $1"
    if lines=$("$2" 2>"$folder/$1.log"); then
        printf '%s\n' "$lines"
    else
        no_figures "$1" "no figures, it did not run (see build/bench/$1.log)"
    fi >>"$folder/peers.tsv"
}

bench_schema() {
    local with_peers=yes
    if [ "${1:-}" = --no-peers ]; then
        with_peers=no
        shift
    fi
    build schema_bench
    mkdir -p "$folder/messages"
    : >"$folder/peers.tsv"
    if [ $with_peers = yes ]; then
        "$programs/schema_bench" "$@" --write "$folder/messages"
        if install_peers; then
            measure_peer ajv measure_ajv
            measure_peer Blaze measure_blaze
        else
            no_figures "ajv and Blaze" "no figures, npm did not bring them" >"$folder/peers.tsv"
        fi
    fi
    machine
    "$programs/schema_bench" "$@" --peers "$folder/peers.tsv"
}

bench_hostile() {
    build hostile_bench
    if [ "${1:-}" = --instructions ]; then "$ROOT/tools/packages.sh" instructions; fi
    machine
    "$programs/hostile_bench" "$@"
}

bench_lens() {
    build lens_bench
    if [ "${1:-}" = --instructions ]; then "$ROOT/tools/packages.sh" instructions; fi
    machine
    "$programs/lens_bench" "$@"
}

bench_pattern() {
    build pattern_bench
    machine
    "$programs/pattern_bench" "$@"
}

bench_relay() {
    "$ROOT/tools/packages.sh" run
    build relay_load
    build nexus-proxy
    build nexus-bridge
    build nexus_plugin
    machine
    /usr/bin/python3 "$ROOT/bench/relay.py" --programs "$folder" "$@"
}

bench_plugin() {
    build plugin_bench
    build plugin_load
    build plugin_count
    "$ROOT/tools/packages.sh" run
    "$ROOT/tools/packages.sh" instructions
    machine
    "$programs/plugin_bench"
    if [ "${1:-}" = --no-load ]; then return; fi
    "$programs/plugin_count"
    "$programs/plugin_load" "$@"
}

bench_deliver() {
    "$ROOT/tools/packages.sh" run
    build nexus_plugin
    machine
    NEXUS_BUILD=$folder PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$ROOT/bench/deliver.py" "$@"
}

case ${1:-} in
deliver | plugin | relay | schema | hostile | lens | pattern)
    name=$1
    shift
    "bench_$name" "$@"
    ;;
*)
    sed -n '2,/^# Prints/{/^# Prints/d;s/^# \{0,1\}//p}' "$0" >&2
    exit 2
    ;;
esac
