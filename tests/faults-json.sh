#!/bin/bash
# SPDX-License-Identifier: MIT
# Lines that are no record, or not the one that a stage needs: each becomes
# an error in its place, the others are as if it had not been there.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/stages.sh"
[ -n "$stages" ] || skip_all 'no programs'

# What each output line is: a code, or "ok".
codes() {
    sed -E 's/.*"error":\{"by":"[^"]*","code":"([^"]*)".*/\1/; t
            s/.*/ok/' "$1" | uniq | tr '\n' ' '
}

# one LINE CODE MESSAGE TEXT: LINE between two good records (printf escapes).
one() {
    { echo "$good"; printf '%b\n' "$1"; echo "$good"; } >in
    run "${cmd[@]}" <in
    is "$status $(codes "$T/out")" "1 ok $2 ok " "$name: $4"
    is "$(cat "$T/err")" "$program: stdin:2: $3" "$name: $4: message"
    grep -v '"error":' "$T/out" >rest
    cmp -s rest twice || fail "$name: $4: the good records are as ever"
}

deep=$(printf '[%.0s' {1..1001})
for name in $stages; do
    stage "$name"
    printf '%s\n' "$good" "$good" | "${cmd[@]}" >twice 2>"$T/err"
    is "$(codes twice)$(cat "$T/err")" 'ok ' "$name: two good records"

    # ---- No object ----
    one 'not json' bad-json "byte 0: expected a value, found 'n'" 'words'
    one '[1]' bad-json 'expected object, found array' 'an array'
    one '3' bad-json 'expected object, found number' 'a number'
    one '"x"' bad-json 'expected object, found string' 'a string'
    one '{"a":1} x' bad-json "byte 8: expected the end of the line, found 'x'" \
        'something behind'
    one '{"a":1}{}' bad-json "byte 7: expected the end of the line, found '{'" \
        'two objects'
    one '{"a":1' bad-json \
        "byte 6: expected ',' or '}', found the end" 'half an object'
    one '{"a":"\0"}' bad-json \
        "byte 6: expected '\"' at the end of a string, found byte 0x00" \
        'a NUL byte'
    one '{"a":"\xff"}' bad-utf8 'byte 6: 0xff is not valid UTF-8' 'bad bytes'
    is "$(jq -c 'select(.error) | del(.error)' "$T/out")" \
        '{"line":2,"raw":"{\"a\":\"�\"}"}' "$name: the line is kept, made safe"
    one "{\"a\":$deep" too-deep \
        'byte 1004: brackets nested more than 1000 deep' 'too deep'

    # ---- No such field ----
    printf '%s\n' "$good" '{}' "$good" >in
    run "${cmd[@]}" <in
    like "$status $(codes "$T/out")" '^1 ok (bad-field|no-stage) ok $' \
        "$name: no fields"
    like "$(cat "$T/err")" \
        "^$program: stdin:2: field '[a-z_]+': expected [a-z ]+, found nothing(: [a-z -]+)?\$" \
        "$name: no fields: message"
    for value in null 3 true '[]' '{}' '""' '"x"'; do
        { echo "$good"; jq -c ".$field = $value" <<<"$good"
          echo "$good"; } >in
        run "${cmd[@]}" <in
        like "$status $(codes "$T/out")" \
            '^(1 ok bad-(field|vector) ok|0 ok) $' \
            "$name: $field = $value is read or refused"
        [ "$status" = 0 ] ||
            like "$(cat "$T/err")" "^$program: stdin:2: .*'?$field'?[^"$'\n'"]*\$" \
                "$name: $field = $value: the message names the field"
        is "$(jq -c 'select(.error) | del(.error)' "$T/out")" \
            "$([ "$status" = 0 ] || jq -c . in | sed -n 2p)" \
            "$name: $field = $value: the record is as it was"
    done
    value=$(jq -c ".$field" <<<"$good")
    one "${good%\}},\"$field\":$value}" duplicate-key \
        "field '$field' is given twice" 'a field twice'
    { echo "$good"
      jq -c "with_entries(if .key == \"$field\" then
        .key |= ascii_upcase else . end)" <<<"$good"; } >in
    run "${cmd[@]}" <in
    like "$status $(codes "$T/out")$(cat "$T/err")" "^1 ok (bad-field|no-stage) \
$program: stdin:2: field '$field': expected \
$(jq -r ".$field | type" <<<"$good"), found nothing(: [a-z -]+)?\$" \
        "$name: a field in capitals"
    if [[ $field =~ ^(mention|text|title)$ ]]; then
        one "$(jq -c ".$field = \"@\"" <<<"$good" | sed 's/@/a\\\\u0000b/')" \
            bad-string "field '$field': '\\u0000' is not a character" \
            'an escaped NUL'
        one "$(jq -c ".$field = \"@\"" <<<"$good" | sed 's/@/a\\\\ud800b/')" \
            bad-string "field '$field': '\\ud800' is not a character" \
            'half a surrogate pair'
    fi

    # ---- Errors of others, and fields of others ----
    theirs='{"id":7,"error":{"by":"x","code":"y"} , "n":1e999}'
    printf '%s\n' "$good" "$theirs" "$good" | "${cmd[@]}" >"$T/out" 2>"$T/err"
    is "$?" 1 "$name: a failed record: exit status"
    is "$(grep '"y"' "$T/out")$(cat "$T/err")" "$theirs" \
        "$name: a failed record passes byte for byte"
    odd='"big":9007199254740993,"e":1e15,"t":"\ud83d\ude00\u0000","a":1,"a":2,"A":[ ]'
    run "${cmd[@]}" <<<"${good%\}},$odd}"
    if [ "$name" != ner ]; then
        ok "$name: unknown fields pass byte for byte" \
            grep -qF "$odd" "$T/out"
    fi
    is "$status" 0 "$name: unknown fields: exit status"

    # ---- --errors and -Q ----
    printf '%s\n' "$good" x "$good" >in
    run "${cmd[@]}" --errors drop <in
    ok "$name: --errors drop" cmp -s "$T/out" twice
    is "$status" 1 "$name: --errors drop: exit status"
    run "${cmd[@]}" --errors stop <in
    is "$status $(codes "$T/out")" '1 ok bad-json ' "$name: --errors stop"
    run "${cmd[@]}" -Q <in
    is "$status" 0 "$name: -Q"
    printf 'x\ny\n' >in
    run "${cmd[@]}" <in
    is "$status $(wc -l <"$T/out")" '1 2' "$name: only error records"
done
# A lone surrogate in a field that is not read must not stop jq: in a record
# that is good, that fails, that failed before.
for name in $stages; do
    stage "$name"
    for record in "${good%\}},\"x\":\"\\ud800 \\\\ud800 \\udc00\"}" \
        '{"'"$field"'":1,"x":"\ud800 \\ud800 \udc00"}' \
        '{"error":{"by":"x","code":"y"},"x":"\ud800 \\ud800 \udc00"}'; do
        run "${cmd[@]}" <<<"$record"
        if [ "$name" = ner ] && [ "$status" = 0 ]; then continue; fi
        is "$(jq -r .x "$T/out" 2>&1)" $'\ufffd \\ud800 \ufffd' \
            "$name: jq reads what is left of lone surrogates"
    done
    printf '{"error":{"by":"x","code":"y"},"x":"\377"}\n' >in
    run "${cmd[@]}" <in
    is "$status $(jq -c '[.error.code, (.raw | length)]' "$T/out")" \
        '1 ["bad-utf8",39]' "$name: and bad bytes in one that failed before"
done
finish
