#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/download-blink against a server of this machine that drops
# connections, ignores ranges, lies about lengths and changes its files; then
# the golden files under BLINK's names, from the server to BLINK's answers.
. "${top_srcdir:?}/tests/lib.sh"
only_plain
for program in curl python3 jq flock; do
    command -v "$program" >/dev/null || skip_all "no $program"
done
cd "$T" || exit
script=$top_srcdir/scripts/download-blink
export BLINK_DATA=$T/data BLINK_BUILD=$top_builddir BLINK_PAUSE=0

# ---- The server, and files of BLINK's names ----

. "$top_srcdir/tests/server.sh"
bin=crossencoder_wiki_large.bin

# A file that begins as a pickle and is long enough to be cut.
make_file() { { printf '\200\002'; seq "$2"; } >"www/$1"; }
make_file "$bin" 50000
echo '{"bert_model": "bert-large"}' >www/crossencoder_wiki_large.json
size=$(stat -c %s "www/$bin")

fetch() {
    : >requests
    run "$script" --base-url "$url" --dir dl --only cross --no-convert "$@"
}
fresh() { rm -rf dl data www/.faults; }
# What the requests for the .bin were: "method range status" in one line.
asked() {
    awk -v n="$bin" '$2 == n { printf "%s %s %s;", $1, $3, $4 }' requests
}
same() { ok "$1" cmp -s "www/$bin" "dl/$bin"; }
whole() { is "$status" 0 "$1"; same "$1: the file"; }
# No part is left, and no file that is not named.
only_files() { is "$(cd dl && echo *)" "$1" "$2"; }
both="MANIFEST.tsv $bin crossencoder_wiki_large.json"

# ---- Options ----

for args in --nonsense '--only nothing' '--dtype f8' --only; do
    # shellcheck disable=SC2086
    run "$script" $args
    is "$status" 2 "$args: refused"
done
run "$script" --only bi,flair
is "$(cat err)" "download-blink: --only: 'flair' is none of bi, cross, \
entities, vectors, faiss-flat, faiss-hnsw, dump, elq, elq-webqsp, elq-faiss" \
    'an unknown part'
run "$script" --help
is "$status:$(head -n 1 out | cut -d: -f1)" 0:download-blink '--help'

# ---- Whole, twice ----

fetch
whole 'a download'
only_files "$both" 'a download: nothing else is left'
is "$(awk -F'\t' -v n="$bin" '$1 == n { print $2, $3, $6 }' dl/MANIFEST.tsv)" \
    "$size $(sha256sum <"www/$bin" | cut -d' ' -f1) $url/$bin" \
    'size, sum and address are recorded'
like "$(cat err)" "fetching $bin \(288.9 kB\)" 'it says what it fetches'
fetch
is "$status:$(asked)" '0:HEAD - 200;' 'a second run fetches nothing'
is "$(cat err)" '' 'a second run has nothing to say'
fetch --verify
is "$status" 0 'the files are as recorded'

# ---- Connections that end ----

fresh
echo "$bin drop 100000" >www/.faults
fetch
whole 'a connection that is dropped'
like "$(asked)" 'GET - 200;HEAD - 200;GET bytes=100000- 206;$' \
    'a connection that is dropped: it goes on there'
like "$(cat err)" 'going on at 100.0 kB' 'and says so'

fresh
for i in 1 2 3 4 5 6; do echo "$bin drop 40000"; done >www/.faults
fetch
whole 'more drops than retries, each with something gained'

fresh
for i in 1 2 3 4 5 6; do echo "$bin drop 0"; done >www/.faults
fetch
is "$status" 4 'drops with nothing gained end'
like "$(cat err)" 'giving up after 3 attempts \(run this again to go on\)' \
    'drops with nothing gained: it says so'
rm www/.faults
fetch
whole 'a run after it'

# killed at BYTES: kill -9 in the middle of the file.
killed() {
    fresh
    echo "$bin stall $1" >www/.faults
    setsid "$script" --base-url "$url" --dir dl --only cross --no-convert \
        >/dev/null 2>&1 &
    local victim=$!
    for _ in $(seq 200); do
        # curl writes blocks of 16 KiB.
        [ "$(stat -c %s "dl/$bin.part" 2>/dev/null || echo 0)" -lt \
            $(($1 - 20000)) ] || break
        sleep 0.05
    done
    kill -9 -- "-$victim"
    wait "$victim" 2>/dev/null
}
killed 120000
got=$(stat -c %s "dl/$bin.part")
ok 'killed in the middle: a part' [ "$got" -gt 100000 ]
ok 'killed in the middle: no file' [ ! -e "dl/$bin" ]
run "$script" --base-url "$url" --dir dl --only cross --dry-run
like "$(cat out)" "$bin +288.9 kB  to fetch, 1[67][0-9].[0-9] kB of it" \
    'killed in the middle: the plan'
fetch
whole 'the next run'
is "$(asked)" "HEAD - 200;HEAD - 200;GET bytes=$got- 206;" \
    'the next run goes on there'
only_files "$both" 'the next run leaves nothing else'

# ---- Servers that do not go on ----

fresh
printf '%s\n' "$bin drop 90000" "$bin norange" >www/.faults
fetch
whole 'a server that ignores ranges once'
like "$(cat err)" 'the server starts again from the beginning' \
    'a server that ignores ranges: it says so'

fresh
for i in 1 2 3 4 5 6 7 8; do
    echo "$bin drop 90000"
    echo "$bin norange"
    echo "$bin norange"
done | sed 's/norange/drop 80000/' >www/.faults
sed -i 's/.*80000/'"$bin"' norange/' www/.faults
fetch
whole 'ranges ignored again and again'

killed 60000
sleep 0.01
make_file "$bin" 40000
fetch
whole 'a file that changed while a part was here'
like "$(cat err)" 'the server has another file than the one that was begun' \
    'a file that changed: it says so'
like "$(asked)" 'GET - 200;$' 'a file that changed: from the beginning'
make_file "$bin" 50000

fresh
echo "$bin 503" >www/.faults
fetch
whole 'a server that is busy once'
fresh
echo "$bin nohead" >www/.faults
fetch
whole 'a server without HEAD'

# ---- What is not the file ----

refused() {
    is "$status" "$1" "$3"
    like "$(cat err)" "$2" "$3: it says why"
    ok "$3: no file" [ ! -e "dl/$bin" ]
}
fresh
echo "$bin gone" >www/.faults
fetch
refused 4 "'$url/$bin': the server answers with status 404" 'no such file'
fresh
echo "$bin 404" >www/.faults
fetch
refused 4 "'$url/$bin': the server answers with status 404" \
    'gone between question and answer'
fresh
echo "$bin html" >www/.faults
fetch
refused 3 'sends a page \(text/html\) in its place' 'a page with status 200'
fresh
for i in 1 2 3 4 5 6; do echo "$bin short 5000"; done >www/.faults
fetch
refused 4 'it ended after 5000 of 288896 bytes|answers with status 416' \
    'fewer bytes than said'
fresh
cp "www/$bin" kept
printf '<html>Sorry, this is a page.</html>\n' >"www/$bin"
fetch
refused 3 'the server sent a page in its place: <html>Sorry' \
    'a page that says it is data'
is "$(echo dl/*.part)" 'dl/*.part' 'a page: no part is left'
echo 'plain text' >"www/$bin"
fetch
refused 3 "this is no such file \(it begins with '706c6169'\)" 'a text'
cp kept "www/$bin"
run "$script" --base-url http://127.0.0.1:1 --dir dl2 --only cross --no-convert
is "$status" 4 'nobody there'
like "$(cat err)" "'http://127.0.0.1:1/crossencoder_wiki_large.json': .*onnect" \
    'nobody there: it says so'
run "$script" --base-url http://127.0.0.1:1 --dir dl2 --dry-run
is "$status" 0 'a plan without a network'
like "$(cat out)" 'all_entities_large.t7 +~ 24.2 GB  to fetch; size unknown' \
    'a plan without a network: sizes as they are known'
is "$(cd dl2 && ls -A)" .lock 'a plan leaves nothing'

# ---- What changes afterwards ----

fresh
fetch
sleep 0.01
make_file "$bin" 45000
fetch
is "$status" 0 'the server has another one: the old one is kept'
like "$(cat err)" "$bin: the server has another one by now \(this one is" \
    'the server has another one: it says so'
fetch --again
whole '--again fetches it'
like "$(asked)" 'GET - 200;$' '--again: with one request'
: >requests
fetch --again
is "$(grep -c GET requests)" 0 '--again fetches nothing that has not changed'
printf x | dd of="dl/$bin" bs=1 seek=1000 conv=notrunc status=none
fetch
is "$status" 3 'a byte that changed here'
like "$(cat err)" "'dl/$bin' has changed|has changed:" \
    'a byte that changed: it says so'
like "$(cat err)" 'sha256 recorded [0-9a-f]{64}' 'with both sums'
printf x | dd of="dl/$bin" bs=1 seek=2000 conv=notrunc status=none
touch -d "@$(awk -F'\t' -v n="$bin" '$1 == n { print $4 }' dl/MANIFEST.tsv)" \
    "dl/$bin"
fetch --verify
is "$status" 3 '--verify reads what looks unchanged'
truncate -s 1000 "dl/$bin"
fetch
is "$status" 3 'a file that was cut'
like "$(cat err)" "bytes were recorded, it has 1000" 'a file that was cut: why'
fetch --again
whole '--again replaces it'
rm dl/MANIFEST.tsv
fetch
whole 'a file from elsewhere is recorded'
like "$(cat err)" "recording $bin, which was there" 'from elsewhere: it says so'
rm dl/MANIFEST.tsv
truncate -s 1000 "dl/$bin"
fetch
is "$status" 3 'a file from elsewhere that is too short'

# ---- No room ----

fresh
# shellcheck disable=SC2016
run bash -c 'ulimit -f 100; trap "" XFSZ; exec "$0" "$@"' "$script" \
    --base-url "$url" --dir dl --only cross --no-convert
is "$status" 4 'a disk that is full'
like "$(cat err)" "$bin.part' cannot be written" 'a disk that is full: why'
ok 'a disk that is full: no file' [ ! -e "dl/$bin" ]
fetch
whole 'when there is room again'
if mkdir small && mount -t tmpfs -o size=200k none small 2>/dev/null; then
    : >requests
    run "$script" --base-url "$url" --dir small/dl --only cross --no-convert
    is "$status:$(grep -c GET requests)" 4:0 'too small a disk, known early'
    like "$(cat err)" "no room on '$T/small': [0-9.]+ kB to fetch, 20" \
        'too small a disk: with both figures'
    umount small
else
    skip 'too small a disk, known early' 'needs root'
fi

# ---- BLINK's files to BLINK's answers ----

if [ -z "$golden" ]; then
    skip 'end to end' 'no golden data'
    finish
fi
fresh
zoo=$golden/zoo/m1
for kind in bi cross; do
    for end in bin json; do
        cp "$zoo/${kind}encoder_wiki_m1.$end" \
            "www/${kind}encoder_wiki_large.$end"
    done
done
cp "$zoo/entity.jsonl" www/
cp "$zoo/all_entities_m1.t7" www/all_entities_large.t7
cp "$zoo/faiss_flat_index.pkl" www/
chmod u+w www/*
all() {
    : >requests
    run "$script" --base-url "$url" --dir dl --bert "$zoo/bert_tiny_m1" \
        --dtype f32 "$@"
}
run "$script" --base-url "$url" --dir dl --only vectors
is "$status:$(cat err)" \
    '2:download-blink: an index needs the bi-encoder: add bi to --only' \
    'an index without its model'
all --dry-run
is "$(grep -c '^  blink-' out)" 4 'the plan has four commands'
for name in bi cross; do
    echo "${name}encoder_wiki_large.bin drop 1000000"
done >www/.faults
all
is "$status" 0 'everything, with dropped connections'
is "$(cd data && echo models/* catalogues/* indexes/*)" \
    'models/blink models/blink-cross catalogues/blink.kb indexes/blink.blink.blx' \
    'everything is made'
all
is "$status:$(grep -c GET requests)" 0:0 'a second run does nothing'
is "$(grep -c 'is there already' err)" 4 'a second run: it says so'
all --remove
is "$status" 0 'with --remove'
is "$(cd dl && echo *)" 'MANIFEST.tsv biencoder_wiki_large.json crossencoder_wiki_large.json' \
    'the big files are gone'
all
is "$status:$(grep -c GET requests)" 0:0 'and are not fetched again'
all --only entities --dry-run
is "$(grep -c '^  blink-' out)" 0 'a part alone: nothing more to run'
all --only entities
like "$(cat err)" "done: what was asked for is in '$T/data' and '$T/dl'$" \
    'a part alone: no advice to link'
all --only bi,entities,faiss-flat
is "$status" 0 'the vectors as FAISS has them'

# The original's answers, by names in the data folder.
blink-kb cat -c blink | jq -c .id | jq -s -c . >ids
jq -c --slurpfile ids ids '[.nns[] as $row | $ids[0][$row]]' \
    "$golden/e2e/m1/run_flat_fast_k10.jsonl" >want
blink-embed -m blink <"$golden/e2e/m1/records.jsonl" |
    blink-retrieve -x blink.blink -c blink -k 10 >retrieved
jq -c '[.candidates[].id]' retrieved >got
ok 'blink-embed and blink-retrieve: candidates as the original' \
    cmp -s want got
jq -c --slurpfile ids ids '[.order[] as $i | .nns[$i] as $row | $ids[0][$row]]' \
    "$golden/e2e/m1/run_flat_full_k10.jsonl" >want
blink-rerank -m blink-cross -c blink <retrieved |
    jq -c '[.candidates[].id]' >got
ok 'blink-rerank: order as the original' cmp -s want got
all --default
is "$status" 0 '--default'
blink-embed <"$golden/e2e/m1/records.jsonl" | blink-retrieve |
    blink-rerank | jq -c '[.candidates[].id]' >got
ok '--default: the same without names' cmp -s want got
title=$(sed -n 2p "$zoo/entity.jsonl" | jq -r .title)
run blink link --kb blink -m blink --cross blink-cross --json \
    <<<"We spoke of $title all day."
is "$status" 0 'blink link with the same names'

# ---- ELQ's files to ELQ's answers ----

# Its folder is beside one that is called BLINK.
rm -rf dl data www/* www/.faults
mkdir www/BLINK www/elq
from=$golden/elq
cp "$from/entity.jsonl" www/BLINK/
cp "$from/all_entities_e1.t7" www/BLINK/all_entities_large.t7
cp "$from/elq_wiki_e1.bin" www/elq/elq_wiki_large.bin
cp "$from/elq_wiki_e1.zip.bin" www/elq/elq_webqsp_large.bin
cp "$from/elq_e1_params.txt" www/elq/elq_large_params.txt
cp "$from/faiss_hnsw_index.pkl" www/elq/
elq() {
    : >requests
    run "$script" --base-url "$url/BLINK" --dir dl --dtype f32 \
        --bert "$from/bert_tiny_e1" "$@"
}
elq --elq --dry-run
is "$(grep -c '^  blink-' out)" 3 '--elq: the plan has three commands'
echo 'elq/elq_wiki_large.bin drop 500000' >www/.faults
elq --elq
is "$status" 0 '--elq, with a dropped connection'
is "$(cd data && echo models/* catalogues/* indexes/*)" \
    'models/elq catalogues/blink.kb indexes/blink.elq.blx' '--elq: all is made'
like "$(cat err)" 'done: blink-elq -m elq -x blink.elq -c blink --text' \
    '--elq: it says what to do next'
elq --elq
is "$status:$(grep -c GET requests)" 0:0 '--elq: a second run does nothing'
elq --only elq-webqsp,elq-faiss,elq
is "$status:$(cd data && echo models/*):$(cd dl && echo elq_*)" \
    '0:models/elq models/elq-webqsp:elq_faiss_hnsw_index.pkl elq_large_params.txt elq_webqsp_large.bin elq_wiki_large.bin' \
    'the other model, and the graph under a name of its own'
elq --elq --remove
is "$status:$(cd dl && echo *)" \
    '0:MANIFEST.tsv elq_faiss_hnsw_index.pkl elq_large_params.txt elq_webqsp_large.bin' \
    '--elq --remove'
blink-kb cat -c blink | jq -c .id | jq -s -c . >ids
jq -c --slurpfile ids ids '[.id, [.pred_triples[] | $ids[0][.[0] | tonumber]]]' \
    "$from/pred_none_joint_-4.5.jsonl" >want
blink-elq -m elq -x blink.elq -c blink --max-mentions 10 --specials \
    <"$from/questions.jsonl" 2>err | jq -sc 'group_by(.doc | tonumber)[] |
    [(.[0].doc | tonumber), map(.entity.id)]' >got
ok "blink-elq: $(wc -l <got) questions answered as the original does" \
    cmp -s got want
finish
