#!/usr/bin/env bash
# other_mosquitto.sh SUITE - the Mosquitto of another suite of Debian, at build/mosquitto/SUITE/bin:
# with that folder first in the PATH the tests run on it (test/broker/newer_mosquitto_test.py).
#
# It comes with every library that it needs and is only unpacked; nothing of it is built into NEXUS.
# Exits 1 with the reason when it is not to be had.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tools/private_apt.sh
. "$(dirname "$0")/private_apt.sh"

suite=${1:?usage: other_mosquitto.sh SUITE}
place=$ROOT/build/mosquitto/$suite
[ -x "$place/bin/mosquitto" ] && exit 0

private_apt_begin "$place" <<<"deb [signed-by=$KEYRING] http://deb.debian.org/debian $suite main"
: >"$place/status" # as if nothing were installed: the libraries come too
packages=(mosquitto mosquitto-clients libidn2-0 libpcre2-8-0) # the last two for our plugin
private_apt_fetch "the mosquitto of Debian's $suite" -y --no-install-recommends --download-only \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o Dir::State="$place" -o Dir::State::Status="$place/status" install "${packages[@]}"
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
