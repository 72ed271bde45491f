#!/bin/bash
# SPDX-License-Identifier: MIT
# Entities from tables (CSV, TSV) and from the catalogue files of other
# linkers; what is no file of entities is told how to become one.
. "$top_srcdir/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit
cat_of() { blink-kb cat -c "${1:-k.kb}"; }

# table NAME BYTES ENTITIES: built from a file and from standard input.
table() {
    printf '%b' "$2" >t.csv
    run blink-kb build -o k.kb t.csv
    is "$status:$(cat err)" 0: "$1: is read"
    is "$(cat_of)" "$3" "$1"
    run blink-kb build -o k.kb - <t.csv
    is "$status:$(cat_of)" "0:$3" "$1: from standard input too"
}
# refused NAME BYTES MESSAGE KEPT: line by line, and what --errors drop keeps.
refused() {
    printf '%b' "$2" >t.csv
    rm -f k.kb
    run blink-kb build -o k.kb t.csv
    is "$status:$(cat err)" "3:blink-kb: t.csv:$3" "$1: where and what"
    ok "$1: no catalogue" test ! -e k.kb
    run blink-kb build -o k.kb --errors drop t.csv
    is "$status:$(cat_of | jq -r .title | tr '\n' ' ')" "$4" \
        "$1: --errors drop"
}

# ---- RFC 4180, and what spreadsheets make of it ----
two='{"id":"1","title":"Paris","text":"capital, of \"France\""}
{"id":"2","title":"Rome","text":""}'
table 'quotes, doubled quotes' \
    'id,title,text\n1,Paris,"capital, of ""France"""\n2,Rome,\n' "$two"
table 'CRLF, a byte order mark, empty lines at the end' \
    '\xef\xbb\xbfid,title,text\r\n1,"Paris","capital, of ""France"""\r\n2,Rome,\r\n\r\n\r\n' \
    "$two"
table 'CR alone, no last line end' \
    'id,title,text\r1,Paris,"capital, of ""France"""\r2,Rome,' "$two"
table 'blanks around values in quotes' \
    'id, title , "text"\n1 , "Paris", "capital, of ""France""" \n2,Rome, \n' \
    "$two"
table 'semicolons, as Excel writes them where the comma is for decimals' \
    'ID;Title;Text;;\r\n1;Paris;"capital, of ""France""";;\r\n;;;;\r\n2;Rome;;;\r\n;;;;\r\n' \
    "$two"
table 'sep=' 'sep=;\r\nid;title;text\r\n1;Paris;"capital, of ""France"""\r\n2;Rome;\r\n' \
    "$two"
table 'sep= with another separator' \
    'sep=|\nid|title|text\n1|Paris|capital, of "France"\n2|Rome|\n' "$two"
table 'bars' 'id|title|text\n1|Paris|capital, of "France"\n2|Rome|\n' "$two"
table 'tabs' 'id\ttitle\ttext\n1\tParis\tcapital, of "France"\n2\tRome\t\n' \
    "$two"
table 'tabs with quotes by Excel' \
    'id\ttitle\ttext\r\n1\tParis\t"capital, of ""France"""\r\n2\tRome\t\r\n' \
    "$two"
table 'tabs with all values in quotes' \
    '"id"\t"title"\t"text"\n"1"\t"Paris"\t"capital, of ""France"""\n"2"\t"Rome"\t""\n' \
    "$two"
table 'line breaks in quotes' \
    'id,title,text\r\n1,A,"b\r\nc\n\nd"\r\n2,"E\nF",\r\n' \
    '{"id":"1","title":"A","text":"b\r\nc\n\nd"}
{"id":"2","title":"E\nF","text":""}'
table 'quotes that are no quotes' \
    'id,title\n1,5" disk\n2,O"Neill"\n' \
    '{"id":"1","title":"5\" disk","text":""}
{"id":"2","title":"O\"Neill\"","text":""}'
table 'TSV has no quotes' \
    'id\ttitle\n1\t"Heroes"\n2\t"Heroes" (song)\n3\t"open\n' \
    '{"id":"1","title":"\"Heroes\"","text":""}
{"id":"2","title":"\"Heroes\" (song)","text":""}
{"id":"3","title":"\"open","text":""}'
printf 'id\ttitle\n1\tParis\n' >t.TSV
run blink-kb build -o k.kb t.TSV
is "$status:$(cat_of)" '0:{"id":"1","title":"Paris","text":""}' 't.TSV'
printf 'id,title\n' >t.csv
run blink-kb build -o k.kb t.csv
is "$status:$(cat_of)" 0: 'names of columns alone: an empty catalogue'

# ---- Columns ----
for name in title Title NAME label Canonical_Name 'canonical name' prefLabel \
    Titel nombre Título; do
    table "title: $name" "id,$name\n1,Paris\n" \
        '{"id":"1","title":"Paris","text":""}'
done
for name in id ID entity_id entityId Concept-ID identifier; do
    table "id: $name" "title,$name\nParis,1\n" \
        '{"id":"1","title":"Paris","text":""}'
done
for name in text description Definition Beschreibung Descripción; do
    table "text: $name" "id,title,$name\n1,Paris,a city\n" \
        '{"id":"1","title":"Paris","text":"a city"}'
done
for name in aliases alias Variants synonyms 'Other names'; do
    table "aliases: $name" "id,title,$name\n1,Paris,Lutetia; Paname|Panam;\n" \
        '{"id":"1","title":"Paris","text":"","aliases":["Lutetia","Paname","Panam"]}'
done
table 'two columns of names' 'id,title,alias,Synonyms\n1,Paris,Paname,A|B\n' \
    '{"id":"1","title":"Paris","text":"","aliases":["Paname","A","B"]}'
table 'url, qid, type' \
    'id,title,URL,Wikidata_ID,type\n1,Paris,http://x/,Q90,LOC\n' \
    '{"id":"1","title":"Paris","text":"","url":"http://x/","qid":"Q90","type":"LOC"}'
table 'lists as JSON and Python write them' \
    "id,title,aliases\n1,A,\"['B', \"\"C'D\"\"]\"\n2,E,\"[\"\"F\\\\u00e9\"\",\"\"G;H\"\"]\"\n3,I,[]\n" \
    '{"id":"1","title":"A","text":"","aliases":["B","C'\''D"]}
{"id":"2","title":"E","text":"","aliases":["Fé","G;H"]}
{"id":"3","title":"I","text":""}'
table 'ids of data frames' 'id,title\n4.0,A\n5.00,B\n-1.0,C\n1.5,D\n1.0.0,E\n' \
    '{"id":"4","title":"A","text":""}
{"id":"5","title":"B","text":""}
{"id":"-1","title":"C","text":""}
{"id":"1.5","title":"D","text":""}
{"id":"1.0.0","title":"E","text":""}'
table 'probabilities and counts of names' \
    'id,title,aliases,probabilities\n1,A,B|C,0.25|1\n2,D,E,0.0001\n3,F,G,\n' \
    '{"id":"1","title":"A","text":"","aliases":[{"name":"B","count":250},{"name":"C","count":1000}]}
{"id":"2","title":"D","text":"","aliases":[{"name":"E","count":1}]}
{"id":"3","title":"F","text":"","aliases":["G"]}'
table 'counts' 'id,title,aliases,counts\n1,A,B|C,7|\n' \
    '{"id":"1","title":"A","text":"","aliases":[{"name":"B","count":7},"C"]}'
table 'types in the words of others' \
    'id,title,entity_type\n1,A,Person\n2,B,GPE\n3,C,Q43229\n4,D,disease\n' \
    '{"id":"1","title":"A","text":"","type":"PER"}
{"id":"2","title":"B","text":"","type":"LOC"}
{"id":"3","title":"C","text":"","type":"ORG"}
{"id":"4","title":"D","text":"","type":"disease"}'
printf 'id,title,Year,name,,\n1,A,,,,\n2,B,1900,Bee,x,\n3,C,1901,See,y,\n' >t.csv
run blink-kb build -o k.kb t.csv
is "$status:$(cat err)" "0:blink-kb: t.csv:3: column 'Year' is not stored
blink-kb: t.csv:3: column 'name' is not stored
blink-kb: t.csv:3: column '(number 5)' is not stored" \
    'columns that are not stored are named once, where they have a value'
printf 'name;text\nParis;a city\n' >t.csv
run blink-kb build -o k.kb t.csv
is "$status:$(cat err):$(cat_of)" \
    "0:blink-kb: t.csv:1: no column 'id': the titles are the ids:"'{"id":"Paris","title":"Paris","text":"a city"}' \
    "without ids the titles are the ids, and that is said; they are not \
those of Wikipedia's pages"
printf 'name\nParis\nRome\nParis\n' >t.csv
run blink-kb build -o k.kb t.csv
is "$status:$(tail -1 err)" \
    "3:blink-kb: t.csv:4: the id 'Paris' was given before, at t.csv:2" \
    'and one given twice is refused with both lines'

printf 'id,title\n' >t.csv
run blink-kb build -o k.kb t.csv
is "$status:$(cat err)" "0:blink-kb: no entity was given: 'k.kb' is empty" \
    'a table of nothing is told'

# ---- Wrong tables ----
first='expected the names of the columns, one of them title (or name, label), found'
then='call the column of names title, or, if this is no such line, put one before it'
refused 'no names of columns' '"Q1","Thomas Carver","British cyclist"\n' \
    "1: $first 'Q1, Thomas Carver, British cyclist': $then" 3:
refused 'no title' 'id,text\n1,x\n' \
    "1: $first 'id, text': $then" 3:
refused 'a column twice' 'id,title,id\n1,A,2\n' \
    "1: column 'id' is there twice: leave one" 3:
refused 'a short row' 'id,title,text\n1,A\n2,B,\n' \
    '2: expected 3 values, as many as line 1 has names, found 2' '1:B '
refused 'a long row' 'id,title,text\n1,A,b, c\n2,B,\n' \
    '2: expected 3 values, as many as line 1 has names, found 4: put quotes around a value with a separator in it' \
    '1:B '
refused 'no title in a row' 'id,name\n1, \n2,B\n' \
    "2: column 'name': expected a title, found nothing" '1:B '
refused 'no id in a row' 'id,name\n1,A\n,B\n' \
    "3: column 'id': expected an id, found nothing" '1:A '
refused 'a quote that is not closed' 'id,title,text\n1,A,"b\nc\n2,B,d\n' \
    "2: column 'text': expected a closing quote, found the end of the input: write a quote inside quotes twice" \
    '1:B '
refused 'text behind a quote' 'id,title,text\n1,A,"b" c,"\n2,B,"d\n\ne"\n3,C"\n' \
    "2: column 'text': expected a separator behind the closing quote, found byte 0x63: write a quote inside quotes twice" \
    '1:B '
refused 'Windows-1252' 'id,title,text\n1,A,"x\ny"\n2,K\xf6ln,\n3,C,\n' \
    "4: column 'title': expected UTF-8, found the byte 0xf6 at byte 3 of the line: make the file UTF-8 with 'iconv -f WINDOWS-1252 -t UTF-8', or by saving it as UTF-8" \
    '1:A C '
refused 'a NUL byte' 'id,title,text\n1,A,x\x00y\n2,B,\n' \
    "2: column 'text': a NUL byte at byte 5 of the line is no text" '1:B '
refused 'numbers that are none' 'id,title,alias,priors\n1,A,B,0\xc2\xbd\n2,B,,\n' \
    "2: column 'priors': expected a number such as 0.5, found '0½'" '1:B '
refused 'a probability above 1' 'id,title,alias,priors\n1,A,B,1.5\n2,B,,\n' \
    "2: column 'priors': expected a probability from 0 to 1, found 1.5" '1:B '
refused 'fewer numbers than names' 'id,title,alias,priors\n1,A,B|C,1\n2,B,,\n' \
    "2: column 'priors': expected 2 numbers, one for each alias, found 1" \
    '1:B '
: >t.csv
run blink-kb build -o k.kb t.csv
is "$status:$(cat err)" '3:blink-kb: t.csv: expected a table, found nothing' \
    'an empty file that is called a table'
{ echo 'id,title,text'; printf '1,A,"'; head -c 400 /dev/zero | tr '\0' x
    printf '"\n2,B,\n3,C,'; head -c 400 /dev/zero | tr '\0' y; } >t.csv
run blink-kb build -o k.kb --max-line 300 --errors drop t.csv
is "$status:$(cat err; cat_of | jq -r .title)" '1:blink-kb: t.csv:2: longer than 300 bytes
blink-kb: t.csv:4: longer than 300 bytes
B' '--max-line holds for rows'
awk 'BEGIN { print "id,title"
    for (i = 0; i < 100000; i++) print "\",b\",\"" }' >t.csv
run blink-kb build -o k.kb --errors drop t.csv
is "$status:$(wc -l <err)" 1:17 \
    'quotes that swallow all other lines are tried 16 times, not for ever'
printf 'hello\n{"id":"1","title":"A"}\nworld\n' >t.txt
run blink-kb build -o k.kb --errors drop t.txt
is "$status:$(cat err)" "1:blink-kb: t.txt:1: byte 0: expected a value, found 'h': entities are lines of JSON, or rows of a table whose first line names its columns, one of them title (or name, label), such as id,title,text
blink-kb: t.txt:3: byte 0: expected a value, found 'w'" \
    'text that is neither says once what is expected'

# ---- Large tables: the same entities as from lines of JSON ----
jq -nc 'range(20000) | { id: "\(.)", title: "T \(. * 7 % 1000), \"x\"",
    text: ("w\(.) \n" * (. % 40)), aliases: ["a\(.)", "b, \(.)"] }' >l.jsonl
{ echo 'id,title,text,aliases'
    jq -r '[.id, .title, .text, (.aliases | join(";"))] | @csv' l.jsonl; } \
    >l.csv
blink-kb build -o j.kb --no-fts --names none l.jsonl
blink-kb build -o k.kb --no-fts --names none l.csv
is "$(cat_of | jq -c '.text |= rtrimstr("\n")' | sha256sum)" \
    "$(cat_of j.kb | jq -c '.text |= rtrimstr(" \n")' | sha256sum)" \
    '20,000 rows are the entities of 20,000 lines'

# ---- add ----
printf 'id,title\nn1,New One\n' >t.csv
run blink-kb add -c k.kb t.csv
is "$status:$(blink-kb get -c k.kb n1)" \
    '0:{"id":"n1","title":"New One","text":""}' 'add takes a table'
run blink-kb add -c k.kb t.csv
like "$(cat err)" "t.csv:2: the id 'n1' is in '.*k.kb' already" \
    'and names the line of an id that is there'

# ---- Lines of JSON with other names ----
cat >t.jsonl <<'X'
{"entity_id":"Q5","label":"Bob","aliases":["Rob"],"description":"d","entity_type":"person","popularity":7}
{"concept_id":"C1","canonical_name":"Heart Attack","aliases":["MI"],"definition":null,"types":["T047","T3"],"popularity":2}
{"entity_id":3.0,"name":"Sp","aliases":{"S":0.25,"T":1}}
{"Entity-ID":"Q7","name":"Sq","synonyms":["S","U"],"probabilities":[0.75,0.5]}
{"id":"Q8","title":"Sr","name":"other","alias":"V; W","xyz":null,"score":1}
{"id":"Q9","title":"St","aliases":[{"alias":"X","prior":0.5},{"name":"Y","count":3}],"entity_types":["Q5"]}
X
run blink-kb build -o k.kb t.jsonl
is "$status:$(cat err)" "0:blink-kb: t.jsonl:1: field 'popularity' is not stored
blink-kb: t.jsonl:5: field 'name' is not stored" \
    'fields that are not stored are named once'
is "$(cat_of)" '{"id":"Q5","title":"Bob","text":"d","type":"PER","aliases":["Rob"]}
{"id":"C1","title":"Heart Attack","text":"","type":"T047","aliases":["MI"]}
{"id":"3","title":"Sp","text":"","aliases":[{"name":"S","count":250},{"name":"T","count":1000}]}
{"id":"Q7","title":"Sq","text":"","aliases":[{"name":"S","count":750},{"name":"U","count":500}]}
{"id":"Q8","title":"Sr","text":"","aliases":["V; W"]}
{"id":"Q9","title":"St","text":"","type":"PER","aliases":[{"name":"X","count":500},{"name":"Y","count":3}]}' \
    "GLiNKER's, scispaCy's, spaCy's and ReFinED's catalogues"
echo '{"alias":"X","entities":["Q5"],"probabilities":[1.0]}' >t.jsonl
run blink-kb build -o x.kb t.jsonl
is "$(cat err)" "blink-kb: t.jsonl:1: field 'id': expected string or integer, found nothing: give names with their entity, in 'aliases' and 'probabilities'" \
    "records of spaCy's aliases"
cat_of >again.jsonl
run blink-kb build -o k.kb again.jsonl
is "$status:$(cat err)" 0: 'and what cat prints says nothing'
is "$(blink-kb search -c k.kb sp | blink-kb build -o s.kb 2>&1)" '' \
    'nor does what search prints'

# ---- Tables of mentions ----
printf 'mention;text;start\nParis;We saw Paris.;7\n' >t.csv
run blink-embed -m "$fixtures/golden/m2-bi" <t.csv
is "$(cat err)" "blink-embed: stdin:1: byte 0: expected a value, found 'm'
blink-embed: the input is a table: blink-json(5) says how to make records of it
blink-embed: stdin:2: byte 0: expected a value, found 'P'" \
    'a table in the place of records'
printf '{"mention":"a","text"\n' >t.csv
run blink-embed -m "$fixtures/golden/m2-bi" <t.csv
is "$(wc -l <err)" 1 'broken JSON is not taken for one'

# ---- Files of other kinds: what to do ----
# kind NAME BYTES MESSAGE
kind() {
    printf '%b' "$2" >"$1"
    run blink-kb build -o k.kb "$1"
    is "$status:$(cat err)" "3:blink-kb: $3" "$1"
}
kind a.csv.gz '\x1f\x8b\x08' \
    "'a.csv.gz' is compressed by gzip: 'gzip -dc a.csv.gz | blink-kb build -o k.kb' reads it"
kind a.jsonl.bz2 'BZh91AY' \
    "'a.jsonl.bz2' is compressed by bzip2 (to read the dump of a wiki, give --wikipedia): 'bzip2 -dc a.jsonl.bz2 | blink-kb build -o k.kb' reads it"
kind a.zst '\x28\xb5\x2f\xfd\x00' \
    "'a.zst' is compressed by zstd: 'zstd -dc a.zst | blink-kb build -o k.kb' reads it"
kind a.xz '\xfd7zXZ\x00' \
    "'a.xz' is compressed by xz: 'xz -dc a.xz | blink-kb build -o k.kb' reads it"
kind a.zip 'PK\x03\x04\x14' \
    "'a.zip' is a zip archive: 'unzip -p a.zip | blink-kb build -o k.kb' reads it"
kind a.xlsx 'PK\x03\x04\x14' \
    "'a.xlsx' is a spreadsheet: save it as CSV (UTF-8), or 'libreoffice --headless --convert-to csv a.xlsx' does it"
kind a.ods 'PK\x03\x04\x14mimetypeapplication/vnd.oasis.opendocument.spreadsheet' \
    "'a.ods' is a spreadsheet: save it as CSV (UTF-8), or 'libreoffice --headless --convert-to csv a.ods' does it"
kind a.pdf '%PDF-1.7\n' \
    "'a.pdf' is a PDF: entities are read from lines of JSON and from tables, CSV or TSV in UTF-8, so save it as one of these"
kind a.parquet 'PAR1\x15' \
    "'a.parquet' is a Parquet file: write it as CSV, such as by 'duckdb -csv -c \"FROM 'a.parquet'\" | blink-kb build -o k.kb'"
kind a.db 'SQLite format 3\x00' \
    "'a.db' is an SQLite database: 'sqlite3 -header -csv a.db \"SELECT id, title, text FROM ...\" | blink-kb build -o k.kb' reads a table of it"
kind utf16.txt '\xff\xfei\x00d\x00\x09\x00' \
    "'utf16.txt' is UTF-16, not UTF-8: 'iconv -f UTF-16 -t UTF-8 utf16.txt | blink-kb build -o k.kb' reads it"
kind dump.xml '<?xml version="1.0"?>\n<mediawiki version="0.11">\n' \
    "'dump.xml' is the dump of a wiki: 'blink-kb build -o k.kb --wikipedia dump.xml' reads it"
kind page.html '<!DOCTYPE html>\n<p>' \
    "'page.html' is XML or HTML: entities are read from lines of JSON and from tables, CSV or TSV in UTF-8, so save it as one of these"
kind pointer.csv 'version https://git-lfs.github.com/spec/v1\n' \
    "'pointer.csv' is a Git LFS pointer, not the file: 'git lfs pull' fetches it"
run blink-kb build -o k2.kb s.kb
is "$status:$(cat err)" "3:blink-kb: 's.kb' is a catalogue already: 'blink-kb cat -c s.kb | blink-kb build -o k2.kb' copies its entities" \
    'a catalogue'
run blink-kb build -o k.kb <a.csv.gz
is "$status:$(cat err)" "3:blink-kb: 'stdin' is compressed by gzip: put 'gzip -dc' before 'blink-kb build -o k.kb' in the pipeline" \
    'standard input'
run blink-kb add -c s.kb a.csv.gz
like "$(cat err)" "'gzip -dc a.csv.gz \| blink-kb add -c .*s.kb' reads it" 'add'
finish
