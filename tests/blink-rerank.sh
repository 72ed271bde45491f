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
    skip 'engines agree' 'no torch engine'
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
