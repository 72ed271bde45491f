#!/bin/bash
# SPDX-License-Identifier: MIT
# BLINK's first cross-encoder (bert_reranking, of main_solr): its folder
# converted, its input laid out, and its answers.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/models.sh"
cross=$fixtures/golden/m2-cross
cd "$T" || exit

old_reranker folder
echo '{"max_seq_length":19,"lowercase_flag":true,"top_k":3}' >params.json
run blink-convert reranker folder --params params.json -o model
is "$status$(cat err)" 0 'a folder'
is "$(jq -c '[.role,.layout,.pair_length,.lowercase,.literal_specials]' \
    model/blink.json)" '["cross-encoder","reranker",19,true,true]' \
    'what blink.json says'
ok 'a folder, without parameters' blink-convert reranker folder -o wide
run blink-tokenize --pair -m wide <<<'{"context_left":"","mention":"a","context_right":"","title":"b","text":"b"}'
is "$status$(cat err)" "0" 'pairs of 512 tokens, or of all positions'

# 8 tokens for each part: here two for each side of a mention of one.
pair() {
    jq -nc --arg l "$1" --arg m "$2" --arg r "$3" --arg t "$4" \
        '{context_left:$l,mention:$m,context_right:$r,title:"z",text:$t}' |
        blink-tokenize --pair -m model |
        jq -r --rawfile words model/vocab.txt "$5"
}
# shellcheck disable=SC2016
show='($words | split("\n")) as $w | [.ids[] | $w[.]] | join(" ")'
is "$(pair 'a b c' d 'e f g' 'h i' "$show")" \
    '[CLS] b c [unused0] d [unused1] e f [SEP] h i [SEP]' \
    'each side has its half'
is "$(pair '' d 'e f g' 'h i' "$show")" \
    '[CLS] [unused0] d [unused1] e f [SEP] h i [SEP]' \
    'and no more when the other is empty'
is "$(pair 'a b' 'c d e f g h i j' 'k' '1 2 3 4 5 6 7 8 9 0' "$show")" \
    '[CLS] [unused0] c d e f g h [unused1] [SEP] 1 2 3 4 5 6 7 8 [SEP]' \
    'a long mention, a long text'
is "$(pair 'a' '' 'b' 'c' "$show")" \
    '[CLS] a [unused0] [unused1] b [SEP] c [SEP]' \
    'an empty mention has its tags'
is "$(pair 'a' 'b' '' 'c' '[.segments, .positions] | tojson')" \
    '[[0,0,0,0,0,0,1,1],[0,1,2,3,4,5,6,7]]' 'segments and positions'
is "$(pair 'A [SEP] b' 'x' '' 'y' "$show")" \
    '[CLS] [SEP] b [unused0] x [unused1] [SEP] y [SEP]' \
    'a typed [SEP] is one, as in the original'

if [ -z "$golden" ]; then
    skip 'the original'"'"'s answers' 'no golden data'
    finish
fi
old=$golden/rerank_old
ok 'its folder' blink-convert reranker "$old/reranker" \
    --params "$old/params.json" -o old
jq -c '. as $r | .mention.candidates | to_entries[] | {
    id: "\($r.mention.sent_idx)-\(.key)", title: .value.wikipedia_title,
    text: (.value.sentences | join(" "))}' "$old/rerank.jsonl" |
    blink-kb build -q -o old.kb
jq -c '. as $r | {id: .mention.sent_idx,
    context_left: .left_right_context[0], mention: .mention.text,
    context_right: .left_right_context[1],
    candidates: [.mention.candidates | to_entries[] |
        {id: "\($r.mention.sent_idx)-\(.key)"}]}' "$old/rerank.jsonl" >in
blink-kb cat -c old.kb >entities
jq -c --slurpfile e entities '. as $m | .candidates[:5][].id as $id
    | $m + ($e[] | select(.id == $id))' in |
    blink-tokenize --pair -m old | jq -c .ids >got
jq -c '.input_ids[:.mention.candidates[:5] | length][]
    | until(.[-1] != 0; .[:-1])' "$old/rerank.jsonl" >want
ok 'token ids of all pairs' cmp got want
run blink-rerank -m old -c old.kb -k 5 --probabilities --engine reference <in
is "$status" 0 'all mentions'
is "$(paste -d'\n' out "$old/rerank.jsonl" | jq -s '[_nwise(2)
    | (.[0].candidates | sort_by(.id))[:5] as $got | .[1].logits as $want
    | range($got | length) | $got[.].cross_score - $want[.] | fabs]
    | max < 1e-3')" true 'logits'
is "$(paste -d'\n' out "$old/rerank.jsonl" | jq -s '[_nwise(2)
    | (.[0].candidates[0].id | split("-")[1] | tonumber)
      == .[1].predicted_candidate_idx] | all')" true 'what is predicted'
is "$(paste -d'\n' out "$old/rerank.jsonl" | jq -s '[_nwise(2)
    | .[0].candidates[0].cross_p - .[1].prob_assigned_to_candidate | fabs]
    | max < 1e-4')" true 'with what probability'
is "$(jq -s '[.[] | [.candidates[].cross_p // 0] | add - 1 | fabs]
    | max < 1e-6' out)" true 'probabilities of a list add up to one'
finish
