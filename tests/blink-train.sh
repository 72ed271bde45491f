#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-train: what it writes, going on after kill -9 to the same bits,
# refusals, and the original's training runs where its data is at hand.
. "$top_srcdir/tests/lib.sh"
[ -x "$top_builddir/bin/blink-train" ] || skip_all 'no blink-train'
bi=$fixtures/golden/m2-bi
cross=$fixtures/golden/m2-cross

# Every entity mentioned three times, with two others to choose from.
jq -c --slurpfile all "$fixtures/mini.jsonl" '. as $e | range(3) as $i |
    { context_left: (["They saw ", "Once in ", "All of "][$i]),
      mention: $e.title, context_right: " in spring.",
      label: $e.text, label_title: $e.title, label_id: $e.id,
      negatives: [$all[] | select(.id != $e.id) | {title, text}][$i:$i + 2] }
    ' "$fixtures/mini.jsonl" >"$T/train.jsonl"
common=(-q -b "$bi" -t "$T/train.jsonl" --threads 2 --rate 1e-3 --seed 5)

run env BLINK_MODULES=/nonexistent blink-train bi "${common[@]}" -o "$T/none"
is "$status $(cat "$T/err")" "3 blink-train: training needs libtorch, but \
blink was built without it (no libblink-train.so)" \
    'no libtorch: refused'
if [ ! -e "$top_builddir/common/.libs/libblink-train.so" ]; then
    skip 'training' "$(no_module 'torch|train')"
    finish
fi
[ -z "${sanitizers:-}" ] || { finish; }

# ---- What it writes ----
run blink-train bi "${common[@]}" -d "$T/train.jsonl" -o "$T/m" --batch 6 \
    --epochs 4 --licence CC0 --training 'invented text'
is "$status $(cat "$T/err")" '0 ' 'trains'
is "$(ls "$T/m")" 'blink.json
config.json
model.safetensors
vocab.txt' 'a model directory'
is "$(jq -c '[.role, .towers, .licence, .training]' "$T/m/blink.json")" \
    '["bi-encoder",2,"CC0","invented text"]' 'which says what it is'
ok 'the checkpoint is gone' test ! -e "$T/m.checkpoint"
is "$(jq -s '(map(select(.loss)) | .[-1].loss < .[0].loss / 2)
    and (map(select(.recall_at_1)) | .[-1].recall_at_1 > .[0].recall_at_1)' \
    "$T/m.log.jsonl")" true 'and has learnt'
run blink-embed -m "$T/m" <"$T/train.jsonl"
is "$status" 0 'other programs read it'
run blink-train bi "${common[@]}" -o "$T/m"
is "$status $(cat "$T/err")" "2 blink-train: '$T/m' already exists \
(--force replaces it)" 'the output is not replaced unasked'
run blink-train bi "${common[@]}" -o "$T/m" --force --steps 2 --save f16
is "$status $(($(stat -c %s "$T/m/model.safetensors") * 2 \
    < $(stat -c %s "$bi/model.safetensors") * 3))" '0 1' 'half the size'

# ---- Against the whole catalogue ----
blink-kb build -q -o "$T/k.kb" "$fixtures/mini.jsonl"
blink-kb cat -c "$T/k.kb" >"$T/entities.jsonl"
blink-embed -m "$bi" --entities <"$T/entities.jsonl" |
    blink-index build -q -c "$T/k.kb" -o "$T/k.blx"
jq -c 'del(.negatives, .label_title)' "$T/train.jsonl" >"$T/ids.jsonl"
pool=(-q -b "$bi" -t "$T/ids.jsonl" -d "$T/ids.jsonl" -c "$T/k.kb"
    --threads 1 --rate 1e-3 --batch 6 --epochs 4 --against pool)
run blink-train bi "${pool[@]}" --freeze entities --pool 0 -o "$T/p"
is "$status $(cat "$T/err")" '0 ' 'trains against all entities'
learnt='(map(select(.loss)) | .[-1].loss < .[0].loss)
    and (map(select(.recall_at_1)) | .[-1].recall_at_1 > .[0].recall_at_1)'
is "$(jq -s "$learnt" "$T/p.log.jsonl")" true 'and learns'
vectors() {
    blink-embed -m "$1" --entities --floats json <"$T/entities.jsonl" |
        jq -c .embedding.values
}
is "$(vectors "$T/p" | cksum)" "$(vectors "$bi" | cksum)" \
    'the vectors of entities are the same as before'
run blink-train bi "${pool[@]}" --freeze entities --vectors "$T/k.blx" \
    -o "$T/v"
is "$status $(jq -s "$learnt" "$T/v.log.jsonl")" '0 true' \
    'against vectors that an index keeps'
run blink-train bi "${pool[@]}" --freeze entities --vectors "$T/k.blx" \
    -b "$T/p" -o "$T/w"
like "$status $(cat "$T/err")" "^3 blink-train: '.*/k.blx': vectors of model \
[0-9a-f]*, but the base '.*/p' is [0-9a-f]*$" 'but not those of another base'
run blink-train bi "${pool[@]}" -o "$T/w"
is "$status $(head -n 1 "$T/err")" "2 blink-train: --against pool needs \
--towers 2 and --freeze entities" 'entities that learn cannot stay'

# ---- Killed and resumed ----
hard=(--batch 4 --epochs 6 --negatives 1 --refresh 5 --dropout 0.2
    --save-every 3 --eval-every 7 -d "$T/train.jsonl")
run blink-train bi "${common[@]}" "${hard[@]}" -o "$T/whole"
is "$status" 0 'a run without interruption'
kills=0
for at in 3 9 15; do
    blink-train bi "${common[@]}" "${hard[@]}" -o "$T/cut" --resume &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        step=$(jq .step "$T/cut.checkpoint/state.json" 2>/dev/null)
        if [ "${step:-0}" -ge "$at" ]; then
            kill -KILL "$pid" 2>/dev/null && kills=$((kills + 1))
            break
        fi
        sleep 0.02
    done
    wait "$pid" 2>/dev/null
done
[ "$kills" -gt 0 ] || echo '# it was never killed'
cp -R "$T/cut.checkpoint" "$T/kept.checkpoint" 2>/dev/null
run blink-train bi "${common[@]}" "${hard[@]}" -o "$T/cut" --resume
is "$status" 0 "killed $kills times, then resumed"
ok 'the same model' cmp "$T/whole/model.safetensors" "$T/cut/model.safetensors"
is "$(jq -c 'del(.per_second)' "$T/cut.log.jsonl" | sha256sum)" \
    "$(jq -c 'del(.per_second)' "$T/whole.log.jsonl" | sha256sum)" \
    'the same log'
if [ -e "$T/kept.checkpoint" ]; then
    run blink-train bi "${common[@]}" "${hard[@]}" -o "$T/kept" --resume \
        --rate 2e-3
    is "$status $(cat "$T/err")" "3 blink-train: '$T/kept.checkpoint' was \
made with rate 0.001, not 0.002: give the same options, or --force to start \
over" 'a checkpoint of other options is refused'
    jq -c '.part = 99' "$T/kept.checkpoint/state.json" >"$T/state.json"
    cp -R "$T/kept.checkpoint" "$T/odd.checkpoint"
    cp "$T/state.json" "$T/odd.checkpoint/state.json"
    run blink-train bi "${common[@]}" "${hard[@]}" -o "$T/odd" --resume
    like "$status $(cat "$T/err")" "^3 blink-train: \
'.*/odd.checkpoint/state.json': part: expected a number below [0-9]*, found \
99$" 'a place that no epoch has'
    : >"$T/kept.checkpoint/state.safetensors"
    run blink-train bi "${common[@]}" "${hard[@]}" -o "$T/kept" --resume
    is "$status" 3 'so is a damaged one'
fi

# ---- Options ----
echo '{"rate": 1e-3, "steps": 1, "batch": 4, "quiet": true}' >"$T/config.json"
run blink-train bi -b "$bi" -t "$T/train.jsonl" -o "$T/c" --steps 2 \
    --config "$T/config.json"
is "$status $(jq -s length "$T/c.log.jsonl")" '0 2' \
    'options from a file, the command line has the last word'
run blink-train bi -b "$bi" -t "$T/train.jsonl" -o "$T/d" --freeze layers:7
is "$status $(cat "$T/err")" "2 blink-train: cannot freeze 'layers:7': \
expected numbers from 0 to 1 such as 0-3" 'layers that there are not'
run blink-train bi "${common[@]}" -o "$T/f" --steps 3 \
    --freeze embeddings,layers:0
is "$status" 0 'frozen'
run blink-train bi "${common[@]}" -o "$T/nan" --temperature 1e-40 --batch 4
like "$status $(cat "$T/err")" "^3 blink-train: step 1: the loss is not \
finite; its records are in '.*/nan.bad-batch.jsonl'$" 'no finite loss: stops'
is "$(wc -l <"$T/nan.bad-batch.jsonl")" 4 'and shows the batch'
echo '{"mention":3}' >"$T/bad.jsonl"
run blink-train bi -b "$bi" -t "$T/bad.jsonl" -o "$T/e"
like "$status $(cat "$T/err")" "^3 blink-train: '.*/bad.jsonl': no record" \
    'nothing to learn from'
jq -c '. + {negatives: ["1"]}' "$T/train.jsonl" >"$T/ids.jsonl"
run blink-train bi -b "$bi" -t "$T/ids.jsonl" -o "$T/e"
is "$status $(cat "$T/err")" "3 blink-train: '$T/ids.jsonl':1: field \
'negatives': entities given by their ids need a catalogue (-c)" \
    'ids without a catalogue'

run blink-train bi -b "$bi" -t "$T/train.jsonl" -o "$T/e" --towers 1
is "$status $(cat "$T/err")" "2 blink-train: '$bi' has a linear layer after \
each tower, which a model of one tower cannot have" 'one tower of two'
run blink-train bi -q -b "$cross" -t "$T/train.jsonl" -o "$T/two" \
    --towers 2 --pooling mean --normalize yes --steps 2 --batch 4
is "$status $(jq -c '[.towers, .pooling, .normalize]' "$T/two/blink.json")" \
    '0 [2,"mean",true]' 'two towers of one'
run blink-embed -m "$T/two" <"$T/train.jsonl"
is "$status" 0 'which other programs read'
blink-kb build -q -o "$T/k.kb" "$fixtures/mini.jsonl"
jq -c 'del(.label, .label_title) | .negatives = ["1", "2"]' \
    "$T/train.jsonl" >"$T/ids.jsonl"
run blink-train bi "${common[@]}" -t "$T/ids.jsonl" -d "$T/ids.jsonl" \
    -c "$T/k.kb" -o "$T/kb" --negatives 2 --refresh 2 --steps 5 --pool 20 \
    --batch 8
is "$status $(cat "$T/err")" '0 ' 'entities of a catalogue, mined negatives'

# ---- Cross-encoder ----
run blink-train cross -q -b "$cross" -t "$T/train.jsonl" \
    -d "$T/train.jsonl" -o "$T/x" --rate 5e-4 --batch 4 --epochs 4 \
    --threads 2
is "$status $(cat "$T/err")" '0 ' 'a cross-encoder'
is "$(jq -s 'map(select(.loss)) | .[-1].loss < .[0].loss' \
    "$T/x.log.jsonl")" true 'learns too'
is "$(jq -r .role "$T/x/blink.json")" cross-encoder 'and says what it is'
run blink-train cross -q -b "$bi" -t "$T/train.jsonl" -o "$T/y" --steps 2 \
    --batch 4
is "$status" 0 'a cross-encoder from a bi-encoder'
run blink-train cross -b "$bi" -t "$T/train.jsonl" -o "$T/z" --missing drop
is "$status $(tail -1 "$T/err")" "3 blink-train: '$T/train.jsonl': no record \
has candidates or negatives" 'lists without the right entity are dropped'

run "$top_srcdir/scripts/bench.d/plot-training" "$T/whole.log.jsonl"
like "$status $(cat "$T/out")" '^0 <svg .*recall_at_1.*</svg>$' 'a picture'

# ---- Tagger ----
{
    for name in Paris France London Greta; do
        printf '%s\n' '-DOCSTART- O' '' "$name B-LOC" 'is O' 'old O' '. O' \
            '' 'They O' 'saw O' "$name I-LOC" 'in O' 'spring O' '. O' ''
    done
} >"$T/text.conll"
tag=(-q -b "$bi" --threads 2 --rate 1e-3 --batch 1 --seed 3)
run blink-train ner "${tag[@]}" -t "$T/text.conll" -d "$T/text.conll" \
    -o "$T/tag" --epochs 60 --eval-every 60
is "$status $(cat "$T/err")" '0 ' 'a tagger'
is "$(jq -c '[.id2label[], .type_vocab_size]' "$T/tag/config.json")" \
    '["O","B-LOC","I-LOC",6]' 'its labels and shapes'
is "$(jq -s 'map(.f1 | values) | max' "$T/tag.log.jsonl")" 1 \
    'which it knows by heart'
run blink-ner -m "$T/tag" --text <<<'They saw Paris in spring.'
is "$status $(jq -c '[.mention, .start, .type, .ner_score > 0.5]' "$T/out")" \
    '0 ["Paris",9,"LOC",true]' 'blink-ner finds with it'
yes 'They saw Paris in spring.' | head -100 | tr '\n' ' ' >"$T/long"
run blink-ner -m "$T/tag" --whole <"$T/long"
is "$status $(jq -s 'map(.start) | . == (sort | unique)' "$T/out") $(jq -s \
    'map(select(.mention == "Paris")) | length > 50' "$T/out")" \
    '0 true true' 'in windows of a long text, each once'
run blink-ner -m "$bi" </dev/null
is "$status $(cat "$T/err")" "3 blink-ner: '$bi': expected a tagger, found \
a bi-encoder" 'another model is none'
# By the rules of style 1 nothing is a name.
{
    cat "$T/text.conll"
    for name in Paris France London Greta; do
        printf '%s\n' '-DOCSTART- style=1 O' '' "$name O" 'is O' 'old O' \
            '. O' '' 'They O' 'saw O' "$name O" 'in O' 'spring O' '. O' ''
    done
} >"$T/styles.conll"
run blink-train ner "${tag[@]}" -t "$T/styles.conll" -d "$T/styles.conll" \
    -o "$T/tag2" --epochs 60 --eval-every 60
is "$status $(jq -s 'map(.f1 | values) | max' "$T/tag2.log.jsonl")" '0 1' \
    'rules of several kinds, each with its style'
run blink-ner -m "$T/tag2" --text <<<'Paris is old . They saw Paris in spring .'
is "$status $(jq -c .start "$T/out" | paste -sd ' ')" '0 0 24' \
    'those without a style are asked for'
for style in 99 x -1 ''; do
    printf -- '-DOCSTART- style=%s O\n\nParis B-LOC\n' "$style" \
        >"$T/bad.conll"
    run blink-train ner "${tag[@]}" -t "$T/bad.conll" -o "$T/q"
    is "$status $(cat "$T/err")" "3 blink-train: '$T/bad.conll':1: expected \
style=0 to style=98, found 'style=$style O'" "style=$style"
done
printf -- '-DOCSTART- style=98 O\n\nParis B-LOC\n' >"$T/bad.conll"
run blink-train ner "${tag[@]}" -t "$T/bad.conll" -o "$T/q"
is "$status $(cat "$T/err")" "3 blink-train: style=98 needs a token \
[unused98], which the vocabulary lacks" 'a style that the model cannot have'
printf 'Paris LOC\n' >"$T/bad.conll"
run blink-train ner "${tag[@]}" -t "$T/bad.conll" -o "$T/q"
is "$status $(cat "$T/err")" "3 blink-train: '$T/bad.conll':1: expected a \
tag such as O or B-PER, found 'LOC'" 'no tag'
printf 'Paris \0-LOC\n' >"$T/bad.conll"
run blink-train ner "${tag[@]}" -t "$T/bad.conll" -o "$T/q"
is "$status $(grep -c "'$T/bad.conll':1: expected a tag" "$T/err")" '3 1' \
    'a NUL is no tag'

# ---- Little memory ----
# Too little for OpenBLAS, or for libtorch to be loaded.
for mb in 60 120 200 280; do
    if [ -n "${sanitizers-}${BLINK_VALGRIND-}" ]; then
        skip "$mb MB of address space" 'too little for the tool as well'
        continue
    fi
    run bash -c 'ulimit -v $(($1 * 1000)) && shift && exec timeout 100 "$@"' \
        bash "$mb" blink-train bi "${common[@]}" -o "$T/little" --steps 1
    like "$status $(cat "$T/err")" \
        '^4 blink-train: (out of memory \(OpenBLAS wants |.* cannot be loaded: )' \
        "$mb MB of address space: a sentence and status 4"
    ok "$mb MB: no model" test ! -e "$T/little"
done

# ---- The original's runs ----
# golden FILE MODEL TRAIN DEV OPTION...
golden() {
    local file=$golden/train/$1 model=$2 train=$3 dev=$4
    shift 4
    p() { jq -r ".params.$1" "$file"; }
    run blink-train bi -q -b "$model" -t "$train" -d "$dev" -o "$T/g" -f \
        --recipe blink --dropout 0 --order given --threads 2 \
        --groups "$(p type_optimization)" --rate "$(p learning_rate)" \
        --warmup "$(p warmup_proportion)" --clip "$(p max_grad_norm)" \
        --batch "$(p train_batch_size)" --epochs "$(p num_train_epochs)" \
        --accumulate "$(p gradient_accumulation_steps)" \
        --entity-length 64 --context-length 32 "$@"
    jq -n --slurpfile g "$file" --slurpfile l "$T/g.log.jsonl" '
        ($l | map(select(.loss))) as $s | $g[0].optimizer_steps as $o |
        $g[0].params.gradient_accumulation_steps as $a |
        def near($x; $y; $t): ($x - $y | fabs) <= $t * ($y | fabs);
        ($s | length) == ($o | length) and all(range($s | length);
            near($s[.].loss; $g[0].loss_per_forward[. * $a]; 2e-4)
            and near($s[.].norm; $o[.].grad_norm; 1e-3)
            and near($s[.].rate; $o[.].lr[0]; 1e-6))'
}
if [ -n "$golden" ]; then
    for m in m1 m2; do
        blink-convert biencoder "$golden/zoo/$m/biencoder_wiki_$m.bin" \
            --params "$golden/zoo/$m/biencoder_wiki_$m.json" \
            --bert "$golden/zoo/$m/bert_tiny_$m" -o "$T/$m" 2>/dev/null
        batch=$golden/train/bi_fixed_batch_$m/batch.jsonl
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do cat "$batch"; done >"$T/b"
        for f in "$golden/train/bi_fixed_batch_$m"/*.json; do
            name=${f##*/}
            [ "$name" != single_losses.json ] || continue
            is "$(golden "bi_fixed_batch_$m/$name" "$T/$m" "$T/b" \
                "$batch")" true "$m/${name%.json}: as the original"
        done
    done
    is "$(golden bi_run/run.json "$T/m2" "$golden/train/bi_run/train.jsonl" \
        "$golden/train/bi_run/valid.jsonl" --eval-every 5)" true \
        'two epochs: as the original'
    is "$(jq -s -c 'map(.accuracy | values * 1e5 | round)' \
        "$T/g.log.jsonl")" '[11111,11111,5556,5556,5556]' \
        'its evaluations too'
else
    skip 'as the original' 'no golden data here'
fi
finish
