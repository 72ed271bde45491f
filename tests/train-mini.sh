#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/train-mini: its command line, and its first stages on invented data.
. "${top_srcdir:?}/tests/lib.sh"
export BLINK_BUILD=$top_builddir BLINK_DATA=$T/data
mini=$top_srcdir/scripts/train-mini

run "$mini" --help
is "$status" 0 'it explains itself'
ok 'with its stages' grep -q '^  calibrate ' "$T/out"
run "$mini" --frobnicate
is "$status" 2 'an unknown option'
run "$mini" --steps 1,2
is "$status" 2 'two numbers of steps'
is "$(cat "$T/err")" \
    "train-mini: --steps needs three numbers, '1,2' is something else" \
    'and what was wrong'
run env BLINK_BUILD="$T" "$mini"
is "$status" 3 'no programs'
ok 'nothing is made of it' test ! -e "$T/data"

if [ ! -e "$top_builddir/common/.libs/libblink-train.so" ]; then
    skip 'training' "$(no_module 'torch|train')"
    finish
fi
[ -z "${sanitizers:-}" ] || finish
for program in jq zstd; do
    command -v "$program" >/dev/null || finish
done
# shellcheck source-path=SCRIPTDIR source=train-shared.sh
. "$top_srcdir/tests/train-shared.sh"
small() {
    run "$mini" --shared "$T/shared" -o "$T/mini" --threads 1 --precision f32 \
        --base "$fixtures/golden/m2-bi" --steps 2,2,2 \
        data bi lists cross ner
}
small
is "$status" 0 'all is trained on invented data'
is "$(cat "$T"/mini/models/mini-{bi,cross,ner}/blink.json |
    jq -r .role | tr '\n' ' ')" 'bi-encoder cross-encoder tagger ' \
    'three models'
is "$(jq -c .names "$T"/mini/models/mini-{bi,cross,ner}/blink.json |
    tr '\n' ' ')" 'true null null ' 'the first one wants names looked up'
is "$(jq -s 'map(.candidates | length > 1) | all' \
    "$T/mini/training/lists.2.jsonl")" true 'lists to choose from'
small
is "$status $(grep -c 'is done already' "$T/err")" '0 5' \
    'a second run has nothing to do'
finish
