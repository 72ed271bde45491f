#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-embed: vectors of the original, the same however records are grouped,
# and what becomes of bad records and bad models.
. "$top_srcdir/tests/lib.sh"
g=$fixtures/golden
records=$g/m2-vectors/records.jsonl

# near FILE GOLDEN TOLERANCE: vectors (--floats json) as in GOLDEN.
near() {
    jq -es --slurpfile want "$2" --argjson tolerance "$3" '
        [., $want] | transpose | all(
            [.[0].embedding.values,
             (.[1].embedding | if type == "object" then .values else . end)]
            | transpose | all(.[0] - .[1] | fabs < $tolerance))' \
        "$1" >/dev/null
}

engines='reference cpu'
if [ -e "$top_builddir/common/.libs/libblink-torch.so" ]; then
    engines='reference cpu torch'
else
    skip 'the torch engine' "$(no_module 'torch|train')"
fi
# OpenBLAS adds up as it likes.
ordered=$(blink-embed -v -m "$g/m2-bi" </dev/null 2>&1 | grep -v OpenBLAS)
for e in $engines; do
    run blink-embed -m "$g/m2-bi" --engine "$e" --floats json <"$records"
    is "$status$(cat "$T/err")" 0 "$e: mentions"
    ok "$e: mentions' vectors are the original's" \
        near "$T/out" "$g/m2-vectors/context.jsonl" 1e-4
    cp "$T/out" "$T/whole"
    run blink-embed -m "$g/m2-bi" --engine "$e" --entities --floats json \
        <"$g/m2-vectors/entities.jsonl"
    is "$status" 0 "$e: entities"
    head -n 60 "$T/out" >"$T/60"
    ok "$e: entities' vectors are the original's" \
        near "$T/60" "$g/m2-vectors/entity.jsonl" 1e-4
    for how in '--batch 1' '--batch 7' '--batch-tokens 33' '--threads 1' \
        '--threads 4'; do
        # shellcheck disable=SC2086 # two words
        run blink-embed -m "$g/m2-bi" --engine "$e" --floats json $how \
            <"$records"
        ok "$e: $how gives the same" near "$T/out" "$T/whole" 1e-4
        if [ "$e" = cpu ] && [ -n "$ordered" ]; then
            ok "$e: $how to the bit" cmp -s "$T/out" "$T/whole"
        fi
    done
    tac "$records" | blink-embed -m "$g/m2-bi" --engine "$e" --floats json |
        tac >"$T/out"
    ok "$e: the order of records does not matter" \
        near "$T/out" "$T/whole" 1e-4
done

# ---- What multiplies ----
for k in avx512 avx2 openblas c; do
    BLINK_F32=$k run blink-embed -v -m "$g/m2-bi" --floats json <"$records"
    if [ "$status" -eq 2 ]; then
        like "$(cat "$T/err")" 'BLINK_F32=.*: this machine|BLINK_F32: expected' \
            "BLINK_F32=$k is refused"
    else
        ok "BLINK_F32=$k: the original's vectors" \
            near "$T/out" "$g/m2-vectors/context.jsonl" 1e-4
    fi
done
BLINK_F32=abacus run blink-embed -m "$g/m2-bi" <"$records"
is "$status $(cat "$T/err")" "2 blink-embed: BLINK_F32: expected avx512, avx2,\
 openblas or c, as this machine has, found 'abacus'" 'no such kernel'
# What the loader finds under the name of OpenBLAS is no library.
mkdir "$T/lib"
echo none >"$T/lib/libopenblas.so.0"
for k in '' openblas; do
    LD_LIBRARY_PATH=$T/lib BLINK_F32=$k run blink-embed -m "$g/m2-bi" \
        --floats json <"$records"
    if [ -z "$k" ]; then
        is "$status" 0 'no OpenBLAS is needed'
    else
        is "$status $(cat "$T/err")" "2 blink-embed: BLINK_F32=openblas: this\
 machine does not run OpenBLAS" 'but where it is asked for'
    fi
done

# ---- What a record says ----
head -n 1 "$records" | blink-embed -m "$g/m2-bi" >"$T/one"
is "$(jq -c '[.id, .mention, .embedding.dim, (.embedding.f32 | length)]' \
    "$T/one")" '[0,"chełýaeltfum r.c.",20,108]' 'other fields are kept'
like "$(jq -r .embedding.model "$T/one")" '^[0-9a-f]{16}$' 'a fingerprint'
is "$(jq -c ".embedding.model = \"00\"" "$T/one" |
    blink-embed -m "$g/m2-bi" 2>/dev/null |
    jq -r .error.code)" bad-field "another model's vector is not replaced"
is "$(blink-embed -m "$g/m2-bi" --overwrite <"$T/one")" "$(cat "$T/one")" \
    'unless told: --overwrite'
long=$(printf 'mountain %.0s' {1..90})
is "$(printf '{"context_left":"","mention":"%s","context_right":""}' "$long" |
    blink-embed -m "$g/m2-bi" | jq -c .truncated)" '["mention"]' \
    'a mention that is cut'
is "$(printf '{"title":"x","text":"%s"}' "$long$long" |
    blink-embed -m "$g/m2-bi" --entities | jq -c .truncated)" '["text"]' \
    'a text that is cut'

# ---- Bad records ----
printf '%s\n' '{"mention":"x"}' \
    '{"context_left":"","mention":"","context_right":""}' \
    '{"context_left":"","mention":3,"context_right":""}' '[]' \
    '{"context_left":"","mention":"x","context_right":""}' >"$T/bad"
run blink-embed -m "$g/m2-bi" <"$T/bad"
is "$status" 1 'bad records: status 1'
is "$(jq -r '.error.code // "good"' "$T/out" | tr '\n' ' ')" \
    'bad-field bad-field bad-field bad-json good ' 'each in its place'
is "$(wc -l <"$T/err")" 4 'one line each on standard error'
run blink-embed -m "$g/m2-bi" < <(printf '{"title":"x","text":""}\n%.0s' 1 2)
is "$status$(cat "$T/out" "$T/err")" "3blink-embed: stdin:1: field 'mention': \
expected string, found nothing: entities need --entities" 'entities: said once'
run blink-embed -m "$g/m2-bi" <<<'{"id":"1","text":"a document"}'
is "$status$(cat "$T/out" "$T/err")" "3blink-embed: stdin:1: field 'mention': \
expected string, found nothing: run blink-ner first" 'documents: said once'
run blink-embed -m "$g/m2-bi" --entities <<<'{"mention":"x"}'
is "$status$(cat "$T/out" "$T/err")" "3blink-embed: stdin:1: field 'text': \
expected string, found nothing: mentions need no --entities" 'mentions: said once'
run blink-embed -m "$g/m2-bi" </dev/null
is "$status$(cat "$T/out" "$T/err")" 0 'no records'

# ---- Bad models: 3, one sentence, nothing read ----
refused() {
    run blink-embed -m "$T/m" <"$records"
    is "$status" 3 "$2: status 3"
    is "$(wc -l <"$T/err")$(cat "$T/out")" 1 "$2: one line, no output"
    like "$(cat "$T/err")" "$1" "$2: says what"
}
fresh() {
    rm -rf "$T/m"
    cp -R "$g/m2-bi" "$T/m"
    chmod -R u+w "$T/m"
}
edit() {
    jq "$1" "$g/m2-bi/config.json" >"$T/m/config.json"
}

run blink-embed -m "$T/none" <"$records"
is "$status" 3 'no such model'
run blink-embed -m "$g/m2-cross" <"$records"
like "$status$(cat "$T/err")" '^3.*expected a bi-encoder, found a cross-enc' \
    'a model of another role'
fresh; rm "$T/m/config.json"
refused 'config.json.*no such file' 'no config.json'
fresh; rm "$T/m/vocab.txt"
refused 'vocab.txt' 'no vocab.txt'
fresh; rm "$T/m/model.safetensors"
refused 'no model.safetensors' 'no weights'
fresh; echo one more >>"$T/m/vocab.txt"
refused '1501.*1500' 'a word more than embeddings'
fresh; edit 'del(.hidden_size)'
refused 'hidden_size is missing' 'no hidden_size'
fresh; edit '.hidden_size = "64"'
refused "config.json': hidden_size: expected integer, found string" \
    'a hidden_size that is a string'
fresh; sed -i '1s/{/{"hidden_size":64,/' "$T/m/config.json"
refused "config.json': hidden_size: is given twice" 'two of them'
fresh; sed -i '1s/{/{"x\\u0000":1,/' "$T/m/config.json"
refused "config.json': string at byte 1: '.u0000' is not a character" \
    'a name with U+0000, which ends a string in C'
fresh; edit '.num_attention_heads = 5'
refused 'num_attention_heads 5 does not divide hidden_size 64' 'heads'
fresh; edit '.num_hidden_layers = 1'
refused 'has 1 layers .* have 2' 'a layer too many'
fresh; edit '.num_hidden_layers = 3'
refused 'has 3 layers .* have 2' 'a layer too few'
fresh; edit '.hidden_act = "mish"'
refused "hidden_act: 'mish' is not known" 'another activation'
fresh; run blink-embed -m "$T/m" --engine reference <"$records"
cp "$T/out" "$T/gelu"
for pair in relu:relu silu:swish gelu_new:gelu_pytorch_tanh; do
    fresh; edit ".hidden_act = \"${pair%:*}\""
    run blink-embed -m "$T/m" --engine reference <"$records"
    is "$status" 0 "hidden_act: ${pair%:*}"
    jq -c .embedding.f32 "$T/out" >"$T/one"
    ok "${pair%:*}: other vectors" eval \
        '! cmp -s "$T/one" <(jq -c .embedding.f32 "$T/gelu")'
    fresh; edit ".hidden_act = \"${pair#*:}\""
    run blink-embed -m "$T/m" --engine reference <"$records"
    ok "${pair#*:} is the same" cmp -s "$T/one" <(jq -c .embedding.f32 "$T/out")
done
fresh; edit '.intermediate_size = 255'
refused "expected shape 255, found 256" 'another width'
fresh; edit '.unheard_of = 1'
run blink-embed -m "$T/m" <"$records"
is "$status" 0 'unknown members of config.json are ignored'
size=$(stat -c %s "$g/m2-bi/model.safetensors")
cuts=0
for i in {0..63}; do
    head -c $((size * i / 64)) "$g/m2-bi/model.safetensors" \
        >"$T/m/model.safetensors"
    run blink-embed -m "$T/m" <"$records"
    if [ "$status" = 3 ] && [ ! -s "$T/out" ] &&
        [ "$(wc -l <"$T/err")" = 1 ]; then
        cuts=$((cuts + 1))
    fi
done
is "$cuts" 64 'weights cut at 64 places: each refused'

# ---- Roles and lengths ----
fresh
echo '{"format":1,"role":"cross-encoder"}' >"$T/m/blink.json"
refused 'weights are those of a bi-encoder' 'a role that the weights lack'
echo '{"format":2}' >"$T/m/blink.json"
refused 'format: expected 1, found 2' 'a later format'
echo '{"context_length":161}' >"$T/m/blink.json"
refused '161 tokens, but the model has 160 positions' 'too long'
echo '{"normalize":true,"context_length":16}' >"$T/m/blink.json"
run blink-embed -m "$T/m" --floats json <"$records"
is "$(jq -s 'all(.embedding.values | map(. * .) | add | . - 1
    | fabs < 1e-5)' "$T/out")" true 'normalize: vectors of length 1'
is "$(jq -s 'any(.embedding | has("names"))' "$T/out")" false \
    'no names unless the model says so'
echo '{"names":true}' >"$T/m/blink.json"
run blink-embed -m "$T/m" <"$records"
is "$(jq -s 'all(.embedding.names == true)' "$T/out")" true 'names: passed on'
run blink-embed -m "$T/m" --entities <<<'{"title":"Paris","text":""}'
is "$(jq '.embedding | has("names")' "$T/out")" false 'but not of entities'
echo '{"names":"yes"}' >"$T/m/blink.json"
refused 'names: expected boolean, found string' 'names of another type'

# ---- Engines that are not there ----
BLINK_MODULES=$T/none run blink-embed -m "$g/m2-bi" --engine torch <"$records"
is "$status" 3 'no module: status 3'
BLINK_MODULES=$T/none run blink-embed -m "$g/m2-bi" -v <"$records"
like "$status$(cat "$T/err")" '^0.*cpu, f32' 'auto needs no module'
run blink-embed -m "$g/m2-bi" --engine reference --device cuda <"$records"
is "$status" 2 'the reference engine has no cuda'
run blink-embed -m "$g/m2-bi" --batch-tokens 0 <"$records"
is "$status$(cat "$T/out")" 2 'no tokens at once'
finish
