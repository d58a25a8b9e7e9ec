#!/usr/bin/env bash
# upstream.sh - the source of the Mosquitto that is installed, at build/upstream/mosquitto: its own
# broker tests are run on the broker with and without the plugin (test/broker/upstream_test.py).
#
# Fetched by apt-get from Debian, which checks it; with package lists of its own, so that nothing of
# the system's changes. Nothing of it is built into NEXUS. Exits 1 with the reason when that fails.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"

place=$ROOT/build/upstream
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -d "$place/mosquitto/test/broker" ] && exit 0

if ! command -v apt-get >/dev/null || [ ! -r "$keyring" ]; then
    die "no Debian system: no source package to be had"
fi
version=$(dpkg-query -W -f '${source:Version}' mosquitto 2>/dev/null) ||
    die "Debian's mosquitto is not installed"
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mkdir -p "$place/lists/partial" "$place/cache/archives/partial"
for suite in "debian $codename" "debian-security $codename-security"; do
    echo "deb-src [signed-by=$keyring] http://deb.debian.org/${suite% *} ${suite#* } main"
done >"$place/sources.list"
private_apt() {
    timeout 120 apt-get -q -o Dir::Etc::SourceList="$place/sources.list" \
        -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$place/lists" \
        -o Dir::Cache="$place/cache" -o Acquire::Retries=1 -o APT::Sandbox::User= "$@"
}
step "fetching the source of mosquitto $version"
work=$(mktemp -d "$place/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
if ! (cd "$work" && private_apt update && private_apt source --download-only "mosquitto=$version") \
    >"$place/fetch.log" 2>&1; then
    tail -n 3 "$place/fetch.log" >&2
    die "apt-get could not fetch the source of mosquitto $version"
fi
mkdir "$work/mosquitto"
tar -xf "$work"/mosquitto_*.orig.tar.* -C "$work/mosquitto" --strip-components=1
[ -d "$work/mosquitto/test/broker" ] || die "no test/broker in the source of mosquitto $version"
mv "$work/mosquitto" "$place/mosquitto"
