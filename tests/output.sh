#!/bin/bash
# SPDX-License-Identifier: MIT
# What becomes of linked records: tables, CSV, records in brief, documents.
. "$top_srcdir/tests/lib.sh"
[ -x "$top_builddir/bin/blink" ] || skip_all 'blink is not built'
command -v jq >/dev/null || skip_all 'no jq'
export BLINK_DATA=$T/none
cd "$T" || exit

cat >linked.jsonl <<'JSON'
{"id":"a:0","doc":"a","start":0,"end":5,"context_left":"","mention":"Curie","context_right":" went","type":"PER","candidates":[{"id":"1","title":"Marie Curie","url":"https://x/1","score":0.9,"p":0.9},{"id":"5","title":"Pierre Curie","score":0.06,"p":0.06},{"id":"6","title":"Curie","score":0.01,"p":0.01}],"entity":{"id":"1","title":"Marie Curie","url":"https://x/1","p":0.987654},"nil_p":0.01}
{"id":"a:1","doc":"a","start":9,"end":12,"mention":"Foo","candidates":[{"id":"7","title":"Fog","score":0.21,"p":0.21},{"id":"8","title":"Foot","score":0.1,"p":0.1}],"entity":null,"nil_p":0.61}
{"id":"b:0","doc":"b","start":1,"end":3,"mention":"Paris","candidates":[],"entity":{"id":"2","title":"Paris","p":0.21},"unsure":true,"nil_p":0.3}
{"id":"b:1","doc":"b","start":5,"end":9,"mention":"UN body","candidates":[],"entity":{"id":"n:UN body","title":"UN body","source":"name","p":0.8},"nil_p":0.9}
JSON

# ---- The table ----
run blink table --no-url <linked.jsonl
is "$status:$(cat err)" '0:' 'table: exit status'
is "$(tr -s ' ' <out)" 'MENTION LINKED TO P ID
Curie Marie Curie 0.988 1
Foo - (or Fog 0.210) 0.610
Paris Paris (unsure) 0.210 2
UN body UN body (by name) 0.800 n:UN body' \
    'table: ids; for none its probability and the runner-up; what is unsure'
run blink table --no-url -k 3 --documents <linked.jsonl
is "$(sed -n 2,7p out | tr -s ' ')" 'a Curie Marie Curie 0.988 1
 Pierre Curie 0.060 5
 Curie 0.010 6
a Foo - 0.610
 Fog 0.210 7
 Foot 0.100 8' 'table: -k 3: three candidates'
run blink table --copy start --copy none <linked.jsonl
is "$(sed -n 1,2p out | tr -s ' ')" 'MENTION LINKED TO P ID start none URL
Curie Marie Curie 0.988 1 0 https://x/1' 'table: --copy'

# Columns stand where they stand, whatever comes and when.
long='{"mention":"M","entity":{"id":"9","title":"T","url":"https://x/'$(
    printf 'y%.0s' {1..300})'","p":0.5}}'
{
    head -n 1 linked.jsonl
    sleep 0.3
    yes "$long" | head -n 300
    sleep 0.3
    tail -n 1 linked.jsonl
} | blink table >out
columns=$(grep -ob '0\.[0-9][0-9][0-9]' out | wc -l)
is "$columns $(awk '{ print match($0, /0\.[0-9][0-9][0-9]/) }' out |
    sort -u | wc -l)" '302 2' 'table: P stays in its column'
is "$(head -n 1 out | tr -s ' ')" 'MENTION LINKED TO P ID URL' \
    'table: addresses are there from the start'

# ---- CSV and TSV ----
run blink table --format csv <linked.jsonl
is "$status:$(cat err)" '0:' 'csv: exit status'
is "$(tr -d '\r' <out)" 'document,start,end,mention,type,id,title,p,nil_p,unsure,url,source,entity_type
a,0,5,Curie,PER,1,Marie Curie,0.987654,0.01,,https://x/1,,
a,9,12,Foo,,,,,0.61,,,,
b,1,3,Paris,,2,Paris,0.21,0.3,true,,,
b,5,9,UN body,,n:UN body,UN body,0.8,0.9,,,name,' 'csv: the rows'
is "$(grep -c $'\r$' out)" 5 'csv: lines end as RFC 4180 says'
cat >odd.jsonl <<'JSON'
{"doc":"a,\"b\"","mention":"two\nlines","entity":{"id":"1","title":"x, y","p":0.5},"title":"t"}
{"doc":"=1+1","mention":"+a","entity":{"id":"-1","title":"@b","p":0.5},"title":"-1+1"}
{"id":7,"mention":"\tc\u001b[31m\u009b","entity":{"id":"\uff1d1","title":"日本","p":0.5},"title":null}
JSON
run blink table --format csv --copy title <odd.jsonl
is "$(tr -d '\r' <out)" 'document,start,end,mention,type,id,title,p,nil_p,unsure,url,source,entity_type,document.title
"a,""b""",,,"two
lines",,1,"x, y",0.5,,,,,,t
'\''=1+1,,,'\''+a,,-1,'\''@b,0.5,,,,,,'\''-1+1
7,,,'\'$'\t''c [31m ,,'\''＝1,日本,0.5,,,,,,' \
    'csv: quotes, line breaks, no formula, nothing that steers a terminal'
run blink table --format tsv <odd.jsonl
is "$(awk -F '\t' '{ print NF }' out | sort -u)" 13 \
    'tsv: as many cells in each row'
is "$(sed -n 2p out | cut -f 1,4)" $'a,"b"\ttwo lines' \
    'tsv: no quotes, and no line breaks'
if command -v python3 >/dev/null; then
    run blink table --format csv <odd.jsonl
    is "$(python3 -c 'import csv
rows = list(csv.DictReader(open("out", newline="", encoding="utf-8")))
print(len(rows), repr(rows[0]["document"]), repr(rows[0]["mention"]))')" \
        "3 'a,\"b\"' 'two\\nlines'" 'csv: as Python reads it'
else
    skip 'csv: as Python reads it' 'no python3'
fi
run blink table --format csv </dev/null
is "$status:$(tr -d '\r' <out):$(cat err)" \
    "0:document,start,end,mention,type,id,title,p,nil_p,unsure,url,source,entity_type:blink: \
no mention of an entity to show" 'csv: the head stands without rows, too'
printf 'x\n' | blink table --format csv >out 2>err
is "$?:$(wc -l <out)" '1:1' 'csv: nor with records that fail'

is "$(blink table --tsv <odd.jsonl)" "$(blink table --format tsv <odd.jsonl)" \
    '--tsv is --format tsv'
run blink table --csv --format table <odd.jsonl
is "$status:$(head -n 1 err)" '2:blink: --format and --csv contradict each other' \
    'and not beside another format'
run blink table --csv <<<'{"mention":"M","type":"LOC","entity":{"id":"1","title":"T","type":"ship","p":0.5}}'
is "$(tail -n 1 out | tr -d '\r')" ',,,M,LOC,1,T,0.5,,,,,ship' \
    'csv: the type of the entity beside that of the mention'

# ---- In brief ----
run blink brief <linked.jsonl
is "$status:$(sed -n 1p out)" '0:{"id":"a:0","doc":"a","start":0,"end":5,"mention":"Curie","type":"PER","entity":{"id":"1","title":"Marie Curie","url":"https://x/1","p":0.987654},"nil_p":0.01}' \
    'brief: what tells the answer, as it was written'
is "$(sed -n 3p out)" '{"id":"b:0","doc":"b","start":1,"end":3,"mention":"Paris","entity":{"id":"2","title":"Paris","p":0.21},"nil_p":0.3,"unsure":true}' \
    'brief: what is unsure stays so'
blink table <linked.jsonl | sed "s|(or.*)||" | tr -s " " >shown
blink brief <linked.jsonl | blink table | tr -s ' ' >again
is "$(cat again)" "$(cat shown)" 'brief: read as the whole records are'
run blink brief --copy context_right --copy doc --copy none <linked.jsonl
is "$(jq -c '[.context_right, .doc]' out | head -n 1)" '[" went","a"]' \
    'brief: --copy'
error='{"mention":"x","error":{"by":"o","code":"x","message":"m"}}'
run blink brief <<<"$error"
is "$status:$(cat out)" "1:$error" 'brief: a record with an error'

# ---- Documents ----
mark() { echo "${1%\}},\"error\":{\"by\":\"blink-ner\",\"code\":\"end\",\"message\":\"\"}}"; }
{
    head -n 2 linked.jsonl
    mark '{"id":"a","n":"1.50","text":"Curie went"}'
    mark '{"id":"empty","text":""}'
    tail -n 2 linked.jsonl
    mark '{"id":"b","text":"x"}'
} >marked.jsonl
run blink documents <marked.jsonl
is "$status:$(cat err)" '0:' 'documents: exit status'
is "$(jq -c '[.id, .n, .text, [.links[].mention]]' out)" \
    '["a","1.50","Curie went",["Curie","Foo"]]
["empty",null,"",[]]
["b",null,"x",["Paris","UN body"]]' 'documents: a line each, with its links'
is "$(sed -n 2p out)" '{"id":"empty","text":"","links":[]}' \
    'documents: one without names, too'
is "$(jq -c '.links[0]' out | head -n 1)" '{"start":0,"end":5,"mention":"Curie","type":"PER","entity":{"id":"1","title":"Marie Curie","url":"https://x/1","p":0.987654},"nil_p":0.01}' \
    'documents: a link is a record in brief'
run blink documents --brief --copy n --copy links <marked.jsonl
is "$(jq -c 'del(.links)' out | head -n 1)" '{"id":"a","n":"1.50"}' \
    'documents: --brief leaves the text out'
run blink documents <linked.jsonl
is "$status:$(jq -c '[.id, (.links | length)]' out | tr '\n' ' ')" \
    '0:["a",2] ["b",2] ' 'documents: without marks, what has one doc'
{
    echo '{"id":"a:0","doc":"a","mention":"x","error":{"by":"o","code":"bad-vector","message":"m"}}'
    mark '{"id":"a","text":"x"}'
    echo '{"id":"c","txt":1,"error":{"by":"o","code":"bad-field","message":"m"}}'
} >failed.jsonl
run blink documents <failed.jsonl
is "$status:$(jq -c '[.id, .error.code, .links[0].error.code]' out)" \
    '1:["a",null,"bad-vector"]
["c","bad-field",null]' 'documents: what failed is not lost'
printf 'x\n{"a":1}\n{"doc":"a","mention":"y","mention":"z"}\n' >bad.jsonl
run blink documents <bad.jsonl
is "$status:$(cat out):$(wc -l <err)" '1::3' 'documents: what is no record'

# A document is printed when its mark comes, not when the next one starts.
mkfifo in out.fifo
blink documents <in >out.fifo &
exec 5>in 6<out.fifo
late=''
for _ in 1 2 3; do
    sed -n 1,3p marked.jsonl >&5
    IFS= read -r -t 30 -u 6 _ || late=yes
done
exec 5>&- 6<&-
wait
is "$late" '' 'documents: each is printed at once'

# ---- Marks pass every stage, and are no failures ----
mark '{"id":"a","text":"Curie went"}' >end.jsonl
for stage in 'score' 'embed' 'view'; do
    [ -x "$top_builddir/bin/blink-$stage" ] || continue
    cmd=("blink-$stage")
    [ $stage != embed ] || cmd+=(-m "$fixtures/golden/m2-bi")
    run "${cmd[@]}" --errors stop <end.jsonl
    [ $stage != view ] || cp end.jsonl out
    is "$status:$(cat out err)" "0:$(cat end.jsonl)" "blink-$stage: a mark passes"
done

# ---- Memory, and readers that leave ----
if [ -z "${sanitizers:-}${BLINK_VALGRIND:-}" ]; then
    # documents N: N documents of three links.
    many() {
        awk -v n="$1" -v mark="$(cat end.jsonl)" '{
            for (i = 1; i <= n; i++) {
                for (j = 0; j < 3; j++) print
                m = mark
                sub(/"a"/, "\"" i "\"", m)
                print m
            }
            exit }' linked.jsonl
    }
    for cmd in 'documents' 'brief' 'table -k 3' 'table --format csv'; do
        for n in 1000 10000; do
            # shellcheck disable=SC2086
            many $n | "$top_builddir/tests/maxrss" blink $cmd 3>rss >/dev/null
            eval "rss$n=$(cat rss)"
        done
        # shellcheck disable=SC2154
        ok "$cmd: 1000 documents $rss1000 KiB, 10,000 $rss10000 KiB" \
            test "$rss10000" -lt $((rss1000 + rss1000 / 20 + 2048))
    done
fi
for cmd in 'documents' 'brief' 'table' 'table --format csv'; do
    # shellcheck disable=SC2086
    (while cat marked.jsonl; do :; done) 2>/dev/null | blink $cmd 2>err |
        head -n 1 >out
    states=("${PIPESTATUS[@]}")
    is "${states[1]}:$(cat err)" '141:' "$cmd: the reader leaves"
    # shellcheck disable=SC2086
    blink $cmd <linked.jsonl >/dev/full 2>err
    is "$?" 4 "$cmd: the disk is full"
done

# ---- Options ----
mkdir -p "$T/data/models/default" "$T/data/catalogues" "$T/data/indexes"
touch "$T/data/catalogues/default.kb" "$T/data/indexes/default.blx" text.txt
export BLINK_DATA=$T/data
last() { run blink link --show "$@" && tail -n 1 out; }
for format in csv tsv; do
    is "$(last --format $format text.txt)" "    blink table --format $format" \
        "link: --format $format"
    is "$(last --$format text.txt)" "    blink table --format $format" \
        "link: --$format is short for it"
done
like "$(last --format jsonl text.txt)" 'blink-score' 'link: --format jsonl'
like "$(last --format table -k 3 text.txt)" 'blink table -k 3' \
    'link: -k with a table'
is "$(last --table -k 10 text.txt)" '    blink table -k 10' \
    'link: -k with its default, but given'
is "$(last --table text.txt)" '    blink table' 'link: -k not given'
if [ -x "$top_builddir/bin/blink-kb" ]; then
    for url in '' ',"url":"https://x/a"'; do
        rm "$T/data/catalogues/default.kb"
        { echo '{"id":"1","title":"A"}'; echo "{\"id\":\"2\",\"title\":\"B\"$url}"; } |
            blink-kb build -q -o "$T/data/catalogues/default.kb"
        last --table text.txt
    done >tables
    is "$(cat tables)" '    blink table --no-url
    blink table' 'link: addresses where the catalogue has some'
fi
is "$(last --brief --copy a --input documents text.txt)" '    blink brief --copy a' 'link: --brief'
like "$(cat out)" 'blink-ner [^|]*--copy a \|' 'link: blink-ner copies'
is "$(last --by-document --input documents text.txt)" '    blink documents' \
    'link: --by-document'
like "$(cat out)" 'blink-ner [^|]*--mark-ends \|' 'link: blink-ner marks ends'
is "$(last --by-document --brief --copy a --input documents text.txt)" \
    '    blink documents --brief --copy a' 'link: both'
for words in '--csv --json' '--format csv --table' '--brief --csv' \
    '--by-document --table' '--by-document --input mentions' \
    '-i --brief' '-i --csv' '--copy text --copy text' '--copy lang' \
    '--input documents --copy id' '--input documents --copy error'; do
    # shellcheck disable=SC2086
    run blink link --show $words
    is "$status:$(wc -l <err):$(tail -n 1 err)" \
        "2:2:try 'blink link --help'" "link $words: refused"
done
finish
