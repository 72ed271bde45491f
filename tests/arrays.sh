#!/bin/bash
# SPDX-License-Identifier: MIT
# A JSON array of records, on one line or pretty-printed, is to every program
# what the same records are on lines of their own; and a broken one costs
# what is broken.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/stages.sh"
[ -n "$stages" ] || skip_all 'no programs'
command -v jq >/dev/null || skip_all 'no jq'

for name in $stages; do
    stage "$name"
    printf '%s\n' "$good" "$good" "$good" >lines
    "${cmd[@]}" <lines >want
    run "${cmd[@]}" < <(paste -sd, lines | sed 's/.*/[&]/')
    is "$status:$(cat "$T/err")" '0:' "$name: an array on one line"
    ok "$name: an array on one line: the same bytes" cmp -s "$T/out" want
    jq -s . lines >pretty
    run "${cmd[@]}" <pretty
    is "$status:$(jq -c . "$T/out" | cksum):$(wc -l <"$T/out")" \
        "0:$(jq -c . want | cksum):$(wc -l <want)" "$name: a pretty one"
    run "${cmd[@]}" < <(echo "[$good 7, $good")
    is "$status $(grep -c '"code":"bad-json"' "$T/out")" '1 3' \
        "$name: faults of an array are errors in their place"
    is "$(cat "$T/err")" "$program: stdin[]:1: after this element: expected \
',' between the elements of the array
$program: stdin[]:2: expected object, found number
$program: stdin[]:3: the array is not closed: expected ',' or ']' after this \
element, found the end" "$name: and each is said"
    run "${cmd[@]}" <<<'[]'
    is "$status:$(cat "$T/out" "$T/err")" '0:' "$name: an empty one"
done

# Memory does not grow with the array.
if have score && [ -z "${sanitizers:-}${BLINK_VALGRIND:-}" ]; then
    stage score
    yes "$good" | head -n 20000 | paste -sd, | sed 's/.*/[&]/' >big
    ok 'an array of 6 MB in 64 MB of address space' \
        bash -c 'ulimit -v 65536; blink-score <big >out'
    is "$(wc -l <out)" 20000 'and all of its records'
fi

if have eval; then
    run blink-eval --json <<<'[{"label_id":"2","candidates":[{"id":"2"}]},
        {"label_id":"1","candidates":[{"id":"2"}]}]'
    is "$status:$(jq -c '[.n, .accuracy]' "$T/out")" '0:[2,0.5]' \
        'blink-eval reads one'
fi
if have kb; then
    jq -s . entities.jsonl >entities.json
    run blink-kb build -q -o array.kb entities.json
    is "$status:$(blink-kb cat -c array.kb | cksum)" \
        "0:$(blink-kb cat -c k.kb | cksum)" 'blink-kb build reads one'
    run blink-kb build -q -o bad.kb - <<<'[{"id":"1","title":"a"},]'
    is "$status:$(cat "$T/err")" "3:blink-kb: stdin[]:1: after this element: \
expected an element after ','" 'blink-kb build: a comma too many'
fi
finish
