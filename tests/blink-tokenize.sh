#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-tokenize: its modes, against the original where that answers; bad
# records, bad vocabularies, bad options.
. "$top_srcdir/tests/lib.sh"
vocab=$fixtures/golden/tok/vocab.txt
tok=$fixtures/golden/tok

tokenize() { run blink-tokenize -m "$vocab" "$@"; }

# ---- Modes ----
tokenize --raw <<<'{"n":1e400,"text":"Cafés, the [SEP]"}'
is "$(cat "$T/out")" \
    '{"n":1e400,"text":"Cafés, the [SEP]","tokens":["cafes",",","the","[SEP]"],"ids":[23812,1010,1996,102]}' \
    'raw: tokens and ids behind an untouched record'
is "$status" 0 'exit status'
tokenize --raw --literals text <<<'{"text":"[SEP]"}'
is "$(jq -c .tokens "$T/out")" '["[","sep","]"]' 'a typed [SEP] as text'
tokenize --raw --length 2 <<<'{"text":"a b c"}'
is "$(jq -c '[.tokens, .truncated]' "$T/out")" '[["a","b"],["text"]]' \
    'raw: no more than the length, and says so'

mention='{"context_left":"by the [SEP]","mention":"River","context_right":"was full"}'
tokenize --context --tokens <<<"$mention"
is "$(jq -r '.tokens | join(" ")' "$T/out")" \
    '[CLS] by the [SEP] [unused0] river [unused1] was full [SEP]' 'context'
tokenize --context --tokens --lower <<<"$mention"
is "$(jq -r '.tokens | join(" ")' "$T/out")" \
    '[CLS] by the [ sep ] [unused0] river [unused1] was full [SEP]' \
    'context, lowered first'
tokenize --context --length 8 <<<"$mention"
is "$(jq -c '[.ids, .truncated]' "$T/out")" \
    '[[101,102,1,2314,2,2001,2440,102],["context_left"]]' 'a short context'
tokenize --context --length 5 --tokens \
    <<<'{"context_left":"a","mention":"b c d","context_right":"e"}'
is "$(jq -c '[.tokens, .truncated]' "$T/out")" \
    '[["[CLS]","[unused0]","b","[unused1]","[SEP]"],["context_left","mention","context_right"]]' \
    'a mention longer than its window'
tokenize --context <<<'{"context_left":"a","mention":null,"context_right":"b"}'
is "$(jq -c .ids "$T/out")" '[101,1037,1038,102]' 'no mention, no tags'
tokenize --context --pad --length 8 \
    <<<'{"context_left":"a","mention":null,"context_right":"b"}'
is "$(jq -c .ids "$T/out")" '[101,1037,1038,102,0,0,0,0]' 'padded'
tokenize --entity --tokens <<<'{"title":"River","text":"A [PAD] stream"}'
is "$(jq -c .tokens "$T/out")" \
    '["[CLS]","river","[unused2]","a","[PAD]","stream","[SEP]"]' 'entity'
tokenize --entity <<<'{"title":null,"text":"stream"}'
is "$(jq -c .ids "$T/out")" '[101,5460,102]' 'an entity without a title'
tokenize --pair \
    <<<'{"context_left":"","mention":"River","context_right":"","title":"a","text":"[PAD] b"}'
is "$(jq -c '[.ids, .segments, .positions]' "$T/out")" \
    '[[101,1,2314,2,102,1037,3,1038,102],[0,0,0,0,0,1,1,1,1],[0,1,2,3,4,32,33,35,36]]' \
    'pair: real tokens at their padded positions'

# ---- A document ----
mini=$top_srcdir/share/models/mini
if [ -e "$mini/ner/config.json" ]; then
    # Words of one piece each: 126 of them beside [CLS] and [SEP].
    jq -nc '{id: 1, text: ("Caf\u00e9 " + ("a big town " * 60))}' >"$T/in"
    run blink-tokenize --windows -m "$mini" <"$T/in"
    is "$status:$(jq -c '[.windows[] | [(.ids | length), (.segments | length),
        (.words | length)]]' "$T/out")" \
        '0:[[128,128,126],[88,88,86]]' 'windows'
    is "$(jq -c '.windows[0] | [.ids[0, 127], .segments[0, 1, 2, 127],
        .words[0, 1]]' "$T/out")" \
        '[101,102,0,3,2,0,[0,4,1],[5,6,2]]' 'ids, segments and words'
    is "$(jq -c '.windows | .[1].words[0] == (.[0].words[95] | .[2] = 1)' \
        "$T/out")" true 'the next one sees the last quarter again'
    run blink-tokenize --windows -m "$mini" <<<'{"text":""}'
    is "$(cat "$T/out")" '{"text":"","windows":[]}' 'no words, no windows'
    run blink-tokenize --windows -m "$mini" <<<'{"txt":"a"}'
    is "$status" 1 'windows of nothing'
    run blink-tokenize --windows -m "$mini/bi" </dev/null
    like "$status:$(cat "$T/err")" '3:.*expected a tagger' 'no tagger'
else
    skip 'windows' 'no models'
fi

# ---- Against the original ----
# same FILE MODE KEEP WANT TEXT: our fields by the filter KEEP equal WANT.
same() {
    sed 's/\\u0000/\\u0001/g' "$tok/$1" | jq -c "select($3)" >"$T/in"
    jq -c "$4" "$T/in" >"$T/want"
    jq -c 'del(.ids, .tokens)' "$T/in" >"$T/plain"
    # shellcheck disable=SC2086
    tokenize $2 <"$T/plain"
    jq -c "$4" "$T/out" >"$T/got"
    ok "$5" cmp -s "$T/want" "$T/got"
    ok "$5: there are some" test -s "$T/want"
}
same raw-tokens.jsonl --raw '.tokens_cross == null' .tokens 'raw tokens'
for n in 8 16 32 64; do
    same context.jsonl "--context --length $n" \
        ".max_context_length == $n and (.ids | type) == \"array\"" .ids \
        "contexts of $n"
done
for n in 2 16 128; do
    same candidate.jsonl "--entity --length $n" ".max_cand_length == $n" \
        .ids "entities of $n"
done
for n in 40 160; do
    same cross-inputs.jsonl "--pair --length $n" \
        ".max_seq_length == $n and .ids" '[.ids[] | select(. != 0)]' \
        "pairs of $n"
done

# ---- Records that fail ----
bad() {
    tokenize "$1" <<<"$2"
    is "$status:$(jq -r '.error | .code + ": " + .message' "$T/out")" \
        "1:$3" "$4"
}
bad --raw '{"txt":"a"}' "bad-field: field 'text': expected string, found nothing" 'no text'
bad --context '{"context_left":"a","context_right":"b"}' \
    "bad-field: field 'mention': expected string, found nothing" 'no mention at all'
bad --entity '{"title":7,"text":"b"}' \
    "bad-field: field 'title': expected string, found number" 'title 7'
bad --raw '{"text":"a\u0000b"}' \
    "bad-string: field 'text': '\\u0000' is not a character" 'a NUL'
printf '{"text":"a"}\nnot json\n\n{"text":"b"}' >"$T/in"
tokenize --raw <"$T/in"
is "$status" 1 'a bad line among good ones'
is "$(jq -c '.ids // .error.code' "$T/out" | paste -sd ' ')" \
    '[1037] "bad-json" [1038]' 'the others are done'

# ---- Files and options ----
run blink-tokenize --raw -m "$T/none/here" </dev/null
is "$status" 3 'a model that is not there'
printf '[PAD]\n[UNK]\r\n' >"$T/vocab.txt"
run blink-tokenize --raw -m "$T" </dev/null
is "$status:$(cat "$T/err")" \
    "3:blink-tokenize: '$T/vocab.txt': line 2: ends in CR LF, expected only LF" \
    'a bad vocabulary'
misuse() {
    local want=$1
    shift
    run blink-tokenize "$@" </dev/null
    is "$status:$(head -n 1 "$T/err")" "2:blink-tokenize: $want" "misuse: $*"
    is "$(cat "$T/out")" '' 'nothing on stdout'
}
misuse 'expected one of --raw, --context, --entity, --pair and --windows' \
    -m "$vocab"
misuse 'expected one of --raw, --context, --entity, --pair and --windows, found two' \
    --raw --pair -m "$vocab"
misuse '--pad works only with --context or --entity' --raw --pad
misuse "option '--length': expected a number from 0 to 65536, found '1e3'" \
    --raw --length 1e3
finish
