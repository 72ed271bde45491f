#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/benchmark and scripts/fit-calibration on a tiny model, a small
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
        --work "$T/work" --ner-sets "$T/columns" "$@"
}
benchmark
is "$status" 0 'the benchmark runs'
is "$(grep -c '^| tiny | 3 | 75 |' "$T/out")" 2 \
    'a row for the set with and without aliases'
is "$(grep '^| tiny | 3 |' "$T/out" | awk -F'|' '{ print NF }' |
    sort -u)" 14 'all rows have the columns of the head'
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
is "$(tail -n 2 "$T/out" | cut -d '|' -f 2 | tr '\n' ,)" \
    ' before , this one ,' 'a row for each run'
benchmark
ok 'a second run says the same' cmp -s "$T/out" "$T/first"
ok 'and does not embed the entities again' \
    bash -c "! grep -q entities '$T/err'"
benchmark --limit 10
ok 'another limit does' grep -q 'embedding 10 entities' "$T/err"

# ---- A calibration ----
calibrate() {
    run "$top_srcdir/scripts/fit-calibration" -m "$fixtures/golden/m2-bi" \
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
benchmark --only links --calibration "$T/mine.json"
is "$status" 0 'the benchmark takes it'
benchmark --only links --calibration "$T/none.json"
is "$status" 3 'and no other'
run "$top_srcdir/scripts/benchmark" --catalogue "$T/none"
is "$status" 3 'no entities'
run "$top_srcdir/scripts/benchmark" --frobnicate
is "$status" 2 'an unknown option'
finish
