#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-rerank: order, what passes untouched, batches, records and files that
# fail.  That the scores are the original's is golden-rank.sh's matter.
. "${top_srcdir:?}/tests/lib.sh"
for program in kb rerank; do
    [ -x "$top_builddir/bin/blink-$program" ] ||
        skip_all "blink-$program is not built"
done
command -v jq >/dev/null || skip_all 'no jq'
cross=$fixtures/golden/m2-cross
export BLINK_DATA=$T/none
cd "$T" || exit
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
rerank() { run blink-rerank -m "$cross" -c k.kb --engine reference "$@"; }

cat >in <<'X'
{"id":1,"context_left":"They flew to ","mention":"Paris","context_right":" in spring.","z":[1.50],"candidates":[{"id":"2","title":"Paris","score":0.9,"bi_score":0.9,"own":{"a":1.0}},{"id":"3","score":0.8},{"id":4,"score":0.7},{"id":"1","score":0.6}]}
{"context_left":"","mention":"France","context_right":"","candidates":[]}
{"context_left":"The team of ","mention":"England","context_right":" won.","candidates":[{"id":"5"}]}
X
rerank <in
is "$status:$(cat err)" '0:' 'three records'
is "$(jq -c '.candidates | length' out | tr '\n' ' ')" '4 0 1 ' \
    'no candidate is lost'
is "$(jq -c 'select([.candidates[] | .score != .cross_score] | any)' out)" \
    '' 'score and cross_score are one'
is "$(jq -c 'select([.candidates[].score] | . != (sort | reverse))' out)" \
    '' 'best first'
is "$(jq -c '[.candidates[].id | tostring] | sort' out | head -1)" \
    '["1","2","3","4"]' 'the same candidates'
ok 'everything else stays byte for byte' \
    grep -q '"z":\[1\.50\].*"bi_score":0\.9,"own":{"a":1\.0}' out
is "$(sed -n 2p out)" "$(sed -n 2p in)" 'an empty list stays one'
cp out whole

rerank --batch 1 --batch-tokens 20 <in
ok 'the size of batches changes no order' \
    cmp -s <(jq -c '[.candidates[].id]' out) <(jq -c '[.candidates[].id]' whole)
is "$(paste -d'\n' <(jq -c '[.candidates[].score]' out) \
    <(jq -c '[.candidates[].score]' whole) | jq -s '[_nwise(2) | transpose[]
    | .[0] - .[1] | fabs] | max < 1e-4')" true 'nor, in effect, a score'
if blink-rerank -m "$cross" -c k.kb --engine torch <in >by-torch 2>err; then
    is "$(paste -d'\n' <(jq -c '[.candidates[].score]' by-torch) \
        <(jq -c '[.candidates[].score]' whole) | jq -s '[_nwise(2)
        | transpose[] | .[0] - .[1] | fabs] | max < 1e-3')" true \
        'engines agree'
else
    skip 'engines agree' "$(no_module 'torch|train')"
fi

# ---- -k ----
rerank -k 2 <in
is "$(head -1 out | jq -c '[.candidates[2:][] | [.id, .score, .cross_score]]')" \
    '[[4,null,null],["1",null,null]]' '-k 2: the others follow unscored'
is "$(head -1 out | jq -c '[.candidates[:2][].score | type] | unique')" \
    '["number"]' '-k 2: the first two have scores'
cp out some
rerank -k 1 <some
is "$(head -1 out | jq '[.candidates[].cross_score // empty] | length')" 1 \
    'an old cross_score does not survive'

# ---- --cascade ----
for i in {1..25}; do
    jq -nc --arg i "e$i" '{id: $i, title: "Paris \($i)", text: $i}'
done | blink-kb build -q -o many.kb
for m in Paris Rome Oslo; do
    jq -nc --arg m "$m" '{context_left: "", mention: $m, context_right: ".",
        candidates: [range(1; 26) | {id: "e\(.)", title: "Paris e\(.)",
            score: (1 - . / 50), bi_score: (1 - . / 50)}]}'
done >lists
cascade() { run blink-rerank -m "$cross" -c many.kb --engine reference "$@"; }
read_of() { jq '[.candidates[] | select(.cross_score)] | length' "$@"; }
cascade <lists
cp out full
cascade --cascade 0 <lists
ok '--cascade 0 is none' cmp out full
cascade --cascade 1e-300 <lists
ok 'no risk to speak of: the same scores' cmp -s \
    <(jq -c '[.candidates[] | .cross_score * 1000 | round]' out) \
    <(jq -c '[.candidates[] | .cross_score * 1000 | round]' full)
cascade --cascade 1 <lists
is "$status$(cat err):$(read_of out | tr '\n' ' ')" '0:2 2 2 ' \
    '--cascade 1: two of each list'
is "$(jq -c '[.candidates[2:][] | .score, .cross_score] | unique' out |
    uniq)" '[null]' 'the others follow without a score'
is "$(jq -c '[.candidates[2:][] | .bi_score] | . == (sort | reverse)' out |
    uniq)" true 'with their bi_score, in the order that they had'
is "$(jq -c '[.candidates[:2][] | .score] | . == (sort | reverse)
    and . == map(. + 0)' out | uniq)" true 'behind those that were read'
is "$(jq -s 'map(.candidates[:2][] | {(.id): .cross_score}) | add as $some
    | $some | length' out)" 2 'the two that the bi-encoder puts first'
is "$(jq -c '[.candidates[] | select(.cross_score) | [.id, .cross_score]]
    | sort | map([.[0], (.[1] * 1000 | round)])' out)" \
    "$(jq -c '[.candidates[] | select(.id | IN("e1", "e2"))
        | [.id, .cross_score]] | sort | map([.[0], (.[1] * 1000 | round)])' \
        full)" 'whose scores are those of a full run'
ids() { jq -c '[.candidates[] | [.id, .cross_score != null]]' "$1"; }
cascade --cascade 0.2 <lists
cp out some
for how in '--batch 1' '--batch-tokens 20' '--threads 2' '--engine cpu'; do
    # shellcheck disable=SC2086
    cascade --cascade 0.2 $how <lists
    ok "--cascade with $how: the same are read" cmp -s <(ids out) <(ids some)
done
cascade --cascade 1 -k 1 <lists
is "$(read_of out | tr '\n' ' ')" '1 1 1 ' 'no more than -k'
cascade --cascade 1 --probabilities <lists
is "$(jq '[.candidates[].cross_p // 0] | add - 1 | fabs < 1e-6' out |
    uniq)" true 'cross_p adds up to one among those read'
if [ -x "$top_builddir/bin/blink-score" ]; then
    cascade --cascade 1 <lists
    is "$(blink-score <out | jq -c '(.candidates | sort_by(.cross_score
        // -1e9)[:23] | map(.p) | max) < ([.candidates[].p] | max)' |
        uniq)" true 'blink-score chooses among them'
fi
# One that a name makes likely is read, wherever it stands.
jq -c '.candidates[20].prior = 1' lists >named
cascade --cascade 1 --calibration minilm <named
is "$(jq -c '.candidates[:2] | map(.id) | index("e21") != null' out |
    uniq)" true 'what a name makes likely is read first'
echo '{"format":1,"profiles":{"cosine":{"rank":{"bi":-9}}}}' >upside-down
cascade --cascade 1 --calibration upside-down <lists
is "$(jq -c '.candidates[:2] | map(.id) | sort' out | uniq)" \
    '["e24","e25"]' '--calibration decides the order'
# Lists in which all are alike: whether there is an answer decides.
none() {
    jq -nc --arg profile "$1" --argjson one "$2" '{format: 1, profiles: {
        ($profile): {rank: {cross: 1}, nil: {one: $one}}}}' >none.json
}
none cross_cosine 9
cascade --cascade 0.01 --calibration none.json <lists
is "$status:$(read_of out | tr '\n' ' ')" '0:2 2 2 ' \
    'lists that surely hold no answer: two of each'
cascade --cascade 0.0001 --calibration none.json <lists
ok 'but more at a risk below that' [ "$(read_of out | head -1)" -gt 2 ]
none cross_cosine -9
cascade --cascade 0.01 --calibration none.json <lists
is "$(read_of out | tr '\n' ' ')" '25 25 25 ' 'lists that surely hold one: all'
none cross 9
jq -c 'del(.candidates[].bi_score)' lists >unnamed
cascade --cascade 0.01 --calibration none.json <unnamed
is "$(read_of out | tr '\n' ' ')" '2 2 2 ' 'without bi_score: as "cross"'
cascade --cascade 1 --calibration missing <lists
is "$status$(cat out)" 3 'a missing calibration'

# ---- --sure, --sure-none ----
# sure PROFILE NIL: a calibration by which the first of a list is far ahead,
# and "none" has that logit.
sure() {
    jq -nc --arg profile "$1" --argjson one "$2" '{format: 1, profiles: {
        ($profile): {rank: {bi: 500}, nil: {one: $one}}}}' >sure.json
}
sure cosine -2
cascade --cascade 0.01 --sure 0.8 --calibration sure.json <lists
is "$status:$(read_of out | tr '\n' ' ')" '0:0 0 0 ' \
    '--sure: a list with a likely answer is not read'
ok 'and stays as it was' cmp out lists
cascade --sure 0.8 --calibration sure.json <full
is "$(jq -c '[.candidates[] | .cross_score // empty, (.score - .bi_score
    | select(fabs > 1e-6))]' out | uniq):$(jq -r '.candidates[0].id' out |
    uniq)" '[]:e1' 'an earlier judge is forgotten'
cascade --sure 0.9 --calibration sure.json <lists
is "$(read_of out | tr '\n' ' ')" '25 25 25 ' 'one with a less likely one is'
cascade --sure-none 0.1 --calibration sure.json <lists
is "$(read_of out | tr '\n' ' ')" '0 0 0 ' '--sure-none: by that of none'
cascade --sure-none 0.2 --calibration sure.json <lists
is "$(read_of out | tr '\n' ' ')" '25 25 25 ' 'and no other'
sure cosine -90
cascade --sure 1 --sure-none 1 --calibration sure.json <lists
is "$(read_of out | tr '\n' ' ')" '25 25 25 ' '1 is never sure enough'
cascade --sure 0.8 --calibration missing <lists
is "$status" 3 'a missing calibration'
cascade --sure 1.5 <lists
is "$status" 2 'a probability above 1'
cascade --cascade 1.5 <lists
is "$status" 2 'a risk above 1'

# ---- Records that fail ----
rerank <<'X'
{"context_left":"","mention":"a","context_right":"","candidates":[{"id":"1"},{"id":"nobody"}]}
{"context_left":"","mention":"a","candidates":[]}
{"context_left":"","context_right":"","candidates":[]}
{"context_left":"","mention":"a","context_right":"","candidates":{}}
{"context_left":"","mention":"a","context_right":"","candidates":[{"title":"x"}]}
{"context_left":"","mention":"a","context_right":"","candidates":[{"id":"1"}],"n":1}
X
is "$status" 1 'bad records: exit status 1'
is "$(jq -r '.error.code // .n' out | tr '\n' ' ')" \
    'no-entity bad-field bad-field bad-field bad-field 1 ' \
    'bad records: each is told, the good one is done'
is "$(head -1 err)" "blink-rerank: stdin:1: field 'candidates': entry 1: \
the catalogue has no entity 'nobody'" 'bad records: which entity is missing'

rerank <<<'{"context_left":"","mention":"a","context_right":""}'
is "$status$(cat out err)" "3blink-rerank: stdin:1: field 'candidates': \
expected array, found nothing: run blink-retrieve first" 'no candidates'

# ---- Texts of their own ----
run blink-rerank -m "$cross" --engine reference -c k.kb <in
jq -c --slurpfile e <(blink-kb cat -c k.kb | jq -c .) '.candidates |= map(. as $c
    | $c + ($e[] | select(.id == ($c.id | tostring)) | {title, text: (.text // "")}))' in >texts
cp out want
run blink-rerank -m "$cross" --engine reference --texts <texts
is "$status:$(cat err)" 0: 'texts of their own'
is "$(jq -c '[.candidates[] | [.id, .cross_score]]' out)" \
    "$(jq -c '[.candidates[] | [.id, .cross_score]]' want)" \
    'texts of their own: scored as those of a catalogue'
run blink-rerank -m "$cross" --engine reference --texts <in
is "$status:$(jq -r .error.code out | head -n 1)" 1:bad-field 'no text: the record fails'
run blink-rerank -m "$cross" --texts -c k.kb <texts
is "$status" 2 'texts and a catalogue'

# ---- Files and usage ----
run blink-rerank -m "$fixtures/golden/m2-bi" -c k.kb <in
is "$status" 3 'a bi-encoder is refused'
run blink-rerank -m "$cross" -c missing.kb <in
is "$status" 3 'a missing catalogue'
run blink-rerank -m "$T/missing" -c k.kb <in
is "$status" 3 'a missing model'
is "$(cat out)" '' 'and nothing was written'
rerank -k 0 <in
is "$status" 2 '-k 0 is refused'
rerank </dev/null
is "$status:$(cat out)" '0:' 'empty input'
if [ -w /dev/full ]; then
    status=0
    blink-rerank -m "$cross" -c k.kb --engine reference <in >/dev/full \
        2>err || status=$?
    is "$status" 4 'a full disk'
fi
finish
