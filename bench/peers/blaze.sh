#!/usr/bin/env bash
# blaze.sh PROGRAM VERSION DATA MESSAGES - measures Blaze by its command line.
#
# Prints lines for schema_bench --peers. The program times its own validation of a message that it
# has read, LOOP times over, and prints the average; so a figure here is the least of the averages
# of several runs. It has no figure for reading and validating, and repeats each of many messages
# before the next, which is easier than what the other rows do.
set -euo pipefail

program=$1 version=$2 data=$3 messages=$4
loop_one=500 runs_one=40
loop_many=20 runs_many=20

# From lines of "NAME: PASS 0.734 +- 0.1 us (0.022)": each message's name, ns and what the clock
# cost, which the program had subtracted as it measured that once; other load can spoil it.
figures() {
    awk '$2 != "PASS" { exit 1 }
        { gsub(/[()]/, "", $7); print $1, ($3 + $7) * 1000, $7 * 1000 }'
}

# Minimum (of each message, on average over the messages) and median, less the clock's least cost.
summary() {
    sort -k 2,2g | awk '{ all[NR] = $2; if (NR == 1 || $3 < clock) clock = $3 }
        !($1 in least) { least[$1] = $2; sum += $2; messages++ }
        END { if (NR == 0) exit 1
              printf "%.0f\t%.0f", sum / messages - clock, all[int(NR / 2) + 1] - clock }'
}

measure() { # measure SUBJECT FILE LOOP RUNS
    for ((run = 0; run < $4; run++)); do
        "$program" validate --benchmark --fast --format-assertion --loop "$3" \
            "$data/$1.schema.json" "$2" | figures
    done | summary
}

for subject in air-quality ngsi-ld; do
    title="Blaze $version --fast -F, read before"
    printf '%s\tone\t%s\t%s\n' "$subject" "$title" \
        "$(measure "$subject" "$data/$subject.json" $loop_one $runs_one)"
    printf '%s\tmany\t%s\t%s\n' "$subject" "$title" \
        "$(measure "$subject" "$messages/$subject.jsonl" $loop_many $runs_many)"
done
