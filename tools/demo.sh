#!/usr/bin/env bash
# demo.sh up|down|status - two cities on this machine: two brokers with the plugin, one bridge
# between them, simulated sensors and a page. See docs/operating.md.
#
# All of it lives in one folder (DIR), described in folder.sh.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tools/processes.sh
. "$ROOT/tools/processes.sh"
# shellcheck source=tools/folder.sh
. "$ROOT/tools/folder.sh"

CITIES=(birmingham ulsan)
PROGRAMS=${NEXUS_BUILD:-$ROOT/build/release} # the tests name another build here ...
BROKER=(mosquitto)
if [ -n "${NEXUS_BROKER_PRELOAD:-}" ]; then # ... and what its plugin needs in a broker without it
    BROKER=(env "LD_PRELOAD=$NEXUS_BROKER_PRELOAD" mosquitto)
fi
PYTHON=/usr/bin/python3 # Debian's: root's own may be out of reach for the user that sensors run as
WAIT_SECONDS=30 # for a broker to listen, and for the links to be up

DIR=$PWD/run
BASE=18830
SENSORS=yes
BRIDGE=yes
DETACH=no
RUN_USER= # the user that brokers, bridge and sensors run as; empty: the caller
AS=()     # the command prefix that makes it so

# --- Options -----------------------------------------------------------------------------------

usage() {
    say "usage: nexus up [--dir DIR] [--ports BASE] [--no-sensors] [--no-bridge] [--detach]"
    say "       nexus down [--dir DIR]"
    say "       nexus status [--dir DIR]"
}

parse_options() {
    local dir=$DIR
    while [ $# -gt 0 ]; do
        case $1 in
        --dir | --ports)
            [ $# -ge 2 ] || die "$1 wants a value"
            if [ "$1" = --dir ]; then dir=$2; else BASE=$2; fi
            shift
            ;;
        --no-sensors) SENSORS=no ;;
        --no-bridge) BRIDGE=no ;;
        --detach) DETACH=yes ;;
        --two-bridges)
            warn "--two-bridges: a bridge beside each broker is not available in this version"
            exit 2
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        *)
            warn "unknown option '$1'"
            usage >&2
            exit 2
            ;;
        esac
        shift
    done
    [ -n "$dir" ] || die "--dir wants a folder"
    DIR=$(realpath -m -- "$dir")
    case $BASE in
    '' | *[!0-9]* | ??????*) die "--ports wants a number, not '$BASE'" ;;
    esac
    BASE=$((10#$BASE))
    if [ "$BASE" -lt 1 ] || [ "$BASE" -gt 65514 ]; then
        die "--ports $BASE: BASE to BASE+21 must be ports"
    fi
}

mqtt_port() { if [ "$1" = birmingham ]; then echo "$BASE"; else echo $((BASE + 10)); fi; }
websocket_port() { echo $(($(mqtt_port "$1") + 1)); }

# --- Before anything starts --------------------------------------------------------------------

check_ports() {
    local city port busy=()
    for city in "${CITIES[@]}"; do
        for port in "$(mqtt_port "$city")" "$(websocket_port "$city")"; do
            answers "$port" && busy+=("$port")
        done
    done
    [ ${#busy[@]} -eq 0 ] && return 0
    warn "port in use on 127.0.0.1: ${busy[*]}"
    die "choose others with --ports BASE (BASE, +1, +10 and +11 are taken; now $BASE)"
}

# --- Starting ----------------------------------------------------------------------------------

# True once the broker listens, or can never.
broker_decided() { answers "$(websocket_port "$1")" || [ -z "$(live_pid "$1")" ]; }

start_brokers() {
    local city log
    local -A size
    for city in "${CITIES[@]}"; do
        size[$city]=$(stat -c %s "$DIR/log/$city.log")
        start "$city" "$DIR/log/$city.log" "${BROKER[@]}" -c "$DIR/$city/mosquitto.conf"
    done
    for city in "${CITIES[@]}"; do
        log=$DIR/log/$city.log
        wait_for "$WAIT_SECONDS" broker_decided "$city" || true
        if [ -z "$(live_pid "$city")" ] || ! answers "$(mqtt_port "$city")"; then
            tail -c "+$((size[$city] + 1))" "$log" | head -n 20 >&2
            die "the broker of $city did not start; its log is $log"
        fi
    done
}

# status_messages CITY SECONDS - the status messages at that city's broker, "TOPIC PAYLOAD": the
# retained ones at once, then those that come, for so long.
status_messages() {
    exec mosquitto_sub -h 127.0.0.1 -p "$(mqtt_port "$1")" -u "$1-operator" \
        -P "$(secret "$1" "$1-operator")" -t 'nexus/+/_status/+' -W "$2" -F '%t %p' 2>/dev/null
}

# await_link CITY SINCE - until its broker is told that the link towards it is up, by a status that
# is no older than SINCE (one of an earlier bridge may be retained). 1: the bridge has ended, or time.
await_link() {
    local city=$1 since=$2 line fd reader found=1
    local up="^nexus/[^/]+/_status/link-[a-z0-9-]+-$city .*\"state\":\"up\".*\"at\":\"([^\"]*)\""
    exec {fd}< <(status_messages "$city" "$WAIT_SECONDS")
    reader=$!
    while [ -n "$(live_pid bridge)" ] && kill -0 "$reader" 2>/dev/null; do
        while IFS= read -r -t 0.2 line <&"$fd"; do
            if [[ $line =~ $up && ! ${BASH_REMATCH[1]} < $since ]]; then
                found=0
                break 2
            fi
        done
    done
    kill "$reader" 2>/dev/null || true
    exec {fd}<&-
    return "$found"
}

start_bridge() {
    local city since log=$DIR/log/bridge.log
    since=$(date -u +%Y-%m-%dT%H:%M:%S)
    setsid "$DIR/bin/bridge" &
    disown
    wait_for 5 grep -q '^bridge ' "$DIR/state/processes" || true
    for city in "${CITIES[@]}"; do
        await_link "$city" "$since" && continue
        tail -n 8 "$log" >&2
        [ -n "$(live_pid bridge)" ] || die "the bridge has ended; its log is $log"
        die "the link to $city is not up after $WAIT_SECONDS seconds; the bridge's log is $log"
    done
}

start_sensors() {
    start sensors "$DIR/log/sensors.log" \
        "$PYTHON" "$ROOT/examples/sensors/air.py" --env "$DIR/demo.env" --assets "$DIR/web/assets.json"
}

where_to_look() {
    local shown=$DIR
    case $shown in "$PWD"/*) shown=${shown#"$PWD"/} ;; esac
    cat <<END

Two cities are up. Logs, state and secrets are in $DIR

  the page, as each city sees it   http://127.0.0.1:$(websocket_port birmingham)/   (Birmingham's formats)
                                   http://127.0.0.1:$(websocket_port ulsan)/   (Ulsan's formats)

  Birmingham's readings, read at Ulsan's broker in Ulsan's format:

    . $(printf %q "$shown")/demo.env
    mosquitto_sub -p $(mqtt_port ulsan) -u ulsan-reader -P "\$ULSAN_READER_PASSWORD" -v \\
        -t 'nexus/birmingham/air/+/observation'

END
    if [ ! -s "$DIR/web/mqtt.min.js" ]; then
        warn "the page has no MQTT.js (see above) and will say so; all else works"
    fi
}

# Follows the bridge's log until Ctrl-C, and says when a process of the demo has ended.
follow() {
    local expected now follower=
    trap 'exit 0' INT TERM HUP
    say "Ctrl-C stops it all."
    if [ "$BRIDGE" = yes ]; then
        tail -n 0 -F "$DIR/log/bridge.log" 2>/dev/null &
        follower=$!
    fi
    expected=$(live_processes)
    while [ -n "$expected" ]; do
        sleep 1 &
        wait $! || true
        now=$(live_processes)
        if [ "$now" != "$expected" ]; then
            say "now running: $(echo "${now:-nothing}" | paste -s -d ,)"
            expected=$now
        fi
    done
    [ -z "$follower" ] || kill "$follower" 2>/dev/null || true
}

# Whatever ends `up` before its work is done also ends what it started.
stop_on_exit() {
    local status=$?
    trap - EXIT INT TERM HUP
    # shellcheck disable=SC2046 # a list of process ids
    kill $(jobs -p -r) 2>/dev/null || true
    step "stopping"
    stop_all
    exit "$status"
}

up() {
    if [ -n "$(live_processes)" ]; then
        warn "already running in $DIR; ./nexus down stops it"
        exit 1
    fi
    check_ports
    "$ROOT/tools/packages.sh" run build
    [ -n "${NEXUS_BUILD:-}" ] || "$ROOT/tools/build.sh" release
    "$ROOT/tools/page.sh" || warn "going on without MQTT.js"
    mkdir -p "$DIR" 2>/dev/null || die "cannot make the folder $DIR"
    [ -w "$DIR" ] || die "$DIR belongs to $(stat -c %U "$DIR"): choose another with --dir"
    choose_user
    prepare

    trap stop_on_exit EXIT
    trap 'exit 130' INT TERM HUP
    step "starting the brokers"
    start_brokers
    if [ "$BRIDGE" = yes ]; then
        step "starting the bridge, waiting for its links"
        start_bridge
    fi
    write_demo_env
    if [ "$SENSORS" = yes ]; then start_sensors; fi
    where_to_look
    if [ "$DETACH" = yes ]; then
        trap - EXIT
    else
        follow
    fi
}

down() {
    local live
    live=$(live_processes)
    if [ -z "$live" ]; then
        say "nothing is running in $DIR"
        return 0
    fi
    stop_all
    say "stopped: $(echo "$live" | cut -d ' ' -f 1 | paste -s -d ' ')"
}

status() {
    local live city
    live=$(live_processes)
    if [ -z "$live" ]; then
        say "nothing is running in $DIR"
        return 3
    fi
    BASE=$(sed -n 's/^BIRMINGHAM_MQTT=.*://p' "$DIR/demo.env")
    say "processes"
    echo "$live" | while read -r name pid; do
        printf '  %-12s pid %s\n' "$name" "$pid"
    done
    for city in "${CITIES[@]}"; do
        say "status at the broker of $city"
        (status_messages "$city" 1) | sed 's/^/  /' || true
    done
}

command=$1
shift
parse_options "$@"
"$command"
