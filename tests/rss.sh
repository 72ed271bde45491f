#!/bin/bash
# SPDX-License-Identifier: MIT
# Memory does not grow with the input: ten times as many records, or a line
# without end, cost no more.
. "$top_srcdir/tests/lib.sh"
only_plain
. "$top_srcdir/tests/stages.sh"
[ -n "$stages" ] || skip_all 'no programs'
rss() { "$top_builddir/tests/maxrss" "$@" 3>"$T/rss" >/dev/null; }

# records N: N good records on standard output.
records() { yes "$good" | head -n "$1"; }

for name in $stages; do
    stage "$name"
    n=1000
    # Past a few full batches a program has taken what it will take.
    [[ $name =~ embed|rerank ]] && n=300 && cmd+=(--batch 64)
    rss "${cmd[@]}" < <(records "$n")
    once=$(cat "$T/rss")
    rss "${cmd[@]}" < <(records $((10 * n)))
    tenfold=$(cat "$T/rss")
    ok "$name: $n records $once KiB, ten times as many $tenfold KiB" \
        test "$tenfold" -lt $((once + once / 20 + 4096))
    # 64 MB without a newline: the cap is 16 MiB, its buffer at most twice
    # that.
    rss "${cmd[@]}" < <(head -c 64000000 /dev/zero; echo; echo "$good") \
        2>"$T/err"
    status=$?
    ok "$name: a line of 64 MB: $(cat "$T/rss") KiB" \
        test "$(cat "$T/rss")" -lt $((once + 40960))
    is "$status $(cat "$T/err")" \
        "1 $program: stdin:1: line is longer than 16777216 bytes (see --max-line)" \
        "$name: a line of 64 MB: message"
done

# A gigabyte, once.
first=${stages#?}
first=${first%% *}
stage "$first"
rss "${cmd[@]}" < <(head -c 1000000000 /dev/zero | tr '\0' '[') 2>"$T/err"
is "$?" 1 'a line of 1 GB: exit status'
ok "a line of 1 GB: $(cat "$T/rss") KiB" test "$(cat "$T/rss")" -lt 100000

# A record of a million fields is read in linear time and then forgotten.
{ printf '{"k":0'; seq -f ',"k%.0f":1' 1000000 | tr -d '\n'; echo '}'; } >in
stage "$first"
run timeout 60 "${cmd[@]}" <in
is "$status" 1 'a million fields'
if have kb; then
    # SQLite keeps up to 64 MiB of pages.
    for copies in 1 10; do
        for i in $(seq $((copies * 30))); do
            jq -c --arg i "$i" '.id += "-" + $i' entities.jsonl
        done >many.jsonl
        rss blink-kb build -q -o many.kb many.jsonl
        eval "rss$copies=$(cat "$T/rss")"
    done
    ok "blink-kb build: $rss1 KiB, ten times as many entities $rss10 KiB" \
        test "$rss10" -lt $((rss1 + 75000))
    # Little text in much markup, so that SQLite's pages are few.
    for copies in 1 10; do
        awk -v n="$((copies * 1500))" 'BEGIN {
            for (i = 0; i < 150; i++) markup = markup "{{a|b=[[c]]|d=1234}}\n"
            print "<mediawiki>"
            for (i = 1; i <= n; i++)
                printf "<page><title>T%d</title><ns>0</ns><id>%d</id>" \
                    "<revision><text>%sThe text of [[T%d]].</text>" \
                    "</revision></page>\n", i, i, markup, i - 1
            print "</mediawiki>" }' >many.xml
        if ! rss blink-kb build -q -o many.kb --threads 2 --memory 4M \
            --wikipedia many.xml 2>err; then
            skip 'a dump' "$(cat err)"
            break
        fi
        eval "rss$copies=$(cat "$T/rss")"
    done
    [ -s err ] ||
        ok "a dump: $rss1 KiB, ten times as long $rss10 KiB" \
            test "$rss10" -lt $((rss1 + rss1 / 4 + 8192))
fi
finish
