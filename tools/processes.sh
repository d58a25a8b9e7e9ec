# shellcheck shell=bash
# processes.sh - starting, finding and ending what the demo runs. Sourced by demo.sh.
#
# What was started is listed in DIR/state/processes as NAME PID STARTTIME; STARTTIME (of
# /proc/PID/stat) tells the process from a later one with the same number. Wants DIR and AS.

# The start time of a live process; nothing for one that is gone, or dead and not yet reaped.
start_time() {
    local stat fields
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    read -r -a fields <<<"${stat##*) }"
    case ${fields[0]} in
    Z | X) ;;
    *) echo "${fields[19]}" ;;
    esac
}

# Live processes of DIR, one "NAME PID" a line, in the order they were started.
live_processes() {
    local name pid started
    [ -f "$DIR/state/processes" ] || return 0
    while read -r name pid started; do
        [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] && echo "$name $pid"
    done <"$DIR/state/processes"
    return 0
}

live_pid() { live_processes | sed -n "s/^$1 //p" | tail -n 1; }

# start NAME LOG COMMAND... - in a session of its own, so that Ctrl-C reaches only this script,
# which then stops them in order.
start() {
    local name=$1 log=$2 pid
    shift 2
    setsid "${AS[@]}" "$@" >>"$log" 2>&1 </dev/null &
    pid=$!
    disown
    echo "$name $pid $(start_time "$pid")" >>"$DIR/state/processes"
}

# Stops in reverse order of starting: sensors, then the bridge while both brokers still answer.
stop_all() {
    local name pid waited
    while read -r name pid; do
        if ! kill -TERM "$pid" 2>/dev/null && [ -n "$(start_time "$pid")" ]; then
            warn "$name (pid $pid) belongs to $(stat -c %U "/proc/$pid"): not ours to stop"
            continue
        fi
        kill -CONT "$pid" 2>/dev/null || true # one that was stopped must wake up to end
        waited=0
        while [ -n "$(start_time "$pid")" ]; do
            sleep 0.05
            waited=$((waited + 1))
            if [ "$waited" -eq 200 ]; then
                warn "$name (pid $pid) has not ended within 10 seconds: killed"
                kill -KILL "$pid" 2>/dev/null || true
            fi
        done
    done < <(live_processes | tac)
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_for SECONDS COMMAND... - until COMMAND succeeds; 1 when it has not within SECONDS.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.05
    done
}
