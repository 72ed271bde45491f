#!/bin/bash
# SPDX-License-Identifier: MIT
# bench-embed on a tiny model, with a script in place of the other side's
# Python; the comparison itself takes minutes and gigabytes.
. "${top_srcdir:?}/tests/lib.sh"
only_plain
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit
export BLINK_BUILD=$top_builddir BLINK_DATA=$T/none
cp -r "$fixtures/golden/m2-bi" model
for m in Paris London Rome; do
    jq -nc --arg m "$m" '{context_left: "in ", mention: $m,
        context_right: " again"}'
done >mentions
jq -c '{title, text}' "$fixtures/mini.jsonl" | head -n 3 >entities
cat >python <<'X'
#!/bin/bash
case $2 in -c | -W) exit 0 ;; esac
[ "$3" = -c ] && exit 0
echo "torch 0.1+x onnx ${ONNX:-0.2}"
while read -r who file; do
    [ -s "$file" ] && echo "$who $(wc -l <"$file")" >>"$LOG"
    echo '0.3 0.2'
done
X
chmod +x python
export LOG=$T/log
bench() {
    PYTHON=$T/python run "$top_srcdir/scripts/bench.d/bench-embed" -m model \
        --mentions mentions --entities entities "$@"
}

bench --rounds 3 --limit 2
is "$status" 0 'rows'
is "$(grep -v '^bench-embed: vectors' err)" '' 'without a word'
is "$(grep -c '| mentions of 32 tokens, cpu-int8, 1 thread | .*ONNX Runtime 0.2 int8: 6.7 (6.7)' out)" \
    1 'int8 beside ONNX Runtime'
is "$(grep -c '| entities of 64 tokens, cpu-f32, 1 thread | .*PyTorch 0.1 f32: 6.7 (6.7)' out)" \
    1 'f32 beside PyTorch'
is "$(grep -c 'the same, processor time | .*: 10.0 (10.0)' out)" \
    "$(($(wc -l <out) / 2))" 'each by processor time too'
is "$(sort log | uniq -c | awk '{ print $1, $2, $3 }')" '6 onnx 2
6 torch 2' 'all rounds, the same texts'
bench --large --rounds 1
is "$(grep -c mentions out) $(grep -c '| entities of 160 tokens, BERT-large, cpu-int8, 1 thread | .*ONNX Runtime 0.2' out)" \
    '0 1' 'BERT-large: entities alone'
ONNX=- bench --rounds 1
is "$status$(grep -c ONNX out)" 00 'no ONNX Runtime: the other rows'
like "$(cat err)" "no rows of ONNX Runtime: '.*' has no onnxruntime" \
    'no ONNX Runtime: it says so'

PYTHON=/nowhere/python run "$top_srcdir/scripts/bench.d/bench-embed" -m model \
    --mentions mentions --entities entities
is "$status:$(cat err)" "77:bench-embed: '/nowhere/python' has no torch" \
    'no Python'
run "$top_srcdir/scripts/bench.d/bench-embed" -m none
is "$status:$(cat err)" "77:bench-embed: no model in 'none'" 'no model'
run "$top_srcdir/scripts/bench.d/bench-embed" --frobnicate
is "$status" 2 'an unknown option'
finish
