#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-eval: figures on small cases that can be checked by hand, labels,
# separate gold, differences between runs, faults.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
evaluate() { run blink-eval "$@"; }
figures() { jq -c "$1" "$T/out"; }

cat >"$T/in" <<'X'
{"id":"a","doc":"d1","label_id":"1","candidates":[{"id":"1","bi_score":1},{"id":"2","bi_score":3}]}
{"id":"b","doc":"d1","label_id":2,"candidates":[{"id":"1","bi_score":3},{"id":"2","bi_score":2}]}
{"id":"c","doc":"d2","label_id":" 3 ","candidates":[{"id":"1","bi_score":3},{"id":"2","bi_score":2}]}
{"id":"d","doc":"d2","label_id":null,"entity":null,"nil_p":0.8,"candidates":[{"id":"1"}]}
{"id":"e","label":"unknown","label_id":-1,"candidates":[{"id":"1"}]}
{"id":"f","candidates":[{"id":"1"}]}
X
evaluate --json -k 1,2,10 <"$T/in"
is "$status:$(cat "$T/err")" '0:' 'six records'
is "$(figures '[.n, .nil, .unlabelled, .docs]')" '[3,1,2,2]' 'counts'
is "$(figures '[.accuracy, .recall_at_1, .recall_at_2, .recall_at_10]
    | map(. * 3 | round)')" '[1,1,2,2]' 'accuracy and recall'
is "$(figures '[.normalized_accuracy, .in_catalogue, .mrr]')" \
    '[0.5,0.75,0.5]' 'what is divided by what'
is "$(figures '[.biencoder_accuracy, .unnormalized_accuracy]
    | map(. * 3 | round)')" '[0,1]' 'by bi_score, by the list'
is "$(figures '[.in_kb_micro_precision, .in_kb_micro_recall,
    .nil_required_micro_f1] | map(. * 12 | round)')" '[4,4,6]' \
    'InKB and NIL-required'
is "$(figures '[.in_kb_macro_precision, .nil_required_macro_recall]')" \
    '[0.25,0.5]' 'means over documents'
is "$(figures '[.ece]')" '[0.2]' 'calibration error of the one answer'
evaluate --json --blink-recall -k 1,2,3 <"$T/in"
is "$(figures '[.recall_at_1, .recall_at_2, .recall_at_3]
    | map(if . then . * 3 | round else . end)')" '[null,0,2]' \
    '--blink-recall counts to K - 1 by bi_score'
evaluate <"$T/in"
is "$(grep -c . "$T/out")" 29 'the table has a line for each figure'
ok 'undefined figures are dashes' grep -qx 'docs  *2' "$T/out"

# ---- Groups ----
evaluate --by doc -k 1 <"$T/in"
is "$(tail -4 "$T/out")" 'doc                                n  accuracy  recall_at_1  normalized_accuracy  unnormalized_accuracy
-                                  0         -            -                    -                      -
d1                                 2    0.5000       0.5000               0.5000                 0.5000
d2                                 1    0.0000       0.0000                    -                 0.0000' \
    'a line for each document'
evaluate --json --by doc -k 1 <"$T/in"
is "$(figures '.n, (.groups | map_values([.n, .nil, .accuracy]))' |
    tr '\n' ' ')" '3 {"":[0,0,null],"d1":[2,0,0.5],"d2":[1,1,0]} ' \
    'all figures of each in JSON'

# ---- Failed records count as wrong ----
sed '1s/"candidates"/"error":{"by":"x"},"candidates"/' "$T/in" >"$T/failed"
evaluate --json <"$T/failed"
is "$status:$(figures '[.n, .accuracy, .errors]')" '1:[3,0,1]' \
    'a failed record is no excuse'
evaluate -Q --json <"$T/failed"
is "$status" 0 '-Q'

# ---- Bootstrap ----
evaluate --json --bootstrap 500 --seed 7 <"$T/in"
cp "$T/out" "$T/first"
is "$(figures '.intervals.accuracy')" '[0,0.5]' 'an interval over documents'
evaluate --json --bootstrap 500 --seed 7 <"$T/in"
ok 'the same seed gives the same interval' cmp -s "$T/out" "$T/first"

# ---- Separate gold ----
cat >"$T/gold" <<'X'
{"doc":"d","start":0,"end":5,"label_id":"1"}
{"doc":"d","start":9,"end":12,"label_id":"2"}
{"doc":"d","start":20,"end":22,"label_id":null}
X
cat >"$T/found" <<'X'
{"doc":"d","start":0,"end":5,"entity":{"id":"1","p":1}}
{"doc":"d","start":9,"end":11,"entity":{"id":"2","p":1}}
{"doc":"d","start":30,"end":31,"entity":null}
X
evaluate --json --gold "$T/gold" <"$T/found"
is "$(figures '[.n, .nil, .in_kb_micro_precision, .in_kb_micro_recall]')" \
    '[2,1,0.5,0.5]' 'mentions are matched by their exact place'
is "$(figures '[.nil_required_micro_precision, .nil_required_micro_recall]
    | map(. * 3 | round)')" '[1,1]' 'and everything that was found counts'

# ---- Differences ----
sed -e '1s/"id":"1","bi/"id":"7","bi/' \
    -e '2s/\[{"id":"1","bi_score":3},/[/' "$T/in" >"$T/after"
evaluate --diff "$T/in" <"$T/after"
is "$(cat "$T/out")" "-	a	-	1	1	7
+	b	-	2	1	2
# fixed 1, broken 1, other 0, same 2, unmatched 0" '--diff'
evaluate --json --diff "$T/in" <"$T/after"
is "$(jq -r '.change // .fixed' "$T/out" | tr '\n' ' ')" 'broken fixed 1 ' \
    '--diff --json'
printf '%s\n' '{"id":"a\tb","label_id":"1","candidates":[]}' >"$T/one"
printf '%s\n' '{"id":"a\tb","label_id":"1","candidates":[{"id":"1"}]}' |
    evaluate --diff "$T/one"
is "$(head -1 "$T/out")" '+	a\tb	-	1	-	1' 'tabs are escaped'

# ---- A catalogue ----
if [ -x "$top_builddir/bin/blink-kb" ]; then
    printf '%s\n' '{"id":"1","title":"One","text":""}' \
        '{"id":"2","title":"Two","text":""}' >"$T/e.jsonl"
    blink-kb build -q -o "$T/k.kb" "$T/e.jsonl"
    evaluate --json -c "$T/k.kb" <"$T/in"
    is "$(figures '[.n, .nil, .accuracy]')" '[2,2,0.5]' \
        '-c: labels that it lacks are NIL'
fi

# ---- Labels of data frames: integers with a fraction of zeros ----
for label in 4.0 4.00 4e0 40e-1 '"4.0"' '"4"' '" 4 "' 4; do
    echo '{"label_id":'"$label"',"entity":{"id":"4","title":"x","p":0.9},"candidates":[{"id":"4"}]}' \
        >"$T/whole"
    evaluate --json <"$T/whole"
    is "$status:$(figures '[.n, .accuracy]')" '0:[1,1]' "label $label is 4"
done
for label in -1.0 -1 '"-1.0"' '""' '"nan"' '"NaN"' '"unknown"'; do
    echo '{"label_id":'"$label"',"entity":{"id":"4","title":"x","p":0.9},"candidates":[{"id":"4"}]}' \
        >"$T/whole"
    evaluate --json <"$T/whole"
    is "$status:$(figures '[.n, .unlabelled]')" '0:[0,1]' \
        "label $label is none"
done
for label in 4.5 true '[4]' 1e-3; do
    echo '{"label_id":'"$label"',"entity":{"id":"4","title":"x","p":0.9},"candidates":[{"id":"4"}]}' \
        >"$T/whole"
    evaluate --json <"$T/whole"
    like "$status:$(cat "$T/err")" \
        "^[13]:blink-eval: .*field 'label_id': expected .*integer, found" \
        "label $label is refused"
done
cat >"$T/whole" <<'X'
{"label_id":"4.0","entity":{"id":"4.0","title":"x","p":0.9},"candidates":[{"id":4},{"id":"4.0"}]}
{"label_id":4,"entity":{"id":4.0,"title":"x","p":0.9},"candidates":[{"id":4.0}]}
X
evaluate --json <"$T/whole"
is "$status:$(figures '[.n, .accuracy]')" '0:[2,1]' \
    'an id "4.0" is found by its own text, and candidates may be 4.0'
printf '%s\n' '{"id":"4","title":"x"}' '{"id":"5","title":"y"}' |
    blink-kb build -o "$T/whole.kb"
echo '{"label_id":"4.0","entity":{"id":"4","title":"x","p":0.9},"candidates":[{"id":"4"}]}' \
    >"$T/whole"
evaluate --json -c "$T/whole.kb" <"$T/whole"
is "$status:$(figures '[.n, .nil, .accuracy]')" '0:[1,0,1]' \
    'with a catalogue too'

# ---- Faults ----
evaluate --json <<'X'
{"label_id":"1","candidates":[{"id":"1"}]}
nonsense
{"label_id":"1"}
{"label_id":{},"candidates":[]}
X
is "$status:$(figures '[.n, .accuracy, .unreadable]')" '1:[1,1,3]' \
    'bad lines are told and counted'
is "$(sed -n 2p "$T/err")" "blink-eval: stdin:3: field 'candidates': \
expected array, found nothing: run blink-retrieve first" 'with their place'
evaluate --json </dev/null
is "$status:$(figures '[.n, .accuracy]')" '0:[0,null]' 'empty input'
for list in '' 0 '1,,2' '1,' x -1 99999999 1.5; do
    evaluate -k "$list" </dev/null
    is "$status:$(cat "$T/out")" '2:' "-k '$list' is refused"
done
evaluate --gold "$T/missing" </dev/null
is "$status:$(cat "$T/err")" "3:blink-eval: '$T/missing': No such file or \
directory" 'a missing file'
if [ -w /dev/full ]; then
    status=0
    blink-eval <"$T/in" >/dev/full 2>"$T/err" || status=$?
    is "$status" 4 'a full disk'
fi
finish
