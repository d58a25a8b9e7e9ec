#!/usr/bin/env bash
# packages.sh SET... - the Debian packages that NEXUS needs, and the only place that names them.
#
#   run    the brokers, the bridge's libraries and the demo      build   compiler and headers
#   page   npm, which fetches MQTT.js for the example page       test    what ./nexus test adds
#   instructions   what ./nexus bench hostile --instructions counts them with
#
# As root, installs what is missing. Otherwise says what is missing and the command, and exits 1.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"

packages_of() {
    case $1 in
    run) echo mosquitto mosquitto-clients python3 tzdata util-linux procps ;;
    build)
        echo gcc libc6-dev cmake ninja-build pkg-config mosquitto-dev libmosquitto-dev \
            libcjson-dev libpcre2-dev libidn2-dev libicu-dev libsqlite3-dev libssl-dev \
            libwebsockets-dev
        ;;
    page) command -v npm >/dev/null || echo npm ;; # an npm from elsewhere will do
    test)
        echo libcmocka-dev clang clang-format sqlite3 openssl chromium chromium-driver fonts-nanum \
            nats-server rabbitmq-server # the other brokers that the bridge must get along with
        ;;
    instructions) echo valgrind ;;
    *) die "packages.sh: no set '$1' (run, build, page, test, instructions)" ;;
    esac
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
    warn "not a Debian system: not checked whether what NEXUS needs is installed"
    exit 0
fi
missing=()
for set in "$@"; do
    for package in $(packages_of "$set"); do
        is_installed "$package" || missing+=("$package")
    done
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! is_root; then
    warn "these Debian packages are missing: ${missing[*]}"
    warn "install them with: sudo apt-get install --no-install-recommends ${missing[*]}"
    exit 1
fi

mkdir -p "$ROOT/build"
export DEBIAN_FRONTEND=noninteractive
# Installing mosquitto would start the system's own broker; policy-rc.d says no, where none decides.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
run_logged "$ROOT/build/apt-update.log" "apt-get update" apt-get update
run_logged "$ROOT/build/apt-install.log" "installing ${missing[*]}" \
    apt-get install -y --no-install-recommends "${missing[@]}"
