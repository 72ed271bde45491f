#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/train-data on an invented catalogue, pages, links and sentences.
. "${top_srcdir:?}/tests/lib.sh"
for program in jq zstd awk; do
    command -v "$program" >/dev/null || skip_all "no $program"
done
make=$top_srcdir/scripts/train-data
# shellcheck source-path=SCRIPTDIR source=train-shared.sh
. "$top_srcdir/tests/train-shared.sh"

run "$make" --shared "$T/shared" -o "$T/made" --all links
is "$status" 0 'records are made'
all=$T/all.jsonl
cat "$T/made/train.jsonl" "$T/made/dev.jsonl" >"$all"
# has SOURCE MENTION ID TEXT
has() {
    is "$(jq -r --arg s "$1" --arg m "$2" 'select(.source == $s and
        .mention == $m) | .label_id' "$all" | sort -u)" "$3" "$4"
}
has link Norwick 5 'a link of running text is taken as it is'
has own Quill 1 "on her own page a surname is the page's subject"
has team Norwick 4 'a team goes by the name of its city'
has nation French '6
7' 'an adjective before a government is the country, else a language'
has news Fla. 11 "a state's short form stands behind a town"
has common 'heart attack' 10 'a common noun is found in lower case'
is "$(jq -r 'select(.source == "gum") | .doc' "$all")" gum:a \
    'GUM: only what may be used'
is "$(jq -r 'select(.source == "link") | .negatives | sort | join(" ")' \
    "$all")" '12 3 4' 'others of the same name are the negatives'
is "$(jq -r 'select(.mention == "T. Quill") | .id' "$all")" '' \
    'a sentence of a test set is dropped'
ok 'and counted' grep -q 'alias: 1 of 1 records dropped' "$T/made/log"
is "$(jq -r 'select(.doc | test("wiki:9|Lantern")) | .id' "$all")" '' \
    'so are pages of test sets'
is "$(jq -r 'select(.label_id == "8") | .id' "$all")" '' \
    'a page of several meanings is no label'
is "$(jq -r '[.source, .label] | join(" ")' "$T/made/nil.jsonl")" \
    'nil Nobody' 'links that lead nowhere are kept apart'
is "$(jq -r 'select(.mention == "French" and .label_id == "6")
    | .context_right' "$all")" \
    ' government "at work" and spoke the French language.' \
    'contexts are the text, quotation marks and all'
ok 'names are counted' grep -q "^1	Norwick	5	Norwick, Westland$" \
    "$T/made/names.tsv"
ok 'a title seen once as itself is not' bash -c \
    "! awk -F '\t' '\$1 == 1 && \$2 == \$4' '$T/made/names.tsv' | grep ."
cp -r "$T/made" "$T/first"
run "$make" --shared "$T/shared" -o "$T/made" --all links
rm -f "$T"/{first,made}/log
ok 'the same bytes again' diff -r "$T/first" "$T/made"

columns btc-a It/O rains/O in/O Oslo/B-LOC ./O On/O Sunday/O the/O \
    whole/O of/O the/O old/O town/O slept/O ./O
columns wnut17-dev It/O rains/O in/O Oslo/B-LOC ./O Then/O on/O Sunday/O \
    the/O whole/O of/O the/O old/O town/O sang/O ./O
columns btc-b We/O met/O German/O people/O in/O German/B-LOC East/I-LOC \
    Africa/I-LOC ./O
columns gum-train France/B-LOC is/O large/O and/O very/O green/O ./O \
    Spain/B-LOC is/O rather/O small/O and/O brown/O ./O
run "$make" --shared "$T/shared" -o "$T/made" ner
is "$status" 0 'sentences are made'
cat "$T"/made/ner.*.conll >"$T/ner"
ok 'sentences of GUM that may be used' grep -q '^France' "$T/ner"
not() { ! "$@"; }
ok 'and no others' not grep -q '^Spain' "$T/ner"
ok 'no sentence of a test set' not grep -q '^Oslo' "$T/ner"
ok 'none that shares eight words with one' not grep -q '^slept' "$T/ner"
ok 'test parts are left alone' not grep -q 'music-test' "$T/ner"
is "$(grep -A 4 '^met' "$T/ner" | tr '\n\t' ' /')" \
    'met/O German/B-MISC people/O in/O German/B-LOC ' \
    'what belongs to a country is a name, unless it begins a longer one'
is "$(grep -B 3 '^met' "$T/ner" | head -n 1)" "-DOCSTART-	style=2	O" \
    "a tweet stands alone, by its own rules"
is "$(grep -c '^wikigold' "$T/ner")" 3 'a small set comes three times'
ok 'the rest is there' grep -q '^crossner-music-dev	B-LOC' "$T/ner"

# Invented lives: a place is a club to a player, and a town to be born in.
printf '%s\t%s\t%s\t%s\n' 1 'Norwick City F.C.' soccer 'a club' \
    2 Norwick '' 'a town' 3 'Tara Quill' '' 'Tara Quill (born 1950) is' \
    4 Ostshire '' 'a county' 5 'English people' '' '' \
    6 'Association football' '' '' 7 Denmark '' '' >"$T/born"
run awk -F '\t' -f "$top_srcdir/scripts/train.d/train-lives.awk" kind=d \
    <(printf 'Danish\tDenmark\n') kind=e "$T/born"
is "$(cut -f 4,6 "$T/out" | sort -u | tr '\t' ' ')" 'Danish 7
English 5
Norwick 1
Norwick 2
Ostshire 4
footballer 6' 'what a life names'
is "$(awk -F '\t' '$3 ~ /Born in $/ { print $6 }' "$T/out" | sort -u)" 2 \
    'who is born somewhere is born in a town'

# Invented lines.
printf '2\t%s\n' '{club:ORG} {#3-3} {CLUB:ORG} {#4-4}|2' \
    'UPPER {dem:MISC} {person:PER} left .' >"$T/lines"
printf 'Danish\tDenmark\n' >"$T/dem"
printf 'agency\tAP\tx\nstate\tFla.\tx\n' >"$T/news"
printf '%s\t%s\n' person 'Tara Quill' company Amto city Oslo \
    hockey 'Norwick Herons' >"$T/filled"
news() {
    awk -F '\t' -f "$top_srcdir/scripts/train.d/train-ner-news.awk" kind=l \
        "$T/lines" kind=d "$T/dem" kind=n "$T/news" kind=e "$T/filled"
}
run news
is "$(tr '\n\t' ' /' <"$T/out" | head -c 119)" "-DOCSTART-/O  \
Norwick/B-ORG 3/O NORWICK/B-ORG 4/O  Norwick/B-ORG 3/O NORWICK/B-ORG 4/O  \
-DOCSTART-/O  Norwick/B-ORG 3/O" 'tables of results'
is "$(tail -n 8 "$T/out" | tr '\n\t' ' /')" \
    '-DOCSTART-/O  DANISH/B-MISC TARA/B-PER QUILL/I-PER LEFT/O ./O  ' \
    'headlines in capitals'

run "$make" --shared "$T/none"
is "$status" 3 'no data'
run "$make" --frobnicate
is "$status" 2 'an unknown option'
finish
