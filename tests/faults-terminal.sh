#!/bin/bash
# SPDX-License-Identifier: MIT
# What strangers wrote is shown on a terminal, but does not steer it; and a
# file that is no file does not make a program wait.
. "$top_srcdir/tests/lib.sh"
[ -x "$top_builddir/bin/blink-kb" ] || skip_all 'blink-kb is not built'
cd "$T" || exit
export BLINK_DATA=$T/data
# ESC, a line that looks like another verdict, C1's CSI, BiDi's override.
evil=$'by \e[2J\nok      catalogue     \u009b31m \u202etxt.exe'
shown='by  [2J ok      catalogue      31m �txt.exe'
controls() { LC_ALL=C.UTF-8 grep -cP '[\x{1}-\x{9}\x{b}-\x{1f}\x{7f}-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}]' "$@"; }
mkdir -p data/catalogues
blink-kb build -q --attribution "$evil" --licence "$evil" --source "$evil" \
    -o data/catalogues/default.kb "$fixtures/mini.jsonl"
run blink-kb info
is "$status $(controls "$T/out") $(grep -cF "$shown" "$T/out")" '0 0 3' 'info'
is "$(blink-kb info --json | jq -r .attribution)" "$evil" \
    'JSON has it as it is'
if [ -x "$top_builddir/bin/blink" ]; then
    run blink doctor
    is "$(controls "$T/out") $(grep -cF "$shown" "$T/out")" '0 1' 'doctor'
fi
for bytes in $'\u009b31m' $'\u2066x' $'\e[31m' $'\x9b'; do
    run blink-kb info -c "./no$bytes"
    is "$status $(controls "$T/err")" '3 0' "messages: $(printf %q "$bytes")"
    run blink-kb info "--no$bytes"
    is "$status $(controls "$T/err")" '2 0' 'and of options'
done

# ---- A number that is none is told once, before anything is read ----
if [ -x "$top_builddir/bin/blink" ]; then
    { run blink link --threads 1e3; cat >"$T/rest"; } <<<'Paris'
    is "$status $(grep -c threads "$T/err") $(<"$T/rest")" '2 1 Paris' \
        'blink link --threads 1e3'
fi

# ---- What is no file ----
mkfifo fifo fifo.kb fifo.blx
for words in 'kb info -c ./fifo.kb' 'kb add -c ./fifo.kb' \
    'index info -x ./fifo.blx' 'kb build -o fifo' \
    'ner --dictionary ./fifo.kb' 'retrieve -c ./fifo.kb'; do
    # shellcheck disable=SC2206
    cmd=(blink-$words)
    [ -x "$top_builddir/bin/${cmd[0]}" ] || continue
    run timeout 10 "${cmd[@]}" </dev/null
    like "$status $(<"$T/err")" '^[234] .*(fifo|index)' "a FIFO: blink-$words"
done
finish
