#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-score: the answer, its probabilities, what passes untouched, faults.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
export BLINK_DATA=$T/none
score() { run blink-score "$@"; }

# ---- The answer ----
cat >"$T/in" <<'X'
{"mention":"Paris","x":1e400,"candidates":[{"id":3,"title":"Paris, Texas","score":0.71,"y":[ 1 ]},{"id":"2","title":"Paris","url":"http://p","score":0.7,"prior":0.9}]}
{"candidates":[]}
{"candidates":[{"id":"9","score":2.5}]}
X
score <"$T/in"
is "$status:$(cat "$T/err")" '0:' 'three records'
is "$(jq -c '.entity | del(.p)' "$T/out" | head -1)" \
    '{"id":"2","title":"Paris","url":"http://p"}' \
    'the mention'\''s own name wins'
is "$(sed -n 2p "$T/out")" '{"candidates":[],"entity":null,"nil_p":1}' \
    'no candidates: no entity'
is "$(jq -c 'select((.nil_p + ([.candidates[].p] | add // 0) - 1 | fabs)
    > 1e-5)' "$T/out")" '' 'probabilities add up to 1'
is "$(jq -c 'select([.candidates[] | .p != .score] | any)' "$T/out")" '' \
    'score is what the list is sorted by'
ok 'unknown members stay byte for byte' \
    grep -q '"x":1e400,.*"y":\[ 1 \]' "$T/out"
is "$(jq -r '.entity.id // empty | type' "$T/out" | sort -u)" string \
    'the id is a string'

# ---- Options ----
score --nil 0 <"$T/in"
is "$(jq -c .entity "$T/out" | sort -u)" null '--nil 0: nothing is sure'
score --nil .5 <"$T/in"
is "$status:$(cat "$T/err")" 0: '--nil .5: as people write it'
for wrong in . .e 1. 00.5 ..5; do
    score --nil "$wrong" <"$T/in"
    is "$status" 2 "--nil $wrong"
done
score --nil 1 <"$T/in"
is "$(jq -c '.entity.id' "$T/out" | tr '\n' ' ')" '"2" null "9" ' \
    '--nil 1: always an entity where there is one'
score -k 1 <"$T/in"
is "$(jq -c '.candidates | length' "$T/out" | tr '\n' ' ')" '1 0 1 ' \
    '-k 1: one candidate is kept'
cat >"$T/typed" <<'X'
{"mention":"Paris","type":"PER","candidates":[{"id":"2","title":"Paris","type":"LOC","score":0.9},{"id":"4","title":"Paris (mythology)","type":"per","score":0.5}]}
{"mention":"Paris","type":"MISC","candidates":[{"id":"2","title":"Paris","type":"LOC","score":0.9}]}
{"mention":"Paris","type":"ORG","candidates":[{"id":"2","title":"Paris","type":"LOC","score":0.9}]}
X
# Doubt is about the entity, whatever nil_p is, and is not carried on.
score --nil 1 --min-p 0.9 <"$T/in"
is "$(jq -c '[.entity != null and .entity.p < 0.9, .unsure // false]
    | .[0] == .[1]' "$T/out" | sort | uniq -c | tr -s ' ')" \
    " $(wc -l <"$T/in") true" '--min-p: entities below it are unsure'
ok '--min-p: and there are some' grep -q '"unsure":true' "$T/out"
is "$(jq -c 'select(.unsure and (.candidates | length == 0))' "$T/out")" '' \
    '--min-p: their candidates stay'
score --nil 1 <"$T/out"
is "$(grep -c unsure "$T/out")" 0 'without --min-p nothing is unsure'
score --min-p 2 </dev/null
is "$status" 2 '--min-p 2 is refused'
score --type-filter --nil 1 <"$T/typed"
is "$(jq -c '.entity.id' "$T/out" | tr '\n' ' ')" '"4" "2" null ' \
    '--type-filter'
score --nil 1 <"$T/typed"
is "$(jq -r '.entity | .id + .type' "$T/out" | sort -u)" 2LOC \
    'without it types are nothing, and the answer has that of the catalogue'

# ---- Order: a re-ranker's word counts, batches and a second run do not ----
score --nil 1 <<'X'
{"mention":"Paris","candidates":[{"id":"3","bi_score":0.1,"score":3,"cross_score":3},{"id":"2","title":"Paris","bi_score":0.9,"score":1,"cross_score":1},{"id":"5","score":null}]}
{"mention":"Paris","candidates":[{"id":"3","bi_score":0.1,"score":8},{"id":"2","title":"Paris","bi_score":0.9,"score":7}]}
X
is "$(jq -c '[.candidates[].id]' "$T/out" | tr '\n' ' ')" \
    '["3","2","5"] ["3","2"] ' 'a re-ranked list keeps its order'
score <"$T/in"
cp "$T/out" "$T/once"
score --batch 1 <"$T/in"
ok 'the size of batches changes nothing' cmp -s "$T/out" "$T/once"
sed 's/"score"/"bi_score"/g' "$T/in" >"$T/bi"
score <"$T/bi"
cp "$T/out" "$T/once"
score <"$T/once"
ok 'where bi_score is given a second run changes nothing' \
    cmp -s "$T/out" "$T/once"

# ---- Records that fail ----
score <<'X'
{"mention":"b","candidates":[]}
{"mention":7,"candidates":[]}
{"mention":"a"}
{"candidates":[{"id":"1","score":"high"}]}
{"candidates":[{"id":"1","id":"2"}]}
{"error":{"by":"other"}}
[]
{"candidates":[{"id":"1","score":1e999}]}
X
is "$status" 1 'bad records: exit status 1'
is "$(jq -r '.error.code // .error.by' "$T/out" | tr '\n' ' ')" \
    'null bad-field no-stage bad-field duplicate-key other bad-json bad-field ' \
    'bad records: each is told'
is "$(sed -n 2p "$T/err")" "blink-score: stdin:3: field 'candidates': \
expected array, found nothing: run blink-retrieve first" \
    'bad records: one line each'

# ---- Fitting ----
for i in $(seq 60); do
    echo "{\"mention\":\"a$i\",\"label_id\":\"1\",\"candidates\":[{\"id\":\"1\",\"title\":\"a$i\",\"score\":0.5},{\"id\":\"2\",\"title\":\"b\",\"score\":0.6}]}"
    echo "{\"mention\":\"c$i\",\"label_id\":null,\"candidates\":[{\"id\":\"1\",\"title\":\"d\",\"score\":0.5},{\"id\":\"2\",\"title\":\"b\",\"score\":0.6}]}"
done >"$T/labelled"
score --fit "$T/mine.json" --provenance '{"by":"test"}' <"$T/labelled"
is "$status" 0 '--fit ends well'
is "$(wc -c <"$T/out")" 0 '--fit prints no records'
is "$(jq -c '[.format, .provenance.by, (.profiles.cosine.rank.equal > 0),
    (.profiles.cosine.nil.equal < 0)]' "$T/mine.json")" \
    '[1,"test",true,true]' '--fit learns what tells'
is "$(jq -c '.profiles | [.open, .cosine_named | .rank.equal > 0]' \
    "$T/mine.json")" '[true,true]' \
    '--fit: open as well, the sets without records as they were'
sed 's/"score":0.5/&,"prior":1/' "$T/labelled" >"$T/priors"
score --fit "$T/named.json" --calibration "$T/mine.json" <"$T/priors"
is "$(jq -cS '.profiles.cosine' "$T/named.json")" \
    "$(jq -cS '.profiles.cosine' "$T/mine.json")" \
    '--fit: lists with a prior say nothing about those without'
is "$(jq -c '.profiles | [.cosine_named, .open_named | .rank.equal > 0]' \
    "$T/named.json")" '[true,true]' '--fit: they have weights of their own'
jq -c '{format, profiles: {cosine: .profiles.cosine}}' "$T/mine.json" \
    >"$T/old.json"
score --calibration "$T/old.json" <"$T/priors"
is "$(jq -c '.entity.id' "$T/out" | sort | uniq -c | tr -s ' ')" \
    ' 60 "1"
 60 null' 'weights without a set for names: those there are'
score --calibration "$T/mine.json" <"$T/labelled"
is "$(jq -c '[.entity.id]' "$T/out" | sort | uniq -c | tr -s ' ')" \
    ' 60 ["1"]
 60 [null]' 'and it is used'
mkdir -p "$T/data/calibration"
cp "$T/mine.json" "$T/data/calibration/default.json"
cp "$T/out" "$T/want"
BLINK_DATA=$T/data score <"$T/labelled"
ok 'also from the data folder' cmp -s "$T/out" "$T/want"

cp "$T/mine.json" "$T/data/calibration/other.json"
BLINK_DATA=$T/data score --calibration other <"$T/labelled"
ok 'by name' cmp -s "$T/out" "$T/want"
score --calibration minilm --nil 1 <"$T/in"
is "$status|$(jq -c '.entity.id' "$T/out" | tr '\n' ' ')" '0|"2" null "9" ' \
    'minilm comes with blink'
score --calibration nowhere </dev/null
like "$status$(cat "$T/err")" \
    "^3blink-score: no calibration 'nowhere' here or in $T/none/calibration" \
    'a name that is nowhere'

# ---- A re-ranker beside a bi-encoder of cosines ----
# The cross-encoder is wrong in these lists, the bi-encoder right.
for i in $(seq 60); do
    echo "{\"mention\":\"a$i\",\"label_id\":\"1\",\"candidates\":[{\"id\":\"2\",\"title\":\"b\",\"bi_score\":0.2,\"cross_score\":3,\"score\":3},{\"id\":\"1\",\"title\":\"c\",\"bi_score\":0.9,\"cross_score\":1,\"score\":1}]}"
done >"$T/reranked"
score --calibration minilm --fit "$T/cross.json" <"$T/reranked"
is "$(jq -c '.profiles | [.cross_cosine.rank.bi_gap > 0,
    .cross_cosine.rank.cross < 1, .cross.rank, .cross_cosine_named.rank]' \
    "$T/cross.json")" '[true,true,{"cross":1},{"cross":1}]' \
    '--fit: lists that were re-ranked have weights of their own'
score --nil 1 --calibration "$T/cross.json" <"$T/reranked"
is "$(jq -r .entity.id "$T/out" | sort -u)" 1 'and all evidence counts'
score --nil 1 --calibration minilm <"$T/reranked"
is "$(jq -r .entity.id "$T/out" | sort -u)" 2 \
    'the re-ranker decides where nothing was fitted'
jq -c 'del(.profiles.cross_cosine_named)' "$T/cross.json" >"$T/lacks.json"
sed 's/"bi_score"/"prior":0.5,&/' "$T/reranked" >"$T/priors"
score --nil 1 --calibration "$T/lacks.json" <"$T/priors"
is "$(jq -r .entity.id "$T/out" | sort -u)" 1 \
    'without a set for names: the one for cosines'
jq -c 'del(.profiles.cross_cosine)' "$T/lacks.json" >"$T/older.json"
score --nil 1 --calibration "$T/older.json" <"$T/priors"
is "$(jq -r .entity.id "$T/out" | sort -u)" 2 \
    'without either: the one for all re-ranked lists'
sed 's/"bi_score":0/"bi_score":7/' "$T/reranked" >"$T/products"
score --nil 1 --calibration "$T/cross.json" <"$T/products"
is "$(jq -r .entity.id "$T/out" | sort -u)" 2 \
    'behind inner products the re-ranker decides'

# ---- Usage and files ----
score --nil 2 </dev/null
is "$status" 2 '--nil 2 is refused'
score --calibration "$T/missing" </dev/null
is "$status" 3 'a missing calibration'
echo '{"format":1,"profiles":{"cosine":{"rank":{"bee":1}}}}' >"$T/bad.json"
score --calibration "$T/bad.json" </dev/null
is "$status:$(cat "$T/err")" "3:blink-score: '$T/bad.json': \
profiles.cosine.rank.bee: unknown feature" 'an unknown feature'
echo '{"format":2,"profiles":{}}' >"$T/bad.json"
score --calibration "$T/bad.json" </dev/null
is "$status:$(cat "$T/err")" "3:blink-score: '$T/bad.json': expected a \
calibration with \"format\": 1" 'another format'
score --provenance '{' </dev/null
is "$status" 2 'provenance that is no JSON'
score </dev/null
is "$status:$(cat "$T/out")" '0:' 'empty input'
if [ -w /dev/full ]; then
    status=0
    blink-score <"$T/in" >/dev/full 2>"$T/err" || status=$?
    is "$status" 4 'a full disk'
fi
finish
