#!/bin/bash
# SPDX-License-Identifier: MIT
# Catalogues from Wikipedia dumps: the invented wiki of tests/data/wiki, whole,
# compressed, cut and damaged.
. "$top_srcdir/tests/lib.sh"
dump=$fixtures/wiki/dump.xml
cd "$T" || exit
leftovers() { find . -name '.*.tmp' | wc -l; }
blink-kb build -o probe.kb --wikipedia /dev/null 2>err
! grep -q 'without libexpat' err || skip_all 'built without libexpat'

# ---- The whole dump ----
run blink-kb build -o w.kb --text-length 200 --wikipedia "$dump" \
    --mentions m.jsonl --context 80
is "$status$(cat out err)" 0 'build --wikipedia'
is "$(blink-kb cat -c w.kb)" "$(cat "$fixtures/wiki/entities.jsonl")" \
    'titles, texts, addresses, aliases and their counts'
is "$(cat m.jsonl)" "$(cat "$fixtures/wiki/mentions.jsonl")" \
    'the mentions of prose, redirects followed'
ok 'the catalogue is intact' blink-kb verify -c w.kb
for threads in 1 5; do
    blink-kb build -o t.kb --text-length 200 --wikipedia "$dump" \
        --threads "$threads" --memory 64K --mentions t.jsonl --context 80
    ok "$threads threads, little memory: the same" \
        cmp -s <(blink-kb cat -c t.kb) "$fixtures/wiki/entities.jsonl"
    ok "$threads threads: the same mentions" cmp -s t.jsonl m.jsonl
done
run blink-kb build -v -o t.kb --wikipedia - <"$dump"
is "$(head -1 err)" 'blink-kb: 13 entities of 43 pages: 7 redirects, of which 3 lead nowhere, 3 disambiguation pages, 1 lists, 19 of other namespaces' \
    'standard input, and -v counts'

# ---- What is kept ----
blink-kb build -o t.kb --wikipedia --keep disambiguation --keep lists \
    --namespace 0 --namespace 14 "$dump"
is "$(blink-kb cat -c t.kb | jq -r .id | tr '\n' ' ')" \
    '1 10 11 12 13 14 15 16 17 30 31 32 33 40 41 42 63 90 ' \
    '--keep and --namespace'
blink-kb build -o t.kb --wikipedia --min-count 2 "$dump"
is "$(blink-kb get -c t.kb 10 | jq -c .aliases)" \
    '[{"name":"Port Alder","count":5},{"name":"PA","count":1},"Alder (town)"]' \
    '--min-count keeps redirects'
run blink-kb build -o t.kb --wikipedia --keep all "$dump"
is "$status" 2 'an unknown --keep'

# ---- Compressed ----
# pieces N: the dump as N bzip2 streams.
pieces() { split -n "$1" --filter='bzip2 -1' "$dump"; }
have_bz2=yes
if ! command -v bzip2 >/dev/null; then
    have_bz2=''
    skip 'bzip2' 'no bzip2'
else
    for n in 1 7; do
        pieces "$n" >w.bz2
        run blink-kb build -o t.kb --text-length 200 --wikipedia w.bz2
        if grep -q 'without libbz2' err; then
            have_bz2=''
            skip 'bzip2' 'built without libbz2'
            break
        fi
        ok "$n streams: the same" \
            cmp -s <(blink-kb cat -c t.kb) "$fixtures/wiki/entities.jsonl"
    done
fi
if [ -n "$have_bz2" ]; then
    size=$(stat -c %s w.bz2)
    bad=''
    for i in $(seq 1 15); do
        head -c $((size * i / 16)) w.bz2 >cut.bz2
        run blink-kb build -o c.kb --wikipedia cut.bz2
        case $status in 1|3) ;; *) bad+=" $i:$status" ;; esac
        [ "$(wc -l <err)" = 1 ] || bad+=" $i:$(cat err)"
    done
    is "$bad" '' 'cut .bz2: status 1 or 3 and one sentence'
    cp w.bz2 x.bz2
    printf 'damage' | dd of=x.bz2 bs=1 seek=$((size / 2)) conv=notrunc \
        status=none
    run blink-kb build -o x.kb --wikipedia x.bz2
    is "$status" 3 'a damaged .bz2: status 3'
    like "$(cat err)" "^blink-kb: 'x.bz2' is damaged at byte [0-9]+: " \
        'and where'
    ok 'and no catalogue' test ! -e x.kb
    perl -e 'print "BZh9\x31\x41\x59\x26\x53\x59", "\0" x 8e6' >endless.bz2
    run blink-kb build -o x.kb --wikipedia endless.bz2
    is "$status $(cat err)" "3 blink-kb: 'endless.bz2' is damaged at byte 0: a \
bzip2 block without an end" 'a block without an end'
fi
perl -e 'print "<mediawiki><page>\n<a", " " x 9e6' >tag.xml
run blink-kb build -o x.kb --wikipedia tag.xml
like "$status $(cat err)" "^3 blink-kb: 'tag.xml' is refused at byte [0-9]+: a \
tag of more than 8 MiB" 'a tag without an end'
gzip -c "$dump" >w.gz
run blink-kb build -o t2.kb --wikipedia w.gz
is "$status$(cat err)" "3blink-kb: 'w.gz' is compressed, but not by bzip2: give the output of 'gzip -dc' on standard input" \
    'other compressions are named'

# ---- Cut and malformed ----
at=$(grep -bo 'She sailed' "$dump" | cut -d: -f1)
head -c "$at" "$dump" >cut.xml
run blink-kb build -o c.kb --wikipedia cut.xml
is "$status" 1 'a dump that is cut: status 1'
is "$(cat err)" "blink-kb: 'cut.xml' ends at byte $at of its XML, in the page 'Ida Brandt': the pages before it are kept" \
    'and where it ended'
is "$(blink-kb cat -c c.kb | jq -r .id | tr '\n' ' ')" '1 10 ' \
    'and what was whole is there'
ok 'and intact' blink-kb verify -c c.kb
bad=''
size=$(stat -c %s "$dump")
for i in $(seq 1 24); do
    head -c $((size * i / 25)) "$dump" >cut.xml
    run blink-kb build -o c.kb --wikipedia cut.xml
    [ "$status $(wc -l <err)" = '1 1' ] && blink-kb verify -c c.kb ||
        bad+=" $i"
done
is "$bad" '' 'cut at 24 places: status 1, one sentence, a whole catalogue'
rm -f x.kb
# malformed NAME SED MESSAGE
malformed() {
    sed "$2" "$dump" >x.xml
    run blink-kb build -o x.kb --mentions x.m --wikipedia x.xml
    is "$status" 3 "$1: status 3"
    like "$(cat err)" "^blink-kb: 'x.xml' $3$" "$1: one sentence"
    ok "$1: nothing is left" test ! -e x.kb -a ! -e x.m
}
malformed 'a wrong end tag' 's,</title>,</titel>,' \
    'is malformed XML at byte [0-9]+: mismatched tag'
malformed 'an unknown entity' 's,Alderfolk,\&alder;,' \
    'is malformed XML at byte [0-9]+: undefined entity'
malformed 'a document type' \
    '1s,^,<!DOCTYPE m [<!ENTITY a "aaa"><!ENTITY b "\&a;\&a;">]>,' \
    'is refused at byte [0-9]+: a document type, which dumps do not have'
malformed 'another root' 's,mediawiki,feed,' \
    'is refused at byte [0-9]+: not a MediaWiki dump, which starts with <mediawiki>'
malformed 'no ids' '/<id>/d' \
    'is refused at byte [0-9]+: a page without title or id'
malformed 'deep elements' 's,<siteinfo>,<a><a><a><a><a><a><a><a>,' \
    'is refused at byte [0-9]+: elements that are nested too deeply'
run blink-kb build -o x.kb --wikipedia /dev/null
is "$status$(cat err)" "3blink-kb: '/dev/null' is not a MediaWiki dump: it ends at byte 0, before <mediawiki>" \
    'an empty file'
if command -v bzip2 >/dev/null; then
    bzip2 <"$dump" >whole.bz2
    head -c 200 whole.bz2 >first.bz2
    run blink-kb build -o x.kb --wikipedia first.bz2
    like "$status$(cat err)" "^3blink-kb: ('first.bz2': its first \
bzip2 block is truncated or damaged, so none of its XML can be read|.*libbz2.*)$" \
        'bzip2 that is cut before a block ends'
else
    skip 'bzip2 that is cut' 'no bzip2'
fi
blink-kb build -o once.kb --wikipedia --mentions once.jsonl "$dump"
run blink-kb build -o x.kb --wikipedia --mentions x.jsonl "$dump" "$dump"
is "$status" 0 'the same pages twice are read once'
like "$(cat err)" "^blink-kb: [0-9]+ pages were there before, the first of them '.*' \(id 1\): each is kept as it was first$" \
    'which is said'
is "$(blink-kb cat -c x.kb | jq -c '[.id, .title, .text]')" \
    "$(blink-kb cat -c once.kb | jq -c '[.id, .title, .text]')" \
    'and the entities are those of one dump'
is "$(wc -l <x.jsonl)" "$(wc -l <once.jsonl)" 'the mentions too'
# part SITE ID TITLE TEXT
part() {
    cat <<X
<mediawiki version="0.11"><siteinfo><dbname>$1</dbname><base>https://en.example.org/wiki/M</base><namespaces><namespace key="0"/></namespaces></siteinfo>
<page><title>$3</title><ns>0</ns><id>$2</id><revision><id>1</id><text>$4</text></revision></page>
</mediawiki>
X
}
part awiki 5 Foo 'Foo is old.' >1.xml
part awiki 5 'Foo (moved)' 'Foo is new.' >2.xml
run blink-kb build -o x.kb --wikipedia 1.xml 2.xml
is "$status:$(cat err; blink-kb cat -c x.kb | jq -r .text)" \
    "0:blink-kb: a page was there before: 'Foo (moved)' (id 5): it is kept as it was first
Foo is old." 'a page that was moved between two parts'
part bwiki 5 Bar 'Bar is.' >3.xml
run blink-kb build -o x.kb --wikipedia 1.xml 3.xml
is "$status:$(cat err)" \
    "3:blink-kb: '1.xml' and '3.xml' are of different wikis, 'awiki' and 'bwiki', and share ids, first that of 'Bar' (id 5): make a catalogue of each" \
    'dumps of two wikis are not taken for one'
part awiki 99999999999 Far 'Far is.' >4.xml
run blink-kb build -o x.kb --wikipedia 4.xml 4.xml
is "$status" 3 'ids beyond all wikis are compared at the end'
is "$(leftovers)" 0 'no temporary file is left'

# ---- strip, and what must stay linear ----
run blink-kb strip <<<"'''A''' ({{x}}) [[b|c]]s."
is "$(cat out)" 'A cs.' 'strip'
run blink-kb strip <<<'[[Bestand:M.jpg|thumb|260px|De molen]] De [[molen]] staat.[[Categorie:M]]'
is "$(cat out)" 'De molen staat.' 'strip knows files and categories in other languages'
slow=''
for piece in '{{' '[[' '{|' '<ref>' '[[a|' '{{lang|x|' '{{{' '<!--' '[http://' \
    "'''" '<math>' '}}' $'\n|}' '[[File:a|' '<nowiki>' $'\n{|' '&#' '__A' \
    '(' '[[a|[[b]]' '{{nowrap|[[b]]'; do
    yes "$piece" | head -n 200000 | tr -d '\n' >deep
    timeout 20 blink-kb strip <deep >out 2>err || slow+=" '$piece'"
    yes "$piece" | head -n 100000 >deep
    timeout 20 blink-kb strip <deep >out 2>err || slow+=" '$piece' lines"
done
is "$slow" '' '200,000 openings of each kind take no long time'

# ---- A text beyond 16 MiB ----
# What does not fit is left out with all that is behind it: a line that fits
# again does not stand in the middle of nowhere.
base=$(grep -o '<base>[^<]*' "$dump" | cut -c7-)
{
    printf '<mediawiki><siteinfo><base>%s</base></siteinfo>' "$base"
    for title in Long Other; do
        printf '<page><title>%s</title><ns>0</ns><id>%d</id><revision>' \
            "$title" "${#title}"
        printf '<text>Begin.\n'
        if [ $title = Long ]; then
            yes 'It goes on.' | head -c $(((16 << 20) - 100))
            printf '\n%0300d\n[[Other|hole]]\n' 0
        fi
        printf '</text></revision></page>'
    done
    printf '</mediawiki>'
} >long.xml
run blink-kb build -q -o long.kb --wikipedia long.xml
is "$status $(blink-kb cat -c long.kb | jq -c '[.id, .aliases]' | xargs)" \
    '0 [4,null] [5,null]' 'a text that is too long has no hole'

# ---- Which wiki it is ----
for name in enwiki dewiki ../x; do
    printf '<mediawiki><siteinfo><dbname>%s</dbname></siteinfo><page>%s%s' \
        "$name" '<title>A</title><ns>0</ns><id>'"${#name}"'</id><revision>' \
        '<text>A.</text></revision></page></mediawiki>' >"${name##*/}.xml"
done
site() {
    blink-kb build -q -o site.kb --wikipedia "$@" &&
        blink-kb info --json -c ./site.kb | jq -c .site
}
is "$(site enwiki.xml)" '"enwiki"' 'a dump says which wiki it is of'
is "$(site --site mine enwiki.xml)" '"mine"' 'unless somebody says it'
is "$(site x.xml)" null 'a name that is none is left out'
sed 's,<id>6,<id>7,; s,<title>A,<title>B,' dewiki.xml >other.xml
is "$(site enwiki.xml other.xml)" null 'dumps of two wikis are of none'
finish
