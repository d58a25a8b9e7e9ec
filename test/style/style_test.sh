#!/bin/sh
# style_test.sh ROOT - the rules of CONTRIBUTING.md that a machine can see: the formatting, the calls
# that are banned, and the floors (who may include whom). Prints each breach.
set -u
cd "$1" || exit 2

breach() { # breach TITLE - for the lines on standard input, if any
    lines=$(cat)
    [ -z "$lines" ] || printf '%s:\n%s\n' "$1" "$lines"
}

sources=$(find core lens plugin bridge ctl bench test -name '*.[ch]')

rules() {
    if command -v clang-format >/dev/null; then
        for file in $sources; do
            clang-format --dry-run -Werror "$file" >/dev/null 2>&1 || echo "$file"
        done | breach "not as clang-format writes it"
    fi
    grep -nE '(^|[^a-z_])(sprintf|vsprintf|strcpy|strcat|atoi|strtok|sscanf|gets|alloca)\(' $sources |
        breach "banned calls"

    # Floors: each folder may include these only.
    grep -nE '#include "(lens|plugin|bridge|ctl)/' $(find core -name '*.[ch]') | breach "core looks up"
    grep -nE '#include "(plugin|bridge|ctl)/' $(find lens -name '*.[ch]') | breach "lens looks up"
    grep -nE '#include "(lens|bridge|ctl)/' $(find plugin -name '*.[ch]') | breach "plugin looks aside"
    grep -nE '#include "(plugin|ctl)/' $(find bridge -name '*.[ch]') | breach "bridge looks aside"

    # One home for each outside library.
    grep -ln 'mosquitto_\(broker\|plugin\)\.h>' $sources | grep -vE '^(plugin/host|test/host/|bench/null_plugin\.c$)' |
        breach "the broker's headers outside plugin/host"
    grep -ln '<sqlite3\.h>' $sources | grep -vE '^(bridge/store_|test/)' | breach "sqlite3.h outside the store"
    grep -ln '<libwebsockets\.h>' $sources | grep -v '_lws\.c$' | breach "libwebsockets.h outside *_lws.c"
    grep -ln '<unicode/' $sources | grep -v '^lens/zone_icu\.c$' | breach "ICU outside lens/zone_icu.c"

    # The core is pure: no clock, no randomness, no file, no thread.
    grep -nE '(^|[^a-z_])(time|clock_gettime|gettimeofday|rand|random|fopen|open|pthread_create)\(' \
        $(find core -name '*.[ch]' -not -path 'core/os/*') | grep -vE '^[^:]*:[0-9]*: (\*|/\*)' |
        breach "the core is not pure"
}

found=$(rules)
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
exit 1
