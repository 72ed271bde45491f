#!/bin/bash
# SPDX-License-Identifier: MIT
# share/formats: other systems' files become our records, ours theirs, and what
# goes there and back is what it was.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
formats=$top_srcdir/share/formats
cd "$T" || exit

# Two documents with links, as `blink link --by-document` prints them: accents,
# an astral character before a mention, a name inside another's text, none.
cat >docs.jsonl <<'X'
{"id":"d1","text":"Zoé 🎉 met Tim Cook, in São Paulo.\nNobody came to Wexlow.","links":[{"start":0,"end":3,"mention":"Zoé","type":"PER","entity":null,"nil_p":0.9},{"start":10,"end":18,"mention":"Tim Cook","type":"PER","entity":{"id":"77","title":"Tim Cook","url":"https://en.wikipedia.org/wiki/Tim_Cook","qid":"Q265852","p":0.97},"nil_p":0.01},{"start":23,"end":32,"mention":"São Paulo","type":"LOC","entity":{"id":"78","title":"São Paulo","url":"https://en.wikipedia.org/wiki/S%C3%A3o_Paulo","p":0.9},"nil_p":0.05},{"start":49,"end":55,"mention":"Wexlow","type":"LOC","entity":null,"nil_p":0.8}]}
{"id":"d2","text":"Nothing.","links":[]}
X
jq -c '. as $d | .links[] | {id: "\($d.id):\(.start)", doc: $d.id} + . + {context_left: $d.text[0:.start], context_right: $d.text[.end:]}' \
    docs.jsonl >linked.jsonl
is "$(jq -rs 'map(.mention) | join(",")' linked.jsonl)" 'Zoé,Tim Cook,São Paulo,Wexlow' 'the input'

# places FILE: what must survive: document, start, end, mention, id.
places() { jq -c '[.doc, .start, .end, .mention, .label_id]' "$@"; }
links='["d1",10,18,"Tim Cook","77"]
["d1",23,32,"São Paulo","78"]'
all='["d1",0,3,"Zoé",null]
'"$links"'
["d1",49,55,"Wexlow",null]'

# ---- There and back ----
jq -cf "$formats/zelda-out.jq" docs.jsonl >zelda
is "$(jq -c '[.id, .index, .wikipedia_titles]' zelda | head -n 1)" \
    '["d1",[[10,18],[23,32]],["Tim Cook","São Paulo"]]' 'ZELDA'
is "$(jq -cf "$formats/zelda-in.jq" zelda | places)" "$links" 'ZELDA and back'

jq -cf "$formats/spacy-out.jq" docs.jsonl >spacy
is "$(jq -c '.ents[1], .spans.blink[1], .tokens[3]' spacy | head -n 3)" '{"start":10,"end":18,"label":"PER"}
{"start":10,"end":18,"label":"PER","kb_id":"77"}
{"id":3,"start":10,"end":13}' 'spaCy'
is "$(jq -cf "$formats/spacy-in.jq" spacy | places)" "$all" 'spaCy and back'
is "$(jq -c '.text as $t | [.tokens[] | $t[.start:.end]] | join(" ")' spacy | head -n 1)" \
    '"Zoé 🎉 met Tim Cook , in São Paulo . \n Nobody came to Wexlow ."' 'spaCy: tokens'

head -n 1 docs.jsonl | jq -rf "$formats/brat-out.jq" >d1.ann
head -n 1 docs.jsonl | jq -j .text >d1.txt
is "$(sed -n 2,3p d1.ann)" $'T2\tPER 10 18\tTim Cook\nN2\tReference T2 blink:77\tTim Cook' 'brat'
is "$(jq -ncRf "$formats/brat-in.jq" --rawfile text d1.txt --arg doc d1 d1.ann | places)" \
    "$all" 'brat and back'
printf 'T1\tPER 0 1;3 4\ta b\n#1\tAnnotatorNotes T1\tx\nR1\tRel Arg1:T1 Arg2:T1\n' |
    jq -ncRf "$formats/brat-in.jq" --rawfile text d1.txt --arg doc d1 >out
is "$(places out)" '["d1",0,4,"Zoé ",null]' 'brat: pieces, notes and relations'

jq -rf "$formats/neleval-out.jq" linked.jsonl >system.tab
is "$(sed -n 1,2p system.tab)" $'d1\t0\t2\tNILd10\t0.9\tPER\nd1\t10\t17\t77\t0.97\tPER' \
    'neleval: the end is the last character'
is "$(jq -cRf "$formats/neleval-in.jq" system.tab | jq -c '[.doc, .start, .end, .label_id]')" \
    "$(places linked.jsonl | jq -c '[.[0], .[1], .[2]]' | paste -d' ' - <(printf 'null\n"77"\n"78"\nnull\n') |
        sed 's/\] /,/; s/$/]/')" 'neleval and back'

jq -cf "$formats/kilt-out.jq" linked.jsonl >kilt
is "$(jq -rs ".[2].input | split(\"\\n\")[0]" kilt)" $'Zoé 🎉 met Tim Cook, in [START_ENT] São Paulo [END_ENT].' 'KILT: the mention'
is "$(jq -c '.output' kilt | sed -n 2p)" '[{"answer":"Tim Cook","provenance":[{"wikipedia_id":"77","title":"Tim Cook"}]}]' 'KILT: the answer'
is "$(jq -cf "$formats/kilt-in.jq" kilt | jq -c '[.context_left, .mention, .context_right, .label_id]')" \
    "$(jq -c '[.context_left, .mention, .context_right, .entity.title]' linked.jsonl)" 'KILT and back'

jq -cf "$formats/elevant-out.jq" docs.jsonl >elevant
is "$(jq -c '[.predictions[].entity_reference]' elevant | head -n 1)" \
    '["Q265852","https://en.wikipedia.org/wiki/S%C3%A3o_Paulo"]' 'ELEVANT: what is referred to'
is "$(jq -c '{id, text, labels: .predictions}' elevant | jq -cf "$formats/elevant-in.jq" | jq -c '[.start, .end, .mention]')" \
    "$(jq -c 'select(.entity) | [.start, .end, .mention]' linked.jsonl)" 'ELEVANT and back'
jq -cf "$formats/elevant-in.jq" >out <<'X'
{"id":7,"text":"He met Tim Cook in Rome on Monday.","evaluation_span":[0,23],"labels":[{"span":[0,2],"entity_id":"Q1","coref":true},{"span":[7,15],"entity_id":"Q2","name":"Tim Cook"},{"span":[19,23],"entity_id":"Unknown1"},{"span":[27,33],"entity_id":"Q3"}]}
X
is "$(jq -c '[.doc, .mention, .label_id, .["label"]]' out)" '["7","Tim Cook","Q2","Tim Cook"]
["7","Rome",null,null]' 'ELEVANT: pronouns, unknown ones, and what is not evaluated'

jq -rf "$formats/aida-out.jq" docs.jsonl >aida
is "$(grep -c -e -DOCSTART- aida)" 2 'AIDA: documents'
is "$(grep -P '\tB\t' aida | cut -f 1-4)" $'Zoé\tB\tZoé\t--NME--
Tim\tB\tTim Cook\tTim_Cook
São\tB\tSão Paulo\tSão_Paulo
Wexlow\tB\tWexlow\t--NME--' 'AIDA: mentions'
jq -ncRf "$formats/aida-in.jq" aida >out
is "$(jq -c '[.doc, .mention, .label_id]' out)" '["d1","Zoé",null]
["d1","Tim Cook","Tim_Cook"]
["d1","São Paulo","S%C3%A3o_Paulo"]
["d1","Wexlow",null]' 'AIDA and back'
is "$(jq -r '.context_left + .mention + .context_right' out | sort -u)" \
    $'Nobody came to Wexlow .\nZoé 🎉 met Tim Cook , in São Paulo .' 'AIDA: the text, its tokens apart'
printf -- '-DOCSTART- (1 EU)\r\nEU\tB\tEU\t--NME--\r\n\r\nBonn\tB\tBonn\tBonn\thttp://en.wikipedia.org/wiki/Bonn\t3295\t/m/0\r\nnow\r\n' |
    jq -ncRf "$formats/aida-in.jq" | jq -c '[.doc, .start, .end, .mention, .label_id]' >out
is "$(cat out)" '["1 EU",0,2,"EU",null]
["1 EU",3,7,"Bonn","Bonn"]' 'AIDA: carriage returns, sentences'

jq -cf "$formats/blink-out.jq" linked.jsonl >out
is "$(sed -n 2p out)" '{"id":"d1:10","context_left":"zoé 🎉 met ","mention":"tim cook","context_right":", in são paulo.\nnobody came to wexlow.","label_id":77,"label_title":"Tim Cook"}' \
    'BLINK'

# ---- Real programs read what comes out ----
if command -v python3 >/dev/null; then
    ok 'every line is JSON for others, too' python3 -c '
import json, sys
for name in sys.argv[1:]:
    for line in open(name, encoding="utf-8"): json.loads(line)' zelda spacy kilt elevant
fi
if [ -x "$top_builddir/bin/blink-view" ]; then
    jq -cRf "$formats/neleval-in.jq" system.tab >gold.jsonl
    run blink-view --compare gold.jsonl <linked.jsonl
    ok 'neleval: to compare with' grep -qF 'Compared: 4 right, 0 wrong, 0 extra, 0 missed.' out
fi
finish
