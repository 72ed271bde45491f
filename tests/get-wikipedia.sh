#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/get-wikipedia, from a server of this machine that drops connections
# and lies, to the default catalogue and its index.
. "${top_srcdir:?}/tests/lib.sh"
only_plain
for program in curl python3 jq flock bzip2; do
    command -v "$program" >/dev/null || skip_all "no $program"
done
[ -s "$top_srcdir/share/models/mini/bi/config.json" ] ||
    skip_all 'no share/models/mini'
cd "$T" || exit
dump=$fixtures/wiki/dump.xml
blink-kb build -o probe.kb --wikipedia /dev/null 2>err
! grep -qE 'without lib(expat|bz2)' err || skip_all "$(cat err)"
script=$top_srcdir/scripts/get-wikipedia
export BLINK_DATA=$T/data BLINK_BUILD=$top_builddir BLINK_PAUSE=0

# ---- A server with three dumps, of which the newest is not finished ----
. "$top_srcdir/tests/server.sh"

# publish SITE DATE STATUS
publish() {
    local folder=www/$1/$2
    mkdir -p "$folder"
    echo "{\"jobs\":{\"articlesdump\":{\"status\":\"$3\"}}}" \
        >"$folder/dumpstatus.json"
    [ "$3" = "done" ] || return 0
    bzip2 -c "$dump" >"$folder/$1-$2-pages-articles.xml.bz2"
    # Of a page that is none of ours, of two that are, a lying value.
    printf '%s\n' "INSERT INTO \`page_props\` VALUES (10,'wikibase_item','Q100',NULL),(10,'wikibase-shortdesc','a town, (12,\\'wikibase_item\\',\\'Q9\\'',NULL),(12,'wikibase_item','Q120',NULL),(999,'wikibase_item','Q1',NULL);" |
        gzip -n >"$folder/$1-$2-page_props.sql.gz"
    (cd "$folder" && sha1sum ./*2 ./*.gz | sed 's#\./##') \
        >"$folder/$1-$2-sha1sums.txt"
    printf '<a href="%s/">%s/</a>\n' 20260801 x 20260901 x 20261001 x \
        latest x >"www/$1/index.html"
}
publish simplewiki 20260801 "done"
publish simplewiki 20260901 "done"
publish simplewiki 20261001 in-progress
file=simplewiki-20260901-pages-articles.xml.bz2

get() {
    : >requests
    run "$script" --mirror "$url" "$@"
}
fresh() { rm -rf data www/.faults; }
asked() { awk -v n="$1" '$2 ~ n "$" { printf "%s %s;", $1, $4 }' requests; }

# ---- The plan ----
get --dry-run
is "$status" 0 '--dry-run'
like "$(cat out)" 'The simplewiki of 2026-09-01, about [0-9]+ entities' \
    'the newest dump that is finished'
like "$(cat out)" "  $file +[0-9.]+ k?B" 'its size'
like "$(cat out)" 'room that is needed meanwhile: .*, free: ' 'the room'
like "$(cat out)" 'embedding [0-9]+ min \([1-9][0-9]* entities a second\)' \
    'the time, by what this machine does'
is "$(asked 'bz2')" 'HEAD 200;' 'and nothing is fetched'
is "$(ls data/downloads/wikipedia data/catalogues 2>/dev/null)" '' \
    'and nothing made'

# ---- All of it, in slices of five entities ----
get --slice 5 --keep
is "$status" 0 'a catalogue and an index'
tail -n 5 err | sed 's/^/# /'
is "$(blink-kb cat -c data/catalogues/simplewiki.kb | jq -r .title | sort)" \
    "$(jq -r .title "$fixtures/wiki/entities.jsonl" | sort)" \
    'the pages of the dump'
is "$(blink-kb get -c data/catalogues/default.kb 10 12 | jq -r .qid |
    paste -sd' ')" 'Q100 Q120' 'the items of Wikidata'
blink-kb cat -c data/catalogues/simplewiki.kb |
    blink-embed -m "$top_srcdir/share/models/mini/bi" --entities |
    blink-index build -q -c data/catalogues/simplewiki.kb -o one.blx \
        --dtype "$(blink-index info -x data/indexes/default.blx --json |
            jq -r .dtype)"
ok 'the index is that of one go' \
    cmp -s one.blx data/indexes/simplewiki.mini.blx
is "$(ls -A data/indexes)" "$(printf '%s\n' .simplewiki.mini.blx.made \
    default.blx simplewiki.mini.blx)" 'no slices are left'
blink-kb info -c data/catalogues/simplewiki.kb --json >described
is "$(jq -r '.site, .licence, .source' described | paste -sd' ')" \
    "testwiki CC BY-SA 4.0 $url/simplewiki/20260901/$file" \
    'site, as the dump has it, licence and source'
get --slice 5 --keep
is "$status:$(asked bz2)" '0:' 'a second run does nothing again'
before=$(stat -c %Y.%i data/indexes/simplewiki.mini.blx)
get --slice 5
is "$(stat -c %Y.%i data/indexes/simplewiki.mini.blx)" "$before" \
    'nor makes anything again'
is "$(ls data/downloads/wikipedia/*2 2>/dev/null)" '' \
    'without --keep the download goes'

# ---- What breaks ----
fresh
printf '%s drop 1000\n' "simplewiki/20260901/$file" \
    "simplewiki/20260901/$file" >www/.faults
get --slice 5
is "$status" 0 'connections that end'
is "$(asked "$file" | tr ';' '\n' | grep -c '^GET 206')" 2 \
    'it goes on where it stopped'

fresh
cp "www/simplewiki/20260901/$file" whole
printf 'X' | dd of="www/simplewiki/20260901/$file" bs=1 seek=2000 \
    conv=notrunc status=none
get
like "$status:$(tail -n 1 err)" "^3:.*'$file' is not the file that was published \(SHA-1 .*, expected .*\): it is removed" \
    'a file that is not the published one'
is "$(ls data/catalogues/* data/downloads/wikipedia/*2 2>/dev/null)" '' \
    'nothing is made of it'
cp whole "www/simplewiki/20260901/$file"
get --slice 5
is "$status" 0 'the next run fetches it again'

# Stopped while it embeds: the slices that are there stay.
fresh
"$script" --mirror "$url" --slice 2 >/dev/null 2>&1 &
for _ in $(seq 600); do
    [ ! -e data/indexes/.simplewiki.parts/00001.blx ] || break
    sleep .05
done
kill -9 $!
wait $! 2>/dev/null
pkill -9 -f "$T/data/indexes" 2>/dev/null
get --slice 2
is "$status" 0 'stopped while it embeds: the same command goes on'
like "$(cat data/get-wikipedia.log)" 'going on behind [1-9][0-9]* entities' \
    'behind what is there'
blink-index cat -x one.blx -c data/catalogues/simplewiki.kb | sort >want
ok 'and the index is that of one go' cmp -s <(blink-index cat \
    -x data/indexes/simplewiki.mini.blx -c data/catalogues/simplewiki.kb |
    sort) want

# ---- A few, and other languages ----
fresh
get --top 3 --slice 5
is "$status:$(blink-kb cat -c data/catalogues/simplewiki.kb | wc -l)" 0:3 \
    '--top N'
is "$(blink-kb cat -c data/catalogues/simplewiki.kb | jq -r .title | sort)" \
    "$(jq -r '"\([.aliases[]? | .count? // 0] | add // 0)\t\(.title)"' \
        "$fixtures/wiki/entities.jsonl" | sort -k1,1nr | head -n 3 |
        cut -f2 | sort)" 'those that most links lead to'
get nosuch
like "$status:$(cat err)" "^4:.*lists no dumps: is 'nosuch' the language" \
    'no such language'
get --dump 20261001
like "$status:$(cat err)" "^4:.*has no dump of articles that is finished" \
    'a dump that is not finished'
get --dump yesterday
is "$status" 2 'a wrong date'
get 'en;rm'
is "$status" 2 'a wrong language'
publish zh_min_nanwiki 20260801 "done"
fresh
get zh-min-nan --no-default --slice 50
is "$status:$(blink-kb info -c data/catalogues/zh_min_nanwiki.kb --json |
    jq -r .count)" "0:$(wc -l <"$fixtures/wiki/entities.jsonl")" \
    'a language with a hyphen'
ok '--no-default' [ ! -e data/catalogues/default.kb ]
finish
