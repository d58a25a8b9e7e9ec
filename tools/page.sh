#!/usr/bin/env bash
# page.sh - puts MQTT.js, which the example page uses, at build/web/mqtt.min.js.
#
# Fetched by npm, checked against the digest below, kept. Exits 1 with the reason when that fails:
# everything but the page works without it.
set -euo pipefail
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/lib.sh"

package=mqtt
version=5.16.0
sha512=G0VsEtuJz5sJUgZJaaADMVfW7SIFPzkIuHR+d6rk+tBeSwdCfd9BaIRycRfd2AbyFDEmLlFM+SDQeti/+IbOnw==

target=$ROOT/build/web/mqtt.min.js
[ -s "$target" ] && exit 0

command -v npm >/dev/null || "$ROOT/tools/packages.sh" page || exit 1
step "fetching MQTT.js $version for the example page"
mkdir -p "$ROOT/build/web"
work=$(mktemp -d "$ROOT/build/web/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Without a network this must not hold `up` back for minutes.
patience=(--fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000
    --fetch-timeout=20000)
if ! (cd "$work" && timeout 60 npm pack --loglevel=error "${patience[@]}" "$package@$version" \
    >npm.log 2>&1); then
    tail -n 5 "$work/npm.log" >&2
    die "npm could not fetch $package@$version"
fi
archive=$work/$package-$version.tgz
found=$(sha512sum "$archive" | cut -d ' ' -f 1)
wanted=$(printf '%s' "$sha512" | base64 -d | od -An -v -tx1 | tr -d ' \n')
[ "$found" = "$wanted" ] || die "$package@$version has the digest $found, not $wanted: not used"
tar -xzf "$archive" -C "$work" package/dist/mqtt.min.js
mv "$work/package/dist/mqtt.min.js" "$target"
