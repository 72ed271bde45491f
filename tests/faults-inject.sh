#!/bin/bash
# SPDX-License-Identifier: MIT
# The Nth call to read, write, fsync, rename, ... fails, for every N: the
# target is the old file or the new one, nothing is left beside it, and the
# exit status is 4.
. "$top_srcdir/tests/lib.sh"
only_plain
. "$top_srcdir/tests/stages.sh"
inject=$top_builddir/tests/.libs/inject.so
[ -e "$inject" ] || skip_all 'no library to inject with'
[ -n "$stages" ] || skip_all 'no programs'

# injected PLAN COMMAND...: sets status, and hit when something was injected.
injected() {
    rm -f mark
    status=0
    INJECT=$1 INJECT_MARK=$PWD/mark LD_PRELOAD=$inject \
        timeout 20 "${@:2}" <in >out 2>err || status=$?
    hit=''
    if [ -e mark ]; then hit=yes; fi
}

# each CALL ERRNO FOREVER STEP CHECK COMMAND...: N = 1, 1 + STEP, ... until
# the command no longer gets that far.
each() {
    local call=$1 error=$2 forever=$3 step=$4 check=$5 n before=$failed runs=0
    shift 5
    for ((n = 1; n < 3000; n += step)); do
        "$check" before
        injected "$call:$n:$error$forever" "$@"
        [ -n "$hit" ] || break
        runs=$((runs + 1))
        "$check" after "$call:$n:$error$forever"
    done
    [ "$failed" = "$before" ] &&
        pass "$1: $runs x $call fails with $error${forever:+ for ever}"
}

# What a builder must hold to: "$target" is as $T/old or as $T/new.
builder() {
    if [ "$1" = before ]; then
        cp "$T/old" "$target"
        return
    fi
    local left
    left=$(find . -maxdepth 1 -name '.*' ! -name . | head -n 3)
    if [ -n "$left" ]; then
        fail "$2: left behind: $left"
        find . -maxdepth 1 -name '.*tmp*' -delete
    fi
    case $status in
    0)  cmp -s "$target" "$T/new" || fail "$2: status 0, but not the new file" ;;
    4)  cmp -s "$target" "$T/old" || cmp -s "$target" "$T/new" ||
            fail "$2: neither the old file nor the new one"
        [ -s err ] || fail "$2: no message" ;;
    *)  fail "$2: status $status: $(head -c 300 err)" ;;
    esac
}

# What a stream program must hold to: whole lines, status 4.
stream() {
    [ "$1" = after ] || return 0
    case $status in
    0 | 4) ;;
    *) fail "$2: status $status: $(head -c 300 err)" ;;
    esac
    if [ "$status" != 0 ] && [ ! -s err ]; then fail "$2: no message"; fi
    if [ -s out ] && [ "$(tail -c 1 out | od -An -c | tr -d ' ')" != '\n' ]; then
        fail "$2: half a line"
    fi
}

all_calls() {
    local check=$1
    shift
    each read 5 '' 1 "$check" "$@"
    each write 28 '' 1 "$check" "$@"
    each write 5 :+ 1 "$check" "$@"
    each fsync 5 '' 1 "$check" "$@"
    each rename 5 '' 1 "$check" "$@"
    each open 24 '' 1 "$check" "$@"
    each mmap 12 '' 1 "$check" "$@"
    each malloc 12 '' "$malloc_step" "$check" "$@"
    each malloc 12 :+ "$malloc_step" "$check" "$@"
}

malloc_step=29
: >in
export SOURCE_DATE_EPOCH=1700000000     # catalogues hold their date
if have kb; then
    head -n 8 entities.jsonl >few.jsonl
    head -n 3 entities.jsonl | blink-kb build -q -o "$T/old"
    blink-kb build -q -o "$T/new" few.jsonl
    target=target.kb
    blink-kb build -q -o again.kb few.jsonl
    if cmp -s again.kb "$T/new"; then
        pass 'blink-kb build makes the same file twice'
        all_calls builder blink-kb build -q -o "$target" few.jsonl
        for plan in short eintr; do
            cp "$T/old" "$target"
            injected "$plan" blink-kb build -q -o "$target" few.jsonl
            is "$status$(cmp "$target" "$T/new" 2>&1)" 0 \
                "blink-kb build: $plan reads and writes"
        done
    else
        fail 'blink-kb build makes the same file twice'
    fi
fi
# Nobody knows the name that a file has while it is made.
if have kb; then
    cp "$T/old" added.kb
    jq -c '.id = "new" + .id' few.jsonl >new.jsonl
    for call in read:4 read:6 write:1 write:3 write:3:28 rename:1; do
        injected "$call" blink-kb add -q -c ./added.kb new.jsonl
        is "$status $(wc -l <err) $(grep -c 'added\.kb.' err)" '4 1 1' \
            "add: $call: $(cat err)"
        ok "add: $call: the old file stands" cmp -s added.kb "$T/old"
        is "$(grep -c '\.tmp' err)" 0 "add: $call: no temporary name"
    done
fi
if [[ $stages == *retrieve* ]]; then
    blink-kb cat -c k.kb | blink-embed -m bi --entities "${engine[@]}" >in
    cp in vectors
    head -n 40 entities.jsonl | blink-kb build -q -o old.kb
    blink-kb cat -c old.kb | blink-embed -m bi --entities "${engine[@]}" |
        blink-index build -q -c old.kb -o "$T/old"
    cp k.blx "$T/new"
    target=target.blx
    all_calls builder blink-index build -q -c k.kb -o "$target"
    for plan in short eintr; do
        cp "$T/old" "$target"
        injected "$plan" blink-index build -q -c k.kb -o "$target"
        is "$status$(cmp "$target" "$T/new" 2>&1)" 0 \
            "blink-index build: $plan reads and writes"
    done
fi

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
if have kb; then
    target=target.kb
    for signal in TERM:143 INT:130 HUP:129 KILL:137; do
        killed "${signal%:*}" "${signal#*:}" blink-kb build -q -o "$target"
    done
fi
malloc_step=11
for name in $stages; do
    [[ $name =~ ^(tokenize|ner|retrieve|score)$ ]] || continue
    stage "$name"
    printf '%s\n' "$good" x "$good" >in
    "${cmd[@]}" <in >plain 2>plain.err
    for plan in short eintr; do
        injected "$plan" "${cmd[@]}"
        is "$status $(cmp out plain 2>&1)" '1 ' "$name: $plan reads and writes"
    done
    printf '%s\n' "$good" "$good" >in
    all_calls stream "${cmd[@]}"
    each close 5 '' 1 stream "${cmd[@]}"
    # Its last close is that of its output, where NFS reports what it could
    # not write.
    last=''
    for ((n = 1; n < 1000; n++)); do
        injected "close:$n" "${cmd[@]}"
        [ -n "$hit" ] || break
        last="$status $(wc -l <err)"
    done
    is "$last" '4 1' "$name: its output fails at its close"
done
finish
