#!/bin/bash
# SPDX-License-Identifier: MIT
# The whole pipeline against what the original computed: candidates, logits
# (1e-3), final order, and the metrics of labelled runs.
. "${top_srcdir:?}/tests/lib.sh"
for program in kb embed index retrieve rerank eval; do
    [ -x "$top_builddir/bin/blink-$program" ] ||
        skip_all "blink-$program is not built"
done
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit

# build NAME BI ENTITIES: NAME.kb, NAME.blx and NAME.ids (a line per row).
build() {
    blink-kb build -q -o "$1.kb" "$3" &&
        blink-kb cat -c "$1.kb" | blink-embed -m "$2" --entities |
        blink-index build -q -c "$1.kb" -o "$1.blx" &&
        blink-kb cat -c "$1.kb" | jq -r .id >"$1.ids"
}

# link NAME BI CROSS K RECORDS
link() {
    blink-embed -m "$2" <"$5" |
        blink-retrieve -x "$1.blx" -c "$1.kb" -k "$4" |
        blink-rerank -m "$3" -c "$1.kb"
}

# compare NAME RUN GOT TEXT: ids in final order, and logits.
compare() {
    jq -c --rawfile ids "$1.ids" '($ids | split("\n")) as $ids
        | . as $r | [.order[] | [$ids[$r.nns[.]], $r.cross_logits[.]]]' \
        "$2" >want
    jq -c '[.candidates[] | [.id, .cross_score]]' "$3" >got
    is "$(jq -c 'map(.[0])' got | cksum)" "$(jq -c 'map(.[0])' want | cksum)" \
        "$4: final order"
    is "$(paste got want | jq -s '[_nwise(2)
        | transpose[] | .[0][1] - .[1][1] | fabs] | max < 0.001')" true \
        "$4: logits"
    is "$(jq -c 'select([.candidates[] | .score != .cross_score] | any)' \
        "$3")" '' "$4: score is what the list is sorted by"
}

# metrics NAME SUMMARY RUN K: of linked.jsonl.
metrics() {
    blink-eval --json --blink-recall -k "$4" -c "$1.kb" <linked.jsonl |
        jq -c --arg r "recall_at_$4" '[.n, .biencoder_accuracy, .[$r],
            .normalized_accuracy // -1, .unnormalized_accuracy]' >got
    jq -c --arg r "$3" '.[$r] | [.num_samples, .biencoder_accuracy,
        .recall_at, .crossencoder_normalized_accuracy,
        .overall_unnormalized_accuracy]' <<<"$2" >want
    is "$(paste got want | jq -s 'transpose | map(.[0] - .[1] | fabs)
        | max < 1e-6')" true "$1: metrics of $3"
}

mini=$fixtures/golden
build mini "$mini/m2-bi" "$mini/pipeline/entity.jsonl"
link mini "$mini/m2-bi" "$mini/m2-cross" 10 "$mini/m2-vectors/records.jsonl" \
    >linked.jsonl
compare mini "$mini/pipeline/run.jsonl" linked.jsonl 'fixture'
summary=$(cat "$mini/pipeline/summary.json")
for k in 10 3; do
    link mini "$mini/m2-bi" "$mini/m2-cross" "$k" "$mini/pipeline/mentions.jsonl" \
        >linked.jsonl
    run=labelled_flat_full_k10
    [ "$k" = 10 ] || run=labelled_dense_full_k3
    metrics mini "$summary" "$run" "$k"
done

if [ -z "$golden" ]; then
    skip 'all golden runs' 'no golden data'
    finish
fi
for m in m1 m2; do
    for kind in bi cross; do
        mkdir -p "$m-$kind"
        cp "$golden/zoo/$m/bert_tiny_$m"/{config.json,vocab.txt} "$m-$kind"
        cp "$golden/zoo/$m/${kind}encoder_wiki_$m.safetensors" "$m-$kind"
    done
    build "$m" "$m-bi" "$golden/zoo/$m/entity.jsonl"
    for run in "$golden/e2e/$m"/run_{flat,dense}_full_k*.jsonl; do
        k=${run##*_k}
        k=${k%.jsonl}
        link "$m" "$m-bi" "$m-cross" "$k" "$golden/e2e/$m/records.jsonl" \
            >linked.jsonl
        compare "$m" "$run" linked.jsonl "$m $(basename "$run" .jsonl)"
    done
    summary=$(jq .runs "$golden/e2e/$m/summary.json")
    for k in 10 3; do
        link "$m" "$m-bi" "$m-cross" "$k" \
            "$golden/e2e/$m/test_mentions.jsonl" >linked.jsonl
        metrics "$m" "$summary" "labelled_dense_full_k$k" "$k"
    done
    link "$m" "$m-bi" "$m-cross" 10 \
        "$golden/e2e/$m/test_mentions_gold_never_retrieved.jsonl" \
        >linked.jsonl
    metrics "$m" "$summary" labelled_dense_full_k10_gold_never_retrieved 10
done
finish
