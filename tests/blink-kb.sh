#!/bin/bash
# SPDX-License-Identifier: MIT
# The catalogue program: every command, and what must not break it.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit
cp "$fixtures/mini.jsonl" mini.jsonl
leftovers() { find . -name '.*.tmp' | wc -l; }

# ---- build, cat, info ----
run blink-kb build -o k.kb mini.jsonl
is "$status" 0 'build'
is "$(cat out err)" '' 'and says nothing'
run blink-kb cat -c k.kb
is "$(jq -cS . out)" "$(jq -cS . mini.jsonl)" \
    'cat gives every field, count, tab, quote and line break back'
blink-kb cat -c k.kb | SOURCE_DATE_EPOCH=1 blink-kb build -o a.kb
SOURCE_DATE_EPOCH=1 blink-kb build -o b.kb mini.jsonl
ok 'building from cat gives the same bytes' cmp -s a.kb b.kb
run blink-kb info --json -c k.kb
is "$(jq -c '[.count, .format, .fts]' out)" '[42,1,true]' 'info --json'
is "$(jq -r .fingerprint out)" \
    "$(jq -j '.id + "\u0000"' mini.jsonl | sha256sum | cut -d' ' -f1)" \
    'the fingerprint is the sha256 of the ids'
blink-kb build -o n.kb --attribution 'by hand' --source 'here' \
    --licence 'CC0' mini.jsonl
run blink-kb info -c n.kb
is "$(sed -n '/^source/,$p' out)" 'source       here
licence      CC0
attribution  by hand' 'info prints the notes'
head -20 mini.jsonl >one.jsonl
tail -n +21 mini.jsonl >two.jsonl
blink-kb build -o p.kb one.jsonl - <two.jsonl
is "$(blink-kb cat -c p.kb)" "$(blink-kb cat -c k.kb)" \
    'several files, one of them standard input, are read in order'

# ---- get and search ----
run blink-kb get -c k.kb t:Nothing_known q/2
is "$(cat out)" '{"id":"t:Nothing_known","title":"Nothing Known of This","text":""}
{"id":"q/2","title":"Left\tRight","text":"A made-up play; its title has a tab in the middle.","type":"MISC"}' \
    'get: an empty text, a tab'
run blink-kb get -c k.kb 1 99 2
is "$status" 1 'get: an unknown id gives 1'
is "$(cat err)" "blink-kb: no entity '99' in 'k.kb'" 'and is named'
is "$(jq -r .title out)" $'France\nParis' 'and the others are printed'
run blink-kb search -c k.kb -k 2 capital of france
is "$(jq -r .title out)" $'France\nParis' 'search: all words first'
is "$(jq -s 'map(.score > 0) | all' out)" true 'with scores'
for text in '"' "'; DROP TABLE entity;--" 'title: NEAR(a b)' 'a AND' '^*()' \
    '-' '😀' '東京' ''; do
    run blink-kb search -c k.kb "x$text"
    is "$status$(cat err)" 0 "search: '$text' is text, not syntax"
done
run blink-kb search -c k.kb -k 4 paris
is "$(jq -r '[.title, .score > 100] | @tsv' out)" "Paris	true
Paris (mythology)	true
Paris, Texas	true
$(sed -n 4p out | jq -r '[.title, .score > 100] | @tsv')" \
    'search: entities of that name first, by how often it means them'
printf '{"id":"%s","title":"%s","text":"New York, New York."}\n' \
    1 'New York City Subway' 2 'New York City' 3 'The New York Times' \
    4 'New York Stock Exchange' >ny.jsonl
blink-kb build -q -o ny.kb ny.jsonl
is "$(blink-kb search -c ny.kb -k 2 'new york' | jq -r .title)" \
    $'New York City\nNew York City Subway' \
    'search: then titles that have little else'
run blink-kb search -c k.kb 東京
is "$(jq -r .id out)" 28 'search in another script'

# ---- BLINK's own file ----
cat >blink.jsonl <<'X'
{"text": " Noums\u00e9 was a dispute.", "idx": "https://en.wikipedia.org/wiki?curid=553", "title": "Noums\u00e9", "entity": "Noums\u00e9"}
{"text": "free", "idx": "own-7", "entity": "Only Entity"}
X
blink-kb build -o blink.kb blink.jsonl
is "$(blink-kb cat -c blink.kb)" '{"id":"553","title":"Noumsé","text":" Noumsé was a dispute.","url":"https://en.wikipedia.org/wiki?curid=553"}
{"id":"own-7","title":"Only Entity","text":"free"}' \
    "BLINK's entity.jsonl is read as it is"

# ---- Bad input ----
cp k.kb before.kb
# bad NAME LINE MESSAGE: line 3 of the input; the old catalogue stays.
bad() {
    printf '%s\n\n%s\n%s\n' '{"id":"a","title":"A"}' "$2" \
        '{"id":"b","title":"B"}' >bad.jsonl
    run blink-kb build -o k.kb bad.jsonl
    is "$status" 3 "$1: exit 3"
    is "$(cat err)" "blink-kb: bad.jsonl:3: $3" "$1: says where and what"
    run blink-kb build --errors drop -o d.kb bad.jsonl
    is "$status" 1 "$1: --errors drop gives 1"
    is "$(blink-kb cat -c d.kb | jq -r .id | tr '\n' ' ')" 'a b ' \
        "$1: and keeps the others"
}
bad 'no id' '{"title":"x"}' "field 'id': expected string or integer, found nothing"
bad 'empty id' '{"id":"","title":"x"}' "field 'id': empty"
bad 'two ids' '{"id":"c","id":"d","title":"x"}' "field 'id' is given twice"
bad 'an id that is a list' '{"id":[],"title":"x"}' \
    "field 'id': expected string or integer, found array"
bad 'a page that is a list' '{"idx":[],"title":"x"}' \
    "field 'idx': expected string or integer, found array"
bad 'a title that is a number' '{"id":"c","title":7}' \
    "field 'title': expected string, found number"
bad 'an empty title' '{"id":"c","title":""}' "field 'title': empty"
bad 'aliases that are no list' '{"id":"c","title":"x","aliases":"a"}' \
    "field 'aliases': expected array, found string"
bad 'an alias without a name' '{"id":"c","title":"x","aliases":[{"count":1}]}' \
    "field 'aliases': entry 1: 'name': expected string, found nothing"
bad 'an alias with two names' \
    '{"id":"c","title":"x","aliases":["b",{"name":"a","name":"b"}]}' \
    "field 'aliases': entry 2: field 'name' is given twice"
bad 'no title' '{"id":"c"}' "field 'title': expected string, found nothing"
bad 'wrong text' '{"id":"c","title":"x","text":7}' \
    "field 'text': expected string, found number"
bad 'wrong alias' '{"id":"c","title":"x","aliases":["a",1]}' \
    "field 'aliases': entry 2: expected string or object, found number"
bad 'negative count' \
    '{"id":"c","title":"x","aliases":[{"name":"a","count":-1}]}' \
    "field 'aliases': entry 1: 'count': expected 0 to 1099511627776, found -1"
ok 'the old catalogue is as it was' cmp -s k.kb before.kb
is "$(leftovers)" 0 'no temporary file is left'
printf '{"id":"a","title":"A"}\n\n{"id":"b","title":"B"}\n{"id":"a","title":"C"}\n{"id":"a","title":"D"}\n' >dup.jsonl
run blink-kb build --errors drop -o k.kb dup.jsonl
is "$status" 3 'an id given twice: exit 3'
is "$(cat err)" "blink-kb: dup.jsonl:4: the id 'a' was given before, at dup.jsonl:1" \
    'and both lines are named'
run blink-kb build -o k.kb missing.jsonl
is "$status$(cat err)" "3blink-kb: cannot open 'missing.jsonl': No such file or directory" \
    'a missing input'
run blink-kb build -o no/dir/k.kb mini.jsonl
is "$status" 4 'a folder that is not there'
run blink-kb build mini.jsonl
is "$status" 2 'build without -o'
ok 'the old catalogue is still as it was' cmp -s k.kb before.kb
is "$(leftovers)" 0 'still no temporary file is left'

# ---- Empty catalogue ----
run blink-kb build -o empty.kb /dev/null
is "$status" 0 'an empty catalogue can be built'
is "$(blink-kb info --json -c empty.kb | jq .count)" 0 'it has 0 entities'
is "$(blink-kb cat -c empty.kb; blink-kb search -c empty.kb x)" '' \
    'nothing in it'
ok 'it is intact' blink-kb verify -c empty.kb

# ---- add ----
cp k.kb add.kb
ln -s add.kb link.kb
echo '{"id":"n1","title":"New One","aliases":["Newt"]}' |
    blink-kb add -c link.kb
is "$(blink-kb get -c add.kb n1)" \
    '{"id":"n1","title":"New One","text":"","aliases":["Newt"]}' 'add'
ok 'a link stays a link' test -L link.kb
ok 'and the catalogue is intact' blink-kb verify -c add.kb
cp add.kb before.kb
printf '{"id":"n2","title":"x"}\n{"id":"n1","title":"y"}\n' >more.jsonl
run blink-kb add -c add.kb more.jsonl
is "$status" 3 'add: an id that is there gives 3'
like "$(cat err)" "^blink-kb: more.jsonl:2: the id 'n1' is in '.*add.kb' already, at row 42$" \
    'and is named'
ok 'and nothing was added' cmp -s add.kb before.kb
run blink-kb add --replace -c add.kb more.jsonl
is "$status" 0 'add --replace'
is "$(blink-kb cat -c add.kb | tail -2)" '{"id":"n1","title":"y","text":""}
{"id":"n2","title":"x","text":""}' 'keeps the row of the replaced one'
is "$(blink-kb search -c add.kb newt)" '' 'its old words are gone'
ok 'and the catalogue is intact again' blink-kb verify -c add.kb
for i in 1 2 3 4; do
    echo "{\"id\":\"c$i\",\"title\":\"C $i\"}" | blink-kb add -c add.kb &
done
wait
is "$(blink-kb info --json -c add.kb | jq .count)" 48 \
    'adding at the same time loses nothing'

# ---- the full-text table of a build that is not small ----
awk 'BEGIN { for (i = 0; i < 8000; i++) {
    printf "{\"id\":\"%d\",\"title\":\"T%d\",\"text\":\"", i, i
    for (j = 0; j < 80; j++) printf "w%d ", (i * 31 + j * j * 7) % 9973
    print "\"}" } }' >big.jsonl
blink-kb build -o big.kb big.jsonl
is "$(blink-kb search -c big.kb t7999 | jq -r .id)" 7999 \
    'search finds the last of 8,000'
if command -v sqlite3 >/dev/null; then
    run sqlite3 big.kb \
        "INSERT INTO fts(fts, rank) VALUES('integrity-check', 1)"
    is "$status$(cat err)" 0 'the full-text table says what the rows say'
    is "$(sqlite3 big.kb "SELECT v FROM fts_config WHERE k = 'automerge'")" \
        4 'what is added later is merged as FTS5 merges by itself'
else
    skip 'the full-text table' 'no sqlite3'
fi

# ---- no full text ----
blink-kb build --no-fts -o nofts.kb mini.jsonl
run blink-kb search -c nofts.kb x
is "$status$(cat err)" "3blink-kb: 'nofts.kb' has no full text: it was built with --no-fts" \
    'search without full text'
is "$(blink-kb cat -c nofts.kb)" "$(blink-kb cat -c k.kb)" \
    'the rest is the same'

# ---- Damaged files ----
# damaged NAME MESSAGE: x.kb is refused by info and add, with one sentence.
damaged() {
    run blink-kb info -c ./x.kb
    is "$status" 3 "$1: exit 3"
    like "$(cat err)" "^blink-kb: $2$" "$1: one sentence"
    run blink-kb add -c ./x.kb mini.jsonl
    is "$status" 3 "$1: add refuses it too"
}
: >x.kb
damaged 'an empty file' "'./x.kb' is not a catalogue: it does not start like an SQLite file"
head -c 7 k.kb >x.kb
damaged 'seven bytes' "'./x.kb' is not a catalogue: .*"
cp mini.jsonl x.kb
damaged 'JSONL' "'./x.kb' is JSON, not a catalogue; blink-kb build makes a catalogue from it"
size=$(stat -c %s k.kb)
head -c $((size - 4096)) k.kb >x.kb
damaged 'cut short' "'./x.kb' is cut short: its header says $size bytes, the file has $((size - 4096))"
cp k.kb x.kb
printf '\x02' | dd of=x.kb bs=1 seek=63 conv=notrunc status=none
damaged 'another format' "'./x.kb' has catalogue format 2, this program reads format 1"
cp k.kb x.kb
printf 'XXXX' | dd of=x.kb bs=1 seek=68 conv=notrunc status=none
damaged 'another SQLite file' "'./x.kb' is an SQLite file, but not a catalogue of blink-kb"
rm x.kb
mkdir x.kb
damaged 'a folder' "'./x.kb' is a directory, not a catalogue"
rmdir x.kb
failed_cuts=''
for cut in $(seq 1 63); do
    head -c $((size * cut / 64)) k.kb >x.kb
    status=0
    blink-kb cat -c x.kb >out 2>err || status=$?
    [ "$status" = 3 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] ||
        failed_cuts+=" $cut/64"
done
is "$failed_cuts" '' 'cut at each of 63 points: 3, one line, no output'
crashed=''
for at in $(seq 100 997 "$size"); do
    cp k.kb x.kb
    printf '\xff\x00\xff' | dd of=x.kb bs=1 seek="$at" conv=notrunc status=none
    for command in verify cat 'search france' 'get 1'; do
        status=0
        # shellcheck disable=SC2086
        timeout 20 blink-kb ${command%% *} -c x.kb ${command#"${command%% *}"} \
            >out 2>err || status=$?
        case $status in 0|1|3|4) ;; *) crashed+=" $at:$command:$status" ;; esac
        jq . out >jq.out 2>&1 || crashed+=" $at:$command:json"
    done
done
is "$crashed" '' 'changed bytes: no crash, and what is printed is JSON'
cp k.kb x.kb
at=$(grep -abo 'Springfield is an invented' x.kb | head -1 | cut -d: -f1)
printf '\xc3\x28' | dd of=x.kb bs=1 seek="$at" conv=notrunc status=none
ok 'a text that is not UTF-8 any more comes out as JSON' \
    bash -c 'blink-kb get -c x.kb q/5 | jq -e .text >jq.out'

# ---- Counted names ----
cat >names.tsv <<'X'
# a note
81	Canadian	t:Canada	Canada
12	Canada	t:Canada	Canada
3	Kanada	t:Canada	Canada
9	Paris	22989	Paris
7	City of Light	22989	Paris
2	York	t:New_York	New York
X
cat >pages.jsonl <<'X'
{"id":"t:Canada","title":"Canada","aliases":["Canadian","CA"]}
{"id":"mine","title":"Canada"}
{"id":"22989","title":"Lutetia"}
{"id":"Paris","title":"Paris"}
{"id":"New_York","title":"New York"}
{"id":"77","title":"New York","url":"https://en.wikipedia.org/wiki?curid=77"}
{"id":"78","title":"New York","url":"https://en.wikipedia.org/wiki?curid=77"}
{"id":"79","title":"Paris","url":"https://en.wikipedia.org/wiki?curid=79"}
{"id":"22989 ","title":"Paris"}
X
run blink-kb build -o c.kb --names names.tsv pages.jsonl
is "$status$(cat err)" 0 '--names'
blink-kb cat -c c.kb | jq -c '[.id] + .aliases' >got
is "$(cat got)" '["t:Canada",{"name":"Canadian","count":81},"CA",{"name":"Canada","count":12},{"name":"Kanada","count":3}]
["mine"]
["22989"]
["Paris",{"name":"Paris","count":9},{"name":"City of Light","count":7}]
["New_York",{"name":"York","count":2}]
["77",{"name":"York","count":2}]
["78"]
["79"]
["22989 "]' 'names go to the same pages, and to no others'
is "$(sqlite3 c.kb 'SELECT weight FROM alias WHERE row = 0 AND weight > 0
    ORDER BY name' 2>&1 | tr '\n' ' ')" '1 17 81 3 ' \
    'a title weighs 5 more than its count'
blink-kb cat -c c.kb | SOURCE_DATE_EPOCH=1 blink-kb build -o d.kb \
    --names names.tsv
SOURCE_DATE_EPOCH=1 blink-kb build -o e.kb --names names.tsv pages.jsonl
ok 'what has counts keeps them: cat makes the same bytes' cmp -s d.kb e.kb
is "$(blink-kb info --json -c c.kb | jq -r .fingerprint)" \
    "$(blink-kb build --names none -o d.kb pages.jsonl
        blink-kb info --json -c d.kb | jq -r .fingerprint)" \
    'an index serves with names and without'
is "$(blink-kb cat -c d.kb | grep -c count)" 0 '--names none'
echo '{"id":"t:Canada","title":"Canada"}' | blink-kb add -c d.kb --replace \
    --names names.tsv
is "$(blink-kb get -c d.kb t:Canada | jq '.aliases | length')" 3 \
    'added entities get names too'
BLINK_DATA=$T/none run blink-kb build -o d.kb pages.jsonl
is "$status$(blink-kb get -c d.kb t:Canada | jq -c '[.aliases[]
    | select(.name? == "Canadian") | .count > 9]')" '0[true]' \
    'blink has names of its own'
mkdir -p data/names
cp names.tsv data/names/own.tsv
BLINK_DATA=$T/data run blink-kb build -o d.kb --names own pages.jsonl
is "$status$(blink-kb get -c d.kb t:Canada | jq '.aliases | length')" 04 \
    'a name in the data folder'
for bad in '0	a	b	c' '1	a	b' '1	a	b	c	d' '1		b	c' 'x	a	b	c' \
    '1.5	a	b	c' "1	$(printf 'a\xff')	b	c"; do
    printf '# x\n%s\n' "$bad" >bad.tsv
    run blink-kb build -o d.kb --names ./bad.tsv pages.jsonl
    like "$status$(cat err)" '^3blink-kb: ./bad.tsv:2: ' "names: '$bad'"
done
run blink-kb build -o d.kb --names nowhere pages.jsonl
like "$status$(cat err)" "^3blink-kb: no file of names 'nowhere' here or in " \
    'names that are not there'
run blink-kb build -o d.kb --names names.tsv --wikipedia /dev/null
is "$status|$(head -n 1 err)" "2|blink-kb: option '--names': a dump has \
counts of its own" 'no names for a dump'

# ---- Surroundings ----
odd=$'a b\n-?#%41.kb'
blink-kb build -o "$odd" mini.jsonl
is "$(blink-kb cat -c "./$odd" | wc -l)" 42 'a file name of odd characters'
is "$(LC_ALL=de_DE.UTF-8 blink-kb search -c k.kb -k 1 france)" \
    "$(LC_ALL=C blink-kb search -c k.kb -k 1 france)" 'no locale matters'
run bash -c 'blink-kb cat -c k.kb >/dev/full'
is "$status" 4 'a full disk gives 4'
for i in $(seq 3000); do echo "{\"id\":$i,\"title\":\"T $i\"}"; done |
    blink-kb build -o big.kb
run bash -c 'set -o pipefail; blink-kb cat -c big.kb | head -1'
is "$status$(cat err)" 141 'a reader that goes away ends it quietly'
chmod 0 big.kb
if [ -r big.kb ]; then
    skip 'a file that may not be read' 'running as root'
else
    run blink-kb info -c big.kb
    is "$status" 3 'a file that may not be read'
fi
finish
