#!/bin/bash
# SPDX-License-Identifier: MIT
# bench-roofline, -scan, -cascade and -pipeline on tiny models: that
# they come to their end with all rows; the figures mean nothing.
. "${top_srcdir:?}/tests/lib.sh"
only_plain
unset MAKEFLAGS MFLAGS          # else make warns that it is alone
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit
export BLINK_BUILD=$top_builddir BLINK_DATA=$T/none
golden=$fixtures/golden
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
roofline() {
    run "$top_srcdir/scripts/bench.d/bench-roofline" -m "$golden/m2-bi" -c k.kb \
        --rows 20000 --quick --rounds 1 --threads 2 "$@"
}

mkdir report
printf 'old\n\n## Beside other programs\n\nby hand\n' >report/performance.md
roofline --cross "$golden/m2-cross" --report report
is "$status$(cat out)" 0 'a report'
is "$(grep -c '^| .* %' report/performance.md)" 15 \
    'stages that the machine bounds'
is "$(grep -c '^| .*- | - |$' report/performance.md)" 2 'and others'
is "$(grep -c '^Milliseconds\|^A second' report/performance.md)" 4 \
    'how four costs grow'
is "$(grep -c 'nan\|inf\|| - ' report/performance.md)" 2 'no figure is none'
is "$(grep -c '^old$' report/performance.md):$(tail -n 3 \
    report/performance.md)" '0:## Beside other programs

by hand' 'what was added by hand stays, at the end'
is "$(grep -c '<polyline' report/performance.svg)" 12 'in a chart'
roofline --processor
is "$status" 0 'by processor time, without a cross-encoder'
ok 'it says so' grep -q 'processor time' out
is "$(grep -c re-rank out)" 1 'nothing about re-ranking'
run "$top_srcdir/scripts/bench.d/bench-roofline" -m "$T/none"
is "$status:$(tail -n 1 err)" "3:bench-roofline: no model '$T/none'" \
    'no model'
run "$top_srcdir/scripts/bench.d/bench-roofline" --frobnicate
is "$status" 2 'an unknown option'

# ---- The scan ----
run "$top_srcdir/scripts/bench.d/bench-scan" --rows 2000 --dim 100 --rounds 1 \
    --threads 1
is "$status$(cat err)" 0 'a scan'
is "$(cut -d'|' -f2 out | sed 's/ *$//')" \
    ' 100 of 2000 x 100 int8, 1 query, 1 thread
 the same, processor time
 100 of 2000 x 100 int8, 64 queries, 1 thread
 the same, processor time' 'its rows'
run "$top_srcdir/scripts/bench.d/bench-scan" --rows 2000 --dim 100 --rounds 1 \
    --threads 1 --dtype f16+int8
is "$status$(cat err)" 0 'a scan of codes beside f16'

# ---- The cascade ----
for m in Paris England France; do
    jq -nc --arg m "$m" '{context_left: "", mention: $m, context_right: ".",
        label_id: "1", candidates: [range(1; 6) | {id: "\(.)",
            title: "t\(.)", score: (1 - . / 10), bi_score: (1 - . / 10)}]}'
done >lists
run "$top_srcdir/scripts/bench.d/bench-cascade" -m "$golden/m2-cross" -c k.kb \
    --risks 1e-300,1 lists
is "$status" 0 'a cascade'
is "$(cut -d'|' -f2,3 out | tail -n +3 | tr -d '\n')" \
    ' none | 5.0  1e-300 | 5.0  1 | 2.0 ' 'a row for each risk'
like "$(tail -n +3 out | head -n 1)" '\| 100\.0 \|$' 'beside no cascade'
run "$top_srcdir/scripts/bench.d/bench-cascade" -m "$golden/m2-cross" -c k.kb none
is "$status:$(cat err)" "3:bench-cascade: cannot read 'none'" 'no lists'

# ---- The pipeline ----
blink-kb cat -c k.kb | blink-embed -m "$golden/m2-bi" --entities |
    blink-index build -c k.kb -o k.blx 2>err || cat err
for _ in {1..40}; do
    echo 'They left Paris for England. The French Republic was there.'
done >text
run "$top_srcdir/scripts/bench.d/bench-pipeline" --text text -m "$golden/m2-bi" \
    -c k.kb -x k.blx --dictionary --cross "$golden/m2-cross"
is "$status" 0 'a pipeline'
# shellcheck disable=SC2016
first='`blink link`, 2 kB of text, 120 mentions'
is "$(grep -cE "^\| ($first|the same|the same, processor time) \| [0-9.]+ s \|\
 .* [0-9.]+ s \| [0-9.]+ \|$" out)" 3 'beside its slowest stage and all of them'
if perf record -q -e cpu-clock -o "$T/perf" true >/dev/null 2>&1 &&
    command -v addr2line >/dev/null
then
    is "$(cat err)" '' 'without a word'
    like "$(cat out)" 'of that, tokenizing and JSON \(a profile\) ' 'a profile'
    is "$(grep '^| of that, ' out | tail -n +2 | awk -F'|' \
        '{ n += $5 } END { print (n > .98 && n < 1.02) }')" 1 \
        'whose parts are all there is'
    like "$(cat out)" 'of that, the network \| [0-9.]*[1-9]' 'among them ours'
else
    skip 'a profile' 'no perf or addr2line'
fi
run "$top_srcdir/scripts/bench.d/bench-pipeline" --text none
is "$status" 3 'no text'
if [ -e "$top_srcdir/share/models/mini/ner/config.json" ]; then
    jq -nc '{id: 1, text: "They left Paris for England."}' >docs.jsonl
    pipeline=(-c k.kb -x k.blx --tagger "$top_builddir" docs.jsonl)
    blink-kb cat -c k.kb | blink-embed --entities |
        blink-index build -c k.kb -o k.blx 2>err || cat err
    run "$top_srcdir/scripts/bench" --only pipeline "${pipeline[@]}"
    is "$status:$(awk -F' [|] ' '/one pass of the tagger: [0-9.]+ s/ {
        sub(/^[|] /, ""); sub(/, processor time/, "", $1); print $1
    }' out | tr '\n' ' ')" '0:`blink` `blink-ner` `blink-embed` `blink-retrieve` '"\
\`blink-rerank\` \`blink-coherence\` \`blink-score\` all stages all but re-ranking (\`--fast\`) " \
        'each stage, and two sums, beside one pass of the tagger'
    run "$top_srcdir/scripts/bench.d/bench-pipeline" -c k.kb -x k.blx \
        --text docs.jsonl --tagger none
    is "$status" 3 'a build that is not there'
    run "$top_srcdir/scripts/bench" --only pipeline a b
    is "$status" 2 'two texts'
fi

# ---- Curves ----
printf '%s\n' $'panel\ta & b\tx\tlog' $'curve\t<c>' $'1\t10' $'100\t0.1' \
    $'0\t5' | "$top_srcdir/scripts/bench.d/plot-lines" >out
is "$(grep -c '<circle' out)" 2 'a point without a logarithm is left out'
ok 'names are escaped' grep -q 'a &amp; b' out
ok 'names of curves too' grep -q '&lt;c>' out
is "$("$top_srcdir/scripts/bench.d/plot-lines" </dev/null | tail -n 1)" '</svg>' \
    'an empty picture'
finish
