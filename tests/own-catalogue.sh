#!/bin/bash
# SPDX-License-Identifier: MIT
# A catalogue of one's own, linked with the models that come with blink: names
# that are aliases only, and what is not in it.
. "${top_srcdir:?}/tests/lib.sh"
mini=$top_srcdir/share/models/mini
[ -s "$mini/bi/config.json" ] || skip_all 'no share/models/mini'
command -v jq >/dev/null || skip_all 'no jq'
[ -z "${sanitizers:-}" ] || skip_all 'too slow under sanitizers'
cd "$T" || exit

cat >plants.jsonl <<'X'
{"id":"1","title":"Urtica dioica","text":"Urtica dioica is a herbaceous perennial flowering plant with stinging hairs.","aliases":["nettle","stinging nettle"]}
{"id":"2","title":"Betula pendula","text":"Betula pendula is a tree with white bark and hanging twigs.","aliases":["silver birch","warty birch"]}
{"id":"3","title":"Bellis perennis","text":"A European species of the family Asteraceae, common in lawns.","aliases":["daisy"]}
{"id":"4","title":"Quercus robur","text":"A large oak of Europe with lobed leaves and acorns on stalks.","aliases":["English oak"]}
{"id":"5","title":"Taraxacum officinale","text":"A flowering plant of the daisy family with yellow heads.","aliases":["dandelion"]}
X
cat >notes.txt <<'X'
We found a nettle by the stream and an English oak near the gate.
The silver birch had lost its leaves. A dandelion grew in the lawn, and a daisy.
Bellis perennis was everywhere.
X
blink-kb build -q -o plants.kb plants.jsonl
blink-kb cat -c ./plants.kb | blink-embed -m "$mini" --entities |
    blink-index build -c ./plants.kb -o plants.blx
run blink link --kb ./plants.kb -x ./plants.blx -m "$mini" notes.txt
is "$status $(cat err)" '0 ' 'plants are linked'
is "$(jq -r '[.mention, .entity.id] | join(" ")' out)" 'nettle 1
English oak 4
silver birch 2
dandelion 5
daisy 3
Bellis perennis 3' 'whatever they are called'
is "$(echo 'Marie Curie saw a nettle in Warsaw.' |
    blink-ner -m "$mini" -d ./plants.kb --text | jq -r .mention |
    paste -sd'|')" 'Marie Curie|nettle|Warsaw' \
    'beside persons and places'
elsewhere() {
    jq -nc --arg m "$1" '{context_left: "We took the train to ", mention: $m,
        context_right: " in the morning."}' |
        blink-embed -m "$mini" |
        blink-retrieve -x ./plants.blx -c ./plants.kb -k 5 |
        blink-rerank -m "$mini" -c ./plants.kb | blink-score |
        jq -c '[.entity, .nil_p > 0.9]'
}
is "$(elsewhere London)" '[null,true]' 'what is no plant is none of them'

# ---- An alias is read as the title ----
echo '{"id":"1","title":"nettle","text":"Urtica dioica is a herbaceous perennial flowering plant with stinging hairs."}' |
    blink-kb build -q -o called.kb
# score KB CANDIDATE...: the cross-encoder's, of the first one.
score() {
    local kb=$1
    shift
    printf '%s\n' "$@" | jq -cs '{context_left: "We found a ",
        mention: "nettle", context_right: " there.", candidates: .}' |
        blink-rerank -m "$mini" -c "$kb" |
        jq '.candidates[] | select(.id == "1") | .cross_score'
}
wanted=$(score ./called.kb '{"id":"1"}')
is "$(score ./plants.kb '{"id":"1","prior":1}')" "$wanted" \
    'what the catalogue calls so is read as if it were its title'
plain=$(score ./plants.kb '{"id":"1"}')
ok 'other candidates are read as they are' test "$plain" != "$wanted"
blink-kb build -q -o both.kb plants.jsonl \
    <(echo '{"id":"6","title":"Dead nettle","text":"Another plant."}')
is "$(score ./both.kb '{"id":"1","prior":1}' '{"id":"6"}')" "$plain" \
    'and all are where a title holds the mention'
finish
