#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-convert: model directories of BLINK's weights and Hugging Face's.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/models.sh"
bi=$fixtures/golden/m2-bi
cross=$fixtures/golden/m2-cross
cd "$T" || exit

# refuse STATUS STDERR TEXT COMMAND...: and leaves nothing behind.
refuse() {
    local want=$1 message=$2 text=$3
    shift 3
    run blink-convert "$@" -o bad
    is "$status $(cat err)" "$want blink-convert: $message" "$text"
    is "$(find . -name '*bad*')" '' "$text: nothing is left"
}

# ---- What it makes ----

run blink-convert biencoder "$bi/model.safetensors" --bert "$bi" -o bi -v
is "$status" 0 'a bi-encoder'
like "$(cat err)" "^blink-convert: 'bi': bi-encoder [0-9a-f]{16}, 82 tensors" \
    'and what it was'
is "$(find bi -type f | sort | tr '\n' ' ')" 'bi/blink.json bi/config.json bi/model.safetensors bi/vocab.txt ' 'four files'
is "$(find . -name '.*.tmp')" '' 'no temporary folder'
is "$(jq -c . bi/blink.json)" '{"format":1,"role":"bi-encoder","layout":"blink","towers":2,"pooling":"cls","normalize":false,"context_length":32,"entity_length":128,"lowercase":true,"literal_specials":true,"tags":["[unused0]","[unused1]","[unused2]"],"training":"facebookresearch/BLINK'"'"'s, converted"}' \
    'blink.json of a bi-encoder'
ok 'the same bytes again' blink-convert biencoder bi/model.safetensors \
    --bert bi -o bi2
ok 'the same weights' cmp bi/model.safetensors bi2/model.safetensors
echo '{"max_context_length":16,"max_cand_length":64,"lowercase":false}' >p.json
ok 'a bi-encoder with parameters' blink-convert biencoder \
    bi/model.safetensors --params p.json --bert bi -o bi3
is "$(jq -c '[.context_length,.entity_length,.lowercase]' bi3/blink.json)" \
    '[16,64,false]' 'lengths and case of the parameters'
echo '{"max_context_length":16,"max_seq_length":100}' >p.json
ok 'a cross-encoder' blink-convert crossencoder "$cross/model.safetensors" \
    --params p.json --bert "$cross" -o cross
is "$(jq -c '[.role,.context_length,.entity_length,.pair_length]' \
      cross/blink.json)" '["cross-encoder",32,128,100]' \
    'a cross-encoder has fixed lengths, and that of a pair'
# Weights that lie alone, as those that BLINK publishes do.
mkdir alone
ln -s "$cross/model.safetensors" alone/cross.safetensors
ln -s "$bi/model.safetensors" alone/bi.safetensors
ok 'a configuration from the weights' blink-convert crossencoder \
    alone/cross.safetensors --vocab "$cross/vocab.txt" -o derived
is "$(jq -c '[.hidden_size,.num_attention_heads,.num_hidden_layers,.vocab_size,.intermediate_size]' derived/config.json)" '[64,1,2,1500,256]' \
    'the derived configuration'
ok 'the folder that weights are in' blink-convert crossencoder \
    "$cross/model.safetensors" -o beside
ok 'has their configuration and words' diff -r -x blink.json beside cross
ok 'a folder for weights' blink-convert crossencoder "$cross" -o folder
ok 'the same' diff -r folder beside
echo '{"bert_model":"m2"}' >alone/p.json
ln -s "$cross" alone/m2
ok 'a folder that the parameters name' blink-convert crossencoder \
    alone/cross.safetensors --params alone/p.json -o named
ok 'the same, found from where they are' diff -r named beside
embed() {
    printf '{"context_left":"They flew to ","mention":"Paris","context_right":" in spring."}\n' |
        blink-embed -m "$1" --engine reference | jq -r .embedding.f32
}
is "$(embed bi)" "$(embed "$bi")" 'the converted model computes the same'

# ---- Hugging Face's layout ----

sentence_transformer hf 's/LayerNorm\.weight/LayerNorm.gamma/g;
    s/LayerNorm\.bias/LayerNorm.beta/g'
run blink-convert hf hf -o minilm -v
is "$status" 0 'a folder of sentence-transformers'
like "$(cat err)" '38|39 tensors' 'without the tensors that it does not use'
is "$(jq -c . minilm/blink.json)" '{"format":1,"role":"bi-encoder","pooling":"mean","normalize":true}' \
    'its pooling, and that it normalises'
run blink-embed -m minilm --engine reference <<<'{"context_left":"","mention":"Paris","context_right":""}'
is "$status" 0 'it computes'

# A classifier of one label is a cross-encoder.
mkdir seqcls
cp "$cross/config.json" "$cross/vocab.txt" seqcls
echo '{"context_length":32}' >seqcls/blink.json
classifier >one.safetensors
perl "$top_srcdir/tests/torch-save.pl" one.safetensors \
    seqcls/pytorch_model.bin legacy
run blink-convert hf seqcls/ -o seqcls-model -v
is "$status" 0 'a sequence classifier in pytorch_model.bin'
is "$(jq -r .role seqcls-model/blink.json)" cross-encoder \
    'is a cross-encoder'

is "$(printf '{"context_left":"","mention":"a","context_right":"","title":"b","text":"c"}' |
    blink-tokenize --pair -m seqcls-model | jq -c '[.segments, .positions]')" \
    '[[0,0,0,0,0,1,1,1,1],[0,1,2,3,4,5,6,7,8]]' \
    'read as names and texts, with no tags'

# Pooling by name, as sentence-transformers 5 writes it.
for way in cls mean; do
    echo "{\"pooling_mode\":\"$way\"}" >hf/1_Pooling/config.json
    ok "pooling by name: $way" blink-convert hf hf -o "by-$way"
    is "$(jq -r .pooling "by-$way/blink.json")" $way 'is taken over'
done
# Words of tokenizer.json alone.
mv hf/vocab.txt words
jq -nc --rawfile w words '{model: {type: "WordPiece", vocab: ($w
    | rtrimstr("\n") | split("\n") | to_entries
    | map({(.value): .key}) | add)}}' >hf/tokenizer.json
ok 'a folder without vocab.txt' blink-convert hf hf -o newer
ok 'has its words from tokenizer.json' cmp newer/vocab.txt words
# Shards of safetensors: two files of half the tensors each.
mkdir halves
cp "$bi/config.json" words halves
mv halves/words halves/vocab.txt
perl - minilm/model.safetensors halves <<'X'
my ($from, $to) = @ARGV;
open my $in, '<:raw', $from or die; local $/; my $all = <$in>;
my $n = unpack 'Q<', $all;
my ($h, @out, %map) = substr $all, 8, $n;
my $i = 0;
while ($h =~ /"([^"]+)":(\{"dtype":"F32","shape":\[[0-9,]*\],)"data_offsets":\[([0-9]+),([0-9]+)\]/g) {
    my $o = $out[$i++ % 2] //= { data => '' };
    my $at = length $o->{data};
    $o->{data} .= substr $all, 8 + $n + $3, $4 - $3;
    push @{$o->{head}}, "\"$1\":$2\"data_offsets\":[$at," . length($o->{data}) . ']}';
    $map{$1} = 'model-0000' . (1 + ($i - 1) % 2) . '.safetensors';
}
for (0, 1) {
    open my $f, '>:raw', "$to/model-0000" . ($_ + 1) . '.safetensors' or die;
    my $head = '{' . join(',', @{$out[$_]{head}}) . '}';
    print $f pack('Q<', length $head), $head, $out[$_]{data};
}
open my $f, '>', "$to/model.safetensors.index.json" or die;
print $f '{"metadata":{},"weight_map":{',
    join(',', map { "\"$_\":\"$map{$_}\"" } sort keys %map), '}}';
X
ok 'shards of safetensors' blink-convert hf halves -o joined
ok 'are the same weights' cmp joined/model.safetensors \
    minilm/model.safetensors

# with FILE JQ STDERR TEXT: the folder with that change is refused.
with() {
    rm -rf changed
    cp -r hf changed
    cp words changed/vocab.txt
    [ -e "changed/$1" ] || echo '{}' >"changed/$1"
    jq -c "$2" "changed/$1" >new && mv new "changed/$1"
    refuse 3 "$3" "$4" hf changed
}

# ---- What it refuses ----

run blink-convert biencoder "$bi/model.safetensors" --bert "$bi" -o bi
is "$status $(cat err)" "2 blink-convert: 'bi' exists (--force replaces it)" \
    'a target that is there'
ok 'unless forced' blink-convert biencoder "$bi/model.safetensors" \
    --bert "$bi" -o bi --force
is "$(find . -name '.*.tmp')" '' 'the old one is gone'
touch bi/mine
run blink-convert biencoder "$bi/model.safetensors" --bert "$bi" -o bi --force
is "$status $(cat err)" \
    "2 blink-convert: 'bi' contains 'mine', so it is not replaced" \
    'a folder with files of someone'
refuse 3 "'$cross/model.safetensors': tensor 'context_encoder.bert_model.embeddings.word_embeddings.weight' is missing; it looks like BLINK's cross-encoder" \
    'a cross-encoder taken for a bi-encoder' \
    biencoder "$cross/model.safetensors" --bert "$cross"
perl -pe 's/cand_encoder\.bert_model\.pooler\.dense\.bias/cand_encoder.bert_modem.pooler.dense.bias/' \
    "$bi/model.safetensors" >odd.safetensors
refuse 3 "'odd.safetensors': tensor 'cand_encoder.bert_modem.pooler.dense.bias' is not part of such a model" \
    'a tensor of another model' biencoder odd.safetensors --bert "$bi"
export BLINK_DATA=$T/data
mkdir -p data/models/default
refuse 2 "the weights have no vocabulary: give the folder of the BERT that they were trained from (--bert), or its vocab.txt (--vocab); that of BLINK's published models comes with the default model, which scripts/quickstart sets up" \
    'no vocabulary' biencoder alone/bi.safetensors
cp "$bi/vocab.txt" data/models/default
run blink-convert biencoder alone/bi.safetensors -o bad
is "$status" 2 'a default model with other words is no help'
cp "$fixtures/golden/tok/vocab.txt" data/models/default
run blink-convert biencoder alone/bi.safetensors -o bad
is "$status $(cat err)" "3 blink-convert: 'bad/vocab.txt': line 1501: 30522 words but the model has 1500 embeddings" \
    'the words of the default model, of another number'
# As large a vocabulary as BLINK's, so that no option is needed.
perl - >alone/large.safetensors <<'X'
my ($p, @t) = ('encoder.bert_model.');
my %d = ('embeddings.word_embeddings.weight' => [30522, 64],
    'embeddings.position_embeddings.weight' => [512, 64],
    'embeddings.token_type_embeddings.weight' => [2, 64],
    'embeddings.LayerNorm' => 64, 'pooler.dense' => [64, 64]);
my $l = 'encoder.layer.0.';
$d{"${l}attention.self.$_"} = [64, 64] for qw(query key value);
$d{"${l}attention.output.dense"} = [64, 64];
$d{"$l$_"} = 64 for 'attention.output.LayerNorm', 'output.LayerNorm';
$d{"${l}intermediate.dense"} = [256, 64];
$d{"${l}output.dense"} = [64, 256];
for (sort keys %d) {
    my $x = $d{$_};
    if (/weight$/) { push @t, ["$p$_", @$x]; next }
    push @t, ["$p$_.weight", ref $x ? @$x : $x],
        ["$p$_.bias", ref $x ? $x->[0] : $x];
}
push @t, ['encoder.additional_linear.weight', 1, 64],
    ['encoder.additional_linear.bias', 1];
my $at = 0;
my $header = join ',', map {
    my ($name, @dims) = @$_;
    my $n = 4;
    $n *= $_ for @dims;
    my $from = $at;
    $at += $n;
    "\"$name\":{\"dtype\":\"F32\",\"shape\":[" . join(',', @dims)
        . "],\"data_offsets\":[$from,$at]}"
} @t;
$header = "{$header}";
print pack('Q<', length $header), $header, "\0" x $at;
X
run blink-convert crossencoder alone/large.safetensors -o large -v
is "$status" 0 'weights alone, with the default model at hand'
ok 'whose words are taken' cmp large/vocab.txt \
    "$fixtures/golden/tok/vocab.txt"
ok 'and said so' grep -qxF \
    "blink-convert: 'large': vocabulary of 'data/models/default/vocab.txt'" \
    <(sed "s,'$T/,',g" err)
# jq compares the number, since jq 1.7 prints it as 1E-12.
is "$(jq -c '[.hidden_act,.layer_norm_eps==1e-12,.num_attention_heads]' \
    large/config.json)" '["gelu",true,1]' 'gelu, 1e-12, heads of 64'
rm -r data
head -100 "$bi/vocab.txt" >short.txt
run blink-convert biencoder "$bi/model.safetensors" --vocab short.txt -o bad
is "$status" 3 'a vocabulary of another size'
like "$(cat err)" "^blink-convert: 'bad/vocab.txt'" 'named as it was asked for'
is "$(find . -name '*bad*')" '' 'and nothing is left'
refuse 3 "cannot open 'none.bin': No such file or directory" 'no file' \
    biencoder none.bin --bert "$bi"
refuse 3 "'empty' contains neither model.safetensors nor pytorch_model.bin, whole or in shards" \
    'an empty folder' hf "$(mkdir -p empty && echo empty)"
echo '[]' >list.json
refuse 3 "'list.json': expected object, found array" 'parameters of no object' \
    biencoder "$bi/model.safetensors" --bert "$bi" --params list.json
# Parameters as Python prints them: BLINK's training writes them so too.
python() {
    printf '%s' "$1" >python.txt
    rm -rf python
    run blink-convert biencoder "$bi/model.safetensors" --bert "$bi" \
        --params python.txt -o python
}
python "{'silent': False, 'path': None, 'note': \"it's True, (a)\", 'worlds': (1, (2,)), 'rate': 1e-05, 'max_context_length': 20, 'lowercase': True, 'x\\n': '\\u00e9\\x41\\U0001f600\\\\'}"
is "$status$(cat err)$(jq -c '[.context_length,.lowercase]' python/blink.json)" \
    '0[20,true]' 'parameters of a Python dictionary'
while IFS=$'\t' read -r text message; do
    python "$text"
    is "$status$(cat err)" "3blink-convert: 'python.txt': $message" \
        "a dictionary that is none: $text"
done <<'X'
{'a': nan}	byte 6: expected True, False or None, found 'nan'
{'a': Namespace(b=1)}	byte 6: expected True, False or None, found 'Namespace'
{'a': 'b	byte 6: a string that does not end
{'a': '\d'}	byte 8: an escape that Python does not write
{'a': '\ud800'}	byte 8: an escape that Python does not write
X
python "$(printf "{'a': '\\377'}")"
is "$status$(cat err)" "3blink-convert: 'python.txt': byte 7: invalid UTF-8" \
    'invalid UTF-8 in a dictionary'
python "{'a': 1,, 'b': 2}"
is "$status" 3 'two commas'
python "{'a': 1 'b': 2}"
is "$status" 3 'no comma'
for type in roberta distilbert mpnet; do
    with config.json ".model_type = \"$type\"" "'changed/config.json': a model of type '$type'; only BERT (\"model_type\": \"bert\") is supported" \
        "a network of another kind: $type"
done
with modules.json '.[2].type = "sentence_transformers.models.Dense"' \
    "'changed/modules.json': [2]: module 'sentence_transformers.models.Dense' is not supported (Transformer, Pooling and Normalize are)" \
    'a layer behind the pooling'
with 1_Pooling/config.json '{pooling_mode: "max"}' \
    "'changed/1_Pooling/config.json': pooling_mode: 'max' is not known (expected 'cls')" \
    'another pooling'
with tokenizer_config.json '{strip_accents: false}' \
    "'changed/tokenizer_config.json': strip_accents: false is not supported with lower case" \
    'a tokenizer that keeps accents'
with tokenizer_config.json '{tokenize_chinese_chars: false}' \
    "'changed/tokenizer_config.json': tokenize_chinese_chars: false is not supported" \
    'a tokenizer that keeps Chinese together'
jq -c '.model.vocab.Paris = 2000' hf/tokenizer.json >new
mv new hf/tokenizer.json
refuse 3 "'hf/tokenizer.json': model.vocab.Paris: expected 0 to 1500, found 2000" \
    'a word without a row' hf hf
jq -c '.model.type = "BPE"' hf/tokenizer.json >new
mv new hf/tokenizer.json
refuse 3 "'hf/tokenizer.json': expected a model of type WordPiece with a vocab" \
    'words of another kind' hf hf
rm hf/tokenizer.json
refuse 3 "'hf' has neither vocab.txt nor tokenizer.json (--vocab gives the words)" \
    'no words' hf hf
# Three labels for a text are neither a score nor tags of words.
perl -pe 's/"shape":\[1,64\]/"shape":[2,32]/; s/"shape":\[1\]/"shape":[1]/' \
    one.safetensors >seqcls/model.safetensors
jq -c '.architectures = ["BertForSequenceClassification"]' \
    "$cross/config.json" >seqcls/config.json
run blink-convert hf seqcls -o bad
is "$status" 3 'a classifier of texts with other labels than one'
is "$(find . -name '*bad*')" '' 'leaves nothing'
run blink-convert hf minilm
is "$status $(head -1 err)" \
    "2 blink-convert: option '--output' is required" 'no --output'

# ---- Hostile files: nothing runs, exit 3, nothing is left ----

export HIT=$T/hit
# shellcheck disable=SC2016
printf '\200\2cposix\nsystem\nU\016touch "$HIT" ;\205R.' >system.bin
refuse 3 "'system.bin': byte 2: opcode GLOBAL: 'posix.system' is not among the names that a file of tensors may use" \
    'a pickle that calls' biencoder system.bin --bert "$bi"
ok 'nothing was run' test ! -e hit
printf '\200\2\377.' >unknown.bin
refuse 3 "'unknown.bin': byte 2: opcode 0xff is unknown" \
    'an unknown opcode' biencoder unknown.bin --bert "$bi"
perl -e 'print "\200\2", "(" x 1000000, "."' >deep.bin
refuse 3 "'deep.bin': byte 258: opcode MARK: more than 256 marks are open" \
    'a million levels' biencoder deep.bin --bert "$bi"
echo '<!DOCTYPE html>' >page.bin
refuse 3 "'page.bin': a text that begins with '<', not a file that torch.save wrote" \
    'what a server sent instead' biencoder page.bin --bert "$bi"
: >empty.bin
refuse 3 "'empty.bin' is empty" 'an empty file' biencoder empty.bin \
    --bert "$bi"
printf 'PK\3\4 and so on, but no more than that' >zip.bin
refuse 3 "'zip.bin': zip archive: its end is missing (a truncated file?)" \
    'no archive' biencoder zip.bin --bert "$bi"
perl - >bomb.bin <<'X'
# One entry that says it is deflated from a gigabyte.
my $data = "x" x 30;
my $local = pack 'VvvvvvVVVvv', 0x04034b50, 20, 0, 8, 0, 0, 0, 30, 1 << 30, 10, 0;
my $cd = pack 'VvvvvvvVVVvvvvvVV', 0x02014b50, 20, 20, 0, 8, 0, 0, 0, 30,
    1 << 30, 10, 0, 0, 0, 0, 0, 0;
my $body = $local . "a/data.pkl" . $data;
print $body, $cd, "a/data.pkl",
    pack 'VvvvvVVv', 0x06054b50, 0, 0, 1, 1, length($cd) + 10, length $body, 0;
X
refuse 3 "'bomb.bin': zip archive: entry 'a/data.pkl': it is compressed, but torch.save stores entries uncompressed" \
    'a zip bomb' biencoder bomb.bin --bert "$bi"

# ---- Files of torch.save, good and with one fault each ----

save() { perl "$top_srcdir/tests/torch-save.pl" "$cross/model.safetensors" "$@"; }
query=encoder.bert_model.encoder.layer.0.attention.self.query.bias
key=encoder.bert_model.encoder.layer.0.attention.self.key.bias
ok 'the model from safetensors' blink-convert crossencoder \
    "$cross/model.safetensors" --bert "$cross" -o same
for form in legacy zip; do
    save good.bin $form
    ok "a good file, $form" blink-convert crossencoder good.bin \
        --bert "$cross" -o $form
    ok "the same model, $form" diff -r same $form
done

# Weights that are tied, or one number repeated, as torch.save has them.
# values MODEL TENSOR: its bytes.
values() {
    perl -e 'open my $f, "<:raw", "$ARGV[0]/model.safetensors" or die;
        local $/; my $all = <$f>; my $n = unpack "Q<", $all;
        substr($all, 8, $n) =~ /"\Q$ARGV[1]\E":\{[^}]*"data_offsets":\[([0-9]+),([0-9]+)/
            or die; print unpack "H*", substr $all, 8 + $n + $1, $2 - $1;' \
        "$1" "$2"
}
for form in legacy zip; do
    save tied.bin $form alias $query $key
    ok "tied weights, $form" blink-convert crossencoder tied.bin \
        --bert "$cross" -o tied-$form
    is "$(values tied-$form $query)$(values tied-$form $key)" \
        "$(values same $query)$(values same $query)" \
        "each has its values, $form"
    save tied.bin $form expand $query
    ok "a repeated number, $form" blink-convert crossencoder tied.bin \
        --bert "$cross" -o repeated-$form
    is "$(values repeated-$form $query | fold -w 8 | sort | uniq -c |
        awk '{ print $1 }')" 64 "is written out, $form"
done

# broken FORM FAULT STDERR TEXT [TENSOR...]
broken() {
    local form=$1 fault=$2 message=$3 text=$4
    shift 4
    save x.bin "$form" "$fault" "$@"
    run blink-convert crossencoder x.bin --bert "$cross" -o bad
    like "$status $(cat err)" "^3 blink-convert: 'x.bin': $message\$" \
        "$text, $form"
    is "$(find . -name '*bad*')" '' "$text, $form: nothing is left"
}
for form in legacy zip; do
    broken $form code "byte [0-9]+: opcode GLOBAL: 'posix.system' is not among the names that a file of tensors may use" \
        'a call among the values'
    ok "nothing was run, $form" test ! -e hit
    broken $form nan "tensor '$query': value 2 is not finite" 'NaN' $query
done
broken legacy lie "byte [0-9]+: storage 's[0-9]+' has 64 elements, expected 65" \
    'a storage that is shorter than declared' $query
broken legacy short "byte [0-9]+: storage 's[0-9]+' .*" \
    'a storage that reaches into the next one' $query
broken legacy tail 'byte [0-9]+: 1 bytes follow the last storage' \
    'a byte after the end'
broken legacy tar 'a tar archive; files of torch before 0\.1\.10 are not read' \
    'a pickle that is a tar archive too'
broken zip lie "zip archive: storage 's[0-9]+' has 256 bytes, expected 260" \
    'a storage that is shorter than declared' $query
broken zip crc "tensor '.*': storage 's1': checksum [0-9a-f]{8}, expected [0-9a-f]{8}" \
    'a wrong checksum'
broken zip overlap "zip archive: entry 'archive/data/s1': .*" \
    'two entries in one place'
broken zip twice "zip archive: entry 'archive/data/s0': it is given twice" \
    'an entry given twice'
broken zip order 'written on a big-endian machine' 'big-endian numbers'
broken zip tail 'zip archive: its end is missing \(a truncated file\?\)' \
    'a byte after the end'

# ---- Shards ----

mkdir shards
cp "$cross/config.json" "$cross/vocab.txt" shards
save shards/pytorch_model-1.bin legacy
perl -ne 'BEGIN { $/ = undef; print "{\"weight_map\":{" }
    my @n = /"(encoder\.[^"]+)":/g;
    print join ",", map { "\"$_\":\"pytorch_model-1.bin\"" } @n;
    print "}}"' "$cross/model.safetensors" >shards/pytorch_model.bin.index.json
ok 'a model in shards' blink-convert crossencoder \
    shards/pytorch_model.bin.index.json --bert "$cross" -o sharded
ok 'is the same' diff -r same sharded
index=shards/pytorch_model.bin.index.json
first='weight_map["encoder.additional_linear.bias"]'
cp $index good.index
sed -i 's,"pytorch_model-1.bin",7,' $index
refuse 3 "'$index': $first: expected string, found number" \
    'a shard that is a number' crossencoder $index --bert "$cross"
sed 's,additional_linear.bias,additional_linear.none,' good.index >$index
refuse 3 "'$index': weight_map[\"encoder.additional_linear.none\"]: the \
tensor is not in 'pytorch_model-1.bin'" 'a tensor that is in no shard' \
    crossencoder $index --bert "$cross"
echo '{}' >$index
refuse 3 "'$index': weight_map is missing" 'an index of nothing' \
    crossencoder $index --bert "$cross"
cp good.index $index
sed -i 's,"pytorch_model-1.bin","../pytorch_model-1.bin",' \
    shards/pytorch_model.bin.index.json
refuse 3 "'shards/pytorch_model.bin.index.json': weight_map[\"encoder.additional_linear.bias\"]: shard '../pytorch_model-1.bin' is not a plain file name" \
    'a shard elsewhere' crossencoder shards/pytorch_model.bin.index.json \
    --bert "$cross"

# ---- Prompts of sentence-transformers ----
sentence_transformer st ''
pooling() {
    jq -n --argjson i "$1" '{pooling_mode_mean_tokens: true, include_prompt: $i}' \
        >st/1_Pooling/config.json
}
pooling true
prompted() { echo "$1" >st/config_sentence_transformers.json; }
# vector MODEL RECORD OPTION...
vector() { blink-embed -m "$1" "${@:3}" <<<"$2" | jq -c .embedding.f32; }
mention='{"context_left":"","mention":"the river","context_right":""}'
entity='{"title":"the river","text":"x"}'
prompted '{"prompts":{"query":"was: ","document":"to: "},"default_prompt_name":null}'
run blink-convert hf st -o prompted
is "$status:$(cat "$T/err")" "0:blink-convert: 'prompted': 'was: ' stands before each mention
blink-convert: 'prompted': 'to: ' stands before each entity" 'prompts are said'
is "$(jq -c .prompts prompted/blink.json)" '{"mention":"was: ","entity":"to: "}' \
    'and kept'
prompted '{"prompts":{},"default_prompt_name":null}'
blink-convert hf st -o unprompted 2>err
is "$(cat err)$(jq .prompts unprompted/blink.json)" null 'no prompts: no word'
is "$(vector prompted "$mention")" \
    "$(vector unprompted "${mention/the/was: the}")" \
    'the vector is that of the text behind the prompt'
is "$(vector prompted "$entity" --entities)" \
    "$(vector unprompted "${entity/the/to: the}" --entities)" \
    'of an entity, too'
prompted '{"prompts":{"a":"of: ","passage":""},"default_prompt_name":"a"}'
run blink-convert hf st -o prompted --force
is "$(jq -c .prompts prompted/blink.json)" '{"mention":"of: ","entity":""}' \
    'the default prompt, where no other is named'
prompted '{"prompts":{}}'
run blink-convert hf st -o prompted --force --mention-prompt 'query: ' \
    --entity-prompt 'passage: '
is "$(jq -c .prompts prompted/blink.json)" \
    '{"mention":"query: ","entity":"passage: "}' 'prompts that no file names'
pooling false
refuse 3 "'st/1_Pooling/config.json': include_prompt: false is not supported \
where there is a prompt" 'vectors without their prompts' hf st --mention-prompt 'a: '
rm st/config_sentence_transformers.json

# ---- Pointers of Git LFS ----
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 7\n' 1 \
    >pointer
pooling true
lfs() {
    run "${@:2}"
    is "$status:$(sed 's/^blink-[a-z]*: //' "$T/err")" "3:'$1' is a Git LFS \
pointer, not the file: 'git lfs pull' fetches it" "a pointer: $1"
}
for file in model.safetensors vocab.txt config.json modules.json; do
    cp "st/$file" kept
    cp pointer "st/$file"
    lfs "st/$file" blink-convert hf st -o bad
    cp kept "st/$file"
done
for file in x.bin x.pt x.safetensors x.pkl; do
    cp pointer $file
    lfs $file blink-convert biencoder $file -o bad
done
cp pointer x.t7
blink-kb build -q -o one.kb <<<'{"id":"1","title":"a","text":"b"}'
lfs x.t7 blink-index import x.t7 -o bad.blx -m "$bi" -c ./one.kb
cp pointer x.blx
lfs ./x.blx blink-index info -x ./x.blx
cp pointer x.kb
lfs ./x.kb blink-kb info -c ./x.kb
cp pointer x.json
lfs ./x.json blink-score --calibration ./x.json

# ---- Interrupted ----

save big.bin legacy
for delay in 0.01 0.03 0.06; do
    timeout -s TERM $delay blink-convert crossencoder big.bin \
        --bert "$cross" -o killed
    rm -rf killed
done
is "$(find . -name '.*.tmp')" '' 'SIGTERM leaves no temporary folder'
run bash -c 'ulimit -f 100; trap "" XFSZ; exec blink-convert crossencoder big.bin --bert "$1" -o bad' - "$cross"
is "$status" 4 'a full disk'
is "$(find . -name '*bad*')" '' 'and nothing is left'

finish
