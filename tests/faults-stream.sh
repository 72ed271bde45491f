#!/bin/bash
# SPDX-License-Identifier: MIT
# Standard input and output that end early, are full, closed, slow, or odd.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/stages.sh"
[ -n "$stages" ] || skip_all 'no programs'

# same TEXT: the run on "$T/w/in" gave what the run on the plain input gave.
same() {
    run "${cmd[@]}" <in
    is "$status$(cat "$T/err")" 0 "$name: $1: exit status"
    ok "$name: $1: output" cmp -s "$T/out" plain
}

for name in $stages; do
    stage "$name"
    printf '%s\n' "$good" "$good" "$good" | "${cmd[@]}" >plain

    # ---- Forms of a line ----
    printf '\xef\xbb\xbf%s\r\n' "$good" >in
    printf '%s\r\n\r\n' "$good" >>in
    printf '   \t \n\n\n  %s' "$good" >>in
    same 'byte order mark, CRLF, blank lines, no last newline'
    { printf '%s\n' "$good" "$good"; head -c 300 /dev/zero; echo
      echo "$good"; } >in
    run "${cmd[@]}" --max-line 16K <in
    is "$status" 1 "$name: NUL bytes: exit status"
    : >in
    run "${cmd[@]}" <in
    is "$status$(cat "$T/out" "$T/err")" 0 "$name: nothing gives nothing"
    printf '\n\r\n \n' >in
    run "${cmd[@]}" <in
    is "$status$(cat "$T/out" "$T/err")" 0 "$name: blank lines give nothing"

    # ---- Lines that are too long ----
    long=$(printf 'x%.0s' {1..20000})
    { echo "$good"; echo "{\"x\":\"$long\"}"; printf '%s\n' "$good" "$good"
      printf '%s' "$long"; } >in
    run "${cmd[@]}" --max-line 16K <in
    is "$status $(cat "$T/err")" \
        "1 $program: stdin:2: line is longer than 16384 bytes (see --max-line)
$program: stdin:5: line is longer than 16384 bytes (see --max-line)" \
        "$name: long lines: messages"
    grep -v '"code":"too-long"' "$T/out" | cmp -s - plain ||
        fail "$name: long lines: the others are as ever"
    is "$(grep -c '"code":"too-long".*"raw":"' "$T/out")" 2 \
        "$name: long lines: records"

    # ---- Output ----
    echo "$good" >in
    { "${cmd[@]}" <in >/dev/full 2>err; status=$?; }
    is "$status $(cat err)" \
        "4 $program: cannot write standard output: No space left on device" \
        "$name: a full disk"
    { "${cmd[@]}" <in >&- 2>err; status=$?; }
    is "$status $(cat err)" \
        "4 $program: cannot write standard output: Bad file descriptor" \
        "$name: closed output"
    { yes "$good" 2>/dev/null | { "${cmd[@]}" 2>err; echo $? >code; } |
        head -n 1 >first; } 2>/dev/null
    is "$(cat code) $(cat err)" '141 ' "$name: the reader goes away"
    ok "$name: what it read is whole" cmp -s first <(head -n 1 plain)

    # ---- Input ----
    { "${cmd[@]}" <&- >out 2>err; status=$?; }
    is "$status $(cat out err)" \
        "4 $program: cannot read stdin: Bad file descriptor" \
        "$name: closed input"
    { "${cmd[@]}" <. >out 2>err; status=$?; }
    is "$status $(cat out err)" \
        "4 $program: cannot read stdin: Is a directory" \
        "$name: a folder as input"
    printf '%s\nx\n' "$good" >in
    { "${cmd[@]}" <in >out 2>&-; status=$?; }
    is "$status $(head -n 1 out | cmp - <(head -n 1 plain) 2>&1)" '1 ' \
        "$name: closed standard error"

    # ---- A writer that pauses ----
    coproc "${cmd[@]}" 2>err
    # The second line is there by half when the answer to the first comes.
    printf '%s\n%s' "$good" "${good:0:20}" >&"${COPROC[1]}"
    IFS= read -r -t 20 -u "${COPROC[0]}" answer
    is "$answer" "$(head -n 1 plain)" "$name: answers before it waits"
    printf '%s\n' "${good:20}" >&"${COPROC[1]}"
    IFS= read -r -t 20 -u "${COPROC[0]}" answer
    is "$answer" "$(head -n 1 plain)" "$name: and again"
    pid=$COPROC_PID
    eval "exec ${COPROC[1]}>&-"
    wait "$pid"
    is "$?" 0 "$name: and ends with its input"
done
finish
