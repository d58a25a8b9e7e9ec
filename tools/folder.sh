# shellcheck shell=bash
# folder.sh - what is in the demo's folder (DIR), and whose it is. Sourced by demo.sh.
#
#   config/ schemas/   copies of the project's, bridge.json derived     demo.env   for a shell to source
#   <city>/            mosquitto.conf derived, passwords, state/        log/       one file a process
#   secrets/<city>/    one file an identity: its password               state/     caches, processes
#   web/               the page                                         bin/       bridge, started again
#
# Wants DIR, CITIES, PROGRAMS and the ports; sets RUN_USER and AS.

ROLES=(sensor reader operator bridge)

# As root, brokers and bridge run as Mosquitto's own user, if it can reach what they need.
choose_user() {
    local try=(setpriv --reuid mosquitto --regid mosquitto --init-groups --)
    is_root || return 0
    RUN_USER=root
    id mosquitto >/dev/null 2>&1 || return 0
    # A new or empty folder is handed over; one that holds other things is left as it is.
    if [ -z "$(ls -A "$DIR")" ]; then chown mosquitto: "$DIR"; fi
    if "${try[@]}" test -r "$PROGRAMS/nexus_plugin.so" -a -x "$ROOT/examples/sensors" -a -x "$DIR"; then
        RUN_USER=mosquitto
        AS=("${try[@]}")
    else
        warn "user mosquitto cannot read $PROGRAMS or $DIR: the demo runs as root"
    fi
}

escape_sed() { printf '%s' "$1" | sed 's/[&|\\]/\\&/g'; }

# A password for each identity, made once, kept in DIR/secrets/<city>/<identity>.
make_secrets() {
    local city=$1 role asset name file
    mkdir -p "$DIR/secrets/$city"
    {
        for role in "${ROLES[@]}"; do echo "$city-$role"; done
        for asset in $(assets_of "$city"); do echo "air-$asset"; done
    } | while read -r name; do
        file=$DIR/secrets/$city/$name
        [ -s "$file" ] || od -An -v -N16 -tx1 /dev/urandom | tr -d ' \n' >"$file"
    done
}

assets_of() { "$PYTHON" "$ROOT/tools/assets.py" ids "$ROOT/config/$1/assets.json"; }

secret() { cat "$DIR/secrets/$1/$2"; }

# mosquitto_passwd -U hashes a file of NAME:PASSWORD in place: no password on a command line.
write_passwords() {
    local city=$1 file new
    new=$DIR/$city/passwords.new
    for file in "$DIR/secrets/$city"/*; do
        printf '%s:%s\n' "${file##*/}" "$(cat "$file")"
    done >"$new"
    mosquitto_passwd -U "$new"
    mv "$new" "$DIR/$city/passwords"
}

# The operator's file with this demo's paths and ports in it, and nothing else changed.
write_broker_conf() {
    local city=$1 conf=$DIR/$1/mosquitto.conf
    sed -e "s|/etc/nexus/$city/passwords|$(escape_sed "$DIR/$city/passwords")|" \
        -e "s|/etc/nexus|$(escape_sed "$DIR/config")|" \
        -e "s|/usr/lib/nexus/nexus_plugin.so|$(escape_sed "$PROGRAMS/nexus_plugin.so")|" \
        -e "s|/usr/share/nexus/web|$(escape_sed "$DIR/web")|" \
        -e "s|/var/lib/mosquitto/|$(escape_sed "$DIR/$city/state/")|" \
        -e "s|^log_dest file .*|log_dest stderr|" \
        -e "s|^listener 1883\$|listener $(mqtt_port "$city") 127.0.0.1|" \
        -e "s|^listener 9001\$|listener $(websocket_port "$city") 127.0.0.1|" \
        "$ROOT/config/$city/mosquitto.conf" >"$conf"
    if [ "$RUN_USER" = root ]; then echo "user root" >>"$conf"; fi
}

# bridge.json as in config/, with this demo's ports. Its paths are relative to the file.
write_bridge_conf() {
    local city comma=""
    {
        echo "// The demo's bridge: one process between two brokers. Made by nexus up."
        echo "{"
        echo '    "config_dir": ".",'
        echo '    "state_dir": "../state",'
        echo '    "nodes": ['
        for city in "${CITIES[@]}"; do
            printf '%s        { "city": "%s", "host": "127.0.0.1", "port": %d,\n' \
                "$comma" "$city" "$(mqtt_port "$city")"
            printf '          "username": "%s-bridge", "password_file": "../secrets/%s/%s-bridge" }' \
                "$city" "$city" "$city"
            comma=$',\n'
        done
        printf '\n    ],\n    "links": [\n'
        echo '        { "from": "birmingham", "to": "ulsan" },'
        echo '        { "from": "ulsan", "to": "birmingham" }'
        echo '    ]'
        echo '}'
    } >"$DIR/config/bridge.json"
}

# The command that starts the bridge again, as a script: it leaves its process id where `down`
# looks, and becomes the bridge.
write_bridge_script() {
    local script=$DIR/bin/bridge
    cat >"$script" <<END
#!/usr/bin/env bash
# Starts this demo's bridge in the foreground. Made by nexus up.
set -eu
cd $(printf %q "$DIR")
as=()
if [ "\$(id -u)" -eq 0 ]; then as=(${AS[*]}); fi
read -r stat <"/proc/\$\$/stat"
read -r -a field <<<"\${stat##*) }"
echo "bridge \$\$ \${field[19]}" >>state/processes
exec "\${as[@]}" $(printf %q "$PROGRAMS/nexus-bridge") --config $(printf %q "$DIR/config/bridge.json") \
    >>log/bridge.log 2>&1 </dev/null
END
    chmod 755 "$script"
}

write_page() {
    cp "$ROOT"/examples/web/* "$DIR/web/"
    if [ -s "$ROOT/build/web/mqtt.min.js" ]; then
        cp "$ROOT/build/web/mqtt.min.js" "$DIR/web/"
    fi
    "$PYTHON" "$ROOT/tools/assets.py" page "$ROOT/config" "${CITIES[@]}" >"$DIR/web/assets.json"
}

# The page of each city logs in as that city's reader. Both are served from one folder, so the file
# is named by the port.
write_page_login() {
    local city=$1
    printf '{"username":"%s-reader","password":"%s","city":"%s"}\n' \
        "$city" "$(secret "$city" "$city-reader")" "$city" \
        >"$DIR/web/demo-$(websocket_port "$city").json"
}

# One NAME=VALUE a line, quoted for the shell.
env_line() { printf '%s=%q\n' "$1" "$2"; }

write_demo_env() {
    local city upper role
    {
        echo "# The demo in $DIR, for a shell to source. Made by nexus up."
        for city in "${CITIES[@]}"; do
            upper=${city^^}
            env_line "${upper}_MQTT" "127.0.0.1:$(mqtt_port "$city")"
            env_line "${upper}_WS" "ws://127.0.0.1:$(websocket_port "$city")"
            for role in sensor reader operator; do
                env_line "${upper}_${role^^}_USER" "$city-$role"
                env_line "${upper}_${role^^}_PASSWORD" "$(secret "$city" "$city-$role")"
            done
            env_line "${upper}_BROKER_PID" "$(live_pid "$city")"
        done
        env_line NEXUS_HTTP "" # this version's bridge serves no HTTP
        env_line NEXUS_BRIDGE_PID "$(live_pid bridge)"
        env_line NEXUS_BRIDGE_CMD "$(printf '%q' "$DIR/bin/bridge")"
    } >"$DIR/demo.env.new"
    chmod 600 "$DIR/demo.env.new"
    if [ -n "$RUN_USER" ]; then chown "$RUN_USER": "$DIR/demo.env.new"; fi
    if is_root && [ -n "${SUDO_GID:-}" ]; then # who called sudo may source it
        chgrp "$SUDO_GID" "$DIR/demo.env.new"
        chmod 640 "$DIR/demo.env.new"
    fi
    mv "$DIR/demo.env.new" "$DIR/demo.env"
}

prepare() {
    local city
    umask 022
    (umask 077 && mkdir -p "$DIR/secrets")
    mkdir -p "$DIR"/{bin,config,schemas,log,state,web}
    # -u: what was changed in DIR stays, until the original is newer.
    cp -ru "$ROOT/config/." "$DIR/config/"
    cp -ru "$ROOT/schemas/." "$DIR/schemas/"
    write_page
    for city in "${CITIES[@]}"; do
        mkdir -p "$DIR/$city/state"
        (
            umask 077
            make_secrets "$city"
            write_passwords "$city"
        )
        write_broker_conf "$city"
        write_page_login "$city"
    done
    write_bridge_conf
    write_bridge_script
    : >"$DIR/state/processes"
    touch "$DIR"/log/{birmingham,ulsan,bridge,sensors}.log
    if [ -n "$RUN_USER" ]; then
        chown -R "$RUN_USER": "$DIR"/{bin,config,schemas,log,state,web,secrets,birmingham,ulsan}
    fi
}
