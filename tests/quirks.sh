#!/bin/bash
# SPDX-License-Identifier: MIT
# The quirks of the original that blink-compat(7) decides: its table is whole,
# the tests that it names are there, and those of tokens and packing hold for
# the fixtures.  Others are tested where the page says.
. "$top_srcdir/tests/lib.sh"
page=$top_srcdir/man/blink-compat.7
cross=$fixtures/golden/m2-cross
bi=$fixtures/golden/m2-bi
vocab=$fixtures/golden/tok/vocab.txt
cd "$T" || exit

# ---- The table ----

is "$(sed -n 's/^\.It Sy //p' "$page" | tr '\n' ' ')" \
    "$(echo {T{1..7},P{1..5},M{1..10},R{1..10},E{1..10},N{1..3},F1} '')" \
    'every quirk is decided once'
is "$(sed -n '/^\.It Sy/,/^\.El/p' "$page" | grep -c '^\.Sy Here:')" \
    "$(grep -c '^\.It Sy' "$page")" 'each says what is done here'
# After "tested by": names of files until a full stop ends the line.
awk '/^\.It Sy/ { id = $3 } /^\.Sy [tT]ested by/ { on = 1; next }
    on { line = $0; n = split(line, w, /[ ,]+/)
         for (i = 1; i <= n; i++) { sub(/\.$/, "", w[i]); print id, w[i] }
         if (line ~ /\.$/) on = 0 }' "$page" >named
missing=''
while read -r id file; do
    case $file in
        quirks.sh)
            grep -q "'$id: " "$top_srcdir/tests/quirks.sh" ||
                missing+=" $id:quirks.sh" ;;
        *.c) [ -e "$top_srcdir/tests/unit/$file" ] || missing+=" $file" ;;
        *) [ -e "$top_srcdir/tests/$file" ] || missing+=" $file" ;;
    esac
done <named
is "$missing" '' 'the tests that it names are there'
ok 'and there are some' [ "$(wc -l <named)" -gt 30 ]

# ---- Tokens ----

# raw TEXT [OPTION...]: its tokens with blanks between.
raw() {
    jq -nc --arg t "$1" '{text: $t}' |
        blink-tokenize --raw -m "$vocab" "${@:2}" |
        jq -r '.tokens | join(" ")'
}
of() { jq -nc --arg t "$2" '{text: $t}' | blink-tokenize --raw -m "$1" |
    jq -r '.tokens | join(" ")'; }
is "$(raw ' ')$(raw $'\u3000')$(raw $'\u2028')$(raw $'\x1c')" '' \
    'T1: white space alone is no token'
is "$(of "$cross" 'a[SEP]b')" 'a [SEP] b' 'T2: a typed [SEP] is one'
is "$(of "$cross" 'a[sep]b' | grep -c SEP)" 0 'T2: in this spelling only'
is "$(raw 'a[SEP]b' --literals text)" 'a [ sep ] b' \
    'T2: and text in models of our own'
is "$(of "$cross" 'a [unused0] b')" 'a [unused0] b' \
    'T3: a tag is special to the cross-encoder'
is "$(of "$bi" 'a [unused0]' | cut -c1-3)" 'a [' \
    'T3: and not to the bi-encoder'
is "$(raw $'a\U0001FAD6b')" ab 'T4: assigned after Unicode 11.0: deleted'
is "$(raw $'a\uE000b')" ab 'T4: private: deleted'
run blink-tokenize --raw -m "$vocab" <<<'{"text":"a\ud800b"}'
is "$status $(jq -r .error.code out)" '1 bad-string' 'T4: a lone surrogate'
is "$(raw 'ΟΔΟΣ')" "$(raw 'οδος')" 'T5: a final sigma'
is "$(raw 'İ')" i 'T5: U+0130 is two characters, of which one goes'
is "$(raw $'\u2260 \u037e \u1fef')" '= ; `' \
    'T6: punctuation is told after NFD'
is "$(raw $'a\u2028b 東京x')" 'a b 東 京 x' \
    'T6: line separators part words, and so do Chinese characters'
long=$(printf 'a%.0s' {1..101})
is "$(raw "$long")" '[UNK]' 'T7: a word of 101 characters'
ok 'T7: but not of 100' [ "$(raw "${long:1}")" != '[UNK]' ]
is "$(raw 'a☃b')" '[UNK]' 'T7: a piece that is missing'

# ---- Packing ----

# of_mention LEFT MENTION RIGHT LENGTH: the context.
of_mention() {
    jq -nc --arg l "$1" --arg m "$2" --arg r "$3" '{context_left: $l,
        mention: $m, context_right: $r}' |
        blink-tokenize --context --tokens --length "$4" -m "$bi" |
        jq -r '.tokens | join(" ")'
}
is "$(of_mention 'a b c' 'd e f g h i' k 8)" \
    '[CLS] [unused0] d e f g [unused1] [SEP]' \
    'P1: a mention that is too long is cut'
is "$(of_mention 'a b c' 'd e f' k 8)" \
    '[CLS] [unused0] d e f [unused1] k [SEP]' \
    'P1: no room on the left'
is "$(of_mention 'a b c' '' k 8)" '[CLS] a b c k [SEP]' \
    'P2: an empty mention has no tags'
run blink-embed -m "$bi" --engine reference \
    <<<'{"context_left":"a","mention":null,"context_right":""}'
is "$status $(jq -r .error.code out)" '1 bad-field' 'P2: null is no mention'
# of_entity JSON LENGTH
of_entity() {
    blink-tokenize --entity --tokens --length "$2" -m "$bi" <<<"$1" |
        jq -r '.tokens | join(" ")'
}
is "$(of_entity '{"text":"k"}' 8)" '[CLS] k [SEP]' \
    'P3: no title, no tag'
is "$(of_entity '{"title":"","text":"k"}' 8)" '[CLS] [unused2] k [SEP]' \
    'P3: an empty title, the tag'
is "$(of_entity '{"title":"a b c d","text":"k"}' 4)" '[CLS] a b [SEP]' \
    'P3: a long title pushes the tag out'
echo '{"max_context_length":16,"max_cand_length":64,"max_seq_length":100}' \
    >params.json
blink-convert crossencoder "$cross/model.safetensors" --params params.json \
    -o model
is "$(jq -c '[.context_length, .entity_length, .pair_length]' \
    model/blink.json)" '[32,128,100]' \
    'P4: lengths of a cross-encoder are fixed'
pair='{"context_left":"a","mention":"b","context_right":"c","title":"t","text":"k"}'
is "$(blink-tokenize --pair -m "$cross" <<<"$pair" |
    jq -c '[.positions, .segments]')" \
    '[[0,1,2,3,4,5,6,32,33,34,35],[0,0,0,0,0,0,0,1,1,1,1]]' \
    'P5: positions count the padding'
words=$(printf 'a %.0s' {1..300})
is "$(jq -nc --arg w "$words" '{context_left: $w, mention: "b",
    context_right: $w, title: "t", text: $w}' |
    blink-tokenize --pair -m "$cross" | jq '.positions | length, max')" \
    $'159\n158' 'P5: never 160 tokens'

# ---- The rest that needs no golden data ----

echo '{"id":"1","title":"t","text":" \u3000 "}' >blank.jsonl
is "$(blink-tokenize --entity -m "$bi" <blank.jsonl | jq '.ids | length')" 4 \
    'M9: a text of white space is no text, stripped or not'
blink-kb build -q -o n.kb "$fixtures/mini.jsonl"
is "$(printf '{"id":"d","text":"a\u0085\u0080 Paris ."}\n' |
    blink-ner -d n.kb | jq -c '[.start, .end, .mention]')" \
    '[4,9,"Paris"]' 'N1: offsets are those of the text as it is'
finish
