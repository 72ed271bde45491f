#!/bin/bash
# SPDX-License-Identifier: MIT
# The example solr-retrieve: candidates from Solr or OpenSearch, here from a
# small server that speaks their JSON; BLINK's first cross-encoder behind it.
. "$top_srcdir/tests/lib.sh"
for program in curl jq python3; do
    command -v $program >/dev/null || skip_all "no $program"
done
. "$top_srcdir/tests/server.sh" search-server.py port queries
base=$url
retrieve=$top_srcdir/share/doc/examples/solr-retrieve

cat >e.jsonl <<'EOF'
{"id":"1","title":"Mercury (planet)","text":"The first planet from the Sun.","aliases":[{"name":"Mercury","count":900}]}
{"id":"2","title":"Mercury (element)","text":"A metal, liquid at room temperature, used in thermometers.","url":"https://a.b/2","aliases":["quicksilver"]}
{"id":"3","title":"Near East","text":"A region."}
EOF
blink-kb build -q -o k.kb e.jsonl
mention() {
    jq -nc --arg m "$1" --arg l "$2" --arg r "$3" \
        '{id: "a", mention: $m, context_left: $l, context_right: $r}'
}
ids() { jq -r '[.candidates[].id] | join(" ")' out; }

for kind in solr opensearch; do
    options=() url=$base/solr/k
    if [ $kind = opensearch ]; then options=(--opensearch) url=$base/k; fi
    ask() { run "$retrieve" "${options[@]}" "$@" "$url"; }
    blink-kb cat -c k.kb >entities
    run "$retrieve" "${options[@]}" --load "$url" <entities
    is "$status$(cat out err)" 0 "$kind: entities are loaded"
    mention Mercury 'The planet ' '' >in
    ask <in
    is "$status$(cat err)$(ids)" '01 2' "$kind: what is linked often first"
    is "$(jq -c '.candidates[0] | .score > 0 and .score == .lexical_score
        and .title == "Mercury (planet)" and (has("url") | not)' out)" true \
        "$kind: fields of a candidate"
    mention Mercury 'thermometers of room temperature with liquid metal used' \
        'at a metal' >in
    ask -k 1 <in
    is "$(ids)" 2 "$kind: the context decides; one candidate"
    : >queries
    mention Mercury 'a b c' 'd e f' >in
    ask --words 2 <in
    is "$(grep -cE 'b c d e[^ f]' queries)" 1 "$kind: words beside the mention"
    for text in 'near AND "east' 'near* (east) OR title:[' 'near \ east && !'; do
        mention "$text" '"(^~' "\\" >in
        ask <in
        is "$status$(ids)" 03 "$kind: not syntax: $text"
    done
    mention '?!' '' '' >in
    ask <in
    is "$status$(ids)" 0 "$kind: a mention without words"
    echo '{"error":{"code":"x"}}' >in
 ask <in
    is "$status$(cat out)" '0{"error":{"code":"x"}}' "$kind: a failed record"
    blink-ner --dictionary ./k.kb <<<'{"id":"d","text":"It is the Near East."}' |
        "$retrieve" "${options[@]}" "$url" | blink-score >out
    is "$(jq -r .entity.id out)" 3 "$kind: from text to the link"
done

# ---- What is refused ----
run "$retrieve" "$base/nothing/here" <<<'{"mention":"a"}'
is "$status" 4 'a server that refuses'
run "$retrieve" http://127.0.0.1:1/solr/k <<<'{"mention":"a"}'
is "$status" 4 'a server that is not there'
for wrong in --bad '-k x' '' 'a b'; do
    # shellcheck disable=SC2086
    run "$retrieve" $wrong </dev/null
    is "$status" 2 "wrong use: $wrong"
done

# ---- BLINK's first cross-encoder behind it, end to end ----
if [ -z "$golden" ]; then
    skip "the original's answers" 'no golden data'
    finish
fi
old=$golden/rerank_old
blink-convert reranker "$old/reranker" --params "$old/params.json" -o old
jq -c '. as $r | .mention.candidates | to_entries[] | {
    id: "\($r.mention.sent_idx)-\(.key)", title: .value.wikipedia_title,
    text: (.value.sentences | join(" "))}' "$old/rerank.jsonl" >entities
blink-kb build -q -o old.kb entities
blink-kb cat -c old.kb | "$retrieve" --load "$base/solr/old"
jq -c '{id: .mention.sent_idx, context_left: .left_right_context[0],
    mention: .mention.text, context_right: .left_right_context[1]}' \
    "$old/rerank.jsonl" >in
jq -c '. as $r | .logits | to_entries[]
    | {"\($r.mention.sent_idx)-\(.key)": .value}' "$old/rerank.jsonl" |
    jq -s add >want
check() { # WHAT: of the records in `found`
    blink-rerank -m old -c old.kb -k 64 --engine reference <found >out
    # shellcheck disable=SC2016
    is "$(jq -s --slurpfile want want '[.[] | (.id | tostring) as $m
        | .candidates[] | select((.id | startswith($m + "-"))
            and $want[0][.id])
        | .cross_score - $want[0][.id] | fabs] | length > 5 and max < 1e-3' \
        out)" true "$1: the original's logits of what both found"
    is "$(jq -s 'map(.candidates | map(.score) | . == (sort | reverse)) | all' \
        out)" true "$1: sorted by them"
}
"$retrieve" -k 64 "$base/solr/old" <in >found
check Solr
blink-retrieve --lexical --words full -k 64 -c old.kb <in >found
check 'full text'
finish
