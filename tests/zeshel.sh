#!/bin/bash
# SPDX-License-Identifier: MIT
# The zero-shot entity linking data: records as the original's script makes
# them, and the recall by world that it prints.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit

# ---- Records ----

mkdir -p z/documents z/mentions
cat >z/documents/lego.json <<'X'
{"document_id":"L1","title":"Big Page","text":"One  two ΟΔΟΣ Four five"}
{"document_id":"L0","title":"Small","text":"x"}
X
echo '{"document_id":"Y0","title":"Duel","text":"a \"b\" c"}' \
    >z/documents/yugioh.json
# mention TEXT START END PAGE LABEL WORLD
mention() {
    jq -nc --arg t "$1" --argjson a "$2" --argjson b "$3" --arg p "$4" \
        --arg l "$5" --arg w "$6" '{category:"LOW_OVERLAP",text:$t,
        end_index:$b,context_document_id:$p,label_document_id:$l,
        mention_id:"m1",corpus:$w,start_index:$a}'
}
{
    mention 'ΟΔΟΣ Four' 3 4 L1 L0 lego
    mention five 5 5 L1 L1 lego
    mention 'One ' 0 1 L1 L1 lego
} >z/mentions/val.json
mention '"b"' 1 1 Y0 Y0 yugioh >z/mentions/test.json
run blink-convert zeshel z -o made -v
is "$status $(cat err)" "0 blink-convert: 'made': 2 worlds with 3 entities, 2 sets with 4 mentions" 'a data set'
is "$(cd made && echo *)" \
    'lego.entities.jsonl test.jsonl valid.jsonl yugioh.entities.jsonl' \
    'a file for each world and set'
is "$(cat made/valid.jsonl)" '{"id":"m1","context_left":"one  two","mention":"οδος four","context_right":"five","label":"x","label_title":"Small","label_id":1,"world":"lego","category":"LOW_OVERLAP"}
{"id":"m1","context_left":"one  two οδος four","mention":"five","context_right":"","label":"One  two ΟΔΟΣ Four five","label_title":"Big Page","label_id":0,"world":"lego","category":"LOW_OVERLAP"}
{"id":"m1","context_left":"","mention":"one ","context_right":"two οδος four five","label":"One  two ΟΔΟΣ Four five","label_title":"Big Page","label_id":0,"world":"lego","category":"LOW_OVERLAP"}' 'mentions in their words'
is "$(cat made/lego.entities.jsonl)" '{"id":"0","title":"Big Page","text":"One  two ΟΔΟΣ Four five","document_id":"L1"}
{"id":"1","title":"Small","text":"x","document_id":"L0"}' 'entities by number'
ok 'which make a catalogue' blink-kb build -q -o l.kb made/lego.entities.jsonl

# What would be written twice is refused before anything is.
cp z/mentions/val.json z/mentions/valid.json
run blink-convert zeshel z -o twice
is "$status $(cat err)" "3 blink-convert: 'z': mentions/val.json and \
mentions/valid.json would both become 'valid.jsonl'" 'two sets of one name'
mv z/mentions/valid.json z/mentions/lego.entities.json
run blink-convert zeshel z -o twice
is "$status $(cat err)" "3 blink-convert: 'z': \
mentions/lego.entities.json and documents/lego.json would both become \
'lego.entities.jsonl'" 'a set called as the entities of a world'
is "$(find . -name '*twice*')" '' 'nothing is written'
rm z/mentions/lego.entities.json

# A side has 128 words.
jq -nc '{document_id:"L0",title:"t",
    text:([range(300) | "w\(.)"] | join(" "))}' >z/documents/lego.json
mention w130 130 130 L0 L0 lego >z/mentions/val.json
ok 'a folder is replaced when forced' blink-convert zeshel z -o made --force
is "$(jq -r '[.context_left, .context_right
    | split(" ") | length, .[0], .[-1]] | @tsv' made/valid.jsonl)" \
    $'128\tw2\tw129\t128\tw131\tw258' '128 words on each side'

# refuse STDERR TEXT
refuse() {
    run blink-convert zeshel z -o bad
    is "$status $(cat err)" "3 blink-convert: $1" "$2"
    is "$(find . -name '*bad*')" '' "$2: nothing is left"
}
mention w131 130 130 L0 L0 lego >z/mentions/val.json
refuse "'z/mentions/val.json':1: field 'text': the page has 'w130' as words 130 to 130, expected 'w131'" 'words that are elsewhere'
mention w130 130 130 L9 L0 lego >z/mentions/val.json
refuse "'z/mentions/val.json':1: field 'context_document_id': 'z/documents/lego.json' has no page 'L9'" 'a page that is missing'
mention w130 130 130 L0 L0 muppets >z/mentions/val.json
refuse "'z/mentions/val.json':1: field 'corpus': there is no world 'muppets'" \
    'a world that is missing'
mention w130 130 129 L0 L0 lego >z/mentions/val.json
refuse "'z/mentions/val.json':1: field 'end_index': expected 130 to 2147483647, found 129" 'an end before its start'
echo '{"a":' >z/mentions/val.json
refuse "'z/mentions/val.json':1: byte 5: expected a value, found the end" 'no JSON'
cat z/documents/yugioh.json z/documents/yugioh.json >two
mv two z/documents/yugioh.json
refuse "'z/documents/yugioh.json': document_id 'Y0' is given twice" \
    'a page given twice'
rm z/mentions/*
refuse "'z/mentions' contains no file named *.json" 'no mentions'
rm -r z/documents
refuse "cannot open the folder 'z/documents': No such file or directory" \
    'another folder'

# ---- Recall by world (quirks R9 and R10 of blink-compat(7)) ----

if [ -z "$golden" ]; then
    skip 'recall by world' 'no golden data'
    finish
fi
z=$golden/train/zeshel
bert=$golden/zoo/m2/bert_tiny_m2
echo '{"max_context_length":32,"max_cand_length":64}' >params.json
ok 'the model' blink-convert biencoder \
    "$golden/zoo/m2/biencoder_wiki_m2.bin" --params params.json \
    --bert "$bert" -o bi
mkdir records
for f in "$z"/documents/*.json; do
    f=${f##*/}
    jq -c '{id: (input_line_number - 1 | tostring), title, text}' \
        "$z/documents/$f" >"records/${f%.json}.entities.jsonl"
done
cp "$z/train.jsonl" "$z/valid.jsonl" records
cp "$z/interleaved/valid.jsonl" records/interleaved.jsonl
export BLINK_BUILD=$top_builddir

# What the original logs: "In world W", then "Total: N examples. r@1: ...".
logged() {
    jq -c '[.log | . as $l | range(length) | select($l[.] |
        startswith("In world ")) | {key: ($l[.][9:]), value: ($l[. + 1] |
        [scan("[0-9.]*[0-9]") | tonumber] | {n: .[0], recall_at_1: .[2],
        recall_at_4: .[4]})}] | sort_by(.key) | from_entries' "$1"
}
# evaluate SET GOLDEN
evaluate() {
    "$top_srcdir/scripts/zeshel-eval" -m bi -k 4 --json --work "work-$1" \
        records "$1" >"$1.json"
    is "$(jq -c '.groups | map_values({n,
        recall_at_1: (.recall_at_1 * 1e4 | round / 1e4),
        recall_at_4: (.recall_at_4 * 1e4 | round / 1e4)})' "$1.json")" \
        "$(logged "$z/$2.json")" "$1: recall in each world"
}
evaluate train eval_train
evaluate valid eval_valid
# Sorted by world or not, a mention is given candidates of its own world: as
# the original does one by one, and not in batches of four.
evaluate interleaved eval_valid_interleaved_bs1
is "$(logged "$z/eval_valid_interleaved_bs4.json" | jq -c '.ice_hockey.n')" \
    6 'where it counts five mentions of a world as six'
# The lists themselves, for mentions whose entity is among the four.
pool() {
    jq -r 'select(.text != "") | .text[:256] | {text: .} | tojson' "$1" |
        blink-tokenize --entity -m bi | jq -c .ids
}
w=8
for world in coronation_street muppets ice_hockey elder_scrolls; do
    is "$(pool "records/$world.entities.jsonl" | cksum)" \
        "$(jq -c --arg w $w '.candidate_pool_ids[$w][]
            | map(select(. != 0))' "$z/eval_valid.json" | cksum)" \
        "$world: token ids of all entities"
    w=$((w + 1))
done
is "$(jq -c '(.label_id | tostring) as $l | [.candidates[].id]
    | index($l) | select(.)' work-valid/linked.jsonl | tr '\n' ' ')" \
    "$(jq -r '.topk_file.labels | map("\(.) ") | add' "$z/eval_valid.json")" \
    'the place of the right one in each list'

finish
