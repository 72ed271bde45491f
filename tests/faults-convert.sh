#!/bin/bash
# SPDX-License-Identifier: MIT
# A model folder is there whole or not at all, whichever call fails while it
# is made, and --force leaves the old one or the new one.
. "$top_srcdir/tests/lib.sh"
only_plain
inject=$top_builddir/tests/.libs/inject.so
[ -e "$inject" ] || skip_all 'no library to inject with'
cross=$fixtures/golden/m2-cross
cd "$T" || exit

convert() {
    blink-convert crossencoder "$cross/model.safetensors" --bert "$cross" "$@"
}
ok 'a model' convert -o new
echo '{"max_seq_length":100}' >p.json
ok 'another one' convert --params p.json -o old

# whole WHAT: the folder is like one of those named, and nothing is beside it.
whole() {
    local what=$1 left same='' dir
    shift
    left=$(find . -maxdepth 1 -name '.*' ! -name .)
    [ -z "$left" ] || fail "$what: left behind: $left"
    find . -maxdepth 1 -name '.*.tmp' -exec rm -r {} +
    for dir in "$@"; do
        if [ "$dir" = none ]; then
            [ -e target ] || same=yes
        elif diff -rq "$dir" target >/dev/null 2>&1; then
            same=yes
        fi
    done
    # A folder that is replaced was its owner's alone, and is so still.
    if [ "$old" = old ] && [ "$(find target -perm /077)" ]; then same=''; fi
    [ -n "$same" ] || fail "$what: neither of $*"
}

# each CALL ERRNO OLD OPTION...: the Nth CALL fails, for every N.
each() {
    local call=$1 error=$2 old=$3 n before=$failed
    shift 3
    for ((n = 1; n < 200; n++)); do
        rm -rf target mark
        if [ "$old" != none ]; then
            cp -R "$old" target
            chmod -R go= target
        fi
        status=0
        INJECT=$call:$n:$error INJECT_MARK=$PWD/mark LD_PRELOAD=$inject \
            timeout 20 blink-convert crossencoder \
            "$cross/model.safetensors" --bert "$cross" -o target "$@" \
            2>err || status=$?
        [ -e mark ] || break
        case $status in
        0) whole "$call:$n" new ;;
        4) whole "$call:$n" "$old" new ;;
        *) fail "$call:$n: status $status: $(head -c 200 err)" ;;
        esac
        if [ "$status" != 0 ] && [ "$(wc -l <err)" != 1 ]; then
            fail "$call:$n: expected one line: $(head -c 300 err)"
        fi
        if grep -q '\.tmp' err; then
            fail "$call:$n: a temporary name: $(head -c 300 err)"
        fi
    done
    [ "$failed" = "$before" ] &&
        pass "$((n - 1)) x $call fails with $error, over ${old/none/nothing}"
}

# ---- What a killed run left, the next one takes away ----

gone=0123456789abcdef
held=fedcba9876543210
# One that nobody holds, one that is in use, and names that look alike.
mkdir .target.$gone.tmp .target.$held.tmp .target2.$gone.tmp
touch .target.$gone.tmp/{config.json,model.safetensors} .target.$gone.tmpx \
    .target.$gone.tmp.old .target.0$gone.tmp .target.4711.tmp
exec 8<.target.$held.tmp
flock 8
run convert -o target
is "$status $(cat "$T/err")" "4 blink-convert: cannot write 'target': another \
program is writing it" 'a model that another program is making'
is "$(find . -maxdepth 1 -name '.target*' -printf '%f\n' | sort)" \
    "$(printf '.target%s\n' 2.$gone.tmp .$held.tmp .0$gone.tmp .4711.tmp \
        .$gone.tmp.old .$gone.tmpx | sort)" \
    'only the folder that nobody holds is gone'
exec 8<&-
rm -rf .target* target
mkdir -p .target.$gone.tmp/mine
touch .target.$gone.tmp/mine/x
ok 'a model beside a folder with folders' convert -o target
ok 'whose files stay' test -e .target.$gone.tmp/mine/x
rm -rf .target* target
mkdir .target.$gone.tmp
exec 9<.target.$gone.tmp
flock 9
run convert -o target
is "$status $(ls -d target .target.$gone.tmp 2>/dev/null)" \
    "4 .target.$gone.tmp" 'one that is being made stays'
run convert -o target2
is "$status" 0 'which is no matter to another'
rm -rf target2
exec 9<&-
ok 'a model' convert -o target
ok 'and goes when nobody has' test ! -e .target.$gone.tmp
touch .k.kb.$gone.tmp
ok 'a catalogue' blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
ok 'files that nobody holds go, too' test ! -e .k.kb.$gone.tmp
rm -rf target k.kb
# In earnest.
blink-convert crossencoder "$cross/model.safetensors" --bert "$cross" \
    -o target &
sleep 0.01
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
rm -rf target
ok 'a model after a kill -9' convert -o target
is "$(find . -maxdepth 1 -name '.*.tmp')" '' 'leaves one folder'
rm -rf target

for call in open read write fsync rename close fallocate mmap; do
    each $call 5 none
done
each write 28 none
each fallocate 28 none
for call in read write fsync rename open fallocate stat mkdir; do
    each $call 5 old --force
done
each open 24 old --force
each stat 12 old --force
finish
