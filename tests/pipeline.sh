#!/bin/bash
# SPDX-License-Identifier: MIT
# All stages together, on a tiny model and a small catalogue: typed by hand,
# with a stage swapped for a filter of one's own, and through the driver.
. "${top_srcdir:?}/tests/lib.sh"
for program in ner embed index retrieve score kb; do
    [ -x "$top_builddir/bin/blink-$program" ] ||
        skip_all "blink-$program is not built"
done
command -v jq >/dev/null || skip_all 'no jq'
model=$fixtures/golden/m2-bi
docs=$fixtures/mini.docs.jsonl
export BLINK_DATA=$T/data
cd "$T" || exit

ner() { blink-ner --dictionary k.kb "$@"; }
embed() { blink-embed -m "$model" --engine reference "$@"; }
retrieve() { blink-retrieve -x k.blx -c k.kb -k 5 --aliases "$@"; }

run blink-kb build -o k.kb "$fixtures/mini.jsonl"
is "$status" 0 'the catalogue is built'
blink-kb cat -c k.kb | embed --entities >entities.jsonl
is "$?" 0 'its entities are embedded'
run blink-index build -c k.kb -o k.blx <entities.jsonl
is "$status:$(cat err)" '0:' 'the index is built'

# ---- By hand ----
ner <"$docs" | embed | retrieve | blink-score >linked.jsonl 2>err
is "${PIPESTATUS[*]}" '0 0 0 0' 'by hand: every stage ends well'
is "$(cat err)" '' 'by hand: and says nothing'
ok 'by hand: mentions are found' [ "$(wc -l <linked.jsonl)" -gt 5 ]
is "$(jq -c 'select((.candidates | length) == 0)' linked.jsonl)" '' \
    'by hand: every mention has candidates'
is "$(jq -c 'select([.candidates[].score] | . != (sort | reverse))' \
    linked.jsonl)" '' 'by hand: best first'
is "$(jq -c 'select(.entity != null and (.entity.p < 0 or .entity.p > 1))' \
    linked.jsonl)" '' 'by hand: probabilities are such'
is "$(jq -c 'select(.embedding)' linked.jsonl)" '' \
    'by hand: vectors do not travel on'
is "$(jq -c 'select(.mention == "England") | [.doc, .start, .end]' \
    linked.jsonl)" '["d1",0,7]' 'by hand: where a mention is'

# Same bytes whatever is handled together.
ner --batch 1 <"$docs" | embed --batch 3 | retrieve --batch 1 |
    blink-score --batch 2 >again.jsonl
ok 'the size of batches changes nothing' cmp -s linked.jsonl again.jsonl

# ---- A stage swapped for a filter ----
# Any capitalised word that is not the first of its text is a mention.
ner <"$docs" | embed | retrieve |
    jq -c '. + {entity: (.candidates[0] | {id, title, url, p: 1})}' >jq.jsonl
is "$(jq -c '[.mention, .start]' jq.jsonl)" \
    "$(jq -c '[.mention, .start]' linked.jsonl)" 'blink-score swapped for jq'
run blink table <jq.jsonl
is "$status:$(wc -l <out)" "0:$(($(wc -l <jq.jsonl) + 1))" \
    'blink-score swapped for jq: the next stage takes it'
# shellcheck disable=SC2016
jq -c '.id as $doc | .text as $t | $t | match("[A-Z][a-z]+"; "g")
    | {id: "\($doc):\(.offset)", doc: $doc, start: .offset,
       end: (.offset + .length), mention: .string,
       context_left: $t[:.offset],
       context_right: $t[.offset + .length:]}' "$docs" |
    embed | retrieve | blink-score >own-ner.jsonl
is "${PIPESTATUS[*]}" '0 0 0 0' 'blink-ner swapped for jq'
ok 'blink-ner swapped for jq: answers' \
    [ "$(jq -c 'select(.candidates)' own-ner.jsonl | wc -l)" -gt 5 ]
if command -v python3 >/dev/null; then
    cat >cut.py <<'PYTHON'
import json, sys
for line in sys.stdin:
    record = json.loads(line)
    record["candidates"] = record["candidates"][-1:]
    print(json.dumps(record), flush=True)
PYTHON
    ner <"$docs" | embed | retrieve | tee kept.jsonl | python3 cut.py |
        blink-score >python.jsonl
    is "${PIPESTATUS[*]}" '0 0 0 0 0 0' 'a re-ranker in Python'
    is "$(jq -c '[.candidates[].id]' python.jsonl)" \
        "$(jq -c '[.candidates[-1].id]' kept.jsonl)" \
        'a re-ranker in Python: what it leaves is chosen from'
else
    skip 'a re-ranker in Python' 'no python3'
fi

# ---- The reader leaves; nothing comes; only errors come ----
head -n 1 "$docs" >one.docs
ner <one.docs | head -n 1 >one.mention
embed <one.mention >one.embedded
retrieve <one.embedded >one.retrieved
error='{"x":[1.50,1e2],"error":{"by":"other","code":"x","message":"m"},"é":"\u00e9"}'
stage() {
    local name=$1 input=$2
    shift 2
    (while cat "$input"; do :; done) 2>/dev/null | "$@" 2>err |
        head -n 1 >out
    states=("${PIPESTATUS[@]}")
    is "${states[1]}:$(cat err)" '141:' "$name: the reader leaves"
    run "$@" </dev/null
    is "$status:$(cat out)$(cat err)" '0:' "$name: empty input"
    printf '%s\n' "$error" >errors
    run "$@" <errors
    is "$status:$(cat out)" "1:$error" "$name: a record with an error"
}
stage blink-ner one.docs ner
stage blink-embed one.mention embed
stage blink-retrieve one.embedded retrieve
stage blink-score one.retrieved blink-score
if [ -x "$top_builddir/bin/blink-rerank" ]; then
    stage blink-rerank one.retrieved blink-rerank --engine reference \
        -m "$fixtures/golden/m2-cross" -c k.kb
fi

# ---- One document at a time, answered at once ----
mkfifo questions replies
{ ner | embed | retrieve | blink-score; } <questions >replies &
exec 5>questions 6<replies
late=''
for _ in 1 2 3; do
    cat one.docs >&5
    IFS= read -r -t 30 -u 6 answer || late=yes
    # The rest of this document's answers.
    while IFS= read -r -t 0.3 -u 6 answer; do :; done
done
exec 5>&- 6<&-
wait
is "$late" '' 'a document is answered before the next one comes'

# ---- The driver ----
link=(blink link --fast -c k.kb -m "$model" -x k.blx --engine reference -k 5)
printf 'England won in Paris.\n' >text.txt
run "${link[@]}" text.txt
is "$status:$(cat err)" '0:' 'blink link: ends well'
is "$(jq -c '[.doc, .mention]' out)" '["text.txt","England"]
["text.txt","Paris"]' 'blink link: records'
cp out linked.txt
run "${link[@]}" --show text.txt
cp out show.sh
run sh show.sh
ok 'blink link --show: what it prints does the same' \
    cmp -s out linked.txt
run "${link[@]}" --table text.txt
like "$(cat out)" '^MENTION +LINKED TO +P +ID' 'blink link: a table'
is "$(wc -l <out)" 11 'blink link: a row for each candidate, with -k'
run "${link[@]}" --by-document --lines <<<$'England won.\nnothing of that kind'
is "$(jq -c '[.id, .text, [.links[].mention]]' out)" \
    '["stdin:1","England won.",["England"]]
["stdin:2","nothing of that kind",[]]' 'blink link: --by-document'
run "${link[@]}" --brief --input documents --copy lang \
    <<<'{"id":7,"lang":"en","text":"England won."}'
is "$(jq -c '[.doc, .start, .mention, .lang, has("candidates")]' out)" \
    '["7",0,"England","en",false]' 'blink link: --brief --copy'
run "${link[@]}" --csv --copy lang --input documents \
    <<<'{"id":7,"lang":"en","text":"England won."}'
is "$(sed -n 2p out | tr -d '\r' | cut -d, -f 1-4,14)" '7,0,7,England,en' \
    'blink link: --csv --copy'
# ---- A page beside records, in one run ----
run "${link[@]}" --html alone.html text.txt
run "${link[@]}" --html page.html --json text.txt
is "$status:$(cat err)" '0:' 'blink link: --html beside records'
ok 'beside records: the same records' cmp -s out linked.txt
ok 'beside records: the same page' cmp -s page.html alone.html
for words in '--csv' '--table' '--brief' '--by-document'; do
    rm -f page.html
    # shellcheck disable=SC2086
    run "${link[@]}" $words text.txt
    cp out want
    # shellcheck disable=SC2086
    run "${link[@]}" $words --html page.html text.txt
    ok "beside $words: the same" cmp -s out want
    ok "beside $words: the same page" cmp -s page.html alone.html
done
echo old >page.html
"${link[@]}" --html page.html --json text.txt >/dev/full 2>err
is "$?:$(cat page.html)" '4:old' 'beside records: no room for these'
"${link[@]}" --html page.html --json --lines \
    <(yes 'England won in Paris.' | head -n 20000) 2>err | head -n 1 >out
is "${PIPESTATUS[0]}:$(cat err page.html)" '141:old' \
    'beside records: the reader leaves'
(
    ulimit -f 8
    "${link[@]}" --html page.html --json --lines \
        <(yes 'England won in Paris.' | head -n 1000) 2>err | cat >/dev/null
    echo "${PIPESTATUS[0]}"
) >said
is "$(cat said):$(cat page.html):$(grep -c 'File too large' err)" \
    '4:old:1' 'beside records: no room for the page'
is "$(find . -name '.page.html*')" '' 'beside records: nothing is left over'
run "${link[@]}" --html no/page.html --json text.txt
is "$status" 4 'beside records: no such folder'

run "${link[@]}" --fast <text.txt
is "$(jq -r .doc out | sort -u)" stdin 'blink link: from stdin'
run "${link[@]}" --lines text.txt text.txt
is "$(jq -r .doc out | sort -u)" text.txt:1 'blink link: --lines'
run "${link[@]}" --nil 1.5 text.txt
is "$status" 2 'blink link: a program that refuses its options'
"${link[@]}" --lines <(yes 'England won in Paris.' | head -n 20000) 2>err |
    head -n 1 >out
is "${PIPESTATUS[0]}:$(cat err)" '141:' 'blink link: the reader leaves'
"${link[@]}" text.txt >/dev/full 2>err
is "$?" 4 'blink link: the disk is full'
run "${link[@]}" /dev/null
is "$status:$(cat out)" '0:' 'blink link: an empty text'
: >nothing.txt
run "${link[@]}" --by-document nothing.txt
is "$status:$(cat out)" '0:{"id":"nothing.txt","text":"","links":[]}' \
    'blink link: --by-document has a line for an empty file'

run "${link[@]}" -i <<'TEXT'
England won.

nothing of that kind here
Paris
TEXT
is "$status:$(cat err)" '0:' 'blink -i: ends well'
like "$(cat out)" $'^\\[England\\] won\\.\n\nEngland -> ' 'blink -i: a link'
is "$(grep -c '^(no mention of an entity found)$' out)" 1 'blink -i: no link'
like "$(cat out)" $'\nParis -> ' 'blink -i: the next one'
run "${link[@]}" -i --json <text.txt
is "$(jq -r .mention out)" 'England
Paris' 'blink -i: --json'
run "${link[@]}" -i -m nowhere <text.txt
is "$status" 3 'blink -i: no such model'

# Answers come while the input stays open, and nothing stays when it ends.
mkfifo ask
"${link[@]}" -i <ask >answers &
driver=$!
exec 7>ask
echo 'England won.' >&7
for _ in $(seq 100); do
    grep -q '^England -> ' answers && break
    sleep 0.1
done
like "$(cat answers)" $'\nEngland -> ' 'blink -i: answers at once'
children=$(cat "/proc/$driver/task/$driver/children" 2>/dev/null)
kill -KILL "$driver"
wait "$driver" 2>/dev/null
sleep 0.5
left=''
for child in $children; do
    # Ended, though perhaps not yet collected by who inherits it.
    case $(sed 's/.*) //' "/proc/$child/stat" 2>/dev/null) in
        '' | Z* | X*) ;;
        *) left="$left $child" ;;
    esac
done
exec 7>&-
is "$left" '' 'blink -i: the programs end with it'
finish
