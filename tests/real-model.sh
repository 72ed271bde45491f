#!/bin/bash
# SPDX-License-Identifier: MIT
# The default encoder and catalogue, as scripts/quickstart sets them up.
. "${top_srcdir:?}/tests/lib.sh"
data=${BLINK_DATA:-}
for folder in "$data" "$top_builddir/data" "$top_srcdir/data"; do
    [ -n "$folder" ] && [ -e "$folder/indexes/default.blx" ] && break
    folder=''
done
[ -n "$folder" ] ||
    skip_all 'no default model here (scripts/quickstart gets it)'
export BLINK_DATA=$folder
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit

# links TEXT: "mention > title" a line.
links() {
    printf '%s\n' "$1" | blink link --json |
        jq -r '"\(.mention) > \(.entity.title // "-")"'
}

run blink doctor
is "$status" 0 'blink doctor finds all in order'
[ "$status" -eq 0 ] || sed 's/^/# /' out

printf 'Marie Curie was born in Warsaw.\n' >text.txt
run blink link --json text.txt
is "$status:$(cat err)" '0:' 'a sentence is linked'
is "$(jq -c '[.mention, .entity.title, .entity.url]' out)" \
    '["Marie Curie","Marie Curie","https://en.wikipedia.org/wiki/Marie_Curie"]
["Warsaw","Warsaw","https://en.wikipedia.org/wiki/Warsaw"]' \
    'to the right articles'
is "$(jq -c 'select(.entity.p <= 0.5 or .entity.p > 1)' out)" '' \
    'with some certainty'
run blink link --table text.txt
is "$(head -n 1 out | tr -s ' ')" 'MENTION LINKED TO P ID URL' 'as a table'
is "$(links 'Einstein left Berlin for the United States.')" \
    'Einstein > Albert Einstein
Berlin > Berlin
United States > United States' 'short names are known'
is "$(links 'let us meet there in may, it said')" '' \
    'common words are no entities'
is "$(links 'The World Health Organization sits in Geneva, Switzerland.')" \
    'World Health Organization > World Health Organization
Geneva > Geneva
Switzerland > Switzerland' 'the longest name counts'

run blink -i <<'TEXT'
Marie Curie was born in Warsaw.
Mozart lived in Vienna.
TEXT
is "$status" 0 'blink -i ends well'
is "$(grep -c '^\[.*\] .* \[.*\]\.$' out)" 2 'blink -i marks the mentions'
is "$(sed -n 's/^\(.* -> .*\)  [01]\.[0-9]*$/\1/p' out)" 'Marie Curie -> Marie Curie
Warsaw -> Warsaw
Mozart -> Wolfgang Amadeus Mozart
Vienna -> Vienna' 'blink -i links them'

run blink-kb info -c default
like "$(cat out)" 'CC BY-SA' 'blink-kb info gives attribution'

# The engines agree.
for engine in reference torch; do
    printf '%s\n' '{"context_left":"","mention":"Warsaw","context_right":" is large."}' |
        blink-embed -m default --engine $engine 2>err >$engine.jsonl ||
        { skip 'the engines agree' "no engine $engine: $(head -n 1 err)"
            finish; }
done
for engine in reference torch; do
    blink-retrieve -x default -c default -k 10 <$engine.jsonl |
        jq -c '[.candidates[].id]' >$engine.ids
done
ok 'the engines agree' cmp -s reference.ids torch.ids
finish
