#!/usr/bin/env bash
# other_mosquitto.sh SUITE - the Mosquitto of another suite of Debian, at build/mosquitto/SUITE/bin:
# with that folder first in the PATH the tests run on it (test/broker/newer_mosquitto_test.py).
#
# Fetched by apt-get, which checks it, with lists of its own and with every library that it needs, and
# only unpacked: nothing of the system's changes, and nothing of it is built into NEXUS. Exits 1 with
# the reason when it is not to be had.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"

suite=${1:?usage: other_mosquitto.sh SUITE}
place=$ROOT/build/mosquitto/$suite
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -x "$place/bin/mosquitto" ] && exit 0

if ! command -v apt-get >/dev/null || [ ! -r "$keyring" ]; then
    die "no Debian system: no packages to be had"
fi
mkdir -p "$place/lists/partial" "$place/cache/archives/partial"
: >"$place/status" # as if nothing were installed: the libraries come too
echo "deb [signed-by=$keyring] http://deb.debian.org/debian $suite main" >"$place/sources.list"
private_apt() {
    timeout 240 apt-get -q -y --no-install-recommends -o Dir::Etc::SourceList="$place/sources.list" \
        -o Dir::Etc::SourceParts=- -o Dir::Etc::Preferences=/dev/null \
        -o Dir::Etc::PreferencesParts=/dev/null -o Dir::State="$place" \
        -o Dir::State::Lists="$place/lists" -o Dir::State::Status="$place/status" \
        -o Dir::Cache="$place/cache" -o Acquire::Retries=1 -o APT::Sandbox::User= "$@"
}
step "fetching the mosquitto of Debian's $suite"
if ! { private_apt update && private_apt --download-only install mosquitto mosquitto-clients \
    libidn2-0 libpcre2-8-0; } >"$place/fetch.log" 2>&1; then # the last two for our plugin
    tail -n 3 "$place/fetch.log" >&2
    die "apt-get could not fetch the mosquitto of $suite"
fi
for package in "$place"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$place/root"
done
libraries=$place/root/usr/lib/$(gcc -print-multiarch)
/sbin/ldconfig -n "$libraries"
linker=$(find "$libraries" "$place/root/usr/lib64" -name 'ld-linux-*.so.*' 2>/dev/null | head -n 1)
[ -n "$linker" ] || die "no dynamic linker among the packages of $suite"

mkdir -p "$place/made"
for program in "$place"/root/usr/sbin/mosquitto "$place"/root/usr/bin/mosquitto_*; do
    name=$(basename "$program")
    printf '#!/bin/sh\nexec "%s" --argv0 %s --library-path "%s:%s/systemd" "%s" "$@"\n' \
        "$linker" "$name" "$libraries" "$libraries" "$program" >"$place/made/$name"
    chmod +x "$place/made/$name"
done
"$place/made/mosquitto" -h >"$place/version" 2>/dev/null || true # its status is 1, or 3
[ -s "$place/version" ] || die "the mosquitto of $suite does not start here"
mv "$place/made" "$place/bin"
head -n 1 "$place/version"
