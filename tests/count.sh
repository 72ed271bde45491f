#!/bin/bash
# SPDX-License-Identifier: MIT
# blink count: who is named, how often, how and where.
. "$top_srcdir/tests/lib.sh"
[ -x "$top_builddir/bin/blink" ] || skip_all 'blink is not built'
command -v jq >/dev/null || skip_all 'no jq'
export BLINK_DATA=$T/none
cd "$T" || exit

cat >linked.jsonl <<'JSON'
{"doc":"a","mention":"Curie","entity":{"id":"1","title":"Marie Curie","url":"https://x/1","p":0.9}}
{"doc":"a","mention":"FOO Corp","entity":null,"nil_p":0.6}
{"doc":"a","mention":"Marie Curie","entity":{"id":"1","title":"Marie Curie","url":"https://x/1","p":0.9}}
{"doc":"b","mention":"Curie","entity":{"id":"1","title":"Marie Curie","url":"https://x/1","p":0.2},"unsure":true}
{"doc":"b","mention":"Paris","entity":{"id":"2","title":"=Paris","p":0.8}}
{"doc":"c","mention":"Foo Corp","entity":null,"nil_p":0.6}
{"doc":"c","mention":"Foo Corp","entity":null,"nil_p":0.6}
{"doc":"c","mention":"Bar","entity":null,"nil_p":0.6}
JSON
run blink count <linked.jsonl
is "$status:$(cat out err)" '0:COUNT  DOCS  ENTITY       ID  WRITTEN                 IN
    3     2  Marie Curie  1   Curie (2), Marie Curie  a (2), b
    1     1  =Paris       2   Paris                   b
    3     2  -                Foo Corp (2), FOO Corp  a, c (2)
    1     1  -                Bar                     c' \
    'the table: entities by count, then names without one'
run blink count --format jsonl <linked.jsonl
is "$(sed -n 1p out)" '{"entity":{"id":"1","title":"Marie Curie","url":"https://x/1"},"count":3,"unsure":1,"documents":2,"forms":[{"mention":"Curie","count":2},{"mention":"Marie Curie","count":1}],"in":[{"doc":"a","count":2},{"doc":"b","count":1}]}' \
    'a record'
is "$(jq -c '[.entity.id, .count, .forms[0].mention]' out)" '["1",3,"Curie"]
["2",1,"Paris"]
[null,3,"Foo Corp"]
[null,1,"Bar"]' 'records'
run blink count --format csv <linked.jsonl
is "$(tr -d '\r' <out)" 'count,unsure,documents,id,title,url,forms,in
3,1,2,1,Marie Curie,https://x/1,Curie (2); Marie Curie,a (2); b
1,0,1,2,'\''=Paris,,Paris,b
3,0,2,,,,Foo Corp (2); FOO Corp,a; c (2)
1,0,1,,,,Bar,c' 'CSV'
run blink count --format tsv --not-found <linked.jsonl
is "$(cut -f 1,7 out)" $'count\tforms\n3\tFoo Corp (2); FOO Corp\n1\tBar' \
    'TSV, of what was not found'
run blink count --documents 1 <linked.jsonl
is "$(sed -n 2p out | tr -s ' ')" \
    ' 3 2 Marie Curie 1 Curie (2), Marie Curie a (2), and 1 more' \
    '--documents: the number stays right'
jq -c '{doc, mention, entity}' linked.jsonl | blink count --format csv >again
is "$(cut -d, -f 1,4- again)" "$(blink count --format csv <linked.jsonl |
    cut -d, -f 1,4- | sed 's/,1,2,1/,2,1/')" 'of records in brief'
printf '{"doc":"a\\u001b","mention":"x\\u001b[31m\\u009b2J","entity":null}\n' |
    blink count >out
is "$(LC_ALL=C.UTF-8 grep -cP '[\x{1}-\x{9}\x{b}-\x{1f}\x{7f}-\x{9f}]' out)" \
    0 'nothing steers the terminal'
run blink count </dev/null
is "$status:$(cat out err)" '0:blink: no mention of an entity to show' \
    'nothing is said'
run blink count --format csv </dev/null
is "$(wc -l <out)" 1 'CSV has its head, too'
run blink count <<<'Marie Curie left Paris.'
is "$status:$(tail -n 1 err)" "1:blink: no line is a linked record: blink \
link --brief FILE | blink count" 'text: what to type'
run blink count x
is "$status" 2 'an argument'
blink count <linked.jsonl >/dev/full 2>err
is "$?" 4 'the disk is full'

for as in json:jsonl csv:csv tsv:tsv; do
    is "$(blink count --"${as%:*}" <linked.jsonl)" \
        "$(blink count --format "${as#*:}" <linked.jsonl)" "--${as%:*}"
done
run env BLINK_LOADED=/dev/null blink count </dev/null
is "$status:$(cat err)" 0: 'a trial run on nothing tells nothing'

# A hundred forms are told apart; of more only their number is known.
for i in $(seq 1 150); do
    echo "{\"mention\":\"m$i\",\"entity\":{\"id\":\"1\",\"p\":1}}"
done | blink count --format jsonl >out
is "$(jq -c '[.count, (.forms | length), .other_forms]' out)" \
    '[150,100,50]' 'many forms'

# As many entities as the table of them has to grow for, twice.
seq 1 5000 | jq -c '{doc: "\(. % 7)", mention: "m\(.)",
    entity: {id: "\(. % 2500)", title: "t", p: 1}}' | blink count \
    --format jsonl >out
is "$(wc -l <out):$(jq -c .count out | sort -u)" 2500:2 'many entities'

if [ -z "${sanitizers:-}${BLINK_VALGRIND:-}" ]; then
    # records N: of five entities and names in N documents.
    records() {
        awk -v n="$1" '{ line[NR] = $0 }
            END { for (i = 0; i < n; i++) {
                s = line[i % 8 + 1]
                sub(/"doc":"./, "\"doc\":\"d" i, s)
                print s
            } }' linked.jsonl
    }
    for n in 10000 100000; do
        records $n | "$top_builddir/tests/maxrss" blink count 3>rss >/dev/null
        eval "rss$n=$(cat rss)"
    done
    # shellcheck disable=SC2154
    ok "10,000 documents $rss10000 KiB, 100,000 $rss100000 KiB" \
        test "$rss100000" -lt $((rss10000 + rss10000 / 20 + 2048))
fi
finish
