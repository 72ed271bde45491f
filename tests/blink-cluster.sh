#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-cluster: one id for what no catalogue has; and blink-eval --clusters,
# which says what neleval says.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit
export BLINK_DATA=$T/data

# unknown DOC N TEXT [FIELDS]
unknown() {
    jq -n -c --arg doc "$1" --arg n "$2" --arg m "$3" \
        --argjson more "${4:-null}" '{id: "\($doc):\($n)", doc: $doc,
            mention: $m, entity: null} + ($more // {})'
}
ids() { jq -r '.nil_id // "-"' out | paste -sd ' '; }

# ---- In a document ----
{
    unknown d 0 'Barnaby Quillfeather' '{"type":"PER"}'
    unknown d 1 'the Quillfeather' '{"type":"PER"}'
    unknown d 2 'BARNABY QUILLFEATHER'
    unknown d 3 Quillfeather '{"type":"LOC"}'
    unknown d 4 Barnaby '{"type":"PER"}'
    unknown d 5 'The firm' '{"coherence":{"nil":1,"follows":"d:3"}}'
    unknown d 6 Paris '{"entity":{"id":"1","title":"Paris"},"nil_id":"x"}'
    unknown d 7 '...'
    unknown d 8 '...'
    unknown e 0 'Barnaby Quillfeather' '{"type":"PER"}'
} >in
run blink-cluster <in
is "$status:$(cat err)" 0: 'exit status'
is "$(ids)" 'nil:d:0 nil:d:0 nil:d:0 nil:d:3 nil:d:4 nil:d:3 - nil:d:7 nil:d:7 nil:e:0' \
    'ids of a document'
is "$(jq -c 'del(.nil_id)' out)" "$(jq -c 'del(.nil_id)' in)" \
    'nothing else changes'
mv out once
run blink-cluster <once
is "$(cmp out once && echo same)" same 'a second run says the same'
run blink-cluster < <(unknown '' 0 A '{"doc":null,"id":null}'
    unknown '' 0 A '{"doc":null,"id":7}')
is "$(ids)" 'nil:#1 nil:7' 'without document or id'
for ((i = 0; i < 2500; i++)); do unknown novel "$i" "Ann Quill $((i % 3))"; done |
    sed 's/ 2"/"/' >book
run blink-cluster <book
is "$(jq -r .nil_id out | sort | uniq -c | awk '{print $2, $1}' | paste -sd ' ')" \
    'nil:novel:0 834 nil:novel:1 833 nil:novel:2 833' 'a long document'

# ---- Across documents ----
run blink-cluster --across <in
is "$(ids | tr ' ' '\n' | sed -n '1p;10p' | uniq | grep -cE '^nil:[0-9a-f]{16}$')" \
    1 'one name and type in two documents'
is "$(ids | cut -d ' ' -f 5)" nil:d:4 'but a last name is nobody'
cp out once
run blink-cluster --across < <(tac in)
is "$(jq -r 'select(.id == "e:0").nil_id' out)" \
    "$(jq -r 'select(.id == "e:0").nil_id' once)" 'in any order'
cat >entities.jsonl <<'X'
{"id":"1","title":"Paris","text":"A town."}
{"id":"2","title":"Apple","text":"A fruit."}
X
blink-kb build -q -o k.kb entities.jsonl
jq -c '{id, embedding: {model: "hand", dim: 2,
    values: (if .id == "1" then [1, 0] else [0, 1] end)}}' entities.jsonl |
    blink-index build -q -c k.kb -o k.blx
for doc in a1 b2 c1 d2 e; do
    unknown $doc 0 'Ann Quill' '{"type":"PER"}'
    [ $doc = e ] || unknown $doc 1 x "{\"entity\":{\"id\":\"${doc#?}\"}}"
done >namesakes
run blink-cluster --across -x k.blx -c k.kb <namesakes
is "$status:$(jq -r 'select(.nil_id).nil_id[20:] + "." ' out | paste -sd ' ')" \
    '0:. :2. . :2. .' 'namesakes are told apart by what a text is about'
run blink-cluster --across <namesakes
is "$(jq -r '.nil_id // empty' out | sort -u | wc -l)" 1 'and not without'

# ---- What is wrong ----
run blink-cluster <<<'{"mention":"x"}'
is "$status:$(cat err)" "3:blink-cluster: stdin:1: field 'entity': expected \
object or null, found nothing: run blink-score first" 'no entity'
run blink-cluster < <(unknown d 0 A; unknown d 1 A '{"entity":7}')
is "$status:$(jq -r .error.code out | tail -1)" 1:bad-field 'a wrong entity'
run blink-cluster -c k.kb <in
is "$status" 2 'a catalogue is for --across'
run blink-cluster --across -x k.blx <in
is "$status" 2 'an index needs its catalogue'

# ---- blink-eval --clusters ----
# What neleval 3.1.1 says of five files; make.py there made both.
from=$fixtures/neleval
for i in 1 2 3 4 5; do
    run blink-eval --json --clusters --gold "$from/$i.gold.jsonl" \
        <"$from/$i.jsonl"
    is "$(jq -c --arg i "$i" --slurpfile want "$from/expected.json" '. as $got
        | $want[0][$i] | to_entries
        | map(select((.value - $got[.key] | fabs) > 1e-8) | .key)' out)" '[]' \
        "neleval: file $i"
done
is "$(jq -r 'keys[]' out | grep -cE '^(b_cubed|ceaf_(mention|entity))_')" 9 \
    'nine figures'
run blink-eval --clusters --gold "$from/1.gold.jsonl" <"$from/1.jsonl"
is "$(grep -cE '^(b_cubed|ceaf_)' out)" 9 'in the table, too'
run blink-eval --json --clusters < <(
    unknown d 0 A '{"label_id":null,"label":"T","nil_id":"nil:1"}'
    unknown d 1 B '{"label_id":null,"label":"T","nil_id":"nil:1"}'
    unknown d 2 C '{"label_id":null}'
    unknown d 3 D '{"label_id":"7","entity":{"id":"7"}}'
    unknown d 4 E)
is "$(jq -c '[.b_cubed_f1, .ceaf_entity_f1]' out)" '[1,1]' \
    'labels by title, mentions alone, mentions without labels'
run blink-eval --json --clusters </dev/null
is "$status:$(jq -c '[.b_cubed_f1, .ceaf_mention_recall]' out)" \
    '0:[null,null]' 'nothing'
# Without an id a record's number is no other's id, in whatever document.
printf '%s\n' '{"id":2,"doc":"d","mention":"Ann","entity":null}' \
    '{"mention":"Cy","entity":null}' '{"mention":"Bo","entity":null}' |
    blink-cluster | jq -r .nil_id >out
is "$(paste -sd' ' out)" 'nil:2 nil:#2 nil:#3' 'a record without an id'
finish
