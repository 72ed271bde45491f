#!/bin/bash
# SPDX-License-Identifier: MIT
# Bytes that are not UTF-8 in arguments, and limits in bytes that fall inside a
# character: a sentence, never a signal, and no cut through a character.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit
[ -x "$top_builddir/bin/blink-kb" ] || skip_all 'no blink-kb'
latin=$'Z\xfcrich'
utf8() { iconv -f UTF-8 -t UTF-8 "$1" >copy 2>&1 && cmp -s "$1" copy; }

# ---- Arguments ----
echo '{"id":"1","title":"Zürich","text":"A town."}' >in
blink-kb build -o k.kb in
for bytes in "$latin" $'\xff' $'\xe4\x88' $'\xed\xa0\x80' $'\xf4\x90\x80\x80' \
    $'\x80\x80\x80'; do
    run blink-kb search -c ./k.kb town "$bytes"
    is "$status" 2 'a text that is not UTF-8: status'
    like "$(head -1 err)" '^blink-kb: argument 2: expected text in UTF-8, found ' \
        'and a sentence'
    ok 'in UTF-8' utf8 err
done
is "$(sed -n 2p err)" "try 'blink-kb search --help'" 'with a hint'
is "$(blink-kb search -c ./k.kb Zürich | jq -r .id)" 1 'other text is searched'
run blink-kb get -c ./k.kb "$latin"
is "$status" 1 'an id that is not UTF-8 is not there'
for option in attribution licence source; do
    run blink-kb build -o x.kb --$option "$latin" in
    is "$status$(head -1 err)" "2blink-kb: option '--$option': expected text in UTF-8, found 'Z�rich', of which byte 2 is not" \
        "--$option"
    ok 'and nothing is made' [ ! -e x.kb ]
done
cp k.kb "$latin.kb"
run blink-kb info -c "./$latin.kb"
is "$status" 0 'names of files are any bytes'
run blink-view --title "$latin" </dev/null
is "$status$(cat out)" 2 'a title that is not UTF-8'

# ---- Long, empty, and what the environment says ----
long=$(printf '%0100000d' 0)
for value in "$long" "$latin" ''; do
    for words in 'blink-kb info -c' 'blink-ner --dictionary' 'blink-embed -m' \
        'blink-retrieve -x' 'blink-rerank -m' 'blink-score --calibration' \
        'blink-index info -x' 'blink-view --title' 'blink link -c' \
        'blink-embed --device' 'blink-embed --threads' 'blink-eval --gold'; do
        # shellcheck disable=SC2086
        run timeout 20 $words "$value" </dev/null
        case "$words $status" in
        *\ [23])
            said=$(wc -c <"$T/err")
            ((said > 0 && said < 100400)) ||
                fail "$words, ${#value} bytes: $said bytes said" ;;
        *--title\ 0 | *--threads\ 0) ;;
        *) fail "$words, ${#value} bytes: status $status" ;;
        esac
    done
    for name in BLINK_DATA XDG_DATA_HOME HOME BLINK_MODULES BLINK_CPU \
        BLINK_F32 TMPDIR PARALLEL_JOBSLOT SOURCE_DATE_EPOCH; do
        run env -u BLINK_DATA "$name=$value" timeout 20 blink doctor </dev/null
        case $status in
        0 | 2 | 3 | 4) ;;
        *) fail "$name of ${#value} bytes: status $status" ;;
        esac
    done
done
pass 'options and environment of any length end with a sentence'

# ---- Limits in bytes ----
# Each limit of a message is met with the character at each of its offsets.
for char in é € 🌍; do
    many=$(printf "$char%.0s" {1..60})
    for pad in '' a aa aaa; do
        mkdir -p m
        printf '{"model_type":"%s"}' "$pad$many" >m/config.json
        blink-tokenize -m ./m </dev/null 2>err
        if utf8 err && ! grep -q � err; then continue; fi
        fail "'$pad' before $char: $(cat err)"
    done
    pass "$char: no message cuts it"
    printf '{"id":"%s' "$many$many$many" | head -c 4000 >long
    printf '"}\n' >>long
    for pad in '' a aa aaa; do
        { printf '%s' "$pad"; cat long; } |
            blink-score --max-line 300 >out 2>err
        grep -q � out && fail "'$pad' before $char: $(cat out)"
    done
    pass "$char: no excerpt of a long line cuts it"
done

# ---- Time ----
head -c 3000000 /dev/zero | tr '\0' '\200' >tails
run timeout 20 blink text tails
is "$status" 0 'three million bytes that continue nothing are a text'
finish
