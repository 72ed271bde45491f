#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-retrieve --lexical and --hybrid: candidates by words, without a model;
# nothing in a mention is syntax; both kinds in one list.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit

cat >e.jsonl <<'EOF'
{"id":"1","title":"Mercury (planet)","text":"Mercury is the first planet from the Sun, without a moon.","aliases":[{"name":"Mercury","count":40}]}
{"id":"2","title":"Mercury (element)","text":"Mercury is a metal, liquid at room temperature, once used in thermometers.","aliases":[{"name":"quicksilver","count":9}]}
{"id":"3","title":"Freddie Mercury","text":"Singer of the band Queen, born on Zanzibar.","aliases":["Farrokh Bulsara"]}
{"id":"4","title":"Near East","text":"A region. Not to be confused with title or text."}
{"id":"5","title":"Lech Wałęsa","text":"Electrician and president of Poland."}
{"id":"6","title":"Bank of England","text":"The central bank in London."}
EOF
blink-kb build -q -o k.kb e.jsonl
ask() { # MENTION LEFT RIGHT OPTION...
    local record
    record=$(jq -nc --arg m "$1" --arg l "$2" --arg r "$3" \
        '{mention: $m, context_left: $l, context_right: $r}')
    shift 3
    run blink-retrieve --lexical -c ./k.kb "$@" <<<"$record"
}
ids() { jq -r '[.candidates[].id] | join(" ")' out; }

# ---- What is found ----
ask Mercury '' ''
is "$status$(cat err)" 0 'no vector, no index'
is "$(ids)" '1 2 3' 'titles and aliases that have the word'
is "$(jq -c '.candidates[0] | [.score == .lexical_score, .score > 0,
    has("bi_score"), .prior > 0]' out)" '[true,true,false,true]' 'its fields'
is "$(jq .catalogue_size out)" 6 'the size of the catalogue'
ask Mercury 'The thermometers were full of ' ', a liquid metal.'
is "$(jq -r '.candidates[0].id' out)" 2 'the context decides'
ask Mercury 'The thermometers were full of ' ', a liquid metal.' \
    --words mention
is "$(jq -r '.candidates[0].id' out)" 1 'unless it is not asked'
ask Mercury '' '' --words full
is "$(ids)" '1 2 3' \
    "BLINK's query, which boosts what is often linked"
ask 'he' 'Like every ' ' born on Zanzibar' --no-aliases
is "$(ids)" 3 'the context alone, where the mention is in no entity'
ask 'Lech Walesa' '' ''
is "$(jq -r '.candidates[0].id' out)" 5 'a name in another spelling'
ask quicksilver '' '' --no-aliases
is "$(ids)$(jq -c '.candidates[0].prior' out)" 2null 'no priors'
ask Mercury '' '' -k 1 --no-aliases
is "$(ids)" 1 'the best alone'
ask 'Nonsense verse' '' ''
is "$status$(ids)" 0 'nothing is found'
ask '' '' ''
is "$status$(ids)" 0 'a mention without a word'

# ---- Nothing is syntax ----
ask 'near east' '' '' --words mention
cp out plain
while IFS= read -r text; do
    ask "$text" '' '' --words mention --no-aliases
    is "$status$(cat err)$(ids)" 04 "as words: $text"
done <<'EOF'
"near" east
near* ^east
NEAR(near east, 3)
near AND NOT east
title:near {east}
- {title} : "near
near "" east
(near (east
near + east;--
EOF
run blink-retrieve --lexical -c ./k.kb <<<'{"mention":"Near\u0000 East"}'
is "$status$(jq -r .error.code out)" 1bad-string 'NUL fails that record alone'
head -c 1000000 /dev/zero | tr '\0' x >long
{
    printf '{"mention":"Mercury '
    cat long
    printf '","context_left":"'
    sed 's/x/a /g' long
    printf '","context_right":"'
    sed 's/xx/ ("/g; s/"/\\"/g' long
    printf '"}\n'
} >megabytes
run blink-retrieve --lexical -c ./k.kb <megabytes
is "$status$(jq -r '.candidates[0].id' out)" 01 'a mention of megabytes'

# ---- Nothing but the question decides ----
for m in Mercury 'Bank of England' he 'Near East' quicksilver; do
    jq -nc --arg m "$m" '{mention: $m, context_left: "the band, in London",
        context_right: "of liquid metal"}'
done >in
blink-retrieve --lexical -c ./k.kb <in >whole
for batch in 1 2; do
    blink-retrieve --lexical -c ./k.kb --batch $batch <in >out
    ok "the same with batches of $batch" cmp whole out
done
jq -c . in | tac | blink-retrieve --lexical -c ./k.kb | tac >out
ok 'the same in another order' cmp whole out

# ---- Wrong use ----
wrong() { # WHAT OPTION...
    run blink-retrieve -c ./k.kb "${@:2}" <in
    is "$status" 2 "$1"
}
wrong 'an index' --lexical -x ./k.blx
wrong 'both' --lexical --hybrid
wrong 'words without a search by words' --words mention
wrong 'a part' --lexical --part
blink-kb build -q --no-fts -o bare.kb e.jsonl
run blink-retrieve --lexical -c ./bare.kb <in
is "$status" 3 'a catalogue without full text'
ok 'says so' grep -q 'no full text' err
run blink-retrieve --lexical -c ./k.kb <<<'{"text":"x"}'
is "$status$(jq -r .error.code out)" 1bad-field 'a record without a mention'

# ---- Several catalogues ----
blink-kb build -q -o other.kb <<<'{"id":"1","title":"Mercury","text":"A car."}'
run blink-retrieve --lexical --no-aliases -c ./k.kb -c ./other.kb \
    <<<'{"mention":"Mercury"}'
is "$status$(jq -r '[.candidates[].id] | sort | join(" ")' out)" \
    '0k:1 k:2 k:3 other:1' 'two catalogues'

# ---- From text to links without a model ----
blink-ner --dictionary ./k.kb \
    <<<'{"id":"a","text":"Freddie Mercury sang, and the Bank of England paid."}' |
    blink-retrieve --lexical -c ./k.kb | blink-score >out 2>err
is "$(cat err)$(jq -r .entity.id out | paste -sd' ')" '3 6' 'a pipeline'

# ---- With vectors ----
e2e=$fixtures/golden/e2e
blink-kb build -q -o m1.kb "$e2e/m1.entities.jsonl"
blink-index build -c ./m1.kb -o m1.blx <"$e2e/m1.entities.jsonl"
jq -r .title "$e2e/m1.entities.jsonl" | head -n 64 |
    jq -Rc '{mention: ., context_left: "", context_right: ""}' |
    paste -d'\n' "$e2e/m1.mentions.jsonl" - | jq -sc '_nwise(2) | add' >mentions
hybrid() { run blink-retrieve --hybrid -x ./m1.blx -c ./m1.kb "$@"; }
hybrid -k 5 <mentions
is "$status$(cat err)" 0 'hybrid lists'
is "$(jq -s 'map(.candidates | (map(.score) == (map(.score) | sort | reverse))
    and all(.lexical_score >= 0 and (.bi_score | type) == "number"))
    | all' out)" true 'sorted by one score, and have both'
blink-retrieve -x ./m1.blx -c ./m1.kb -k 5 --no-aliases \
    <mentions >dense
is "$(paste -d'\n' out dense | jq -s '[_nwise(2) | (.[1].candidates[0]) as $best
    | .[0].candidates | any(.id == $best.id and .bi_score == $best.bi_score)]
    | all')" true 'the nearest is among them, with its inner product'
hybrid -k 5 --batch 1 <mentions
cp out one
hybrid -k 5 --batch 64 <mentions
ok 'the same bytes whatever the batch' cmp one out
run blink-score <out
is "$status" 0 'blink-score takes them'
is "$(jq -s 'map([.candidates[].p] | add <= 1.000001) | all' out)" true \
    'and gives probabilities'
finish
