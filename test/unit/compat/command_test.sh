#!/bin/sh
# nexusctl schema compat as an operator meets it: first line, exit code, corpus, maps, bad words.
#
#     command_test.sh NEXUSCTL
set -u
nexusctl=$1
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 2
failed=0

# expect EXIT FIRST-LINE WORDS... : runs nexusctl schema compat WORDS
expect() {
    code=$1 first=$2
    shift 2
    "$nexusctl" schema compat "$@" >out 2>err
    got=$?
    if [ "$got" != "$code" ] || [ "$(head -n 1 out)" != "$first" ]; then
        echo "FAILED: $*: expected exit $code and \"$first\", got $got and \"$(head -n 1 out)\""
        cat out err
        failed=1
    fi
}

# shows TEXT: the last output has it as a line
shows() {
    if ! grep -qxF -- "$1" out; then
        echo "FAILED: no line \"$1\" in:"
        cat out
        failed=1
    fi
}

echo '{"type":"integer"}' >integer.json
echo '{"type":"number"}' >number.json
echo '{"type":"number","widget":1}' >widget.json
echo '{"type":"strin"}' >broken.json
echo '{"$ref":"urn:x:number"}' >mapped.json
echo '{"$schema":"http://json-schema.org/draft-04/schema#","id":"urn:x:set","allOf":[{"$ref":"urn:x:part"}],"definitions":{"p":{"id":"urn:x:part","type":"number","minimum":0,"exclusiveMinimum":true}}}' >earlier.json
echo '{"type":"number","exclusiveMinimum":0.5}' >later.json
printf '1\n2.0\n\n"x"\n2.5\n[1\n3.5\n' >corpus.jsonl
printf '1\n' >tame.jsonl

expect 0 compatible --mode backward integer.json number.json
expect 1 incompatible --mode forward integer.json number.json
shows 'NEW: /type'
expect 1 incompatible --mode full integer.json number.json
expect 0 compatible --mode full integer.json integer.json
expect 3 unknown --mode backward integer.json widget.json
shows 'why: widget: there is no rule for this keyword'

expect 1 incompatible --mode forward integer.json number.json --corpus corpus.jsonl
shows 'witness: 2.5'
shows 'from: the corpus, line 5'
shows 'corpus: 5 documents, 2 valid under OLD, 4 valid under NEW, 2 valid under NEW and refused by OLD, 0 undecided, 1 not JSON'
expect 0 compatible --mode backward integer.json number.json --corpus corpus.jsonl
expect 3 unknown --mode backward integer.json widget.json --corpus tame.jsonl

expect 1 incompatible --mode forward integer.json mapped.json --map urn:x:number=number.json
expect 0 compatible --mode full number.json mapped.json --map urn:x:number=number.json
expect 2 '' --mode backward integer.json mapped.json
expect 2 '' --mode backward integer.json broken.json
expect 2 '' --mode backward integer.json absent.json
expect 2 '' --mode backward integer.json number.json --corpus absent.jsonl
expect 0 compatible --mode forward earlier.json later.json
expect 1 incompatible --mode backward earlier.json later.json
shows 'OLD: /definitions/p/exclusiveMinimum'
shows 'NEW: /exclusiveMinimum'
expect 2 '' --mode sideways integer.json number.json
expect 2 '' --mode backward integer.json
expect 2 '' integer.json number.json
expect 2 '' --mode backward integer.json number.json --seed x
exit $failed
