#!/bin/bash
# SPDX-License-Identifier: MIT
# Approximate indexes: those of BLINK and ELQ answer as they did there, those
# made here are as good as they should be and belong to one catalogue and one
# model, and no file that is damaged reaches FAISS.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit
e2e=$fixtures/golden/e2e

# ---- Without FAISS ----
blink-kb build -q -o m1.kb "$e2e/m1.entities.jsonl"
blink-index build -c ./m1.kb -o m1.blx <"$e2e/m1.entities.jsonl"
mkdir none
run env BLINK_MODULES="$T/none" blink-index ann -x ./m1.blx -o x.faiss
is "$status $(cat out err)" "3 blink-index: this needs FAISS, but blink was built without it (no libblink-faiss.so): install libfaiss-dev and configure again, or search exactly (blink-index import)" \
    'ann without FAISS'
samples=$fixtures/fuzz/fuzz-faiss
run env BLINK_MODULES="$T/none" blink-retrieve -x "$samples/HNSW2" \
    -c ./m1.kb </dev/null
like "$status $(cat out err)" "^3 blink-retrieve: '.*/HNSW2': this needs FAISS, " \
    'retrieve without FAISS'
run env BLINK_MODULES="$T/none" blink-index info -x "$samples/HNSW2" --json
is "$(jq -c '[.faiss,.count,.dim,.stored_dim,.metric,.ef_search,.model]' out)" \
    '["HNSW2,Flat",20,4,5,"l2",128,"m0"]' 'info needs no FAISS'
run blink-index info -x "$samples/IVF4-Flat"
is "$(sed -n '2,7p' out)" 'kind         FAISS IVF4,Flat
vectors      20
dimension    4
ranks by     inner product
nprobe       4 of 4
model        m0' 'info for people'
run env BLINK_MODULES="$T/none" blink doctor
like "$(cat out)" 'note +faiss +not installed' 'doctor says that it is missing'
run blink-index verify -v -x "$samples/HNSW2"
is "$status $(cat out err)" \
    "0 blink-index: '$samples/HNSW2' is intact: 20 vectors" 'nor does verify'
run blink-index cat -x "$samples/HNSW2" -c ./m1.kb
is "$status $(cat out err)" "3 blink-index: '$samples/HNSW2' is an index of FAISS: make an exact one of it first (blink-index import)" \
    'cat wants an exact index'

# ---- Damaged files; nothing but a sentence ----
# Under valgrind a start takes long: fewer places.
coarser=1
[ -z "${BLINK_VALGRIND:-}" ] || coarser=16

# good FILE: 0 when it is accepted; else complains unless there is one line
# and exit status 3.
accepted() {
    run blink-index verify -x "$1"
    [ "$status" = 0 ] && return 0
    if [ "$status" != 3 ] || [ -s out ] || [ "$(wc -l <err)" != 1 ] ||
        [[ $(cat err) != "blink-index: '$1': "* ]]; then
        bad+=" $1:$status"
    fi
    return 1
}

for name in HNSW2 IVF4-Flat RR-IVF2-PQ2x1 IDMap-IVF2-SQ8; do
    sample=$samples/$name
    size=$(stat -c %s "$sample")
    bad=''
    for i in $(seq 0 $coarser 63); do
        head -c $((size * i / 64)) "$sample" >./cut
        [ -s cut ] || continue
        accepted ./cut && bad+=" $i"
    done
    is "$bad" '' "$name cut at 64 places is refused"
    # Without the trailer, so that what is changed is seen by what it says.
    head -c $((size - 256)) "$sample" >./whole
    ok "$name without its trailer" accepted ./whole
done

# poke FILE OFFSET BYTES: the same file with other bytes there.
poke() {
    cp "$1" ./poked
    printf '%b' "$3" | dd of=./poked bs=1 seek="$2" conv=notrunc status=none
}
# altered SAMPLE OFFSET BYTES MESSAGE
altered() {
    head -c $(($(stat -c %s "$samples/$1") - 256)) "$samples/$1" >./whole
    poke ./whole "$2" "$3"
    run blink-index verify -x ./poked
    is "$status $(cat err)" "3 blink-index: './poked': $4" "$1 at $2"
}
far='\xff\xff\xff\xff\xff\xff\xff\x7f'
altered Flat 0 IxXX "offset 0: a FAISS index of unknown kind 'IxXX' (see blink-index(1))"
altered Flat 4 '\0' 'offset 4: the dimension is 0, expected 1 to 65537'
altered Flat 4 '\x05' 'offset 37: the vectors: 80 elements, expected 100'
altered Flat 8 "$far" 'offset 8: the number of vectors is 9223372036854775807, expected 0 to 4294967294'
altered Flat 32 '\x02' 'offset 32: whether it was trained is 2, expected 1 to 1'
altered Flat 33 '\x01' "offset 0: a flat index of another metric than its kind's"
altered Flat 33 '\x05' 'offset 33: the metric is 5, expected 0 to 1'
altered Flat 37 "$far" 'offset 37: the vectors: 9223372036854775807 elements, expected 80'
altered Flat 45 '\0\0\xc0\x7f' 'offset 45: the vectors: number 0 is not finite'
altered IVF4-Flat 37 "$far" 'offset 37: the number of lists is 9223372036854775807, expected 1 to 2147483647'
altered IVF4-Flat 37 '\x05' 'offset 53: 4 centroids of 4 numbers for 5 lists of 4'
altered IVF4-Flat 45 '\0' 'offset 45: nprobe is 0, expected 1 to 2147483647'
altered HNSW2 37 "$far" 'offset 45: truncated: the chances of the levels: expected 9223372036854775807 x 8 bytes, found 1617'
ok 'a file that is none of FAISS' \
    test "$(blink-retrieve -x "$e2e/m1.entities.jsonl" -c ./m1.kb \
        </dev/null 2>&1)" = "blink-retrieve: '$e2e/m1.entities.jsonl': not a blink index (offset 0: other magic bytes)"

# Every byte of the graph's and the lists' own numbers: what is accepted
# answers, what is not is refused with a sentence.  (The trailer's sum would
# see them all: it is left out.)
for name in HNSW2 IVF4-Flat RR-IVF2-PQ2x1; do
    head -c $(($(stat -c %s "$samples/$name") - 256)) "$samples/$name" >./whole
    bad='' taken=0 tried=0
    for at in $(seq 0 $((11 * coarser)) "$(stat -c %s ./whole)"); do
        poke ./whole "$at" '\x7f'
        tried=$((tried + 1))
        accepted ./poked && taken=$((taken + 1))
    done
    is "$bad" '' "$name: $tried bytes changed, $taken still an index"
done
tail -c 256 "$samples/Flat" >trailer
for at in 8 16 24 40 100 170 230; do
    poke "$samples/Flat" $((365 + at)) '\x7f'
    accepted ./poked && bad+=" $at"
done
is "$bad" '' 'a trailer that was changed is refused'
poke "$samples/Flat" 60 '\x01'
run blink-index verify -x ./poked
is "$status $(cat err)" "3 blink-index: './poked': wrong checksum: damaged" \
    'so is what it seals'

# What a trailer says, with a sum that is right again.
seal() {
    perl -MDigest::SHA=sha256 -e '
        my ($in, $at, $bytes) = @ARGV;
        open my $f, "<:raw", $in or die;
        my $all = do { local $/; <$f> };
        my $trailer = substr $all, -256;
        substr $trailer, $at, length($bytes) / 2, pack "H*", $bytes;
        substr $trailer, 224, 32, sha256(substr $trailer, 0, 224);
        print substr($all, 0, -256), $trailer' "$samples/Flat" "$@" >sealed
}
while read -r at bytes said; do
    seal "$at" "$bytes"
    run blink-index info -x ./sealed
    like "$status $(cat err)" "^3 blink-index: './sealed': $said" \
        "a trailer with $bytes at $at"
done <<'END'
8 09000000 trailer of version 9, expected 1
16 0700000000000000 [0-9]+ bytes before its trailer, but that says 7
32 000000 its trailer has no valid fingerprints
96 0a its trailer has no valid fingerprints
END
seal 24 0500000000000000
run blink-retrieve -x ./sealed -c ./m1.kb </dev/null
like "$status $(cat err)" "^3 blink-retrieve: './sealed': made for a catalogue \
of 5 entities, but './m1.kb' has " 'a trailer of another catalogue'
printf 'more' | cat "$samples/Flat" - >longer
run blink-index info -x ./longer
is "$status $(cat err)" "3 blink-index: './longer': offset 365: 260 bytes after the end of the index" \
    'bytes at the end'

module=$top_builddir/common/.libs/libblink-faiss.so
if [ ! -e "$module" ]; then
    skip 'searching' "$(no_module faiss)"
    finish
fi

# valgrind takes the loader's own strncmp() for a fault.
if [ -n "${BLINK_VALGRIND:-}" ]; then
    skip 'searching' 'under valgrind'
    finish
fi

# ---- Made here ----
run blink doctor
like "$(cat out)" 'ok +faiss +1\.' 'doctor sees the module'

# overlap GOT WANT: the mean share of each list of ids that is in the other.
overlap() {
    paste -d, "$1" "$2" | sed 's/.*/[&]/' | jq -s 'map(.[0] as $g |
        (.[1] | map(select([.] | inside($g))) | length) / (.[1] | length)) |
        add / length'
}
# shellcheck disable=SC2317
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'; }

run blink-retrieve -x ./m1.blx -c ./m1.kb -k 10 <"$e2e/m1.mentions.jsonl"
cp out exact
jq -c '[.candidates[].id]' exact >exact.ids
while read -r type least more; do
    # shellcheck disable=SC2086
    run blink-index ann -x ./m1.blx -o m1.faiss --type "$type" $more
    is "$status$(cat out err)" 0 "$type is made"
    run blink-index verify -x ./m1.faiss
    is "$status$(cat out err)" 0 "$type is intact"
    run blink-retrieve -x ./m1.faiss -c ./m1.kb <"$e2e/m1.mentions.jsonl"
    is "$status$(cat err)" 0 "$type is searched"
    jq -c '[.candidates[].id]' out >ids
    recall=$(overlap ids exact.ids)
    ok "$type finds $recall of the 10 best" at_least "$recall" "$least"
done <<'END'
Flat 1
HNSW32 0.99
HNSW16,SQ8 0.95
IVF8,Flat 1
IVF8,SQ8 0.95 --nprobe 8
IVF8,PQ8x4 0.4
SQfp16 0.95
RR,HNSW8 0.95
END
is "$(find . -name '.*.tmp')" '' 'nothing is left behind'
blink-index ann -x ./m1.blx -o m1.faiss
run blink-retrieve -x ./m1.faiss -c ./m1.kb --ef-search 400 \
    <"$e2e/m1.mentions.jsonl"
is "$(jq -c '[.candidates[] | {id, s: (.score * 1000 | round)}]' out |
    cmp - <(jq -c '[.candidates[] | {id, s: (.score * 1000 | round)}]' \
        exact) 2>&1)" '' 'a wide search of a graph finds them all, with their scores'
run blink-retrieve -x ./m1.faiss -c ./m1.kb --batch 1 --threads 1 \
    --ef-search 400 <"$e2e/m1.mentions.jsonl"
cp out one
run blink-retrieve -x ./m1.faiss -c ./m1.kb --batch 50 --threads 3 \
    --ef-search 400 <"$e2e/m1.mentions.jsonl"
ok 'batches and threads change nothing' cmp out one
run blink-retrieve -x ./m1.faiss -c ./m1.kb -k 1000 --ef-search 1000 \
    <"$e2e/m1.mentions.jsonl"
is "$(jq '.candidates | length' out | sort -u)" 200 'no more than there are'
run blink-retrieve -x ./m1.faiss -c ./m1.kb -k 50 --ef-search 1 \
    <"$e2e/m1.mentions.jsonl"
is "$status $(jq '.candidates | length <= 50' out | sort -u)" '0 true' \
    'a narrow search'
blink-index ann -x ./m1.blx -o ivf.faiss --type IVF40,Flat
run blink-retrieve -x ./ivf.faiss -c ./m1.kb -k 100 --nprobe 1 \
    <"$e2e/m1.mentions.jsonl"
is "$status $(jq -s 'map(.candidates | length) | max < 100' out)" '0 true' \
    'one list has fewer than were asked for'
jq -c '[.candidates[].id] | length == (unique | length)' out | sort -u >u
is "$(cat u)" true 'each comes once'

# ---- Aliases, fields, other models and catalogues ----
head -n 3 "$e2e/m1.mentions.jsonl" |
    jq -c --arg t "$(jq -r 'select(.title != "") | .title' \
        "$e2e/m1.entities.jsonl" | head -1)" '.mention = $t' >named
run blink-retrieve -x ./m1.blx -c ./m1.kb -k 5 --aliases <named
jq -c '[.candidates[] | {id, prior, s: (.score * 1000 | round)}]' out >want
run blink-retrieve -x ./m1.faiss -c ./m1.kb -k 5 --aliases \
    --ef-search 400 <named
jq -c '[.candidates[] | {id, prior, s: (.score * 1000 | round)}]' out >got
ok '--aliases gives names their exact scores' cmp got want
like "$(cat got)" '"prior":[0-9]' 'and their priors'
run blink-retrieve -x ./ivf.faiss -c ./m1.kb -k 5 --aliases --nprobe 40 \
    <named
jq -c '[.candidates[] | {id, prior, s: (.score * 1000 | round)}]' out >got
ok '--aliases in lists' cmp got want
head -n 1 "$e2e/m1.mentions.jsonl" |
    jq -c '.embedding.model = "another"' >other
run blink-retrieve -x ./m1.faiss -c ./m1.kb <other
is "$status $(cat out)$(wc -l <err)" '3 1' 'another model'
head -c $(($(stat -c %s m1.faiss) - 256)) m1.faiss >bare.faiss
run blink-retrieve -x ./bare.faiss -c ./m1.kb <other
is "$status$(cat err)" 0 'which a file of FAISS alone cannot tell'
jq -c '.id += "x"' "$e2e/m1.entities.jsonl" | blink-kb build -q -o other.kb -
run blink-retrieve -x ./m1.faiss -c ./other.kb </dev/null
like "$status $(cat err)" "^3 blink-retrieve: './m1.faiss': made for catalogue [0-9a-f]+, but './other.kb' is [0-9a-f]+; make it again, see blink-index\(1\)$" \
    'another catalogue'
head -n 50 "$e2e/m1.entities.jsonl" | blink-kb build -q -o few.kb -
run blink-retrieve -x ./bare.faiss -c ./few.kb </dev/null
is "$status $(cat err)" "3 blink-retrieve: './bare.faiss': 200 vectors, but './few.kb' has 50 entities" \
    'another number of entities'
run blink-retrieve -x ./m1.faiss -x ./m1.blx -c ./m1.kb </dev/null
is "$status $(cat err)" "2 blink-retrieve: './m1.faiss' is a FAISS index, which cannot be combined with other shards" \
    'two indexes'
run blink-retrieve -x ./m1.faiss -c ./m1.kb --nprobe 3 </dev/null
is "$status $(cat err)" "2 blink-retrieve: --nprobe is for IVF indexes, which './m1.faiss' (HNSW32,Flat) is not" \
    '--nprobe and a graph'
run blink-retrieve -x ./m1.blx -c ./m1.kb --ef-search 3 </dev/null
is "$status $(cat err)" '2 blink-retrieve: --ef-search and --nprobe are for approximate indexes' \
    '--ef-search and an exact index'

# ---- Some entities only, in any order ----
shuf --random-source="$e2e/m1.entities.jsonl" "$e2e/m1.entities.jsonl" |
    head -n 120 >some
blink-index build --partial -c ./m1.kb -o some.blx <some
run blink-retrieve -x ./some.blx -c ./m1.kb <"$e2e/m1.mentions.jsonl"
jq -c '[.candidates[].id]' out >want
for type in HNSW16 IVF4,Flat; do
    blink-index ann -x ./some.blx -o some.faiss --type $type
    run blink-retrieve -x ./some.faiss -c ./m1.kb <"$e2e/m1.mentions.jsonl"
    jq -c '[.candidates[].id]' out >got
    ok "$type of 120 entities" cmp got want
done

# ---- What cannot be made ----
cannot() {
    run blink-index ann -x ./m1.blx -o no.faiss --type "$1"
    is "$status $(cat out err)" "3 blink-index: type '$1': FAISS: $2" "$1"
    ok "$1: no file" test ! -e no.faiss
}
cannot nonsense 'could not parse index string nonsense'
cannot NSG32 'this type is not supported here'
cannot PQ4x4fs 'this type is not supported here'
cannot IVF900,Flat 'Number of training points (200) should be at least as large as number of clusters (900)'

# ---- BLINK's and ELQ's own ----
if [ -z "$golden" ]; then
    skip 'answers of the original' 'no golden data'
    finish
fi
for m in m1 m2; do
    blink-kb build -q -o $m.kb "$e2e/$m.entities.jsonl"
    jq -c .id "$e2e/$m.entities.jsonl" | jq -sc . >ids.json
    for t in flat hnsw; do
        for k in 10 50; do
            # The name says nothing.
            cp "$golden/zoo/$m/faiss_${t}_index.pkl" theirs.bin
            run blink-retrieve -x ./theirs.bin -c ./$m.kb -k $k \
                <"$e2e/$m.mentions.jsonl"
            jq -c '[.candidates[].id]' out >got
            jq -c --slurpfile ids ids.json '[.nns[] | $ids[0][.]]' \
                "$golden/e2e/$m/run_${t}_fast_k$k.jsonl" >want
            ok "$m: the $k entities of BLINK's $t index" cmp got want
            jq -c '[.candidates[].score]' out >got
            # Squared L2 distances there; inner products are in flat.
            jq -c .bi_scores "$golden/e2e/$m/run_flat_fast_k$k.jsonl" >want
            is "$(paste -d, got want | sed 's/.*/[&]/' | jq -c \
                'transpose | all((.[0] - .[1]) | fabs < 5e-4)' | sort -u)" \
                true "$m: scores from the $t index are inner products"
        done
    done
    jq -c --slurpfile ids ids.json '[.nns[] | $ids[0][.]]' \
        "$golden/e2e/$m/run_hnsw_full_k10.jsonl" >want
    run blink-retrieve -x ./theirs.bin -c ./$m.kb <"$e2e/$m.mentions.jsonl"
    jq -c '[.candidates[].id]' out >got
    ok "$m: before BLINK's re-ranking" cmp got want
done

# An approximate search by two versions of FAISS, of graphs that either made.
jq -nc 'range(2500) | {id: "\(.)", title: "t\(.)", text: ""}' |
    blink-kb build -q -o approx.kb -
approx=$golden/hnsw_approx
jq -c '.queries[] | {id: 0, embedding: {model: "m", dim: 16, values: .}}' \
    "$approx/results_faiss_1.6.5.json" >queries
jq -c '.exact_inner_product_ids[] | map(tostring)' \
    "$approx/results_faiss_1.6.5.json" >exact.ids
for v in 1.6.5 1.15.1; do
    for ef in 24 64 256; do
        run blink-retrieve -x "$approx/index_faiss_$v.pkl" -c ./approx.kb \
            -k 20 --ef-search $ef <queries
        jq -c '[.candidates[].id]' out >got
        mine=$(overlap got exact.ids)
        for lib in 1.6.5 1.15.1; do
            jq -c ".ef$ef.ids[] | map(tostring)" \
                "$approx/search_index${v}_lib$lib.json" >want.$lib
        done
        theirs=$(overlap want.1.6.5 exact.ids)
        ok "graph of $v, width $ef: recall $mine, of 1.6.5 $theirs" \
            at_least "$mine" "$(jq -n "$theirs - 0.03")"
        # Where both versions agree on a list, so does this one.
        paste got want.1.6.5 want.1.15.1 | awk -F'\t' '$2 == $3 {
            n++; same += $1 == $2 } END { print n, same }' >agree
        read -r both same <agree
        ok "the same $same of $both lists that both versions give" \
            at_least "$same" "$(jq -n "$both * 0.95 | floor")"
    done
done

# ELQ: graph and lists of inner products, with the vectors as questions.
blink-kb build -q -o elq.kb "$golden/elq/entity.jsonl"
run blink-retrieve -x "$golden/elq/faiss_flat_index.pkl" -c ./elq.kb -k 10 \
    < <(jq -nc '[range(48)] as $d | range(20) as $i | {id: $i, embedding:
        {model: "m", dim: 48, values: ($d | map((. * 7 + $i * 5) % 11 - 5))}}')
cp out elq.flat
for t in hnsw ivfflat; do
    more=()
    [ $t = ivfflat ] && more=(--nprobe 8)
    run blink-retrieve -x "$golden/elq/faiss_${t}_index.pkl" -c ./elq.kb \
        -k 10 "${more[@]}" < <(jq -nc '[range(48)] as $d | range(20) as $i |
            {id: $i, embedding: {model: "m", dim: 48,
             values: ($d | map((. * 7 + $i * 5) % 11 - 5))}}')
    ok "ELQ's $t index finds what its flat one does" cmp out elq.flat
done
finish
