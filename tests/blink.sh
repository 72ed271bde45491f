#!/bin/bash
# SPDX-License-Identifier: MIT
# The driver: its own stages, the pipeline it builds, and how it ends.
. "$top_srcdir/tests/lib.sh"

# A data folder with names only: enough for --show.
export BLINK_DATA=$T/data
mkdir -p "$T/data/models/default" "$T/data/models/mini" \
    "$T/data/catalogues" "$T/data/indexes"
touch "$T/data/catalogues/default.kb" "$T/data/indexes/default.blx" \
    "$T/data/catalogues/own.kb" "$T/data/indexes/own.mini.blx"
cd "$T" || exit
printf 'Marie Curie was born in Warsaw.\n' >'a b.txt'
printf 'Rome.\n\nParis.' >c.txt

# ---- blink text ----
run blink text 'a b.txt' c.txt
is "$status" 0 'text: exit status'
is "$(cat out)" '{"id":"a b.txt","text":"Marie Curie was born in Warsaw.\n"}
{"id":"c.txt","text":"Rome.\n\nParis."}' 'text: a file is a document'
run blink text --lines c.txt
is "$(cat out)" '{"id":"c.txt:1","text":"Rome."}
{"id":"c.txt:3","text":"Paris."}' 'text: --lines'
run blink text </dev/null
is "$status:$(cat out)" '0:' 'text: nothing gives nothing'
printf '\xef\xbb\xbfa\0b\xff"\\\xc3\xa9' >bytes.txt
run blink text - <bytes.txt
is "$(cat out)" '{"id":"stdin","text":"a�b�\"\\é"}' \
    'text: bad bytes are replaced, the byte order mark left out'
is "$(cat err)" "blink: 'stdin' is not all UTF-8: invalid bytes are read \
as U+FFFD (iconv(1) converts other encodings)" 'text: and that is said'
run blink text --lines - c.txt <bytes.txt
is "$(grep -c 'not all UTF-8' err)" 1 'text: of the file that it is true of'
for encoding in UTF-16LE UTF-16BE; do
    { [ $encoding = UTF-16LE ] && printf '\xff\xfe' || printf '\xfe\xff'
        printf 'Paris\nRome\n' | iconv -f UTF-8 -t $encoding; } >wide.txt
    for lines in '' --lines; do
        # shellcheck disable=SC2086
        run blink text $lines wide.txt
        is "$status:$(cat out err)" "3:blink: 'wide.txt' is UTF-16, not \
UTF-8: convert it first, as in iconv -f UTF-16 -t UTF-8" \
            "text: $encoding is refused $lines"
    done
done
run blink text nowhere.txt
is "$status:$(cat err)" \
    "3:blink: cannot open 'nowhere.txt': No such file or directory" \
    'text: a missing file'

# Long texts come in pieces that together are the text.
awk 'BEGIN { for (i = 0; i < 300000; i++) printf "w%d%s", i,
    i % 1000 ? " " : "\n\n" }' >long.txt
blink text long.txt >pieces
is "$(jq -j .text pieces | cksum)" "$(cksum <long.txt)" \
    'text: a long text is whole in its pieces'
is "$(jq -r .id pieces | head -n 2 | tr '\n' ' ')" 'long.txt long.txt#2 ' \
    'text: pieces are numbered'
is "$(jq 'select(.text | utf8bytelength > 1048576)' pieces)" '' \
    'text: a piece is at most one megabyte'
head -c 3000000 /dev/zero | tr '\0' 'x' >oneword.txt
is "$(blink text oneword.txt | jq -j .text | cksum)" \
    "$(cksum <oneword.txt)" 'text: one word of 3 MB'

echo '{"id":"1","mention":"x"}' >records.txt
run blink text records.txt
is "$status:$(cat err)" "0:blink: 'records.txt' looks like records and is \
read as text (see blink link --input)" 'text: records are not what they seem'

# ---- blink records ----
printf '[{"a":1},\n {"b":\n 2}]' >array.json
printf '{"c":3}\n\n{"d":4}' >lines.jsonl
run blink records array.json lines.jsonl - <<<'{"e":5}'
is "$status:$(cat out err)" '0:{"a":1}
{"b":2}
{"c":3}
{"d":4}
{"e":5}' 'records: arrays and lines'
run blink records <<<'[{"a":1} {"b":2}'
is "$status:$(cat out)" '1:{"a":1}
{"b":2}' 'records: a broken array: what is sound'
is "$(cat err)" "blink: stdin[]:1: after this element: expected ',' between \
the elements of the array
blink: stdin[]:2: the array is not closed: expected ',' or ']' after this \
element, found the end" 'records: a broken array: what is not'
run blink records nowhere
is "$status:$(cat err)" \
    "3:blink: cannot open 'nowhere': No such file or directory" \
    'records: a missing file'

# ---- blink table ----
cat >linked.jsonl <<'JSON'
{"doc":"a","mention":"Curie","entity":{"id":"1","title":"Marie Curie","url":"https://x/Marie_Curie","p":0.9876}}
{"doc":"a","mention":"東京\n","entity":{"id":"2","title":"Tokyo","p":0.99999}}
{"doc":"b","mention":"Foo","entity":null,"nil_p":0.4}
JSON
run blink table <linked.jsonl
is "$status:$(cat out)" '0:MENTION                     LINKED TO                            P      ID                URL
Curie                       Marie Curie                          0.988  1                 https://x/Marie_Curie
東京                        Tokyo                                0.999  2
Foo                         -                                    0.400' \
    'table: aligned, without blanks at the ends of lines'
printf '{"mention":"a\\u001b[31m\\u009b2Jé","entity":null}\n' |
    blink table >out
is "$(sed -n 2p out | tr -s ' ')" 'a [31m 2Jé -' 'table: nothing steers the terminal'
run blink table --documents <linked.jsonl
like "$(cat out)" '^DOCUMENT +MENTION' 'table: --documents'
echo '{"mention":3}' >bad.jsonl
run blink table <bad.jsonl
is "$status:$(cat out)" '1:' 'table: a bad record'
is "$(cat err)" \
    "blink: stdin:1: field 'mention': expected string, found number" \
    'table: and why'
run blink table </dev/null
is "$status:$(cat err)" '0:blink: no mention of an entity to show' \
    'table: nothing found is said'

# ---- blink link --show ----
run blink link --show --json 'a b.txt'
is "$status" 0 'show: exit status'
is "$(cat out)" "blink text -- 'a b.txt' |
    blink-ner --dictionary $T/data/catalogues/default.kb |
    blink-embed -m $T/data/models/default |
    blink-retrieve -x $T/data/indexes/default.blx -c \
$T/data/catalogues/default.kb -k 10 --aliases |
    blink-coherence -x $T/data/indexes/default.blx -c \
$T/data/catalogues/default.kb |
    blink-score" 'show: the pipeline, quoted'
run blink link --show --table --lines --nil 0.5 --threads 1 -k 3
like "$(cat out)" 'blink text --lines \|' 'show: --lines'
like "$(cat out)" 'blink-embed -m [^ ]* --threads 1 \|' 'show: --threads'
like "$(cat out)" 'blink-ner .* --mark-ends \|' 'show: lines end'
like "$(cat out)" 'blink-coherence .* --drop-ends \|' 'show: for one stage'
like "$(cat out)" ' -k 3 ' 'show: -k'
like "$(cat out)" 'blink-score --nil 0.5 \|' 'show: --nil'
like "$(cat out)" 'blink table --documents -k 3$' 'show: --table'
run blink link --show --min-p 0.6
like "$(cat out)" 'blink-score --min-p 0.6$' 'show: --min-p'
run blink link --show --no-names --no-pages
like "$(tr '\n' ' ' <out)" ' --aliases --no-names \| .*blink-score --no-pages( |$)' \
    'show: --no-names and --no-pages'
run blink link --show --no-coherence --lines
is "$(grep -c 'coherence\|mark-ends' out)" 0 'show: --no-coherence'
run blink link --show --html 'a page.html'
is "$(tail -1 out)" "    blink-view -o 'a page.html'" 'show: --html'
run blink link --show --html x --csv
is "$(tail -n 2 out)" "    blink-view --pass -o x |
    blink table --format csv" 'show: --html beside rows'
run blink link --html - --table
is "$status" 2 '--html - and --table'
run blink link --html x -i
is "$status" 2 '--html and -i'
run blink link --show --json --input mentions array.json
is "$(head -2 out)" "blink records -- array.json |
    blink-embed -m $T/data/models/default |" 'show: --input mentions'
run blink link --show --input documents --table
like "$(cat out)" '^blink records \|[^|]*blink-ner .*table --documents$' \
    'show: --input documents'
mkdir "$T/data/models/default-cross" "$T/data/models/default-ner"
run blink --show
like "$(cat out)" 'blink-rerank -m [^ ]*default-cross -c ' \
    'show: a cross-encoder is used when there is one'
like "$(cat out)" 'blink-ner -m [^ ]*default-ner --dictionary [^ ]*default.kb \|' \
    'show: so is a tagger, beside the names'
run blink --show --no-dictionary
like "$(cat out)" 'blink-ner -m [^ ]*default-ner \|' 'show: or alone'
run blink --fast --show
is "$(grep -c rerank out)" 0 'show: --fast'
run blink --show --dictionary
like "$(cat out)" 'blink-ner --dictionary [^ ]*default.kb \|' \
    'show: unless it is not wanted'
run blink --show --common
like "$(cat out)" 'blink-ner --dictionary [^ ]*default.kb --common \|' \
    'show: --common is about the dictionary'
run blink --show --dictionary --ner default-ner
like "$(cat out)" 'blink-ner -m [^ ]*default-ner --dictionary [^ ]*default.kb \|' \
    'show: --ner and --dictionary'
run blink --show --common --no-dictionary
is "$status:$(head -1 err)" \
    '2:blink: --common and --no-dictionary contradict each other' \
    '--common and --no-dictionary'
rmdir "$T/data/models/default-cross" "$T/data/models/default-ner"
run blink link --show --kb own -m mini
like "$(cat out)" 'own.mini.blx' 'show: the index of a catalogue by a model'
ln -s own.kb "$T/data/catalogues/linked.kb"
ln -s mini "$T/data/models/small"
run blink link --show --kb linked -m small
like "$(cat out)" 'own.mini.blx' 'show: the same when links lead to them'
cp "$T/data/catalogues/own.kb" here.kb
touch here.blx
run blink link --show --kb here.kb
like "$(cat out)" 'blink-retrieve -x here.blx -c here.kb' \
    'show: the index beside a catalogue'
run blink link --kb own
is "$status" 3 'no index: exit status'
like "$(cat err)" "no index of 'own' made with 'default': give it with -x, or" \
    'no index: says what to do'

# ---- blink-score's weights ----
weights() {
    run blink link --show -c here.kb -x here.blx "$@"
    sed -n "s|^ *blink-score *||p" out
}
mkdir "$T/data/models/minilm"
ln -s minilm "$T/data/models/linked"
is "$(weights -m mini)" '' 'weights: the default ones'
like "$(weights -m linked)" '^--calibration [^ ]*/calibration/minilm.json$' \
    'weights: those called like the model'
is "$(weights -m linked --calibration "$T/x.json" | cat - err)" \
    "--calibration $T/x.json" 'weights: those that are named'
run blink link --show -c here.kb -x here.blx --calibration none
like "$status:$(cat err)" "^3:blink: no calibration 'none' here or in" \
    'weights: there must be some of that name'
mkdir minilm
like "$(weights -m linked)" '^--calibration [^ ]*/calibration/minilm.json$' \
    'weights: what is called so here is not meant'
rmdir minilm
mkdir "$T/data/calibration"
touch "$T/data/calibration/default.json"
is "$(weights -m linked)" '' "weights: a person's default goes before"
rm -r "$T/data/calibration"
touch "$T/data/models/minilm/calibration.json"
like "$(weights -m linked)" '^--calibration [^ ]*/linked/calibration.json$' \
    'weights: those in the folder of the model'
rm "$T/data/models/minilm/calibration.json"

# ---- completion ----
# complete WORD...: what bash offers for the last word.
complete_words() {
    bash -c 'eval "$(blink --completion)"; COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1)); _blink; printf "%s " "${COMPREPLY[@]}"' \
        bash "$@"
}
is "$(complete_words blink lin)" 'link ' 'completion: a command'
is "$(complete_words blink --int)" '--interactive ' \
    'completion: an option that needs no command'
is "$(complete_words blink -i --sh)" '--show ' 'completion: the next one'
is "$(complete_words blink table --d)" '--documents ' \
    'completion: an option of a command'
is "$(complete_words blink link --input m)" 'mentions ' \
    'completion: a choice'

# ---- misuse ----
run blink
is "$status" 2 'no command'
run blink nonsense
is "$status:$(cat out)" '2:' 'unknown command'
is "$(head -1 err)" "blink: unknown command 'nonsense'" 'and which'
run blink c.txt
is "$status:$(head -1 err)" "2:blink: unknown command 'c.txt'; to link a \
file: blink link c.txt" 'a file where the command should be'
run blink link --table --json
is "$status" 2 '--table and --json'
run blink link --lines --input mentions
is "$status" 2 '--lines and records'
run blink -i --input mentions
is "$status" 2 '-i and records'
run blink link --top_k=3
is "$status:$(head -1 err)" "2:blink: '--top_k' is BLINK's; here: -k N" \
    'an option of the original'
run blink --fast --test_mentions x
is "$status:$(head -1 err)" "2:blink: '--test_mentions' is BLINK's; here: \
blink link --input mentions FILE" 'another one'
run blink link --show -- --top_k
is "$status" 3 'a file of that name is a file'
run blink -i c.txt
is "$status" 2 '-i with a file'
run blink link nowhere.txt
is "$status:$(cat err)" \
    "3:blink: cannot open 'nowhere.txt': No such file or directory" \
    'a missing text is known before anything starts'
BLINK_DATA=$T/empty run blink link c.txt
is "$status" 3 'no catalogue: exit status'
like "$(cat err)" "no catalogue 'default'.*quickstart" \
    'no catalogue: says what to do'
run blink link -m other c.txt
is "$(grep -c quickstart err):$(grep -c "no model 'other'" err)" 0:1 \
    'only the default ones are quickstart'\''s'
BLINK_DATA=$T/empty run blink doctor
is "$status" 3 'doctor: exit status when nothing is there'
like "$(cat out)" 'BROKEN +catalogue ' 'doctor: says what is missing'
like "$(cat err)" 'scripts/quickstart' 'doctor: says what to do'
BLINK_F32=abacus BLINK_DATA=$T/empty run blink doctor
like "$(cat out)" 'BROKEN +f32 +BLINK_F32: expected .*abacus' \
    'doctor: a kernel that there is not'

# ---- Options that are passed on ----
# Said once, by the program that was called, before the text is read.
for words in '--engine abacus' '--device abacus' '--precision f16' \
    '--threads x' '--cascade 2' '--nil x' '-k 0' '--engine cpu --device cuda' \
    '--engine reference --precision int8' '--engine torch --precision int8' \
    '--precision bf16 --engine cpu'; do
    for mode in '' -i; do
        # shellcheck disable=SC2086
        { blink link $mode $words >out 2>err; echo $? >said; cat >rest; } <c.txt
        is "$(cat said) $(wc -l <err) $(cut -d: -f1 err | head -n 1)" \
            '2 2 blink' "link $mode $words: said once"
        is "$(sed 1d err)$(cat out)" "try 'blink link --help'" \
            "link $mode $words: names the help"
        ok "link $mode $words: the text is not read" cmp -s rest c.txt
    done
done
run blink link --show -m mini -c own --engine reference --precision f32 \
    --threads 3 --cascade 0 --nil 0.25
is "$(grep -c -e '--engine reference --precision f32 --threads 3' out)" 1 \
    'the engine is passed on as it was given'
like "$(cat out)" 'blink-score .*--nil 0.25' 'and so is --nil'
echo '{}' >bad-calibration.json
run blink link --calibration ./bad-calibration.json c.txt
is "$status $(wc -l <err)" '3 1' 'a calibration that is none: said once'
mkdir empty-modules
for words in '--engine torch' '--device cuda' '--precision bf16'; do
    # shellcheck disable=SC2086
    BLINK_MODULES=$T/empty-modules run blink link $words c.txt
    is "$status $(cat err)" \
        '3 blink: the torch engine is not installed (no libblink-torch.so): try --engine cpu' \
        "no torch: $words: said once"
done
finish
