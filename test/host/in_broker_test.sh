#!/bin/sh
# The plugin in a real broker on a free port: each way in is judged, a reload keeps what works, and
# the broker ends by itself with nothing for a sanitizer to say.
# usage: in_broker_test.sh PLUGIN SOURCE-DIR [LIBRARY-TO-PRELOAD ...]
set -eu
PATH="$PATH:/usr/sbin"
plugin=$1
source=$2
shift 2
command -v mosquitto >/dev/null && command -v mosquitto_pub >/dev/null || exit 77

dir=$(mktemp -d /tmp/nexus-broker-XXXXXX)
broker=
clients=
finish() {
    rc=$?
    for pid in $broker $clients; do
        kill "$pid" 2>/dev/null || true
    done
    [ $rc -eq 0 ] || cat "$dir/log" >&2
    rm -rf "$dir"
    exit $rc
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# --- a site of our own ----------------------------------------------------------------------
site="$dir/site"
mkdir -p "$site/birmingham" "$site/schemas/canonical/air" "$site/schemas/birmingham/air"
ln -s "$source/schemas/config" "$site/schemas/config"
cat > "$site/federation.json" <<'END'
{ "federation": "test", "cities": ["birmingham"], "domains": ["air"], "schemas": "schemas" }
END
cat > "$site/birmingham/city.json" <<'END'
{ "city": "birmingham", "title": "Birmingham", "country": "GB", "time_zone": "Europe/London",
  "bounding_box": [-2.25, 52.30, -1.55, 52.70],
  "reference": { "temperature_celsius": 20, "pressure_kpa": 101.325 },
  "domains": { "air": { "mode": "strict" } },
  "identities": { "air-{asset}": { "role": "sensor", "assets": ["air/{asset}"] },
                  "slow": { "role": "sensor", "assets": ["air/SLOW"],
                            "limits": { "messages_per_second": 0.001, "burst_seconds": 1 } },
                  "operator": { "role": "operator" } } }
END
echo '{ "air": {} }' > "$site/birmingham/assets.json"
cat > "$site/schemas/birmingham/air/schema.json" <<'END'
{ "$id": "urn:nexus:birmingham-air:1", "type": "object", "required": ["site"] }
END
cat > "$site/schemas/canonical/air/schema.json" <<'END'
{ "$id": "urn:nexus:canonical-air:1", "type": "object" }
END
for name in air-BMLD operator slow; do
    mosquitto_passwd -c -b "$dir/one" $name secret 2>/dev/null
    cat "$dir/one" >> "$dir/passwords"
done
chmod -R a+rX "$dir" # started by root, the broker changes to its own user

# --- the broker -----------------------------------------------------------------------------
start() {
    cat > "$dir/conf" <<END
listener $1 127.0.0.1
password_file $dir/passwords
plugin $plugin
plugin_opt_config $site
plugin_opt_city birmingham
plugin_opt_status_seconds 1
plugin_opt_disconnect_refusals 30
END
    LD_PRELOAD="$preload" mosquitto -c "$dir/conf" > "$dir/log" 2>&1 &
    broker=$!
    for _ in $(seq 100); do
        grep -q 'running$' "$dir/log" && return 0
        kill -0 "$broker" 2>/dev/null || break
        sleep 0.05
    done
    kill "$broker" 2>/dev/null || true
    wait "$broker" 2>/dev/null || true
    broker=
    return 1
}

preload=$*
port=
for try in 1 2 3 4 5; do
    port=$((20000 + ($$ * 7 + try * 613) % 12000))
    start $port && break
    grep -q 'Address already in use' "$dir/log" || fail "the broker does not start"
done
[ -n "$broker" ] || fail "no free port"

publish() { # USER TOPIC PAYLOAD [OPTION ...]: prints what the client prints
    user=$1 topic=$2 payload=$3
    shift 3
    mosquitto_pub -h 127.0.0.1 -p $port -u "$user" -P secret -V 5 -q 1 -t "$topic" -m "$payload" \
        "$@" 2>&1
}

own=nexus/birmingham/air/BMLD/observation
mosquitto_sub -h 127.0.0.1 -p $port -u operator -P secret -t '#' -v > "$dir/seen" &
sub=$!
clients=$sub
for _ in $(seq 100); do # the status that the subscriber sees shows that it is there
    grep -q '_status/plugin' "$dir/seen" && break
    sleep 0.05
done

[ -z "$(publish air-BMLD $own '{"site":"BMLD"}')" ] || fail "a good reading is not admitted"
publish air-BMLD $own '{}' | grep -q 'Not authorized' || fail "the schema refuses nothing"
publish air-BMLD nexus/birmingham/air/BIRR/observation '{"site":"x"}' | grep -q 'Not authorized' ||
    fail "another's asset is open"
publish air-BMLD $own '{"site":"BMLD"}' -i nexus-bridge-1 | grep -q 'ot authori' ||
    fail "a bridge's client identifier is open"
[ -z "$(publish air-BMLD home/kitchen x)" ] || fail "topics outside nexus/ are shut"
[ -z "$(publish slow nexus/birmingham/air/SLOW/observation '{"site":"x"}')" ] ||
    fail "the first message of a rate is not admitted"
publish slow nexus/birmingham/air/SLOW/observation '{"site":"x"}' | grep -q 'Not authorized' ||
    fail "a rate limits nothing"
grep -q 'nexus: topics outside nexus/: ok' "$dir/log" ||
    fail "the start does not say whether plugin_opt_outside fits"

# MQTT 3.1.1 learns of no refusal: at QoS 2 the handshake has to end all the same.
timeout 10 mosquitto_pub -h 127.0.0.1 -p $port -u air-BMLD -P secret -V 311 -q 2 -t $own \
    -m '{"qos":2}' || fail "a refused QoS 2 publish of 3.1.1 does not end"

# A will that its schema refuses: the client is killed, so that the broker sends it.
mosquitto_sub -h 127.0.0.1 -p $port -u air-BMLD -P secret -t home/will \
    --will-topic $own --will-payload '{"will":1}' --will-retain -i will-bearer &
will=$!
clients="$clients $will"
for _ in $(seq 100); do
    grep -q 'New client connected.*as will-bearer' "$dir/log" && break
    sleep 0.05
done
kill -9 $will
for _ in $(seq 100); do
    grep -q 'payload_excerpt":"{\\"will' "$dir/seen" && break
    sleep 0.05
done

# Who is refused again and again is disconnected.
seq 60 | sed 's/.*/{"number":&}/' |
    timeout 10 mosquitto_pub -h 127.0.0.1 -p $port -u air-BMLD -P secret -V 5 -q 1 -t $own -l \
        -i offender > /dev/null 2>&1 || true
grep -q "nexus: disconnected client 'offender'" "$dir/log" || fail "an offender stays connected"

# A broken reload, and traffic after it.
echo '{ "city": ' > "$site/birmingham/city.json"
kill -HUP "$broker"
for _ in $(seq 100); do
    grep -q '"config":"kept old: ' "$dir/seen" && break
    sleep 0.05
done
publish air-BMLD $own '{}' | grep -q 'Not authorized' || fail "a broken reload opened the gate"

kill $sub
kill "$broker"
wait "$broker" || fail "the broker ended with status $?"
broker=

seen() { grep -q "$1" "$dir/seen" || fail "the operator has not seen: $1"; }
seen "^$own {\"site\":\"BMLD\"}"
seen '_rejected/air/BMLD .*"reason":"schema".*"keyword":"required"'
seen '_rejected/air/BIRR .*"reason":"asset"'
seen 'payload_excerpt":"{\\"will'
seen '_rejected/air/SLOW .*"reason":"rate"'
[ "$(grep -c 'payload_excerpt":"{\\"qos' "$dir/seen")" -eq 1 ] ||
    fail "a refused QoS 2 publish of 3.1.1 was not judged exactly once"
seen '"config":"kept old: .*city.json'
seen '^home/kitchen x'
! grep -q "^$own {}" "$dir/seen" || fail "a refused reading was delivered"
! grep -q 'ERROR: \|runtime error' "$dir/log" || fail "a sanitizer speaks"
echo ok
