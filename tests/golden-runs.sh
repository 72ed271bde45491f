#!/bin/bash
# SPDX-License-Identifier: MIT
# Every run of the original that is kept: BLINK's own files through the
# programs, its indexes dense and flat, fast and full, for each k; its
# labelled runs with their lists and figures; and the quirks M1 to M6 of
# blink-compat(7).  What HNSW finds is faiss.sh's matter; its full runs are
# here.
# shellcheck disable=SC2086
. "$top_srcdir/tests/lib.sh"
[ -n "$golden" ] || skip_all 'no golden data'
cd "$T" || exit

# prepare M: model, catalogue and both indexes, as a user of BLINK has them.
prepare() {
    local m=$1 zoo=$golden/zoo/$1 kind
    for kind in bi cross; do
        ok "$m: ${kind}encoder" blink-convert ${kind}encoder \
            "$zoo/${kind}encoder_wiki_$m.bin" -o $m-$kind \
            --params "$zoo/${kind}encoder_wiki_$m.json"
    done
    blink-kb build -q -o $m.kb "$zoo/entity.jsonl"
    blink-kb cat -c $m.kb | jq -r .id >$m.ids
    blink-index import "$zoo/all_entities_$m.t7" -m $m-bi -c $m.kb \
        -o $m-dense.blx
    blink-index import "$zoo/faiss_flat_index.pkl" -m $m-bi -c $m.kb \
        -o $m-flat.blx
    cp "$zoo/faiss_hnsw_index.pkl" $m-hnsw.blx
}

# link M INDEX K fast|full FILE
link() {
    blink-embed -m $1-bi --engine reference <"$5" |
        blink-retrieve -x $1-$2.blx -c $1.kb -k "$3" |
        if [ "$4" = full ]; then
            blink-rerank -m $1-cross -c $1.kb --engine reference -k "$3"
        else
            cat
        fi
}

# near FILE LIMIT: lines [[got...],[want...]] of numbers as near as that.
near() {
    jq -n --argjson limit "$2" '[inputs | (.[0] | length) == (.[1] | length)
        and ([.[0], .[1]] | transpose
             | all((.[0] - .[1]) | fabs < $limit))] | length > 0 and all' "$1"
}

# same M WHAT GOLDEN GOT full|fast: ids, their order and their scores.
same() {
    local m=$1 what=$2 want=$3 got=$4 score=bi_score
    [ "$5" = fast ] || score=cross_score
    jq -c '[.candidates[].id]' "$got" >ids.got
    jq -c --rawfile ids "$m.ids" '($ids | split("\n")) as $ids | . as $r
        | [(.order // [range($r.nns | length)])[] | $ids[$r.nns[.]]]' \
        "$want" >ids.want
    ok "$what: entities in their order" cmp ids.got ids.want
    paste -d, <(jq -c "[.candidates[].$score]" "$got") \
        <(jq -c '. as $r | if .order then [.order[] | $r.cross_logits[.]]
            else .bi_scores end' "$want") | sed 's/.*/[&]/' >both
    is "$(near both "$([ "$5" = fast ] && echo 5e-4 || echo 1e-3)")" true \
        "$what: scores"
}

# labelled M RUN GOT: lists and logits of a labelled run, where the original
# kept samples with a label that it knows, and logits of those with their
# entity in the list.
labelled() {
    local m=$1 want=$golden/e2e/$1/labelled_$2.jsonl
    jq -c --rawfile ids "$m.ids" '($ids | split("\n")) as $ids
        | [.nns[] | $ids[.]] | sort' "$want" >ids.want
    jq -c '[.candidates[].id] | sort' "$3" >ids.got
    ok "$m: $2: the same entities" cmp ids.got ids.want
    paste <(jq -c . "$want") <(jq -c --rawfile ids "$m.ids" '
        ($ids | split("\n") | to_entries
            | map({key: .value, value: .key}) | from_entries) as $row
        | [.candidates[] | {key: "\($row[.id])", value: .cross_score}]
        | from_entries' "$3") | jq -sc '_nwise(2) | .[1] as $got | .[0]
        | select(.cross_logits) | [[.nns[] | $got["\(.)"]],
            .cross_logits]' >both
    [ -s both ] || return 0
    is "$(near both 1e-3)" true "$m: $2: logits where the right one is found"
}

# figures M RUN K OPTION...: of `linked`, as the original prints them.
figures() {
    local m=$1 run=$2 k=$3 r=$golden/e2e/$1/summary.json
    shift 3
    blink-eval --json --blink-recall -k "$k" "$@" <linked >figures.json
    is "$(jq -c --argjson k "$k" '[.n, .biencoder_accuracy,
        .["recall_at_\($k)"], .normalized_accuracy // -1,
        .unnormalized_accuracy] | map(. * 1e6 | round)' figures.json)" \
        "$(jq -c --arg run "$run" --slurpfile f figures.json '.runs[$run]
        | [.num_samples, .biencoder_accuracy, .recall_at,
           .crossencoder_normalized_accuracy, .overall_unnormalized_accuracy]
        # A fast run has no cross-encoder to measure.
        | if $run | test("fast") then .[3] = $f[0].normalized_accuracy
            | .[4] = $f[0].unnormalized_accuracy else . end
        | map(. * 1e6 | round)' "$r")" "$m: figures of $run"
}

# honest M RUN K: recall without the original'"'"'s mistake, from its lists.
honest() {
    local m=$1 run=$2 k=$3
    blink-eval --json -k "$k" -c $m.kb <linked >figures.json
    is "$(jq --argjson k "$k" '.["recall_at_\($k)"] * 1e6 | round' \
        figures.json)" \
        "$(jq -s 'map(.label as $l | .nns | index($l) | if . == null then 0
            else 1 end) | add / length * 1e6 | round' \
            "$golden/e2e/$m/labelled_$run.jsonl")" \
        "$m: recall@$k by the lists of $run, M1 put right"
}

# considered FILE M: without mentions whose label the catalogue lacks (M6).
considered() {
    jq -c --rawfile ids "$2.ids" '($ids | split("\n") | map({key: .,
        value: 1}) | from_entries) as $known | select($known[.label_id
            | tostring | gsub("^\\s+|\\s+$"; "")])' "$1"
}

hnsw=''
if [ ! -e "$top_builddir/common/.libs/libblink-faiss.so" ]; then
    skip 'full runs on HNSW' "$(no_module faiss)"
elif [ -n "${BLINK_VALGRIND:-}" ]; then
    skip 'full runs on HNSW' 'under valgrind'
else
    hnsw=yes
fi
for m in m1 m2; do
    e2e=$golden/e2e/$m
    prepare $m
    for run in "$e2e"/run_{dense,flat}_{fast,full}_k*.jsonl; do
        name=$(basename "$run" .jsonl)
        IFS=_ read -r _ index mode k <<<"$name"
        link $m $index "${k#k}" $mode "$e2e/records.jsonl" >linked
        same $m "$m: $name" "$run" linked $mode
    done
    if [ -n "$hnsw" ]; then
        link $m hnsw 10 full "$e2e/records.jsonl" >linked
        same $m "$m: run_hnsw_full_k10" "$e2e/run_hnsw_full_k10.jsonl" \
            linked full
    fi
    for run in dense_full_k10 flat_full_k10 dense_full_k3 \
        ${hnsw:+hnsw_full_k10}; do
        IFS=_ read -r index mode k <<<"$run"
        link $m $index "${k#k}" full "$e2e/test_mentions.jsonl" >linked
        figures $m labelled_$run "${k#k}" -c $m.kb
        honest $m $run "${k#k}"
        considered linked $m >known
        labelled $m $run known
    done
    for k in 10 50 2; do
        link $m dense $k fast "$e2e/test_mentions.jsonl" >linked
        figures $m labelled_dense_fast_k$k $k -c $m.kb
    done
    # M1: k = 1 ends the original with an IndexError; here it is undefined.
    is "$(blink-eval --json --blink-recall -k 1 -c $m.kb <linked |
        jq -c .recall_at_1)" null "$m: M1: recall@1 as the original counts"
    # M5: so does a k above the number of entities.
    run blink-retrieve -x $m-flat.blx -c $m.kb -k 201 \
        < <(blink-embed -m $m-bi <"$e2e/test_mentions.jsonl")
    is "$status $(jq '.candidates | length' out | sort -u)" '0 200' \
        "$m: M5: k = 201 of 200 entities gives all"
    cp out linked
    is "$(blink-eval --json -k 200 -c $m.kb <linked | jq .recall_at_200)" 1 \
        "$m: M5: and their recall is 1"
    # TAC: labels are another catalogue's; the last of equal titles counts.
    link $m dense 10 full "$e2e/test_mentions_tac.jsonl" >linked
    figures $m labelled_dense_full_k10_tac 10 -c $m.kb \
        --test-entities "$e2e/test_entities_tac.jsonl"
    is "$(blink-eval -v -c $m.kb --test-entities \
        "$e2e/test_entities_tac.jsonl" <linked 2>&1 >/dev/null |
        grep -o '[0-9]* entities, .*')" \
        '201 entities, 1 of them not in the catalogue' \
        "$m: TAC: what is missing"
    jq -c 'select(.label_id != "E9999" and .label_id != "no-such-id")' \
        linked >known
    [ "$(wc -l <known)" = 63 ] || jq -c --slurpfile e \
        "$e2e/test_entities_tac.jsonl" '($e | map({key: .entity_id,
        value: 1}) | from_entries | del(.E9999)) as $k
        | select($k[.label_id])' linked >known
    labelled $m dense_full_k10_tac known
    # M4: nothing retrieved for anyone.
    link $m dense 10 full "$e2e/test_mentions_gold_never_retrieved.jsonl" \
        >linked
    figures $m labelled_dense_full_k10_gold_never_retrieved 10 -c $m.kb
    is "$(blink-eval --json -c $m.kb <linked |
        jq -c '[.normalized_accuracy, .unnormalized_accuracy]')" '[null,0]' \
        "$m: M4: accuracy of nothing is no number"
    # M3: whatever is dropped, every mention keeps its own answers.
    is "$(jq -c .id linked)" \
        "$(jq -c .id "$e2e/test_mentions_gold_never_retrieved.jsonl")" \
        "$m: M3: a line for each mention"
done

# M2: whether a record is labelled is its own matter.
is "$(printf '%s\n' '{"label":"unknown","label_id":-1,"candidates":[]}' \
    '{"label_id":3,"candidates":[{"id":"3"}]}' | blink-eval --json |
    jq -c '[.n, .unlabelled, .accuracy]')" '[1,1,1]' \
    'M2: labelled and unlabelled records together'

# ---- Labels of another catalogue ----

cat >e.jsonl <<'X'
{"id":"1","title":"Paris","text":"a"}
{"id":"2","title":"PARIS","text":"b","aliases":["Lutetia"]}
{"id":"3","title":"Paris","text":"c"}
X
blink-kb build -q -o e.kb e.jsonl
cat >t.jsonl <<'X'
{"entity_id":"E1","title":"Paris"}
{"entity_id":"E2","title":"PARIS"}
{"entity_id":"E3","title":"Lutetia"}
{"entity_id":"E4","title":"Rome"}
{"entity_id":"E2","title":"Rome"}
X
answer() { printf '{"label_id":"%s","candidates":[{"id":"%s"}]}\n' "$1" "$2"; }
{ answer E1 3; answer E2 2; answer E3 2; answer E4 2; answer E9 2; } >in
run blink-eval --json -c e.kb --test-entities t.jsonl <in
is "$status $(jq -c '[.n, .nil, .accuracy]' out)" '0 [2,3,1]' \
    'exact titles, the last of equal ones, no aliases'
{ answer E1 3; answer E2 1; } | jq -c '.id = input_line_number' >gold
run blink-eval --json -c e.kb --test-entities t.jsonl --gold gold < <(cat gold)
is "$status $(jq -c '[.n, .accuracy]' out)" '0 [2,0.5]' 'with separate gold'
echo '{"entity_id":"E1"}' >t.jsonl
run blink-eval -c e.kb --test-entities t.jsonl <in
is "$status $(cat err)" "1 blink-eval: t.jsonl:1: field 'title': expected string, found nothing" \
    'a line without a title'
run blink-eval -c e.kb --test-entities none <in
is "$status $(cat err)" "3 blink-eval: 'none': No such file or directory" \
    'no such file'
run blink-eval --test-entities t.jsonl <in
is "$status $(head -1 err)" \
    '2 blink-eval: option --test-entities needs the catalogue (-c)' \
    'no catalogue'
finish
