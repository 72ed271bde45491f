#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that are killed while they write: at a moment that is known, and
# some of the rounds of scripts/check.d/kills.
. "$top_srcdir/tests/lib.sh"
only_plain
. "$top_srcdir/tests/stages.sh"
. "$top_srcdir/tests/part.sh"
have kb || skip_all 'blink-kb is not built'
head -n 3 entities.jsonl | blink-kb build -q -o "$T/old"

# killed SIGNAL STATUS COMMAND...: while it waits for more input.
killed() {
    cp "$T/old" "$target"
    coproc "${@:3}" 2>err
    head -n 2 entities.jsonl >&"${COPROC[1]}"
    for _ in {1..100}; do
        compgen -G '.target*tmp' >left && break
        sleep 0.05
    done
    ok "$3 $4: has a temporary file" test -s left
    local pid=$COPROC_PID
    kill "-$1" "$pid"
    wait "$pid"
    is "$?" "$2" "$3 $4: dies of $1"
    ok "$3 $4: $1: the old file stands" cmp -s "$target" "$T/old"
    left=$(find . -maxdepth 1 -name '.target*')
    [ "$1" = KILL ] || is "$left" '' "$3 $4: $1 takes the temporary file"
    find . -maxdepth 1 -name '.target*' -delete
}
target=target.kb
for signal in TERM:143 INT:130 HUP:129 KILL:137; do
    killed "${signal%:*}" "${signal#*:}" blink-kb build -q -o "$target"
done

export KILL_ROUNDS=40
part kills
finish
