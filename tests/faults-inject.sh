#!/bin/bash
# SPDX-License-Identifier: MIT
# The Nth call of malloc, read, write, rename and so on fails, in every
# program: a sample of the rounds of scripts/check.d/inject.
. "$top_srcdir/tests/lib.sh"
only_plain
. "$top_srcdir/tests/stages.sh"
. "$top_srcdir/tests/part.sh"
inject=$top_builddir/tests/.libs/inject.so
[ -e "$inject" ] || skip_all 'no library to inject with'
have kb || skip_all 'blink-kb is not built'

# ---- What was found ----

# with PLAN COMMAND...: in $status, out and err; there is a file "mark" when
# something failed.
with() {
    rm -f mark
    status=0
    INJECT=$1 INJECT_MARK=$PWD/mark LD_PRELOAD=$inject "${@:2}" <in >out \
        2>err || status=$?
}
: >in
head -n 3 entities.jsonl >three.jsonl
echo '{"id":"new","title":"New"}' >new.jsonl
blink-kb build -q -o old.kb three.jsonl
# Nobody knows the name that a file has while it is made.
for call in write:1 write:3:28 fsync:1 rename:1; do
    cp old.kb added.kb
    with "$call" blink-kb add -q -c ./added.kb new.jsonl
    is "$status $(wc -l <err) $(grep -c 'added\.kb.' err)" '4 1 1' \
        "add: $call: $(cat err)"
    ok "add: $call: the old file stands" cmp -s added.kb old.kb
    is "$(grep -c '\.tmp' err)" 0 "add: $call: no temporary name"
done
for plan in short eintr; do
    with $plan blink-kb info -c ./old.kb
    is "$status$(cat err)" 0 "a catalogue's header: $plan"
done
with stat:2 blink-kb info -c ./old.kb
is "$status:$(cat out err)" \
    "4:blink-kb: cannot read './old.kb': Input/output error" \
    'a catalogue of unknown size'
# Programs look at their own folder before others.
with stat:2 blink-kb build -q -o x.kb three.jsonl
is "$status:$(cat err)" "4:blink-kb: cannot look for the file of names \
'wikipedia-en': Input/output error" 'a folder that cannot be seen'
mkdir -p z/documents z/mentions
echo '{"document_id":"a","title":"A","text":"a"}' >z/documents/a.json
cp z/documents/a.json z/documents/b.json
: >z/mentions/val.json
for n in 1 2 3 4; do
    with read:$n blink-convert zeshel z -o made
    is "$status:$(cat err)" "4:blink-convert: cannot read the folder \
'z/documents': Input/output error" "a folder of files: read $n"
done
# A page is replaced when every stage has ended well.
if [[ $stages == *retrieve*score* ]]; then
    echo 'They flew to Paris.' >in
    link=(blink link -q -c ./k.kb -m ./bi -x ./k.blx --dictionary -f
        --calibration "$top_srcdir/share/calibration/minilm.json")
    "${link[@]}" --html page.html <in
    is "$?:$(grep -c Paris page.html | sed 's/^[1-9].*/some/')" 0:some 'a page'
    cp page.html old.html
    with mmap:1:12 "${link[@]}" --html page.html
    is "$status:$(wc -l <err)" 4:1 'a stage that fails'
    ok 'the old page stands' cmp -s page.html old.html
    is "$(find . -name '.page*')" '' 'with nothing beside it'
fi
# Its last close is that of its output, where NFS reports what it could not
# write.
for name in $stages; do
    stage "$name"
    echo "$good" >in
    last=''
    for ((n = 1; n < 1000; n++)); do
        with "close:$n" "${cmd[@]}"
        [ -e mark ] || break
        last="$status $(wc -l <err)"
    done
    is "$last" '4 1' "$name: its output fails at its close"
done

# ---- A sample ----
part inject --sample
finish
