#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/benchmark and fit-calibration on a tiny model, a small
# catalogue and a set of four mentions.
. "${top_srcdir:?}/tests/lib.sh"
for program in kb embed index retrieve score eval; do
    [ -x "$top_builddir/bin/blink-$program" ] ||
        skip_all "blink-$program is not built"
done
command -v jq >/dev/null || skip_all 'no jq'
export BLINK_BUILD=$top_builddir BLINK_DATA=$T/data
mkdir "$T/eval" "$T/columns"
echo '{"id":"a","text":"Paris in France is old."}
{"id":"b","text":"Foo and England."}' >"$T/eval/tiny.docs.jsonl"
printf '%s\t%s\n' Paris B-LOC is O in O Northern B-LOC France I-LOC \
    >"$T/columns/wnut17-dev.conll"
cat >"$T/eval/tiny.mentions.jsonl" <<'X'
{"id":"1","doc":"a","start":0,"end":5,"context_left":"","mention":"Paris","context_right":" is old.","label_id":"2"}
{"id":"2","doc":"a","start":9,"end":15,"context_left":"","mention":"France","context_right":" is big.","label_id":"1"}
{"id":"3","doc":"b","start":0,"end":3,"context_left":"","mention":"Foo","context_right":".","label_id":null}
{"id":"4","doc":"b","start":6,"end":13,"context_left":"","mention":"England","context_right":".","label_id":"5"}
X
benchmark() {
    run "$top_srcdir/scripts/benchmark" -m "$fixtures/golden/m2-bi" \
        --catalogue "$fixtures/mini.jsonl" --eval "$T/eval" -k 8 \
        --work "$T/work" --ner-sets "$T/columns" --calibration minilm \
        --each 1 "$@"
}
benchmark
is "$status" 0 'the benchmark runs'
is "$(grep -c '^| tiny | 3 | 75 |' "$T/out")" 2 \
    'a row for the set with and without aliases'
is "$(grep '^| tiny | 3 |' "$T/out" | awk -F'|' '{ print NF }' |
    sort -u)" 15 'all rows have the columns of the head'
ok 'a third of the entities is taken out' \
    grep -qx '| tiny | 4 | 1 | 50 | 100 | 66.7 | [0-9.]* |' "$T/out"
ok 'exact spans count, and cases' \
    grep -qx '| wnut17-dev | 1 | 66.7 | 66.7 | 0.0 | 0.0 |' "$T/out"
ok 'links from text have both borders' \
    grep -qx '| tiny | 2 | 50 | 33.3 | 40 |' "$T/out"
cp "$T/out" "$T/first"
benchmark --report "$T/report"
is "$(grep '^|' "$T/report/benchmark.md")" \
    "$(grep '^|' "$T/first")" 'a report holds the tables'
ok 'and a chart' grep -q '>tiny</text>' "$T/report/benchmark.svg"
benchmark --only links --ablation "before=$T/work/figures.jsonl"
is "$(tail -n 4 "$T/out" | cut -d '|' -f 2 | tr '\n' ,)" \
    ' before , bi-encoder: the nearest , + calibration , + names '\
'and their counts ,' 'a row for each run, and for each part of this one'
benchmark
ok 'a second run says the same' cmp -s "$T/out" "$T/first"
ok 'and does not embed the entities again' \
    bash -c "! grep -q entities '$T/err'"
benchmark --limit 10
ok 'another limit does' grep -q 'embedding 10 entities' "$T/err"

# ---- Small catalogues ----
# Of the three mentions with an entity; 42 entities cannot fill the larger
# catalogues.
benchmark --only sizes
is "$status $(grep -c '^| \(10\|30\|300\|3000\) | [0-9]* | \(none\|own\|shared\) |' \
    "$T/out")" '0 48' 'a row for each size, length of text and kind of names'
is "$(grep '^| \(mean\|worst\)' "$T/out" | awk -F'|' '{ print NF }' |
    sort -u)" 12 'their mean, and the worst'
is "$(jq -s -c '[all(.[].catalogue_size; . == 10 or . == 30 or . > 38),
    ([.[] | select(.label_id == null)] | length > 20),
    all(.[].candidates[]; .id | test("^[0-9]+:")),
    (map(.drawn) | unique | length)]' "$T/work/sizes.lists.jsonl")" \
    '[true,true,true,144]' 'lists of each catalogue, some without the entity'
is "$(jq -r '.text | split(" ") | length' "$T/work/drawn/catalogues/1.entities" |
    sort -n | tail -1)" 0 'of texts without words, too'
cp "$T/work/sizes.lists.jsonl" "$T/once"
benchmark --only sizes
ok 'the same are drawn each time' cmp -s "$T/work/sizes.lists.jsonl" "$T/once"
short() {
    jq -n -r --arg t "$1" '$t | tojson' | awk -v most=3 \
        "$(cat "$top_srcdir/scripts/lib/short-text.awk")"' {
            print first_words($0, most) }'
}
is "$(short 'Alma Vane is a Dutch judge and poet.') $(short 'Dutch "judge"')" \
    '"Dutch judge and" "Dutch \"judge\""' 'a short text as people write it'

# ---- A part of a set ----
sample() {
    (
        most=$1
        # shellcheck disable=SC1091
        . "$top_srcdir/scripts/lib/benchmark.sh"
        sample_mentions "$T/long.jsonl" | jq -s -c \
            '[length, (map(.doc) | unique | length)]'
    )
}
jq -n -c 'range(20) as $d | range($d % 3 + 1) | {doc: "d\($d)", id: .}' \
    >"$T/long.jsonl"
is "$(wc -l <"$T/long.jsonl") $(sample 0) $(sample 100)" '39 [39,20] [39,20]' \
    'all of a set'
like "$(sample 10)" '^\[(9|10|11),' 'about as many mentions as were asked for'
is "$(most=10; . "$top_srcdir/scripts/lib/benchmark.sh"
    sample_mentions "$T/long.jsonl" | jq -r .doc | uniq -c |
    awk '{ d = substr($2, 2); print $1 == d % 3 + 1 }' | sort -u)" 1 \
    'in whole documents'
benchmark --only words
is "$status $(grep -c '^| tiny |\( [0-9.]* |\)\{9\}$' "$T/out")" '0 1' \
    'candidates by words'
benchmark --only links --most 2
is "$(grep -c '^| tiny | 2 | 100 |' "$T/out")" 2 'of which the figures are'

# ---- A cross-encoder, and an encoder to compare with ----
if [ -x "$top_builddir/bin/blink-rerank" ]; then
    benchmark --only links,none,text --cross "$fixtures/golden/m2-cross" \
        --rerank 2 --zero-shot "$fixtures/golden/m2-bi"
    is "$status $(grep -c '^| tiny | 3 | 75 |' "$T/out")" '0 3' \
        'a table for the lists that were re-ranked'
    is "$(jq -c '[all(.candidates[]; has("cross_score")),
            (.candidates | length >= 2 and length < 8)]' \
        "$T/work/tiny.listed.full.jsonl" | sort -u)" '[true,true]' \
        'which are short'
    is "$(grep -A 9 'What each part adds' "$T/out" | grep '^|' | tail -n +3 |
        cut -d '|' -f 2 | tr '\n' ,)" ' zero-shot: the nearest , zero-shot: '\
'and names , bi-encoder: the nearest , + calibration , + names '\
'and their counts , + cross-encoder ,' 'a row for each part'
    is "$(awk -F '|' '/zero-shot: the nearest|bi-encoder: the nearest/ {
        print $3 }' "$T/out" | uniq | wc -l)" 1 \
        'the same encoder twice is as good'
else
    skip 'a cross-encoder' 'blink-rerank is not built'
fi

# ---- The models that come with blink ----
# In a tree of the scripts that has some.
parts=$top_builddir/tests/parts
if [ -x "$parts" ] && [ -x "$top_builddir/bin/blink-rerank" ]; then
    mkdir -p "$T/tree/share/models" "$T/data/models" "$T/one"
    ln -s "$top_srcdir/scripts" "$T/tree/scripts"
    ln -s "$top_srcdir/share/names" "$T/tree/share/names"
    blink-convert crossencoder "$fixtures/golden/m2-cross/model.safetensors" \
        --bert "$fixtures/golden/m2-cross" -o "$T/base" 2>/dev/null
    "$parts" "$T/base" "$T/one"
    blink-convert pack --bi "$T/one/bi" --cross "$T/one/cross" \
        --ner "$T/one/ner" -o "$T/tree/share/models/mini" >/dev/null
    ln -s "$T/tree/share/models/mini" "$T/data/models/mini"
    mini_benchmark() {
        run "$T/tree/scripts/benchmark" --catalogue "$fixtures/mini.jsonl" \
            --eval "$T/eval" -k 8 --work "$T/mini-work" \
            --ner-sets "$T/columns" --only links,text \
            --calibration minilm "$@"
    }
    mini_benchmark
    is "$status $(grep -c '^| tiny | 3 | 75 |' "$T/out")" '0 3' \
        'they are used, the cross-encoder too'
    ok 'and the tagger' grep -qx \
        '| tiny | 2 | [0-9.-]* | [0-9.-]* | [0-9.-]* | [0-9.-]* |' "$T/out"
    # With the default catalogue, of which names are looked up in a file.
    mkdir -p "$T/data/catalogues" "$T/data/indexes" "$T/data/names"
    cp "$T/mini-work/k.kb" "$T/data/catalogues/default.kb"
    cp "$T/mini-work/k.blx" "$T/data/indexes/default.blx"
    printf '%s\n' $'city_of_light\tparis' $'gallia\tfrance' |
        blink-kb names -o "$T/data/names/enwiki.names" --site enwiki
    mkdir "$T/plain"
    echo '{"id":"a","text":"Paris in France is old, a place.","mentions":[
        {"start":0,"end":5,"mention":"Paris","title":"City of Light"},
        {"start":9,"end":15,"mention":"France","title":"Gallia"},
        {"start":16,"end":18,"mention":"is","title":"Being"},
        {"start":26,"end":31,"mention":"Place","title":null,"nil":true}]}' |
        jq -c . >"$T/plain/tiny.docs.jsonl"
    cp "$T/eval/tiny.mentions.jsonl" "$T/plain/tiny.mentions.jsonl"
    run "$T/tree/scripts/benchmark" --eval "$T/plain" --only right \
        --catalogue nowhere --work "$T/right-work" --most 0
    like "$status $(grep '^| tiny' "$T/out")" \
        '^0 \| tiny \| 2 \| [0-2] \| [0-9.]+ \| ([0-9.]+|-) \|$' \
        'right links of all names that have a page'
    jq -c -n '[0, 5], [9, 15] | {doc: "a", start: .[0], "end": .[1],
        entity: {title: "Paris"}}' >"$T/answers"
    is "$(
        # shellcheck disable=SC1091
        . "$top_srcdir/scripts/lib/benchmark.sh"
        names=$T/data/names/enwiki.names
        right_gold <"$T/plain/tiny.docs.jsonl" >"$T/gold"
        printf '%s\n' Paris 'City of Light' Gallia | right_pages >"$T/pages"
        right_figures "$T/gold" "$T/pages" <"$T/answers" |
            jq -c '[.n, .said, .hit]')" '[2,2,1]' 'titles are compared as pages'
    rm -r "$T/data/catalogues" "$T/data/indexes" "$T/data/names"
    mini_benchmark --cross '' --ner ''
    is "$status $(grep -c '^| tiny | 3 | 75 |' "$T/out")" '0 2' \
        'unless they are not wanted'
    ok 'as the tagger' grep -qx '| tiny | 2 | 50 | 33.3 | 40 |' "$T/out"
else
    skip 'the models that come with blink' 'not all is built'
fi

# ---- A calibration ----
calibrate() {
    run "$top_srcdir/scripts/train.d/fit-calibration" -m "$fixtures/golden/m2-bi" \
        --work "$T/work" --eval "$T/eval" -o "$T/mine.json" "$@"
}
calibrate tiny
is "$status" 0 'a calibration is fitted'
is "$(jq -c '[.provenance | .sets, .mentions, .removed]' "$T/mine.json")" \
    '[["tiny"],4,[0,0.3]]' 'it says of what'
is "$(jq -s length "$T/work/fit.jsonl")" 32 \
    'each mention in four lists, and again without its entity'
if [ -x "$top_builddir/bin/blink-rerank" ]; then
    calibrate --cross "$fixtures/golden/m2-cross" tiny
    is "$status $(jq -c .provenance.cross "$T/mine.json")" '0 "m2-cross"' \
        'and for a cross-encoder'
    is "$(jq -s 'map(select(.candidates | any(.cross_score))) | length' \
        "$T/work/fit.jsonl")" 16 'whose lists are there too'
fi
jq -c '.profiles.open' "$T/mine.json" >"$T/open"
calibrate --small tiny
is "$status $(jq -s -c 'map(.catalogue_size) | unique | [.[:3], .[3] > 38]' \
    "$T/work/fit.jsonl")" '0 [[3,10,30],true]' \
    '--small: lists of small catalogues'
is "$(jq -c '[.provenance.small.sets, .provenance.small.mentions]' \
    "$T/mine.json")$(jq -c .profiles.cosine "$T/mine.json" | tr -d ' ' |
    cut -c 1-8)" '[["tiny"],3]{"rank":' 'it says of what, too'
is "$(jq -c '.profiles | [.open, .cross | has("small")]' "$T/mine.json")" \
    '[true,false]' 'the sets around them stay as they are'
benchmark --only links --calibration "$T/mine.json"
is "$status" 0 'the benchmark takes it'
benchmark --only links --calibration "$T/none.json"
is "$status" 3 'and no other'
run "$top_srcdir/scripts/benchmark" --catalogue "$T/none"
is "$status" 3 'no entities'
run "$top_srcdir/scripts/benchmark" --frobnicate
is "$status" 2 'an unknown option'
finish
