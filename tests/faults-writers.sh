#!/bin/bash
# SPDX-License-Identifier: MIT
# What else may stand where a file is written: a second writer with the same
# process number, as in two containers; a link at the temporary name; a file
# with permissions of its own.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/stages.sh"
have kb || skip_all 'blink-kb is not built'
cross_model=$fixtures/golden/m2-cross
convert=(blink-convert crossencoder "$cross_model/model.safetensors"
    --bert "$cross_model")
left() { find . -name '.*.tmp' -o -name '*.old'; }

# ---- A link at the name that the temporary file used to have ----
echo precious >victim
chmod 600 victim
cp victim precious
for name in kb convert view; do
    have "$name" || continue
    rm -rf made
    case $name in
    kb) cmd=(blink-kb build -q -o made entities.jsonl) ;;
    convert) cmd=("${convert[@]}" -o made) ;;
    view) cmd=(blink-view -o made) ;;
    esac
    # shellcheck disable=SC2016
    sh -c 'ln -s victim .made.$$.tmp; exec "$@"' - "${cmd[@]}" \
        <<<"${mention%\}},\"entity\":{\"id\":\"2\"}}" >out 2>err
    is "$? $(cmp victim precious) $(head -c 200 err)" '0  ' \
        "blink-$name: a planted link is not followed"
    ok "blink-$name: nor put in the target's place" test ! -L made
    rm -rf .made.*
done

# ---- Permissions of what is replaced ----
umask 022
if have convert; then
    rm -rf m
    "${convert[@]}" -o m
    is "$(stat -c %a m m/model.safetensors | xargs)" '755 644' \
        'a new folder has the usual permissions'
    chmod 700 m
    chmod 600 m/model.safetensors
    "${convert[@]}" -o m --force
    is "$? $(stat -c %a m m/model.safetensors m/vocab.txt | xargs)" \
        '0 700 600 644' 'a folder that is replaced keeps its own'
fi
for mode in 600 640 444; do
    cp k.kb again.kb
    chmod "$mode" again.kb
    blink-kb build -q -o again.kb entities.jsonl
    is "$? $(stat -c %a again.kb)" "0 $mode" "build keeps mode $mode"
    blink-kb add -q -c ./again.kb <<<'{"id":"new","title":"New","text":"n"}'
    is "$? $(stat -c %a again.kb)" "0 $mode" "add keeps mode $mode"
done
if [ "$(id -u)" = 0 ]; then
    chown 1234:2345 again.kb
    blink-kb build -q -o again.kb entities.jsonl
    is "$? $(stat -c %u:%g again.kb)" '0 1234:2345' \
        'root leaves a file to its owner'
fi

# ---- Two writers, each the first process of its container ----
slow() {
    head -n 3 entities.jsonl
    sleep "$1"
    tail -n +4 entities.jsonl
}
if unshare -pf --mount-proc true 2>/dev/null; then
    alone=(unshare -pf --mount-proc --kill-child sh -c 'exec "$@"' -)
else
    alone=(env)                 # as good a test of all but the numbers
fi
slow 1 | "${alone[@]}" blink-kb build -q --no-fts -o two.kb &
one=$!
for ((i = 0; i < 100; i++)); do
    [ -z "$(left)" ] || break
    sleep 0.05
done
run "${alone[@]}" blink-kb build -q --no-fts -o two.kb entities.jsonl
is "$status $(cat "$T/err")" \
    "4 blink-kb: cannot write 'two.kb': another program is writing it" \
    'of two writers the second is refused at once'
like "$(left)" '^\./\.two\.kb\.[0-9a-f]{16}\.tmp$' \
    "the first one's file is left alone"
wait $one
is "$? $(blink-kb verify -c ./two.kb 2>&1 >/dev/null)" '0 ' \
    'and it makes a whole catalogue'
is "$(blink-kb cat -c ./two.kb | wc -l)" "$(wc -l <entities.jsonl)" \
    'with all of its entities'
# At the same moment: one of them, and one only.
for ((i = 1; i <= 20; i++)); do
    rm -f two.kb
    wins=''
    for ((j = 0; j < 3; j++)); do
        slow 0.2 | blink-kb build -q --no-fts -o two.kb 2>err.$j &
        pids[j]=$!
    done
    for ((j = 0; j < 3; j++)); do
        wait "${pids[j]}"
        wins+="$?"
    done
    [ "$(tr -d 4 <<<"$wins")" = 0 ] || break
    blink-kb verify -c ./two.kb >out 2>&1 || break
done
is "$i $wins" "21 $wins" 'of three at the same moment one wins, 20 times'
# A path through a link is the same file.
ln -s two.kb link.kb
slow 0.5 | blink-kb build -q --no-fts -o two.kb &
one=$!
for ((i = 0; i < 100; i++)); do
    [ -z "$(left)" ] || break
    sleep 0.05
done
run blink-kb build -q --no-fts -o link.kb entities.jsonl
is "$status" 4 'also through a link'
wait $one
# One program that would write one file twice.
printf '<mediawiki/>' >dump.xml
run blink-kb build -q --wikipedia -o both.kb --mentions ./both.kb dump.xml
is "$status $(head -n 1 "$T/err")" "2 blink-kb: option '--mentions': \
'./both.kb' is the catalogue that is written" 'two outputs of one name'
is "$(left)" '' 'nothing is left behind'

# ---- The largest size of a file ----
for name in kb names convert; do
    case $name in
    kb) cmd=(blink-kb build -q --no-fts -o made entities.jsonl) ;;
    names) cmd=(blink-kb names -q -o made names.tsv) ;;
    convert) cmd=("${convert[@]}" -o made) ;;
    esac
    have "${cmd[0]#blink-}" || continue
    rm -rf made
    echo vienna >names.tsv
    # shellcheck disable=SC2016
    run bash -c 'ulimit -f 2; exec "$@"' - "${cmd[@]}"
    is "$status $(left)" '4 ' "$name: ulimit -f is status 4, nothing is left"
    ok "$name: neither is half a file" test ! -e made
done
finish
