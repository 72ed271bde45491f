#!/bin/bash
# SPDX-License-Identifier: MIT
# Families: models that share their words in one folder; blink-convert pack.
. "$top_srcdir/tests/lib.sh"
cross=$fixtures/golden/m2-cross
cd "$T" || exit
unset BLINK_DATA
export XDG_DATA_HOME=$T/home
blink-convert crossencoder "$cross/model.safetensors" --bert "$cross" \
    -o base 2>err || cat err
mkdir one half
"$top_builddir/tests/parts" base one
"$top_builddir/tests/parts" base half f16

# ---- Packing ----

pack() {
    run blink-convert pack --bi "$1/bi" --cross "$1/cross" --ner "$1/ner" \
        "${@:2}"
}
pack one -o mini
is "$status $(cat err)" '0 ' 'a family'
is "$(cd mini && find . -type f | sort | tr '\n' ' ')" "./bi/blink.json \
./bi/config.json ./bi/model.safetensors ./cross/blink.json \
./cross/config.json ./cross/model.safetensors ./ner/blink.json \
./ner/config.json ./ner/model.safetensors ./vocab.txt ./words.safetensors " \
    'its files'
is "$(awk '{ print $1 }' out | tr '\n' ' ')" 'words bi cross ner all ' \
    'what the parts weigh is printed'
is "$(awk '/^all/ { print $2 }' out)" \
    "$(find mini -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')" \
    'and all together'
pack one -o again
is "$(diff -r mini again)" '' 'the same bytes again'
pack half -o mini-half
is "$(cmp mini/words.safetensors mini-half/words.safetensors | wc -l)" 1 \
    'words in 8 bits are those of the numbers that were given'
pack one -o wide --words f16 --layers f16
is "$status $(cat err)" '0 ' 'a family in 16 bits'
pack half -o wide-half --words f16 --layers f16
is "$(diff -r wide wide-half)" '' 'which is that of models in 16 bits'

# ---- Numbers ----

echo '{"id":"1","context_left":"a","mention":"paris","context_right":"b"}' \
    >mention
echo '{"id":"1","title":"Paris","text":"A city."}' >entity
# vectors OPTION...: of a mention and of an entity, a number a line.
vectors() {
    { blink-embed "$@" <mention; blink-embed --entities "$@" <entity; } |
        jq -r '.embedding.f32' | while read -r v; do
        base64 -d <<<"$v" | od -An -v -tf4 -w4
    done
}
# near A B: the largest difference between two columns of numbers.
near() {
    paste "$1" "$2" | awk '{ d = $1 - $2; d = d < 0 ? -d : d
        if (d > most) most = d } END { printf "%.9f\n", most }'
}
cosine() {
    paste "$1" "$2" | awk '{ x += $1 * $2; a += $1 * $1; b += $2 * $2 }
        END { printf "%.6f\n", x / sqrt(a * b) }'
}
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }

vectors -m one/bi >want
vectors -m ./mini >bytes
vectors -m ./mini --precision f32 >plain
vectors -m ./mini --engine reference >oracle
ok 'there are numbers' [ "$(wc -l <bytes)" -ge 128 ]
ok "int8: cosine $(cosine want bytes)" below 0.999 "$(cosine want bytes)"
ok "f32 of int8: cosine $(cosine want plain)" below 0.999 "$(cosine want plain)"
ok "cpu and reference, f32 of int8: $(near plain oracle)" \
    below "$(near plain oracle)" 0.00001
vectors -m half/bi >want
vectors -m wide >got
ok '16 bits and half the words: the same numbers' cmp want got
vectors -m wide --precision int8 >bytes
ok "16 bits computed in int8: cosine $(cosine want bytes)" \
    below 0.999 "$(cosine want bytes)"
if blink-embed --engine torch -m one/bi </dev/null 2>/dev/null; then
    vectors -m ./mini --engine torch >shim
    ok "torch: $(near plain shim)" below "$(near plain shim)" 0.00001
    vectors -m ./mini --engine torch --precision bf16 >shim
    ok "bf16: cosine $(cosine plain shim)" below 0.999 "$(cosine plain shim)"
else
    skip 'torch' "$(no_module 'torch|train')"
fi

echo '{"id":"1","title":"Paris","text":"A city."}
{"id":"2","title":"Lyon","text":"Another city."}' | blink-kb build -o k.kb \
    2>err || cat err
echo '{"id":"1","context_left":"a","mention":"paris","context_right":"b",
"candidates":[{"id":"1"},{"id":"2"}]}' | tr -d '\n' >list
scores() {
    blink-rerank -c k.kb "$@" <list | jq '.candidates[].cross_score'
}
scores -m one/cross >want
ok 'there are two scores' [ "$(grep -c '[0-9]' want)" = 2 ]
scores -m ./mini >got
ok "the cross-encoder: $(near want got)" below "$(near want got)" 0.15
scores -m ./mini --precision f32 >plain
scores -m ./mini --engine reference >got
ok "in f32: $(near plain got)" below "$(near plain got)" 0.00001

echo '{"id":"1","text":"Paris is a city in France, says Tom."}' >text
blink-ner -m one/ner <text >want
blink-ner -m ./mini --precision f32 <text >got
is "$(jq -c '[.start,.end,.type]' got)" "$(jq -c '[.start,.end,.type]' want)" \
    'the tagger'

# ---- Found by role and name ----

mkdir -p home/blink/models
mv mini home/blink/models/mini
mini=home/blink/models/mini
fingerprint() {
    run blink-embed -v "$@" </dev/null
    sed -n 's/.*(\([0-9a-f]\{16\}\)).*/\1/p' "$T/err"
}
is "$(fingerprint -m mini)" "$(fingerprint -m again)" \
    'the fingerprint does not depend on the place'
ok 'it is one' [ -n "$(fingerprint -m mini)" ]
ok 'it depends on the words' \
    [ "$(fingerprint -m mini)" != "$(fingerprint -m mini-half)" ]
is "$(fingerprint -m mini/bi)" "$(fingerprint -m mini)" 'a part by name'
is "$(cd $mini/bi && fingerprint -m .)" "$(fingerprint -m mini)" \
    'from within'
ln -s "$T/$mini/bi" link
is "$(fingerprint -m link)" "$(fingerprint -m mini)" 'through a link'
is "$(fingerprint)" "$(fingerprint -m mini)" \
    'mini is the default when there is no other'
run blink-rerank -c k.kb -v <list
like "$status $(cat err)" "^0 blink-rerank: '[^']*mini/cross'" \
    'of the re-ranker too'
run blink-ner -v <text
like "$status $(cat err)" "^0 blink-ner: tagger '[^']*mini/ner'" \
    'and of the tagger'
run blink-ner -v -d k.kb <text
like "$status $(cat err)" '^0 blink-ner: dictionary of 2 entities' \
    'unless a dictionary is named'
echo '{"context_left":"","mention":"a","context_right":"",
"title":"b","text":"c"}' | tr -d '\n' >pair
is "$(blink-tokenize --pair -m mini <pair)" \
    "$(blink-tokenize --pair -m one/cross <pair)" 'pairs are the '"\
cross-encoder's"
is "$(blink-tokenize --context -m mini <pair)" \
    "$(blink-tokenize --context -m one/bi <pair)" 'all else the '"\
bi-encoder's"
blink-kb cat -c k.kb | blink-embed --entities -m mini |
    blink-index build -c k.kb -o k.blx 2>err || cat err
run blink link --show -c k.kb -x k.blx
like "$(cat out)" "blink-ner -m [^ ]*mini/ner .*blink-embed -m [^ ]*mini .*\
blink-rerank -m [^ ]*mini/cross " 'blink link takes all three'
like "$(grep rerank out)" ' --cascade 0\.01 --sure 0\.7 --sure-none 0\.9 \|$' \
    'and has the small one read what it must'
run blink link --show --cascade 0 -c k.kb -x k.blx
like "$(grep rerank out)" ' --cascade 0 \|$' 'or all'
echo '{"format":1}' >weights.json
run blink link --show -c k.kb -x k.blx --calibration weights.json
like "$(grep rerank out)" ' --sure-none 0\.9 --calibration weights\.json \|$' \
    'by the weights that are named'
run blink link --show -c k.kb -x k.blx --cross one/cross
like "$(grep rerank out)" ' -m one/cross -c k\.kb \|$' \
    'another cross-encoder reads all'
run blink link --show -c k.kb -x k.blx --cross one/cross --cascade 0.1
like "$(grep rerank out)" ' --cascade 0\.1 \|$' 'unless it is told'
run blink link --show --dictionary -c k.kb -x k.blx -m mini
like "$(cat out)" 'blink-ner --dictionary k.kb .*mini/cross' \
    'but for what it is told'
run blink link --show -c k.kb -x k.blx -m one/bi
ok 'beside another bi-encoder it does not re-rank' \
    [ "$(grep -c rerank out)" = 0 ]
echo 'Paris is a city.' | blink link --json --dictionary -c k.kb -x k.blx \
    >out 2>err || cat err
is "$(jq -r '.mention' out)" Paris 'the whole pipeline'

# What the doctor says of it, and of a default that is older.
run blink doctor
like "$(grep '^ok *models' out)" "^ok +models +[^ ]*/mini: words [0-9.]+ MB, \
bi [0-9.]+ MB, cross [0-9.]+ MB, ner [0-9.]+ MB; [0-9.]+ MB together$" \
    'doctor: the family and its parts'
like "$(grep 'tagger' out)" '^ok +tagger +[^ ]*/mini/ner$' \
    'doctor: the tagger'

# Another default, which is no family.
cp -r one/bi home/blink/models/default
run blink doctor
like "$(grep '^note *models' out)" "^note +models +[^ ]*/mini exists, but \
the default is [^ ]*/default: use -m mini, or scripts/quickstart --encoder mini$" \
    'doctor: an older default'
is "$(fingerprint)" "$(fingerprint -m one/bi)" 'a default goes before mini'
run blink-rerank -c k.kb <list
like "$status $(cat err)" "^3 blink-rerank: no model 'default-cross' here" \
    'which then has no cross-encoder'
rm -r home/blink/models/default
run blink-embed -m home/blink/models/none/bi
is "$status $(cat err)" "3 blink-embed: 'home/blink/models/none/bi/config.\
json': there is no such file, expected the model's configuration" \
    'a path that is not there'
run blink-embed -m mini/none
is "$status $(cat err)" "3 blink-embed: 'mini/none/config.json': there is no \
such file, expected the model's configuration" 'nor such a part'

# ---- What is missing or broken ----

run blink-convert pack --bi one/bi -o part
is "$(find part -type d | sort | tr '\n' ' ')" 'part part/bi ' \
    'a family of one'
run blink-rerank -m part -c k.kb <list
is "$status $(cat err)" "3 blink-rerank: 'part' has no cross-encoder (no \
folder 'cross' with a config.json)" 'it lacks the others'
run blink-convert quantize part -o bad
is "$status $(cat err)" "3 blink-convert: 'part' contains several models: name \
one of them, such as 'part/bi'" 'a family is no model'
cp -r part broken
rm broken/words.safetensors
run blink-embed -m broken
is "$status $(cat err)" "3 blink-embed: 'broken/bi': no word embeddings: \
neither a tensor 'embeddings.word_embeddings.weight' nor a file \
'broken/bi/../words.safetensors'" 'no words'
cp part/words.safetensors broken
truncate -s -1 broken/words.safetensors
run blink-embed -m broken
like "$status $(cat err)" "^3 blink-embed: 'broken/bi': 'broken/bi/../words.\
safetensors': tensor '.*data ends at offset" 'words cut short'
cp part/words.safetensors broken
LC_ALL=C sed -i 's/1500,64/64,1500/' broken/words.safetensors
run blink-embed -m broken
is "$status $(cat err)" "3 blink-embed: 'broken/bi': the words.safetensors \
above it: tensor 'embeddings.word_embeddings.weight.int8': expected shape \
1500 x 64, found 64 x 1500" 'words of another shape'
cp part/words.safetensors broken
rm broken/vocab.txt
run blink-embed -m broken
like "$status $(cat err)" "^3 blink-embed: .*'broken/bi/vocab.txt'" \
    'no vocabulary'

# ---- What is refused ----

run blink-convert pack -o bad
is "$status $(cat err)" '2 blink-convert: no model to pack' 'nothing'
run blink-convert pack --bi one/cross -o bad
is "$status $(cat err)" "3 blink-convert: 'one/cross': expected a \
bi-encoder, found a cross-encoder" 'another role'
run blink-convert pack --bi mini -o bad
is "$status $(cat err)" "3 blink-convert: '$T/$mini/bi': its weights are \
int8 already" 'int8 already'
cp -r one other
sed -i '1400s/.*/zzyzx/' other/ner/vocab.txt
pack other -o bad
is "$status $(cat err)" "3 blink-convert: 'other/ner' has another vocab.txt \
than 'other/bi': the models of a family share it" 'other words'
cp one/ner/vocab.txt other/ner
blink-convert biencoder "$fixtures/golden/m2-bi/model.safetensors" \
    --bert "$fixtures/golden/m2-bi" -o other/two 2>err || cat err
cp "$cross/vocab.txt" other/two
run blink-convert pack --bi other/two --cross one/cross -o bad
like "$status $(cat err)" "^3 blink-convert: 'other/two' has another vector \
of the word '[^']*' \([0-9]*\) than 'other/two': the models of a family share \
them \(blink-train --freeze words\)$" 'other vectors'
is "$(find . -name '*bad*' -o -name '.*.tmp')" '' 'nothing is left behind'

# ---- Replacing ----

pack half -o again
is "$status $(cat err)" "2 blink-convert: 'again' exists (--force replaces \
it)" 'a family that is there stays'
echo card >again/README.md
pack half -o again --force
is "$status $(cat err)" '0 ' 'unless told'
is "$(cat again/README.md)" card 'its card goes over'
rm again/README.md
is "$(diff -r again mini-half)" '' 'it is the other one'
touch again/ner/mine
pack half -o again --force
is "$status $(cat err)" "2 blink-convert: 'again' contains 'ner/mine', so it is \
not replaced" 'a file of somebody stays'
rm again/ner/mine
run blink-convert pack --bi half/bi -o again --force
is "$(find again -type d | sort | tr '\n' ' ')" 'again again/bi ' \
    'parts that are not named go'

# Killed at any moment: the old family or the new one, and after a signal no
# temporary folder; after a kill -9 the next run removes it.
for signal in TERM KILL; do
    for delay in 0.001 0.01 0.02 0.05 0.1; do
        blink-convert pack --bi half/bi --cross half/cross -o killed \
            >/dev/null 2>&1 &
        sleep $delay
        kill -$signal $! 2>/dev/null
        wait $! 2>/dev/null
        [ $signal = KILL ] || find . -maxdepth 1 -name '.killed.*'
        [ ! -e killed ] || blink-embed -m killed <mention >/dev/null 2>&1 ||
            echo broken
        rm -rf killed
    done
done >left
is "$(cat left)" '' 'killed while packing'
gone=0123456789abcdef
mkdir -p .killed.$gone.tmp/bi .killed.$gone.tmp/ner
touch .killed.$gone.tmp/bi/.model.safetensors.$gone.tmp \
    .killed.$gone.tmp/words.safetensors
run blink-convert pack --bi half/bi -o killed
is "$status $(find . -maxdepth 1 -name '.killed.*')" '0 ' \
    'what a killed run left goes'
finish
