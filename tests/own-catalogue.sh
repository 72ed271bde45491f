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

# ---- A decision for small catalogues ----
# links KB RECORD...: the entity of each, or null.
links() {
    local kb=$1
    shift
    printf '%s\n' "$@" | blink link -m "$mini" --kb "./$kb.kb" \
        -x "./$kb.blx" --input mentions | jq -r '.entity.id // "none"' |
        paste -sd' '
}
# said MENTION LEFT RIGHT: a record.
said() {
    jq -nc --arg m "$1" --arg l "$2" --arg r "$3" \
        '{context_left: $l, mention: $m, context_right: $r}'
}
index_of() {
    blink-kb cat -c "./$1.kb" | blink-embed -m "$mini" --entities |
        blink-index build -q -c "./$1.kb" -o "$1.blx"
}
cat >inn.jsonl <<'X'
{"id":"1","title":"Walter Josef Marland","text":"Dutch speed skater","aliases":["Marland"]}
{"id":"2","title":"Irene Marland","text":"Irish judge and politician","aliases":["Marland"]}
{"id":"3","title":"Carl Marland Roos","text":"Swedish cellist","aliases":["Marland"]}
{"id":"4","title":"Tidewater Mill","text":"Grain mill on the estuary","aliases":["the mill"]}
{"id":"5","title":"Harrow Street Baths","text":"","aliases":["the baths"]}
X
blink-kb build -q -o inn.kb inn.jsonl
index_of inn
links inn "$(said Marland '' ' skated ten thousand metres on the ice.')" \
    "$(said Marland 'The court heard ' ' on the new law.')" \
    "$(said Marland 'In the quartet ' ' played the cello.')" \
    "$(said 'the mill' 'They ground the corn at ' ' until 1912.')" \
    "$(said 'the baths' 'We met at ' ' every Sunday.')" >linked
is "$(tr ' ' '\n' <linked | grep -c none)" 0 \
    'an alias that the catalogue has is no reason for none'
is "$(cut -d' ' -f 2,4,5 linked)" '2 4 5' 'and means its entity'
is "$(links inn "$(said Chicago 'He flew to ' ' on Monday.')" \
    "$(said 'Queen Victoria' 'It was opened by ' ' herself.')")" 'none none' \
    'what is not in it is none of it'
# A wiki of one's own: a redirect, and names that are the texts of links.
cat >wiki.xml <<'X'
<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">
<page><title>Port Aldmoor</title><ns>0</ns><id>1</id><revision><text>'''Port Aldmoor''' is a harbour town at the mouth of the [[River Oss]]. Its mayor is [[Alma Vane-Lund|Vane]].</text></revision></page>
<page><title>Aldmoor</title><ns>0</ns><id>2</id><redirect title="Port Aldmoor"/><revision><text>#REDIRECT [[Port Aldmoor]]</text></revision></page>
<page><title>River Oss</title><ns>0</ns><id>3</id><revision><text>The '''River Oss''' rises in the [[Grey Hills]].</text></revision></page>
<page><title>Grey Hills</title><ns>0</ns><id>4</id><revision><text>The '''Grey Hills''' are low chalk hills, where [[Edric Tarrant|Edric]] kept sheep.</text></revision></page>
<page><title>Alma Vane-Lund</title><ns>0</ns><id>5</id><revision><text>'''Alma Vane-Lund''' (born 1961) is a politician and mayor of [[Port Aldmoor]].</text></revision></page>
<page><title>Edric Tarrant</title><ns>0</ns><id>6</id><revision><text>'''Edric Tarrant''' was a shepherd and poet of the [[Grey Hills]].</text></revision></page>
</mediawiki>
X
if blink-kb build -q -o wiki.kb --wikipedia wiki.xml 2>err; then
    index_of wiki
    is "$(links wiki "$(said Aldmoor 'The ferry leaves ' ' at nine.')" \
        "$(said Vane 'On Monday ' ' opened the new school.')" \
        "$(said Edric 'Nobody wrote of sheep as ' ' did.')" \
        "$(said London 'The train to ' ' was late.')")" '1 5 6 none' \
        'a redirect, and texts of links'
else
    skip 'a wiki' "$(cat err)"
fi

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
