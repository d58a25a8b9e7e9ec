# shellcheck shell=bash
# lib.sh - what the scripts of this folder share. Sourced; starts nothing.

# shellcheck disable=SC2034 # for those who source this
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
warn() { printf 'nexus: %s\n' "$*" >&2; }

die() {
    warn "$@"
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# run_logged LOG TITLE COMMAND... - quiet: the last line of progress on a terminal, all of it in LOG;
# on failure the end of LOG.
run_logged() {
    local log=$1 title=$2 status=0 line
    shift 2
    step "$title"
    if [ -t 1 ]; then
        "$@" 2>&1 | tee "$log" | while IFS= read -r line; do
            printf '\r\033[K    %.74s' "$line"
        done || status=$?
        printf '\r\033[K'
    else
        "$@" >"$log" 2>&1 || status=$?
    fi
    [ "$status" -eq 0 ] && return 0
    tail -n 40 "$log" >&2
    warn "$title: failed (status $status); all of it is in $log"
    return "$status"
}
