#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-convert quantize: models whose layers are stored in 8 bits.
. "$top_srcdir/tests/lib.sh"
bi=$fixtures/golden/m2-bi
cross=$fixtures/golden/m2-cross
cd "$T" || exit
blink-convert biencoder "$bi/model.safetensors" --bert "$bi" -o bi
blink-convert crossencoder "$cross/model.safetensors" --bert "$cross" \
    -o cross

run blink-convert quantize bi -o bi8
is "$status $(cat err)" '0 ' 'a bi-encoder of two towers'
is "$(find bi8 -type f | sort | tr '\n' ' ')" \
    'bi8/blink.json bi8/config.json bi8/model.safetensors bi8/vocab.txt ' \
    'four files'
ok 'a cross-encoder' blink-convert quantize cross -o cross8
# A head of one output in 16 bits stands before the layers in the file.
mkdir parts
"$top_builddir/tests/parts" cross parts f16
blink-convert quantize parts/cross -o half8
run blink-rerank -m half8 -c "$T/none" </dev/null
like "$(cat err)" 'none' 'a cross-encoder in 16 bits'

# vectors OPTION...: of one mention, and of one entity.
vectors() {
    echo '{"context_left":"a","mention":"paris","context_right":"b"}' |
        blink-embed "$@" | jq -c .embedding.f32
    echo '{"id":"1","title":"Paris","text":"A city."}' |
        blink-embed --entities "$@" | jq -c .embedding.f32
}
vectors -m bi --precision int8 >want
is "$(wc -l <want)" 2 'vectors in int8'
ok 'they are not those in f32' [ "$(cat want)" != "$(vectors -m bi)" ]
is "$(vectors -m bi8)" "$(cat want)" 'stored weights give the same bits'
for cpu in vnni avxvnni avx2 neon c; do
    if BLINK_CPU=$cpu blink-embed -m bi8 </dev/null 2>err; then
        is "$(BLINK_CPU=$cpu vectors -m bi8)" "$(cat want)" \
            "BLINK_CPU=$cpu gives them too"
    else
        like "$(cat err)" "^blink-embed: BLINK_CPU=$cpu: this machine|^blink\
-embed: BLINK_CPU: expected" "BLINK_CPU=$cpu is refused"
    fi
done
run env BLINK_CPU=z80 blink-embed -m bi8
is "$status $(cat err)" "2 blink-embed: BLINK_CPU: expected amx, vnni, \
avxvnni, avx2, neon or c, as this processor has, found 'z80'" 'no such one'

# Other engines and precisions have the numbers that the codes stand for.
numbers() {
    vectors "$@" | while read -r v; do
        jq -r . <<<"$v" | base64 -d | od -An -v -tf4 -w4
    done
}
largest_difference() {
    paste "$1" "$2" | awk '{ d = $1 - $2; d = d < 0 ? -d : d
        if (d > most) most = d } END { exit !(NR == 40 && most < 1e-5) }'
}
numbers -m bi8 --precision f32 >plain
numbers -m bi8 --engine reference >oracle
ok 'in f32 as the reference engine' largest_difference plain oracle
ok 'which is not f32 of the weights before' \
    [ "$(cat plain)" != "$(numbers -m bi --precision f32)" ]
if blink-embed --engine torch -m bi </dev/null 2>/dev/null; then
    numbers -m bi8 --engine torch >shim
    ok 'as the torch engine' largest_difference plain shim
else
    skip 'as the torch engine' "$(no_module 'torch|train')"
fi
run blink-convert quantize bi8 -o bad
is "$status $(cat err)" "3 blink-convert: 'bi8': its weights are int8 \
already" 'not twice'
run blink-convert quantize "$bi" -o bad
is "$status $(cat err)" "3 blink-convert: '$bi': no blink.json; make a model \
directory of it first (blink-convert hf)" 'only directories of ours'
run blink-convert quantize bi -o bi8
is "$status" 2 'a folder that is there stays'
ok 'unless told' blink-convert quantize bi -o bi8 --force
is "$(find . -name '*bad*' -o -name '.*.tmp')" '' 'nothing is left behind'

# A file that lacks a part, or whose part has another shape.
cut_out() {
    cp -r bi8 broken
    LC_ALL=C sed -i "s/$1/$2/" broken/model.safetensors
    run blink-embed -m broken
    rm -r broken
}
cut_out 'layer.0.attention.self.query.weight.sums' \
    'layer.0.attention.self.query.weight.sumz'
is "$status $(cat err)" "3 blink-embed: 'broken': tensor 'cand_encoder.\
bert_model.encoder.layer.0.attention.self.query.weight.sums' is missing" \
    'a part is missing'
finish
