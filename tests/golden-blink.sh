#!/bin/bash
# SPDX-License-Identifier: MIT
# BLINK's own files give BLINK's own answers: weights (.bin) converted,
# entities (entity.jsonl) and their vectors (.t7) imported, mentions embedded,
# retrieved and re-ranked, and compared with what the original computed.
. "$top_srcdir/tests/lib.sh"
[ -n "$golden" ] || skip_all 'no golden data'
cd "$T" || exit
zoo=$golden/zoo
e2e=$golden/e2e

# shellcheck disable=SC2317
convert() {
    local kind=$1 m=$2 file=$3 out=$4
    blink-convert "${kind}encoder" "$file" \
        --params "$zoo/$m/${kind}encoder_wiki_$m.json" \
        --bert "$zoo/$m/bert_tiny_$m" -o "$out"
}

# Both forms of the file, and the safetensors of the same weights, become the
# same model byte by byte.
models() {
    local m=$1 kind form
    for kind in bi cross; do
        for form in .bin .zip.bin .safetensors; do
            local file=$zoo/$m/${kind}encoder_wiki_$m$form
            [ -e "$file" ] || continue
            run convert "$kind" "$m" "$file" "$m-$kind$form"
            is "$status$(cat err)" 0 "$m: ${kind}encoder$form is converted"
            ok "$m: ${kind}encoder$form: the same model" \
                diff -r "$m-$kind.bin" "$m-$kind$form"
        done
    done
}

# closer FILE LIMIT TEXT: the difference of each pair of arrays in a line.
closer() {
    is "$(jq -n --argjson limit "$2" '[inputs
        | (.[0] | length) == (.[1] | length)
          and ([.[0], .[1]] | transpose
               | all((.[0] - .[1]) | fabs < $limit))] |
        if length > 0 and all then "close" else "apart" end' "$1")" \
        '"close"' "$3"
}

vectors() {
    local m=$1
    blink-embed -m "$m-bi.bin" --engine reference --floats json \
        <"$e2e/$m/records.jsonl" | jq -c .embedding.values >got
    jq -c .embedding "$e2e/$m/context_embeddings.jsonl" >want
    paste -d, got want | sed 's/.*/[&]/' >both
    closer both 1e-4 "$m: vectors of mentions"
    blink-kb cat -c "$m.kb" |
        blink-embed -m "$m-bi.bin" --entities --engine reference \
            --floats json | jq -c .embedding.values >got
    jq -c .embedding "$e2e/$m/candidate_embeddings.jsonl" >want
    paste -d, got want | sed 's/.*/[&]/' >both
    closer both 1e-4 "$m: vectors of entities"
}

imports() {
    local m=$1 file
    for file in "all_entities_$m.t7" "all_entities_$m.zip.t7" \
        faiss_flat_index.pkl faiss_hnsw_index.pkl; do
        run blink-index import "$zoo/$m/$file" -m "$m-bi.bin" -c "$m.kb" \
            -o "$m.$file.blx"
        is "$status$(cat err)" 0 "$m: $file is imported"
        ok "$m: $file: the same index" \
            cmp "$m.all_entities_$m.t7.blx" "$m.$file.blx"
    done
    cp "$m.all_entities_$m.t7.blx" "$m.blx"
    ok "$m: the index is intact" blink-index verify -x "$m.blx"
}

# The ids of a run's rows: {"id"} of the catalogue by row.
answers() {
    local m=$1 k
    blink-kb cat -c "$m.kb" | jq -c .id | jq -s -c . >ids
    blink-embed -m "$m-bi.bin" --engine reference \
        <"$e2e/$m/records.jsonl" >embedded
    for k in 1 10 50; do
        blink-retrieve -x "$m.blx" -c "$m.kb" -k $k <embedded >retrieved.$k
        jq -c '[.candidates[].id]' retrieved.$k >got
        jq -c --slurpfile ids ids '[.nns[] | $ids[0][.]]' \
            "$e2e/$m/run_flat_fast_k$k.jsonl" >want
        ok "$m: the $k entities that the original retrieves" cmp got want
        jq -c '[.candidates[].bi_score]' retrieved.$k >got
        jq -c .bi_scores "$e2e/$m/run_flat_fast_k$k.jsonl" >want
        paste -d, got want | sed 's/.*/[&]/' >both
        closer both 5e-4 "$m: their scores"
    done
    for k in 1 10; do
        blink-rerank -m "$m-cross.bin" -c "$m.kb" --engine reference \
            <retrieved.$k >ranked
        jq -c '[.candidates[].cross_score]' ranked >got
        jq -c '[.cross_logits[.order[]]]' \
            "$e2e/$m/run_flat_full_k$k.jsonl" >want
        paste -d, got want | sed 's/.*/[&]/' >both
        closer both 1e-3 "$m: logits of the cross-encoder, k = $k"
        jq -c '[.candidates[].id]' ranked >got
        jq -c --slurpfile ids ids '. as $r | [.order[] | $ids[0][$r.nns[.]]]' \
            "$e2e/$m/run_flat_full_k$k.jsonl" >want
        ok "$m: their order, k = $k" cmp got want
    done
}

for m in m1 m2; do
    models $m
    ok "$m: the catalogue" \
        blink-kb build -q -o $m.kb "$zoo/$m/entity.jsonl"
    vectors $m
    imports $m
    answers $m
done

# ---- What an import refuses ----

refuse() {
    local message=$1 text=$2
    shift 2
    run blink-index import "$@" -o bad.blx
    is "$status $(cat err)" "3 blink-index: $message" "$text"
    ok "$text: no file" test ! -e bad.blx
}
refuse "'$zoo/m1/all_entities_m1.t7': vectors of 24 numbers, but those of the model 'm2-bi.bin' have 20" \
    'vectors of another model' "$zoo/m1/all_entities_m1.t7" -m m2-bi.bin \
    -c m2.kb
head -100 "$zoo/m2/entity.jsonl" >half.jsonl
blink-kb build -q -o half.kb half.jsonl
refuse "'$zoo/m2/all_entities_m2.t7': 200 vectors, but 'half.kb' has 100 entities" \
    'another number of entities' "$zoo/m2/all_entities_m2.t7" \
    -m m2-bi.bin -c half.kb
refuse "'$zoo/m2/entity_token_ids_m2.t7': expected a matrix of floats, found I64 with 2 dimensions" \
    'integers' "$zoo/m2/entity_token_ids_m2.t7" -m m2-bi.bin -c m2.kb
head -c 1000 "$zoo/m2/faiss_flat_index.pkl" >cut.pkl
refuse "'cut.pkl': offset 45: truncated: the vectors: expected 4000 x 4 bytes, found 955" \
    'a FAISS file cut short' cut.pkl -m m2-bi.bin -c m2.kb

# ---- Files cut at 64 places ----

for file in biencoder_wiki_m2.bin biencoder_wiki_m2.zip.bin \
    all_entities_m2.t7 faiss_flat_index.pkl faiss_hnsw_index.pkl; do
    size=$(stat -c %s "$zoo/m2/$file")
    bad=''
    for i in $(seq 0 63); do
        head -c $((size * i / 64)) "$zoo/m2/$file" >cut.bin
        if [[ $file == *.t7 || $file == *.pkl ]]; then
            run blink-index import cut.bin -m m2-bi.bin -c m2.kb -o cut
        else
            run convert bi m2 cut.bin cut
        fi
        if [ "$status" != 3 ] || [ "$(wc -l <err)" != 1 ] || [ -e cut ]; then
            bad+=" $i"
        fi
    done
    is "$bad" '' "$file cut at 64 places is refused"
done
is "$(find . -name '.*.tmp')" '' 'and no temporary file is left'
finish
