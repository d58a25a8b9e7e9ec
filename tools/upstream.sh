#!/usr/bin/env bash
# upstream.sh - the source of the Mosquitto that is installed, at build/upstream/mosquitto: its own
# broker tests are run on the broker with and without the plugin (test/broker/upstream_test.py).
#
# Fetched by apt-get from Debian, which checks it; with package lists of its own, so that nothing of
# the system's changes. Nothing of it is built into NEXUS. Exits 1 with the reason when that fails.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tools/private_apt.sh
. "$(dirname "$0")/private_apt.sh"

place=$ROOT/build/upstream
[ -d "$place/mosquitto/test/broker" ] && exit 0

version=$(dpkg-query -W -f '${source:Version}' mosquitto 2>/dev/null) ||
    die "Debian's mosquitto is not installed"
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
private_apt_begin "$place" <<END
deb-src [signed-by=$KEYRING] http://deb.debian.org/debian $codename main
deb-src [signed-by=$KEYRING] http://deb.debian.org/debian-security $codename-security main
END
work=$(mktemp -d "$place/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" # there apt-get leaves it
private_apt_fetch "the source of mosquitto $version" source --download-only "mosquitto=$version"
mkdir "$work/mosquitto"
tar -xf "$work"/mosquitto_*.orig.tar.* -C "$work/mosquitto" --strip-components=1
[ -d "$work/mosquitto/test/broker" ] || die "no test/broker in the source of mosquitto $version"
mv "$work/mosquitto" "$place/mosquitto"
