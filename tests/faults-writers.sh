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
sleep 0.3
{ slow 2; seq -f '{"id":"n%g","title":"N","text":"n"}' 500; } |
    "${alone[@]}" blink-kb build -q --no-fts -o two.kb &
two=$!
wait $one
is "$? $(blink-kb verify -c ./two.kb 2>&1 >/dev/null)" '0 ' \
    'the first writer leaves a whole catalogue'
like "$(left)" '^\./\.two\.kb\.[0-9a-f]{16}\.tmp$' \
    "the second one's file is still there"
wait $two
is "$? $(blink-kb verify -c ./two.kb 2>&1 >/dev/null)" '0 ' \
    'so does the second'
is "$(blink-kb cat -c ./two.kb | wc -l)" \
    "$(($(wc -l <entities.jsonl) + 500))" 'with all of its entities'
is "$(left)" '' 'nothing is left behind'
finish
