#!/bin/bash
# SPDX-License-Identifier: MIT
# An index in parts: split, searched part by part and merged, and joined.  All
# of it gives what one index gives, byte for byte.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
model=$fixtures/golden/m2-bi
cd "$T" || exit
export BLINK_DATA=$T/data

# 300 entities of 100 names, so that names, initials and ties all occur; of
# each third one the vector of another, so that scores are equal.
for ((i = 0; i < 300; i++)); do
    n=$((i % 100))
    printf '{"id":"%d","title":"Alpha Beta Place %d (%d)","text":"town %d","aliases":[{"name":"Place %d","count":%d},{"name":"P%d","count":1}]}\n' \
        $i $n $i $((i % 7)) $n $((i % 11 + 1)) $((n % 10))
done >entities.jsonl
blink-kb build -q -o k.kb entities.jsonl
blink-kb cat -c k.kb | blink-embed -m "$model" --entities >vectors.jsonl
jq -c --slurpfile all vectors.jsonl 'if (.id | tonumber) % 3 == 0
    then .embedding = $all[((.id | tonumber) + 30) % 300].embedding
    else . end' vectors.jsonl >tied.jsonl
for ((i = 0; i < 120; i++)); do
    case $((i % 4)) in
        0) name="Place $((i % 100))" ;;
        1) name="P$((i % 10))" ;;
        2) name=ABP ;;
        3) name="Nowhere $i" ;;
    esac
    printf '{"id":"m%d","context_left":"we saw ","mention":"%s","context_right":" in %d"}\n' \
        $i "$name" $i
done >mentions.jsonl
blink-embed -m "$model" <mentions.jsonl >embedded.jsonl

# whole_and_parts TEXT N OPTION...: searched as one and as N parts.
whole_and_parts() {
    local text=$1 n=$2 i files=()
    shift 2
    rm -f p.*
    blink-index split -x k.blx -n "$n" -o p
    is "$(printf '%s\n' p.* | wc -l)" "$n" "$text: the parts"
    blink-retrieve -x k.blx -c k.kb "$@" <embedded.jsonl >whole.jsonl
    for ((i = 1; i <= n; i++)); do
        blink-retrieve -x p.$i.blx -c k.kb --part "$@" <embedded.jsonl \
            >$i.jsonl
        files+=("$i.jsonl")
    done
    run blink-merge "${files[@]}"
    is "$status:$(cat err)" 0: "$text: merged"
    ok "$text: the bytes are those of one index" cmp -s out whole.jsonl
    run blink-index join -c k.kb -o again.blx p.?.blx
    is "$status:$(cat err)" 0: "$text: joined"
    ok "$text: the index is the one that was split" cmp -s again.blx k.blx
}
for dtype in f32 int8 f16+int8; do
    blink-index build -q -c k.kb -o k.blx --dtype $dtype <tied.jsonl
    whole_and_parts "$dtype, 3 parts" 3 -k 7 --aliases
    whole_and_parts "$dtype, 2 parts" 2 -k 1 --aliases
done
whole_and_parts 'more candidates than a part has' 7 -k 60 --aliases
whole_and_parts 'no names' 3 -k 5 --no-aliases
ok 'names of more than k entities, initials and ties were among them' \
    [ "$(jq -c 'select(.mention == "ABP") | .candidates | length' whole.jsonl |
        wc -l)" -gt 10 ]

# ---- Streams ----
whole_and_parts 'streams' 2 -k 3 --aliases
mkfifo one two
blink-retrieve -x p.1.blx -c k.kb --part -k 3 --aliases <embedded.jsonl >one &
blink-retrieve -x p.2.blx -c k.kb --part -k 3 --aliases <embedded.jsonl >two &
run blink-merge one two
ok 'named pipes' cmp -s out whole.jsonl
run blink-merge 1.jsonl - <2.jsonl
ok 'standard input' cmp -s out whole.jsonl
run blink-merge 2.jsonl 1.jsonl
ok 'the order of the parts does not matter' cmp -s out whole.jsonl

# A record comes out before the next one goes in.
mkfifo in1 in2
blink-merge in1 in2 >live &
exec 5>in1 6>in2
head -n 1 1.jsonl >&5
head -n 1 2.jsonl >&6
for _ in $(seq 100); do
    [ -s live ] && break
    sleep .05
done
exec 5>&- 6>&-
wait
ok 'a live pipe' cmp -s live <(head -n 1 whole.jsonl)

# ---- Parts that do not belong together ----
refused() {
    local want=$1 text=$2
    shift 2
    run blink-merge "$@"
    is "$status:$(cat err)" "3:blink-merge: $want" "$text"
}
refused 'the parts have 150 of 300 vectors: one is missing; --partial merges what is there' \
    'a part is missing' 1.jsonl
refused 'parts 2 and 3 are the same' 'a part is given twice' \
    1.jsonl 2.jsonl 2.jsonl
refused 'parts 1 and 2 are the same' 'one twice, another not' 1.jsonl 1.jsonl
refused 'parts 1 and 2 are the same' 'also with --partial' \
    --partial 1.jsonl 1.jsonl
run blink-retrieve -x p.2.blx -c k.kb -k 4 <embedded.jsonl
is "$status:$(cat err)" "0:blink-retrieve: only 150 of the 300 entities of 'k.kb' have a vector here: give all parts of an index with -x, or merge their answers (--part, blink-merge)" \
    'a part that is searched as if it were all'
run blink-retrieve -x p.2.blx -x ./p.2.blx -c k.kb --part <embedded.jsonl
is "$status:$(head -n 1 err)" "2:blink-retrieve: the index './p.2.blx' is given twice" \
    'a part that is searched twice'
refused 'part 2 is of another state of the catalogue than the first' \
    'another catalogue with the same fingerprint' 1.jsonl \
    <(sed 's/"of":\[300/"of":[301/' 2.jsonl)
run blink-merge --partial 1.jsonl
is "$status:$(jq -c 'select(.part)' out)" 0: '--partial'
blink-retrieve -x p.2.blx -c k.kb --part -k 4 --aliases <embedded.jsonl >k4
refused 'part 2 was searched for 4 candidates, the first for 3' 'another k' \
    1.jsonl k4
head -n 119 2.jsonl >short
refused "'short' ends before line 120 of '1.jsonl'" 'one ends early' \
    1.jsonl short
sed '7s/"m6"/"m7"/' 2.jsonl >other
run blink-merge 1.jsonl other
is "$status:$(wc -l <out):$(cat err)" "3:6:blink-merge: 1.jsonl:7 and other:7 are different records" \
    'other records: what came before is there'
blink-retrieve -x p.2.blx -c k.kb -k 3 --aliases <embedded.jsonl >plain
refused "plain:1: field 'part': expected object, found nothing; run blink-retrieve --part" \
    'without --part' 1.jsonl plain
sed '3s/"why":"[0-9]*"/"why":"9"/' 2.jsonl >bad
run blink-merge 1.jsonl bad
is "$status:$(cat err)" "3:blink-merge: bad:3: field 'part': not as 'blink-retrieve --part' writes it" \
    'a field that is no such'
run blink-merge 1.jsonl none
like "$status:$(cat err)" "^3:.*cannot read 'none': No such file" 'no such file'
run blink-merge
is "$status" 2 'no part at all'
# A record that failed in one part.
sed '5s/^{/{"error":{"by":"x","code":"y","message":"z"},/' 2.jsonl >failed
run blink-merge 1.jsonl failed
is "$status:$(jq -r '.error.by // empty' out):$(wc -l <out)" 1:x:120 \
    'a record that failed in one part'

# ---- Parts of an index ----
join_refused() {
    local want=$1 text=$2
    shift 2
    run blink-index join -c k.kb -o bad.blx "$@"
    is "$status:$(cat err)" "3:blink-index: $want" "$text"
    ok "$text: nothing is made" [ ! -e bad.blx ]
}
join_refused "the parts have 150 vectors, but 'k.kb' has 300 entities; --partial allows it" \
    'join: one is missing' p.1.blx
join_refused "'p.1.blx': row 0 is there already: a part is given twice, or two have the same entities" \
    'join: one is given twice' p.1.blx p.1.blx
blink-index build -q -c k.kb -o i.blx --dtype int8 <tied.jsonl
join_refused "'i.blx' has 20 numbers of type int8 a vector, but 'p.1.blx' 20 of f16+int8" \
    'join: other numbers' p.1.blx i.blx
run blink-index join -c k.kb -o half.blx --partial p.1.blx
is "$status:$(blink-index info -x half.blx --json | jq .count)" 0:150 \
    'join --partial'
run blink-index split -x k.blx -n 301 -o q
is "$status:$(head -n 1 err)" \
    "2:blink-index: 'k.blx' has 300 vectors, too few for 301 parts" \
    'split: more parts than vectors'
finish
