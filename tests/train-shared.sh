# SPDX-License-Identifier: MIT
# train-shared.sh: an invented folder of data, $T/shared, for the tests of
# scripts/train-data and scripts/train-mini; leaves the shell in its data/.
# shellcheck shell=bash disable=SC2154
mkdir -p "$T/shared/data/ner" "$T/shared/eval"
cd "$T/shared/data" || exit

zstd -q -o catalogue.jsonl.zst <<'X'
{"id":"1","title":"Tara Quill","text":"Tara Quill (born 1950) is a painter.","aliases":["T. Quill"]}
{"id":"2","title":"Quill","text":"A quill is a pen."}
{"id":"3","title":"Norwick","text":"Norwick is a city in Ostland."}
{"id":"4","title":"Norwick Herons","text":"The Norwick Herons are a club of Norwick."}
{"id":"5","title":"Norwick, Westland","text":"Norwick is a village."}
{"id":"6","title":"France","text":"France is a country."}
{"id":"7","title":"French language","text":"French is a language."}
{"id":"8","title":"Bill","text":"Bill may refer to several things."}
{"id":"9","title":"Order of the Green Lantern","text":"An order."}
{"id":"11","title":"Florida","text":"Florida is a state."}
{"id":"12","title":"Norwick, Florida","text":"Norwick is a town."}
{"id":"10","title":"Heart attack","text":"A heart attack is a disease."}
X
zstd -q -o wikitext.jsonl.zst <<'X'
{"id":"1","title":"Tara Quill","text":"Tara Quill is a painter.\nIn 1970 Quill moved to Norwick, where she saw the French government \"at work\" and spoke the French language."}
{"id":"4","title":"Norwick Herons","text":"Everybody knows the Norwick Herons here. In that year they beat Norwick again, and the Herons had a heart attack."}
{"id":"6","title":"France","text":"Once Bill was in the Order of the Green Lantern with T. Quill and all of these eight words here."}
{"id":"9","title":"Order of the Green Lantern","text":"People say that Norwick is large."}
X
printf '9\tOrder of the Green Lantern\ttiny\n' >wikitext.eval-pages.tsv
zstd -q -o links.jsonl.zst <<'X'
{"id":"x:A:1","context_left":"She came from ","mention":"Norwick","context_right":" by boat.","label":"Norwick, Westland","label_id":"5","source":"x","page":"A","where":"body"}
{"id":"x:A:2","context_left":"","mention":"Norwick","context_right":"","label":"Norwick","label_id":"3","source":"x","page":"A","where":"table"}
{"id":"x:A:3","context_left":"I saw ","mention":"Nobody","context_right":" there.","label":"Nobody","label_id":null,"source":"x","page":"A","where":"body"}
{"id":"x:B:1","context_left":"a ","mention":"painter","context_right":" b","label":"Tara Quill","label_id":"1","source":"x","page":"Order of the Green Lantern","where":"body"}
X
cat >gum-train.mentions.jsonl <<'X'
{"id":"gum:a#0","doc":"gum:a","start":0,"end":6,"context_left":"","mention":"France","context_right":" is large and very green in the month of May.","label":"France","label_id":"6","split":"train","genre":"news"}
{"id":"gum:b#0","doc":"gum:b","start":0,"end":6,"context_left":"","mention":"France","context_right":" is small.","label":"France","label_id":"6","split":"train","genre":"fiction"}
X
echo '{"id":"tiny:1","text":"With t. quill, and all of these: EIGHT words!"}' \
    >../eval/tiny.docs.jsonl

# columns NAME WORD/TAG ... (a "." word ends a sentence)
columns() {
    local name=$1 pair
    shift
    for pair; do
        printf '%s\t%s\n' "${pair%/*}" "${pair#*/}"
        [ "${pair%/*}" != . ] || echo
    done >"ner/$name.conll"
}
for name in wikigold btc-{a,b,e,f,g,h} wnut17-train gum-train \
    crossner-{ai,literature,music,politics,science}-{train,dev,test}; do
    columns "$name" "In/O" "$name/B-LOC" "it/O" "rains/O" "./O"
done
