#!/bin/sh
# The plugin exports its three entry points and nothing else.
set -eu
expected='mosquitto_plugin_cleanup
mosquitto_plugin_init
mosquitto_plugin_version'
# A sanitizer build adds symbols of its own (__asan_*, __odr_asan*), which are not ours to judge.
exported=$(nm -D --defined-only "$1" | awk '{ print $3 }' | grep -v '^__' | LC_ALL=C sort)
if [ "$exported" != "$expected" ]; then
    printf 'expected:\n%s\nexported:\n%s\n' "$expected" "$exported" >&2
    exit 1
fi
