#!/bin/bash
# SPDX-License-Identifier: MIT
# A one-pass tagger, which gives its mentions vectors in a bi-encoder's space:
# for the same index as that one's, beside mentions of other finders.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit
export BLINK_DATA=$T/none
bi=$fixtures/golden/m2-bi
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
blink-kb cat -c k.kb | blink-embed -m "$bi" --entities >entities
blink-index build -q -c k.kb -o k.blx <entities
space=$(head -n 1 entities | jq -r .embedding.model)

# Of the bi-encoder's mention tower: its linear layer makes the vectors, three
# rows of the other one tags: by their biases every word is a name, or none.
mkdir one
cat >make.pl <<'X'
local $/;
my ($file, $other) = @ARGV;
open my $in, '<:raw', $file or die;
my $all = <$in>;
my ($n) = unpack 'Q<', $all;
my $head = substr $all, 8, $n;
my (%shape, %data);
while ($head =~ /"([\w.]+)":\s*\{([^}]*)\}/g) {
    my ($name, $rest) = ($1, $2);
    my ($shape) = $rest =~ /"shape":\s*\[([^]]*)\]/ or next;
    my ($from, $to) = $rest =~ /"data_offsets":\s*\[(\d+),\s*(\d+)\]/;
    ($shape{$name}, $data{$name}) =
        ($shape, substr $all, 8 + $n + $from, $to - $from);
}
my (@head, @data);
my $at = 0;
sub put {
    my ($name, $shape, $bytes) = @_;
    my $end = $at + length $bytes;
    push @head, qq("$name":{"dtype":"F32","shape":[$shape],) .
        qq("data_offsets":[$at,$end]});
    push @data, $bytes;
    $at = $end;
}
for (sort keys %shape) {
    put("mention.$1", $shape{$_}, $data{$_})
        if /^context_encoder\.additional_linear\.(.*)/;
    put($1, $shape{$_}, $data{$_}) if /^context_encoder\.bert_model\.(.*)/;
}
put('classifier.weight', '3,64',
    substr $data{'cand_encoder.additional_linear.weight'}, 0, 3 * 64 * 4);
put('classifier.bias', 3, pack 'f<3', $other, 0, -9);
$head = '{' . join(',', @head) . '}';
$head .= ' ' x (-length($head) % 8);
binmode STDOUT;
print pack('Q<', length $head), $head, @data;
X
tags() { perl make.pl "$bi/model.safetensors" "$1" >one/model.safetensors; }
tags -9
jq '. + {id2label: {"0": "O", "1": "B-PER", "2": "I-PER"}}' \
    "$bi/config.json" >one/config.json
cp "$bi/vocab.txt" one
settings() {
    jq -n --arg space "$space" '{format: 1, role: "tagger", names: true,
        lowercase: true, context_length: 40, $space} | '"$1" >one/blink.json
}
settings .
for i in {1..6}; do
    echo "They left Paris for the French Republic, $i men of the river."
done | jq -Rs '{id: "d", text: .}' | jq -c . >docs

# ---- Vectors of mentions ----
run blink-ner -m ./one -d k.kb <docs
is "$status$(cat err)" 0 'a one-pass tagger'
cp out found
is "$(jq -c '.embedding | [.model, .dim, .names]' found | sort -u)" \
    "[\"$space\",20,true]" 'each mention has a vector of the space'
tags 9
run blink-ner -m ./one -d k.kb <docs
is "$(jq -c '.embedding | [.model, .dim, .names]' out | sort -u)" \
    "[\"$space\",20,true]" 'and so have those of the catalogue alone'
ok 'of which there are fewer' [ "$(wc -l <out)" -lt "$(wc -l <found)" ]
tags -9
lengths() {
    jq -r .embedding.f32 found |
        while read -r line; do
            base64 -d <<<"$line" | od -An -v -tf4 -w80 |
                awk '{ for (i = 1; i <= NF; i++) n += $i * $i
                       printf "%.3f\n", sqrt(n) }'
        done | sort -u
}
is "$(lengths)" 1.000 'of length 1'
for how in '--engine reference' '--threads 3' '--batch-tokens 50'; do
    # shellcheck disable=SC2086
    blink-ner -m ./one -d k.kb $how <docs >other
    is "$(paste -d ' ' <(jq -r .embedding.f32 found) \
        <(jq -r .embedding.f32 other) | while read -r a b; do
            paste -d ' ' <(base64 -d <<<"$a" | od -An -v -tf4 -w4) \
                <(base64 -d <<<"$b" | od -An -v -tf4 -w4)
        done | awk '{ d = $1 - $2; if (d * d > 1e-8) n++ } END { print n + 0 }')" \
        0 "the same with $how"
done

# ---- The stages behind it ----
run blink-embed -m "$bi" <found
is "$status$(cat err)" 0 'blink-embed'
ok 'passes them on' cmp out found
run blink-embed -m "$bi" --overwrite <found
is "$(jq -c 'select(.embedding.model)' out | wc -l):$(cmp -s out found;
    echo $?)" "$(wc -l <found):1" '--overwrite makes its own'
jq -c 'if .start % 2 == 1 then . else del(.embedding) end' found >mixed
run blink-embed -m "$bi" <mixed
is "$status:$(jq -c 'select(.embedding.dim == 20)' out | wc -l)" \
    "0:$(wc -l <found)" 'mentions of another finder get theirs'
is "$(jq -c 'select(.start % 2 == 1)' out)" \
    "$(jq -c 'select(.embedding)' mixed)" 'those that have one keep it'
ok 'which is not what is made' [ "$(jq -c 'select(.start % 2 == 0)' out |
    head -n 1)" != "$(jq -c 'select(.start % 2 == 0)' found | head -n 1)" ]
blink-ner -d k.kb <docs | blink-embed -m "$bi" >named
run blink-retrieve -x k.blx -c k.kb -k 3 --no-aliases < <(cat found out named)
is "$status:$(jq -c '.candidates | length' out | sort -u)" 0:3 \
    'one index for all of them'
jq -c '.embedding.model = "0123456789abcdef"' found >foreign
run blink-embed -m "$bi" <foreign
is "$status:$(jq -r .error.message out | sort -u)" \
    "1:field 'embedding' is already there (--overwrite replaces it)" \
    'a vector of another space'
jq -c '.embedding.dim = 19' found >foreign
run blink-embed -m "$bi" <foreign
is "$status" 1 'or one that is none'
run blink-embed -m "$bi" --entities <entities
is "$status" 1 "entities' vectors are made once"
run blink link --json --input documents --ner ./one -m "$bi" -c k.kb -x k.blx \
    --fast docs
is "$status:$(jq -c '.candidates | length > 0' out | sort | uniq -c |
    awk '{ print $1, $2 }')" "0:$(wc -l <found) true" 'blink link'

# ---- Long documents ----
# States of 32,768 words are kept; who comes later has no vector yet.
tags 9
head -c 180000 < <(yes 'a of the in to') | tr '\n' ' ' |
    jq -Rs '{id: "l", text: (. + "Paris")}' | jq -c . >long
run blink-ner -m ./one -d k.kb <long
is "$(jq -c 'select(.mention == "Paris") | has("embedding")' out)" false \
    'a mention far in has none'
is "$(tail -n 1 out | blink-embed -m "$bi" | jq .embedding.dim)" 20 \
    'until blink-embed makes it'

# ---- Models that are wrong ----
bad() {
    run blink-ner -m ./one <docs
    is "$status:$(cat err)" "3:blink-ner: $1" "$2"
}
want="'./one/blink.json': space: expected the fingerprint of the bi-encoder \
whose vectors the tagger makes"
settings 'del(.space)'
bad "$want" 'no space'
settings '.space = "x y"'
bad "$want" 'no fingerprint'
settings '.space = "'"$(printf '%065d' 0)"'"'
bad "$want" 'one that is too long'
settings .
cp one/model.safetensors whole
LC_ALL=C sed 's/"mention.weight":{"dtype":"F32","shape":\[20,64\]/"mention.weight":{"dtype":"F32","shape":[64,20]/' \
    whole >one/model.safetensors
bad "'./one': tensor 'mention.bias': expected shape 64, found 20" \
    'a layer of another width'
LC_ALL=C sed 's/"mention.weight":{"dtype":"F32","shape":\[20,64\]/"mention.weight":{"dtype":"F32","shape":[0020*64]/' \
    whole >one/model.safetensors
run blink-ner -m ./one <docs
is "$status" 3 'a shape that is none'
LC_ALL=C sed 's/"mention.weight"/"Mention.weight"/' whole \
    >one/model.safetensors
run blink-ner -m ./one -d k.kb <docs
is "$status:$(jq -c .embedding out | sort -u)" 0:null \
    'without it, a tagger like others'
mv whole one/model.safetensors

# ---- Packed ----
run blink-convert quantize ./one -o small
is "$status" 0 'in 8 bits'
is "$(jq -c '[.space, .names]' small/blink.json)" "[\"$space\",true]" \
    'the space is kept'
run blink-ner -m ./small -d k.kb <docs
is "$(jq -c '.embedding.model' out | sort -u)" "\"$space\"" \
    'and vectors are made'
finish
