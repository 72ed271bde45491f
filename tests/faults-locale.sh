#!/bin/bash
# SPDX-License-Identifier: MIT
# The same bytes come out whatever the locale, the environment, the folder
# and the names of the files.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/stages.sh"
[ -n "$stages" ] || skip_all 'no programs'
comma=$(locale -a 2>/dev/null | grep -iE '^(de_|fr_|pt_|ru_).*utf-?8' |
        head -n 1)

for name in $stages; do
    stage "$name"
    path=$(command -v "$program")
    echo "$good" >in
    "${cmd[@]}" <in >plain
    for setting in LC_ALL=C LANG=tr_TR.UTF-8 TZ=Asia/Kathmandu \
        LC_ALL=nonsense POSIXLY_CORRECT=1 "LC_ALL=${comma:-de_DE.UTF-8}"; do
        run env -u LC_ALL "$setting" "${cmd[@]}" <in
        ok "$name: $setting" cmp -s "$T/out" plain
    done
    run env -i "$path" "${cmd[@]:1}" <in
    ok "$name: no environment, so no HOME" cmp -s "$T/out" plain
done
[ -n "$comma" ] || skip 'a locale with a decimal comma' 'none is installed'

# ---- Odd names, from another folder ----
mkdir -p "$T/odd" && cd "$T/odd" || exit
odd=$'a b\n"c" \'d\' \\e *'
if have kb; then
    blink-kb build -q -o "$odd.kb" "$T/w/entities.jsonl"
    blink-kb get -c "$odd.kb" 2 >out
    (cd "$T/w" && blink-kb get -c k.kb 2) >plain
    ok 'a catalogue with an odd name' cmp -s out plain
    is "$(find . -name '.*tmp*')" '' 'leaves nothing beside it'
    cp "$odd.kb" -- -k.kb
    run blink-kb get -c -k.kb 2
    ok 'a catalogue whose name begins with a dash' cmp -s "$T/out" plain
    run blink-kb get -c "./$odd/nowhere.kb" 2
    is "$status $(wc -l <"$T/err")" '3 1' 'a message stays on one line'
    cp "$T/w/entities.jsonl" "$odd.jsonl"
    run blink-kb build -q -o 2.kb -- "$odd.jsonl"
    is "$status$(cat "$T/err")" 0 'entities with an odd name'
fi
if have embed; then
    cp -R "$T/w/bi" "$odd.model"
    run blink-embed -m "./$odd.model" "${engine[@]}" <<<"$mention"
    ok 'a model with an odd name' cmp -s "$T/out" <(
        cd "$T/w" && blink-embed -m bi "${engine[@]}" <<<"$mention")
    mkdir gone && cd gone && rmdir ../gone
    run blink-embed -m "$T/w/bi" "${engine[@]}" <<<"$mention"
    is "$status" 0 'the current folder is gone'
    cd "$T/odd" || exit
fi
if [[ $stages == *retrieve* ]]; then
    cp "$T/w/k.blx" "$odd.blx"
    run blink-retrieve -x "$odd.blx" -c "$odd.kb" -k 3 <<<"$embedded"
    ok 'an index with an odd name' cmp -s "$T/out" <(
        cd "$T/w" && blink-retrieve -x k.blx -c k.kb -k 3 <<<"$embedded")
fi
finish
