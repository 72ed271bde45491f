#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-coherence: short names, senses, neighbours, documents in a stream,
# and what is to stay as it is.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit
export BLINK_DATA=$T/data

cat >entities.jsonl <<'X'
{"id":"a","title":"Apple Inc.","text":"A company of Cupertino that sells telephones.","aliases":["Apple"]}
{"id":"f","title":"Apple","text":"A fruit that grows on trees, as pears do.","aliases":["Apple"]}
{"id":"t","title":"Tim Cook","text":"The head of Apple."}
{"id":"j","title":"James Cook","text":"A sailor and explorer.","aliases":["Cook"]}
{"id":"p","title":"Pear","text":"A fruit."}
{"id":"m","title":"Microsoft","text":"A company."}
{"id":"l","title":"Pittsburgh Pirates","text":"A baseball team of Pittsburgh."}
X
blink-kb build -q -o k.kb entities.jsonl
# Companies and their people lie in one direction, fruit in another.
cat >vectors.jsonl <<'X'
{"id":"a","embedding":{"model":"hand","dim":3,"values":[2,0,0]}}
{"id":"f","embedding":{"model":"hand","dim":3,"values":[0,1,0]}}
{"id":"t","embedding":{"model":"hand","dim":3,"values":[0.9,0,0.1]}}
{"id":"j","embedding":{"model":"hand","dim":3,"values":[0,0,1]}}
{"id":"p","embedding":{"model":"hand","dim":3,"values":[0,1,0.1]}}
{"id":"m","embedding":{"model":"hand","dim":3,"values":[1,0.1,0]}}
{"id":"l","embedding":{"model":"hand","dim":3,"values":[0.1,0.1,0.9]}}
X
blink-index build -q -c k.kb -o k.blx <vectors.jsonl

# mention DOC N TEXT CANDIDATES [FIELDS]: CANDIDATES are "id title bi prior",
# a line each.
mention() {
    printf '%s' "$4" | jq -R -s -c --arg doc "$1" --arg n "$2" --arg m "$3" \
        --argjson more "${5:-null}" '{id: "\($doc):\($n)", doc: $doc,
            context_left: "", mention: $m, context_right: "",
            candidates: (split("\n") | map(select(. != "") | split("|")
                | {id: .[0], title: .[1], score: (.[2] | tonumber),
                   bi_score: (.[2] | tonumber)}
                + if .[3] then {prior: (.[3] | tonumber)} else {} end)),
            catalogue_size: 65516} + ($more // {})'
}
coherence() { run blink-coherence -x k.blx -c k.kb "$@"; }
apple=$'a|Apple Inc.|0.70|0.5\nf|Apple|0.70|0.5'
cook=$'j|James Cook|0.30|1\na|Apple Inc.|0.30'

# ---- Alone ----
{
    mention '' 0 Apple "$apple" '{"doc":null}'
    mention d 0 Apple "$apple" | jq -c 'del(.doc)'
    mention one 0 Apple "$apple"
    mention two 0 Apple "$apple" | sed 's/"mention"/ "mention"/'
    echo '{"id":"x","candidates":[],"doc":"three","mention":"Paris", "n": 1.50}'
} >alone
coherence <alone
is "$status:$(cmp out alone && echo same):$(cat err)" 0:same: \
    'mentions alone in their document, or without one, are the same bytes'
blink-score <alone >by-itself
blink-coherence -x k.blx -c k.kb <alone | blink-score >of-document
is "$(cmp of-document by-itself && echo same)" same 'and so are their answers'

# ---- Near and told ----
{
    mention firms 0 Apple "$apple"
    mention firms 1 Microsoft 'm|Microsoft|0.90|1'
    mention fruit 0 Apple "$apple"
    mention fruit 1 Pear 'p|Pear|0.90|1'
} >documents
first() { blink-score | jq -r '.candidates[0].id' | paste -sd ' '; }
coherence <documents
is "$status:$(cat err)" 0: 'documents: exit status'
is "$(first <out)" 'a m f p' 'candidates near the other names win'
is "$(jq -c '[.id, (.coherence | keys), (.candidates | length)]' out |
    head -1)" '["firms:0",["nil"],2]' 'what is added'
is "$(jq -c 'del(.coherence) | del(.candidates[].coherence)' out)" \
    "$(jq -c . documents)" 'nothing else changes'
mv out once
coherence <once
is "$(cmp out once && echo same)" same 'a second run says the same'
# "Cupertino" means nothing by itself, but stands in a text.
{
    mention texts 0 Apple "$apple"
    mention texts 1 Cupertino $'j|James Cook|0.1'
} >told
run blink-coherence -c k.kb <told
is "$status:$(first <out | cut -c 1)" 0:a \
    'without an index: a candidate whose text has another name wins'
run blink-coherence --names <documents
is "$status:$(cmp out documents && echo same)" 0:same \
    '--names: nothing to say without short names'

# ---- Short names ----
tim=$'t|Tim Cook|0.95|1\nj|James Cook|0.50'
{
    mention d 0 'Tim Cook' "$tim"
    mention d 1 Cook "$cook"
    mention d 2 Cook "$cook"
} >short
run blink-coherence --names <short
is "$(blink-score <out | jq -r .entity.id | paste -sd ' ')" 't t t' \
    'a short name follows the full one before it'
is "$(jq -c '[.coherence.follows, .candidates[2].id, .candidates[2].from,
    .candidates[2].score]' out | sed -n 2p)" '["d:0","t","d:0",null]' \
    'its candidates join the list'
blink-score <out >scored
is "$(jq -c '[.candidates[].p] + [.nil_p] | add * 1000 | round' scored |
    sort -u)" 1000 'probabilities add up to one'
blink-score <scored >twice
is "$(cmp twice scored && echo same)" same 'blink-score twice says the same'
{ sed -n 2p short && sed -n 1p short; } >backwards
run blink-coherence --names <backwards
is "$(cmp out backwards && echo same)" same 'not one that comes later'
{
    mention d 0 'Tim Cook' "$tim" '{"type":"PER"}'
    mention d 1 Cook "$cook" '{"type":"LOC"}'
} >types
run blink-coherence --names <types
is "$(cmp out types && echo same)" same 'nor one of another type'
{
    mention d 0 'Barnaby Cook' $'j|James Cook|0.2\na|Apple Inc.|0.1'
    mention d 1 Cook "$cook"
} >unknown
run blink-coherence --names <unknown
is "$(blink-score <out | jq -c .entity | paste -sd ' ')" 'null null' \
    'one that follows what no catalogue has is none as well'
{
    mention d 0 'Emmanuel Macron' $'j|James Cook|0.2' \
        '{"named":{"title":"Emmanuel Macron","url":"u","redirect":false}}'
    mention d 1 Macron $'j|James Cook|0.2'
} >page
run blink-coherence --names <page
is "$(blink-score <out | jq -c '[.entity.id, .entity.source, .entity.url]' |
    sort -u)" '["n:Emmanuel Macron","name","u"]' \
    'a page that is known by its name is followed'
is "$(blink-score --no-pages <out | jq -c .entity | sort -u)" null \
    'but not with --no-pages'
{
    mention d 0 'Tim Cook' "$tim"
    mention d 1 Cook "$cook" '{"error":{"by":"x","code":"y","message":"z"}}'
    echo '{"doc":"d","mention":"Cook"'
    mention d 2 Cook "$cook"
} >failed
run blink-coherence --names <failed
is "$status:$(blink-score -Q <out | jq -r '.entity.id // "-"' |
    paste -sd ' ')" '1:t - - t' 'records that failed stand in no document'

# ---- One name ----
{
    mention d 0 Apple $'a|Apple Inc.|0.70|0.5\nf|Apple|0.30|0.5'
    mention d 1 Apple $'a|Apple Inc.|0.70|0.5\nf|Apple|0.30|0.5'
    mention d 2 Apple $'f|Apple|0.48|0.5\na|Apple Inc.|0.47|0.5'
} >senses
is "$(first <senses)" 'a a f' 'senses: alone'
run blink-coherence --names <senses
is "$(first <out)" 'a a a' 'senses: one a document'

# ---- Documents in a stream ----
cat documents short types told page senses >all
coherence <all
cp out want
coherence --batch 1 <all
is "$(cmp out want && echo same)" same 'whatever the batch'
for ((i = 0; i < 40; i++)); do
    mention novel "$i" 'Tim Cook' "$tim"
    mention novel "$((100 + i))" Cook "$cook"
done >book
run blink-coherence --names --window 7 <book
is "$status:$(wc -l <out):$(blink-score <out | jq -r .entity.id | sort -u)" \
    0:80:t 'a window: pieces know of the piece before'
run blink-coherence --names --window 1 <short
is "$(blink-score <out | jq -r .entity.id | paste -sd ' ')" 't t j' \
    'and of none before that'
mkfifo in
blink-coherence --names <in >live &
exec 3>in
sed -n 1p alone >&3
eventually() {  # N: so many lines, within five seconds
    for _ in {1..100}; do
        [ "$(wc -l <live)" -lt "$1" ] || return 0
        sleep 0.05
    done
}
eventually 1
is "$(wc -l <live)" 1 'without a document: released at once'
cat short >&3
sleep 0.2
is "$(wc -l <live)" 1 'a document waits'
echo '{"error":{"by":"blink-ner","code":"end","message":""},"id":"d"}' >&3
eventually 5
is "$(wc -l <live)" 5 'for its mark'
sed -n 1p told >&3
sed -n 1p documents >&3
eventually 6
is "$(wc -l <live)" 6 'or for another document'
exec 3>&-
wait
is "$(wc -l <live)" 7 'or for the end'
run blink-coherence --names --drop-ends < <(sed -n 1p alone
    echo '{"error":{"by":"blink-ner","code":"end","message":""},"id":"d"}'
    echo '{"error":{"by":"blink","code":"end","message":""}}')
is "$status:$(jq -c .error.by out | paste -sd ' ')" '0:null "blink"' \
    '--drop-ends: marks of blink-ner go, others pass'
blink-coherence --names < <(yes "$(sed -n 2p short)" | head -30000) |
    wc -l >n
is "$(cat n)" 30000 'a document of 30,000 mentions of one name'

# ---- What is wrong ----
run blink-coherence --names <<<'{"doc":"d","mention":"x"}'
is "$status:$(cat err)" "3:blink-coherence: stdin:1: field 'candidates': \
expected array, found nothing: run blink-retrieve first" 'no candidates'
run blink-coherence --names < <(sed -n 1p alone
    echo '{"doc":"d","candidates":[{"id":"x"}],"mention":7}')
is "$status:$(jq -r .error.code out | tail -1)" 1:bad-field 'a wrong field'
run blink-score <<<'{"mention":"x","candidates":[],"coherence":[]}'
is "$status:$(jq -r .error.message out)" \
    "1:field 'coherence': expected object, found array" 'a wrong coherence'
run blink-score <<<'{"mention":"x","candidates":[{"id":"a","score":0.5,"coherence":1e300},{"id":"b","from":"d:1","coherence":-1e300}],"coherence":{"nil":1e300,"page":{"title":"T","p":2}}}'
is "$status:$(jq -r .error.message out)" \
    "1:field 'coherence': field 'page': field 'p': expected number from 0 to 1" \
    'a page with a p beyond 1'
run blink-score --nil 1 <<<'{"mention":"x","candidates":[{"id":"a","score":0.5,"coherence":1e300},{"id":"b","from":"d:1","coherence":-1e300}],"coherence":{"nil":-1e300}}'
is "$status:$(jq -c '[.entity.id, (.nil_p | round)]' out)" '0:["a",0]' \
    'numbers that no program wrote'
blink-kb build -q -o other.kb <(head -2 entities.jsonl)
run blink-coherence -x k.blx -c other.kb <short
is "$status" 3 'an index of another catalogue'
run blink-coherence --names -c k.kb <short
is "$status" 2 '--names and a catalogue'
run blink-coherence -x k.blx <short
is "$status" 3 'no default catalogue'
run blink-coherence -x k.blx -x k.blx -x k.blx -c k.kb -c other.kb <short
is "$status" 2 'indexes that do not fit their catalogues'
jq -c '.id as $i | {id, embedding: {model: "hand", dim: 2, values: [1, 0.5]}}' \
    vectors.jsonl | sed 2q | blink-index build -q -c other.kb -o flat.blx
run blink-coherence -x k.blx -c k.kb -x flat.blx -c other.kb <short
is "$status:$(cat err)" "3:blink-coherence: 'flat.blx': vectors of 2 numbers, \
but another index has 3" 'vectors of another dimension'
sed 's/"id":"\([atjfm]\)"/"id":"k:\1"/g' documents >labelled
jq -c '.id as $i | {id, embedding: {model: "hand", dim: 3, values: [1, 0, 0]}}' \
    vectors.jsonl | sed 2q | blink-index build -q -c other.kb -o other.blx
run blink-coherence -x k.blx -c k.kb -x other.blx -c other.kb <labelled
is "$status:$(first <out | cut -d ' ' -f 1-3)" '0:k:a k:m k:f' \
    'several catalogues, whose ids begin with their names'
finish
