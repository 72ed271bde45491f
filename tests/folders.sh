#!/bin/bash
# SPDX-License-Identifier: MIT
# Folders as input, and files that are no text.
. "$top_srcdir/tests/lib.sh"
[ -x "$top_builddir/bin/blink" ] || skip_all 'blink is not built'
command -v jq >/dev/null || skip_all 'no jq'
export BLINK_DATA=$T/none
cd "$T" || exit

mkdir -p news/sub/deep news/.git
echo 'Rome.' >news/b.txt
echo 'Paris.' >news/a.md
echo '<p>Bonn.</p>' >news/c.html
echo 'Ulm.' >news/sub/d.txt
echo 'Kiel.' >news/sub/deep/e.txt
echo 'Hidden.' >news/.hidden
echo 'Hidden.' >news/.git/x
printf 'a\0b' >news/bin.dat
ln -s .. news/sub/up
mkfifo news/fifo
run timeout 20 blink text news
is "$status:$(jq -c '[.id, .text]' out)" '0:["news/a.md","Paris.\n"]
["news/b.txt","Rome.\n"]
["news/c.html","<p>Bonn.</p>\n"]' 'a folder: its files by name'
is "$(cat err)" "blink: left out of 'news': 2 hidden, 1 folder (-r reads it), \
1 neither file nor folder, 1 binary (news/bin.dat)" \
    'a folder: what was left out, in one sentence'
run timeout 20 blink text -r news/
is "$status:$(jq -r .id out | tr '\n' ' ')" \
    '0:news/a.md news/b.txt news/c.html news/sub/d.txt news/sub/deep/e.txt ' \
    '-r: and folders below, links aside'
run blink text news/b.txt news/sub - <<<'x'
is "$(jq -r .id out | tr '\n' ' ')" 'news/b.txt news/sub/d.txt stdin ' \
    'files, folders and standard input'
run blink text --lines news/sub
is "$(cat out)" '{"id":"news/sub/d.txt:1","text":"Ulm."}' 'with --lines'
mkdir -p only/sub
run blink text ./only//
is "$status:$(cat out)" '0:' 'a folder of folders'
is "$(cat err)" "blink: nothing to read in './only//'; left out: 1 folder \
(-r reads it)" 'a folder without files'
mkdir empty
run blink text empty
is "$status:$(cat out err)" "0:blink: nothing to read in 'empty'" \
    'an empty folder'
if [ "$(id -u)" != 0 ]; then
    mkdir closed
    echo x >closed/a.txt
    echo y >closed/b.txt
    chmod 0 closed/a.txt
    run blink text closed
    is "$status:$(jq -r .id out)" '1:closed/b.txt' \
        'one file that cannot be read: the others are'
else
    mkdir closed
    ln -s nowhere closed/a.txt
    echo y >closed/b.txt
    run blink text closed
    is "$status:$(jq -r .id out)" '1:closed/b.txt' \
        'one file that is not there: the others are'
    like "$(cat err)" "left out: cannot open 'closed/a.txt'" 'and that is said'
fi

# ---- Records ----
mkdir recs
echo '{"id":"1","text":"x"}' >recs/a.jsonl
echo '[{"id":"2","text":"y"}]' >recs/b.json
printf '\xef\xbb\xbf\n {"id":"3","text":"z"}' >recs/c
echo 'text' >recs/d.txt
run blink records recs
is "$status:$(jq -r .id out | tr '\n' ' ')" '0:1 2 3 ' 'records: a folder'
is "$(cat err)" "blink: left out of 'recs': 1 without records (recs/d.txt)" \
    'records: what was left out'

# ---- By what is in it ----
mkdir odd
printf '\x1f\x8b\x08rest' >odd/a.txt
printf '\x28\xb5\x2f\xfdrest' >odd/b
printf 'BZh91AY&SYrest' >odd/c
printf '%%PDF-1.4\n' >'odd/d e'
printf 'PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaword/document.xml' >odd/f
printf '\xff\xfeP\0' >odd/g
printf '\x89PNG\r\n\x1a\n' >odd/h
for pair in 'a.txt,compressed by gzip,zcat odd/a.txt' \
    'b,compressed by zstd,zstdcat odd/b' \
    'c,compressed by bzip2,bzcat odd/c' \
    "d e,PDF,pdftotext 'odd/d e' -" \
    'f,docx,pandoc -f docx -t plain odd/f'; do
    IFS=, read -r name what command <<<"$pair"
    for lines in '' --lines; do
        # shellcheck disable=SC2086
        run blink text $lines "odd/$name"
        is "$status:$(cat out err)" "3:blink: 'odd/$name' is $what, not text: \
$command | blink link" "$what $lines"
    done
done
run blink text odd/h
is "$status:$(cat out err)" "3:blink: 'odd/h' is an image, not text" 'an image'
run blink text <odd/b
is "$status:$(cat err)" "3:blink: 'stdin' is compressed by zstd, not text: \
zstdcat - | blink link" 'standard input'
run blink records odd/b
is "$status:$(cat out err)" "3:blink: 'odd/b' is compressed by zstd, not \
records: zstdcat odd/b | blink link --input documents" 'records: a compressed file'
run blink text odd
is "$status:$(cat out err)" "0:blink: nothing to read in 'odd'; left out: \
1 binary (odd/h), 1 compressed by gzip (zcat odd/a.txt | blink link), \
1 compressed by zstd (zstdcat odd/b | blink link), 1 compressed by bzip2 \
(bzcat odd/c | blink link), 1 PDF (pdftotext 'odd/d e' - | blink link), \
1 docx (pandoc -f docx -t plain odd/f | blink link), 1 UTF-16 \
(iconv -f UTF-16 -t UTF-8 odd/g | blink link)" 'all of them in a folder'
if command -v gzip >/dev/null; then
    echo 'Paris.' | gzip >real.gz
    run blink text real.gz
    command=$(sed -n "s/.*not text: \(.*\) | blink link/\1/p" err)
    is "$(bash -c "$command" | blink text | jq -r .text)" 'Paris.' \
        'the command helps'
fi

# ---- Many files ----
mkdir many
(cd many && seq -f 'f%05g.txt' 1 10000 | xargs touch)
for name in many/f0000*; do echo x >"$name"; done
run blink text many
is "$status:$(wc -l <out):$(head -n 1 out)" \
    '0:10000:{"id":"many/f00001.txt","text":"x\n"}' \
    'ten thousand files, the empty ones too'

# ---- The driver ----
mkdir -p "$T/data/models/default" "$T/data/catalogues" "$T/data/indexes"
touch "$T/data/catalogues/default.kb" "$T/data/indexes/default.blx"
export BLINK_DATA=$T/data
run blink link --show --table -r news
is "$(head -n 1 out):$(tail -n 1 out | tr -s ' ')" \
    'blink text -r -- news |: blink table --documents' \
    'link: a folder is more than one document'
for words in '--csv' '--table' '--json'; do
    run blink link $words odd/b
    is "$status:$(cat out err)" "3:blink: 'odd/b' is compressed by zstd, not \
text: zstdcat odd/b | blink link" "link $words: said before anything starts"
done
run blink link --show --input documents -r recs
is "$(head -n 1 out)" 'blink records -r -- recs |' 'link: of records'
finish
