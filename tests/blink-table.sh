#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/blink-table prints what the original printed (summary.json), and
# recall as it is.
. "${top_srcdir:?}/tests/lib.sh"
for program in kb embed index retrieve rerank score eval; do
    [ -x "$top_builddir/bin/blink-$program" ] ||
        skip_all "blink-$program is not built"
done
command -v jq >/dev/null || skip_all 'no jq'
export BLINK_BUILD=$top_builddir BLINK_DATA=$T/none
cd "$T" || exit

# build NAME BI ENTITIES
build() {
    blink-kb build -q -o "$1.kb" "$3" &&
        blink-kb cat -c "$1.kb" | blink-embed -m "$2" --entities |
        blink-index build -q -c "$1.kb" -o "$1.blx"
}

# table NAME ARGUMENT...: with the models NAME-bi and NAME-cross.
table() {
    local name=$1
    shift
    run "$top_srcdir/scripts/blink-table" -m "$name-bi" -c "$name.kb" \
        -x "$name.blx" --cross "$name-cross" "$@"
}

# same SUMMARY RUN TEXT: the last row of `out` has the figures of that run.
same() {
    is "$(tail -n 1 out | cut -f 2-)" "$(jq -r --arg run "$2" '
        .[$run] | [.biencoder_accuracy, .recall_at,
            .crossencoder_normalized_accuracy, .overall_unnormalized_accuracy]
        | map(if . < 0 then "-" else . * 10000 | round / 10000 |
              tostring end) | @tsv' "$1" |
        awk -F'\t' -v n="$(jq --arg run "$2" '.[$run].num_samples' "$1")" '{
            for (i = 1; i <= NF; i++)
                printf "%s\t", $i == "-" ? $i : sprintf("%.4f", $i)
            print n }')" "$3"
}

mini=$fixtures/golden
cp -R "$mini/m2-bi" mini-bi
cp -R "$mini/m2-cross" mini-cross
build mini mini-bi "$mini/pipeline/entity.jsonl"
mentions=$mini/pipeline/mentions.jsonl
table mini -k 10 --recall 10 --blink-recall --tsv "$mentions"
is "$status:$(cat err)" '0:' 'the table is made'
is "$(head -n 1 out)" "dataset	biencoder accuracy	biencoder recall@10	\
crossencoder normalized accuracy	overall unnormalized accuracy	support" \
    'its columns'
same "$mini/pipeline/summary.json" labelled_flat_full_k10 'the original'\''s'
row=$(tail -n 1 out)
table mini -k 3 --recall 3 --blink-recall --tsv "$mentions"
same "$mini/pipeline/summary.json" labelled_dense_full_k3 'with k = 3'
table mini -k 10 --recall 10 --blink-recall --tsv --fast "$mentions"
is "$(tail -n 1 out)" "$(awk -F'\t' -v OFS='\t' '{ $4 = $5 = "-"; print }' \
    <<<"$row")" '--fast leaves the last columns empty'
jq -s . "$mentions" >ace2004_questions.jsonl
cp "$mentions" AIDA-YAGO2_testa.jsonl
table mini -k 40 AIDA-YAGO2_testa.jsonl ace2004_questions.jsonl
is "$(awk -F'|' 'NR != 2 { print $2 NF }' out)" ' dataset 9
 AIDA-YAGO2 testa 9
 ACE 2004 9' 'Markdown, with the names of the README'
like "$(head -n 1 out)" 'recall@10 \| biencoder recall@30 \| cross' \
    'recall up to the length of the list'
is "$(tail -n 1 out | cut -d'|' -f3-)" \
    "$(tail -n 2 out | head -n 1 | cut -d'|' -f3-)" 'an array of mentions'
table mini -k 3 --limit 5 --score "$mentions"
ok '--limit and --score' grep -q '| [0-5] |$' out
table mini none.jsonl
is "$status:$(cat err)" "3:blink-table: cannot read 'none.jsonl'" 'no file'
table mini -k 0 "$mentions"
is "$status" 2 'no k'
sed '2s/"mention"/"m"/' "$mentions" >bad.jsonl
table mini -k 3 bad.jsonl
is "$status" 1 'records that fail'
jq -c '.label_id = "nowhere"' "$mentions" >foreign.jsonl
table mini -k 3 foreign.jsonl
is "$status:$(cat err)" "1:blink-table: 'foreign.jsonl': no label_id is an id \
of the catalogue 'mini.kb' (where its ids are titles, --by-title goes by the \
label)" 'a file about another catalogue'
run "$top_srcdir/scripts/blink-table" "$mentions"
is "$status" 3 'no model'

if [ -z "$golden" ]; then
    skip 'the golden models' 'no golden data'
    finish
fi
for m in m1 m2; do
    for kind in bi cross; do
        mkdir "$m-$kind"
        cp "$golden/zoo/$m/bert_tiny_$m"/{config.json,vocab.txt} "$m-$kind"
        cp "$golden/zoo/$m/${kind}encoder_wiki_$m.safetensors" "$m-$kind"
    done
    build "$m" "$m-bi" "$golden/zoo/$m/entity.jsonl"
    jq .runs "$golden/e2e/$m/summary.json" >summary
    for k in 10 3; do
        table "$m" -k "$k" --recall "$k" --blink-recall --tsv \
            "$golden/e2e/$m/test_mentions.jsonl"
        same summary "labelled_dense_full_k$k" "$m: the original's, k = $k"
    done
done
finish
