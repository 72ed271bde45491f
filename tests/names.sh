#!/bin/bash
# SPDX-License-Identifier: MIT
# Files of names: made and read by blink-kb; redirects as aliases and pages
# known by name, for the catalogues of that wiki and for no others.
. "${top_srcdir:?}/tests/lib.sh"
cd "$T" || exit
export BLINK_DATA=$T/data
mkdir -p data/names

# other_byte FILE OFFSET
other_byte() { printf '\377' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>log; }

# ---- blink-kb names ----
printf '%s\n' $'city_of_light\tparis' paris $'old_lutetia\tparis' \
    washington_post $'washington_post\tthe_washington_post' \
    jean-claude_juncker macron 'seine_river' >names.tsv
run blink-kb names -o data/names/enwiki.names --site enwiki \
    --attribution 'its authors' --licence 'CC BY-SA' --source here names.tsv
is "$status:$(cat out err)" 0: 'a file of names is made'
run blink-kb names -v -o again.names --site enwiki <names.tsv
is "$status:$(cat err)" '0:blink-kb: 0 lines dropped' \
    'from standard input too'
run blink-kb get -c data/names/enwiki.names 'Washington Post' \
    'Jean Claude Juncker' 'City of Light'
is "$status:$(cat out)" '0:{"name":"Washington Post","title":"the washington post","redirect":true}
{"name":"Jean Claude Juncker","title":"jean-claude juncker","redirect":false}
{"name":"City of Light","title":"paris","redirect":true}' \
    'what names lead to'
run blink-kb get -c data/names/enwiki.names Nowhere
is "$status:$(cat out err)" "1:blink-kb: no name 'Nowhere' in \
'data/names/enwiki.names'" 'a name that is not there'
run blink-kb info -c data/names/enwiki.names
is "$(grep -E '^(names|redirects|site|attribution|licence|source) ' out |
    tr -s ' ')" 'names 8
redirects 3
site enwiki
source here
licence CC BY-SA
attribution its authors' 'what the file says of itself'
run blink-kb info --json -c data/names/enwiki.names
is "$(jq -c '[.count, .redirects, .site, .licence]' out)" \
    '[8,3,"enwiki","CC BY-SA"]' 'the same as JSON'
run blink-kb verify -v -c data/names/enwiki.names
is "$status:$(cat err)" "0:blink-kb: 'data/names/enwiki.names' is intact: 8 \
names" 'it is intact'
cp data/names/enwiki.names bad.names
other_byte bad.names 4100
run blink-kb verify -c bad.names
is "$status:$(cat err)" "3:blink-kb: 'bad.names': wrong checksum: it is \
damaged" 'another byte is found'
for bad in $'a\tb\tc' $'\tb' $'a\t' $'\377'; do
    run blink-kb names -o bad.names <<<"$bad"
    like "$status:$(cat err)" '^3:blink-kb: stdin:1: (expected|not UTF-8)' \
        'a line that is none'
done
ok 'leaves the file as it was' test "$(head -c 4 bad.names | tail -c 3)" = BLN
run blink-kb names -o x.names --site 'a/b' <names.tsv
is "$status" 2 'a site that is none'

# ---- A catalogue of that wiki, and another ----
printf '%s\n' \
    '{"id":"1","title":"Paris","text":"A city."}' \
    '{"id":"2","title":"France","text":"A country."}' >entities
blink-kb build -q --names none --site enwiki -o wiki.kb entities
blink-kb build -q --names none -o own.kb entities
is "$(blink-kb info -c ./wiki.kb | grep '^site' | tr -s ' ')" 'site enwiki' \
    'the catalogue says whose pages its entities are'
is "$(blink-kb info -c ./wiki.kb | grep '^names' | tr -s ' ')" "names \
$T/data/names/enwiki.names
names by its authors
names under CC BY-SA" 'and info says whose names are used with it'
is "$(blink-kb info --json -c ./wiki.kb | jq -r .names)" \
    "$T/data/names/enwiki.names" 'as JSON does'
run blink-kb build --site .. -o x.kb entities
is "$status" 2 'or cannot'
vectors='{"id":"1","embedding":{"model":"m","dim":2,"values":[0,1]}}
{"id":"2","embedding":{"model":"m","dim":2,"values":[1,0]}}'
for kb in wiki own; do
    blink-index build -q -c "./$kb.kb" -o "$kb.blx" <<<"$vectors"
done
mentions() {
    jq -c -n --args '$ARGS.positional[] | {doc: "d", start: 0, end: 1,
        mention: ., embedding: {model: "m", dim: 2, values: [1, 0]}}' "$@"
}
# retrieve KB OPTION...
retrieve() {
    local kb=$1
    shift
    run blink-retrieve -x "./$kb.blx" -c "./$kb.kb" -k 1 --aliases "$@"
}
mentions 'Old Lutetia' 'Washington Post' 'Jean Claude Juncker' Macron \
    'WASHINGTON POST' 'Nothing Such' >in
retrieve wiki <in
is "$(jq -c 'select(.mention == "Old Lutetia")
    | [.candidates[] | [.title, .prior]]' out)" '[["France",null],["Paris",1]]' \
    'a redirect is an alias of the page it leads to'
is "$(jq -r '.named | if . then "\(.title) \(.url) \(.redirect)" else "-" end' \
    out)" 'Paris https://en.wikipedia.org/wiki/Special:Search/Paris true
The Washington Post https://en.wikipedia.org/wiki/Special:Search/The_Washington_Post true
Jean-Claude Juncker https://en.wikipedia.org/wiki/Jean-Claude_Juncker false
Macron https://en.wikipedia.org/wiki/Macron false
The Washington Post https://en.wikipedia.org/wiki/Special:Search/The_Washington_Post true
-' 'pages are told with their addresses'
cp out wiki.out
printf '%s\n' '{"id":"1","title":"Macron","text":"A letter."}' \
    '{"id":"2","title":"Rest","text":"A rest."}' >letters
blink-kb build -q --names none -o letters.kb letters
blink-index build -q -c ./letters.kb -o letters.blx <<<"$vectors"
run blink-retrieve -x ./letters.blx -c ./letters.kb -x ./wiki.blx \
    -c ./wiki.kb -k 1 --aliases <in
is "$(jq -c 'select(.mention == "Macron" or .mention == "Washington Post")
    | [.candidates[0].id, .catalogue_size, .named.title]' out)" \
    '["letters:2",4,"The Washington Post"]
["letters:2",2,null]' "a name of one's own is no page by name"
retrieve wiki --no-names <in
is "$(jq -c 'select(.named) , .candidates[1:][]' out)" '' \
    '--no-names: as if the file were not there'
cp out plain
retrieve own <in
is "$(cmp out plain 2>&1)" '' 'nor is it for a catalogue of something else'
# doctor KB: what is said of the names when KB is the default catalogue.
doctor() {
    mkdir -p data/catalogues
    cp "$1.kb" data/catalogues/default.kb
    run blink doctor
    grep -E '^[a-zA-Z]+ +names ' out | tr -s ' '
}
is "$(doctor wiki)" "ok names $T/data/names/enwiki.names: 8 names, intact; \
the catalogue may use them" 'doctor: which file of names is used'
is "$(doctor own)" "note names none used: the catalogue does not say whose \
pages its entities are" 'doctor: a catalogue that may not use it'
mv data/names/enwiki.names away
is "$(doctor wiki)" "note names none of 'enwiki', whose pages the catalogue \
has: its redirects and other pages are not known" 'doctor: no file of names'
cp bad.names data/names/enwiki.names
like "$(doctor wiki)" "^BROKEN names .*: it is damaged$" \
    'doctor: a damaged file of names'
rm data/names/enwiki.names
retrieve wiki <in
is "$status:$(cmp out plain 2>&1)" 0: 'a file that is missing is no failure'
cp bad.names data/names/enwiki.names
other_byte data/names/enwiki.names 30
retrieve wiki <in
like "$status:$(cat err)" '^3:blink-retrieve: .*the header is damaged$' \
    'a damaged one is'
blink-kb names -q -o data/names/enwiki.names --site dewiki <names.tsv
retrieve wiki <in
like "$status:$(cat err)" "^3:.* has the names of 'dewiki', not of 'enwiki'" \
    'and one of another wiki'
mv away data/names/enwiki.names

# ---- Pages by name ----
# Nothing is near enough, so that "none" wins.
far() { jq -c '.candidates |= map(.score = -0.9 | .bi_score = -0.9 |
    del(.prior))' wiki.out; }
run blink-score < <(far)
is "$(jq -c '.entity | if . then [.id, .title, .source] else . end' out)" \
    '["n:Paris","Paris","name"]
["n:The Washington Post","The Washington Post","name"]
["n:Jean-Claude Juncker","Jean-Claude Juncker","name"]
null
["n:The Washington Post","The Washington Post","name"]
null' 'names of two words or more are answered with their page'
is "$(jq -s 'all(.[]; .entity | . == null or
    (.p > .5 and .p < 1 and .url != null))' out)" true \
    'with a probability and an address'
cp out scored
run blink-score --no-pages < <(far)
is "$(jq -c .entity out | sort -u)" null '--no-pages: never'
run blink-score < <(far | jq -c 'del(.named)')
is "$(jq -c .entity out | sort -u)" null 'nor without a file of names'
is "$(jq -c '.label_id = "1"' scored | blink-eval --json |
    jq -c '[.n, .answered]')" "$(jq -c '.label_id = "1" | .entity = null' \
    scored | blink-eval --json | jq -c '[.n, .answered]')" \
    'figures take them for none'
run blink table <scored
is "$(sed -n '3p' out | tr -s ' ' | cut -d ' ' -f 1-7)" \
    'Washington Post The Washington Post (by name)' 'a table tells them apart'
run blink-view <<<"$(sed -n 2p scored)"
like "$(cat out)" 'class="m page".*The Washington Post \(by name\)' \
    'and a page'
run blink-score <<<'{"mention":"a b","named":7,"candidates":[]}'
like "$status:$(jq -r .error.message out)" \
    "^1:field 'named': expected object, found number" 'a field that is wrong'
finish
