#!/bin/bash
# SPDX-License-Identifier: MIT
# fault-cases.sh: small inputs for every program, and the command lines that
# scripts/check.d makes fail.
#
#   cd EMPTY-FOLDER && fault-cases.sh >TABLE
#
# A line of the table: NAME TARGET INPUT COMMAND...  TARGET is the file or
# folder that the command writes ("-": none), of which old/NAME is the one to
# replace, if there is one; INPUT is its standard input.  No word has blanks.
# Programs and parts of them that were not built are left out.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
fixtures=$top_srcdir/tests/data
bi=$fixtures/golden/m2-bi cross=$fixtures/golden/m2-cross
. "$top_srcdir/tests/models.sh"
module() { [ -e "$top_builddir/common/.libs/libblink-$1.so" ]; }
row() { echo "$*"; }
exec 3>&1 1>&2
mkdir old
ln -s "$bi" bi

# ---- Catalogues ----
head -n 8 "$fixtures/mini.jsonl" >few.jsonl
echo '{"id":"new","title":"New","text":"n","aliases":["N"]}' >new.jsonl
head -n 3 few.jsonl | blink-kb build -q -o three.kb
blink-kb build -q -o k.kb few.jsonl
for name in kb-build kb-stdin kb-dump kb-add kb-replace kb-update kb-remove; do
    cp three.kb old/$name
done
printf '%s\n' "Some '''text''' about [[London|it]]." '{{x}} end' >wikitext
{
    row kb-build target.kb - blink-kb build -q -o target.kb few.jsonl
    row kb-stdin target.kb few.jsonl blink-kb build -q --no-fts -o target.kb
    row kb-add target.kb new.jsonl blink-kb add -q -c ./target.kb
    row kb-replace target.kb few.jsonl \
        blink-kb add -q --replace -c ./target.kb
    row kb-update target.kb few.jsonl blink-kb update -q --errors drop -c ./target.kb
    row kb-remove target.kb - blink-kb remove -q -c ./target.kb 2
    row kb-get - - blink-kb get -c ./k.kb 2 3
    row kb-search - - blink-kb search -c ./k.kb -k 2 city
    row kb-cat - - blink-kb cat -c ./k.kb
    row kb-info - - blink-kb info -c ./k.kb
    row kb-verify - - blink-kb verify -c ./k.kb
} >&3
printf '%s\t%s\n' city_of_light paris old_lutetia paris >names.tsv
blink-kb names -q -o paris.names --site enwiki names.tsv
echo lutetia | blink-kb names -q -o old/names
{
    row names target.names names.tsv \
        blink-kb names -q --site enwiki -o target.names
    row names-get - - blink-kb get -c ./paris.names Old_Lutetia
    row names-verify - - blink-kb verify -c ./paris.names
} >&3
if blink-kb build -q -o dump.kb --wikipedia "$fixtures/wiki/dump.xml"; then
    {
        for threads in 1 2; do
            row kb-dump-$threads target.kb - blink-kb build -q -o target.kb \
                --threads $threads --memory 64K --wikipedia \
                "$fixtures/wiki/dump.xml"
        done
        row kb-strip - wikitext blink-kb strip
    } >&3
    cp three.kb old/kb-dump-1
    cp three.kb old/kb-dump-2
fi

# ---- Mentions ----
echo '{"id":"d","text":"She left Paris for London, in England."}' >docs.jsonl
echo '{"id":"m1","context_left":"They flew to ","mention":"Paris","context_right":" in spring.","label_id":"2"}' >mentions.jsonl
mkdir parts
"$top_builddir/tests/parts" "$cross" parts
rm -f parts/*/.??*
{
    row tokenize - mentions.jsonl blink-tokenize --context --tokens -m "$bi"
    row tokenize-entity - few.jsonl blink-tokenize --entity -m "$bi"
    row ner-names - docs.jsonl blink-ner --dictionary ./k.kb
    row ner-tagger - docs.jsonl blink-ner -m parts/ner --threads 1
    row ner-threads - docs.jsonl blink-ner -m parts/ner --threads 2
} >&3

# ---- Vectors ----
blink-embed -m "$bi" --entities --engine reference <few.jsonl >vectors
blink-embed -m "$bi" --engine reference <mentions.jsonl >embedded
blink-index build -q -c k.kb -o k.blx <vectors
head -n 4 few.jsonl | blink-kb build -q -o four.kb
head -n 4 vectors | blink-index build -q -c four.kb -o old.blx
perl - v.safetensors <<'X'
open my $out, '>:raw', $ARGV[0] or die "$ARGV[0]: $!";
my $head = '{"v":{"dtype":"F32","shape":[8,20],"data_offsets":[0,640]}}';
print $out pack('Q<', length $head), $head, map { pack 'f<', $_ } 0 .. 159;
X
perl "$top_srcdir/tests/torch-save.pl" v.safetensors v.t7 legacy
for name in index-build index-import index-ann; do cp old.blx old/$name; done
{
    row embed - mentions.jsonl blink-embed -m "$bi" --engine reference
    row embed-cpu - few.jsonl \
        blink-embed -m "$bi" --entities --engine cpu --threads 2
    row embed-int8 - mentions.jsonl blink-embed -m "$bi" --engine cpu \
        --precision int8 --threads 1
    row index-build target.blx vectors \
        blink-index build -q -c ./k.kb -o target.blx
    row index-cat - - blink-index cat -x ./k.blx -c ./k.kb
    row index-info - - blink-index info -x ./k.blx
    row index-verify - - blink-index verify -x ./k.blx
    row retrieve - embedded blink-retrieve -x ./k.blx -c ./k.kb -k 3 \
        --threads 1 --aliases
    row retrieve-2 - embedded blink-retrieve -x ./k.blx -c ./k.kb -k 3 \
        --threads 2
    row index-import target.blx - \
        blink-index import v.t7 -q -m "$bi" -c ./k.kb -o target.blx
} >&3
if module faiss; then
    blink-index ann -q -x ./k.blx -o k.faiss --type HNSW4,Flat --threads 1
    {
        row index-ann target.faiss - blink-index ann -q -x ./k.blx \
            -o target.faiss --type HNSW4,Flat --threads 1
        row retrieve-ann - embedded \
            blink-retrieve -x ./k.faiss -c ./k.kb -k 3 --threads 1
    } >&3
fi

# ---- Answers ----
blink-retrieve -x ./k.blx -c ./k.kb -k 3 <embedded >retrieved
blink-rerank -m "$cross" -c ./k.kb --engine reference <retrieved >reranked
blink-score --calibration "$top_srcdir/share/calibration/minilm.json" \
    <reranked >scored
for i in {1..6}; do
    echo "{\"mention\":\"a$i\",\"label_id\":\"1\",\"candidates\":[{\"id\":\"1\",\"title\":\"a$i\",\"score\":0.5},{\"id\":\"2\",\"title\":\"b\",\"score\":0.6}]}"
    echo "{\"mention\":\"c$i\",\"label_id\":null,\"candidates\":[{\"id\":\"1\",\"title\":\"d\",\"score\":0.5},{\"id\":\"2\",\"title\":\"b\",\"score\":0.6}]}"
done >labelled
calibration=$top_srcdir/share/calibration/minilm.json
echo '{"old":1}' >old/score-fit
echo 'They flew to Paris, in France.' >prose
echo '<p>old' | tee old/view-file old/link-beside >old/link-html
{
    row rerank - retrieved blink-rerank -m "$cross" -c ./k.kb \
        --engine reference
    row rerank-cascade - retrieved blink-rerank -m "$cross" -c ./k.kb \
        --engine cpu --threads 1 --cascade 0.01 --calibration "$calibration"
    row score - reranked blink-score
    row score-fit target.json labelled blink-score --fit target.json
    row eval - scored blink-eval --json -k 1,2 --bootstrap 5
    row eval-table - scored blink-eval -c ./k.kb --by label_id
    row view - scored blink-view
    row view-file target.html scored blink-view -o target.html
    row table - scored blink table
    row table-csv - scored blink table --format csv
    row brief - scored blink brief
    row documents - scored blink documents
    row count - scored blink count
    row text - wikitext blink text
    row records - scored blink records
    link="-c ./k.kb -m bi -x ./k.blx --dictionary --engine reference
        --threads 1 --calibration $calibration"
    # shellcheck disable=SC2086
    {
        row link - prose blink link --lines --json -f $link
        row link-cross - prose blink link --table --cross "$cross" $link
        row link-html target.html prose \
            blink link --html target.html -f $link
        row link-beside target.html prose \
            blink link --html target.html --csv -f $link
        row prompt - prose blink -i -f $link
    }
} >&3

# ---- Models ----
sentence_transformer hf
perl "$top_srcdir/tests/torch-save.pl" "$cross/model.safetensors" cross.bin \
    zip
old_reranker reranker
mkdir -p z/documents z/mentions
echo '{"document_id":"L1","title":"Big Page","text":"One two Four five"}' \
    >z/documents/lego.json
echo '{"category":"LOW","text":"Four","end_index":2,"context_document_id":"L1","label_document_id":"L1","mention_id":"m","corpus":"lego","start_index":2}' \
    >z/mentions/val.json
rm -f v.safetensors one.safetensors
echo '{"max_seq_length":100}' >params.json
blink-convert crossencoder cross.bin --bert "$cross" --params params.json \
    -o old/convert-cross
blink-convert quantize parts/cross -o old/quantize
{
    row convert-bi target - blink-convert biencoder "$bi/model.safetensors" \
        --bert "$bi" -o target
    row convert-cross target - blink-convert crossencoder cross.bin \
        --bert "$cross" -o target --force
    row convert-hf target - blink-convert hf hf -o target
    row convert-reranker target - blink-convert reranker reranker -o target
    row convert-zeshel target - blink-convert zeshel z -o target
    row quantize target - blink-convert quantize parts/bi -o target --force
    row pack target - blink-convert pack --bi parts/bi --cross parts/cross \
        --ner parts/ner -o target
} >&3
if module train; then
    echo '{"context_left":"In ","mention":"Paris","context_right":".","label":"A city","label_title":"Paris","label_id":"2","negatives":[{"title":"Rome","text":"Another."}]}' >train.jsonl
    {
        row train target - blink-train bi -q -b "$bi" -t train.jsonl \
            -d train.jsonl -o target --threads 1 --batch 1 --steps 2 \
            --save-every 1 --eval-every 1
    } >&3
fi
