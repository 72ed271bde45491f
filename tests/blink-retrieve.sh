#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-retrieve: the original's candidates, whatever the batch, threads and
# shards; its fields; bad records and bad files.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit
e2e=$fixtures/golden/e2e

retrieve() { run blink-retrieve -x ./m1.blx -c ./m1.kb "$@"; }

# ---- The original's answers ----
for m in m1 m2; do
    blink-kb build -q -o $m.kb "$e2e/$m.entities.jsonl"
    blink-index build -c ./$m.kb -o $m.blx <"$e2e/$m.entities.jsonl"
    for k in 1 10 50; do
        run blink-retrieve -x ./$m.blx -c ./$m.kb -k $k \
            <"$e2e/$m.mentions.jsonl"
        jq -c '{id, nns: [.candidates[].id | tonumber]}' out >got
        jq -c ".nns |= .[:$k]" "$e2e/$m.nns.jsonl" >want
        is "$status$(cmp got want 2>&1)" 0 "$m: the $k best of 64 mentions"
    done
done

# ---- Nothing but the question decides ----
retrieve -k 20 <"$e2e/m1.mentions.jsonl"
cp out whole
for opts in '--batch 1' '--batch 7 --threads 2' '--batch 1000 --threads 4'; do
    # shellcheck disable=SC2086
    retrieve -k 20 $opts <"$e2e/m1.mentions.jsonl"
    is "$(cmp out whole 2>&1)" '' "the same bytes with $opts"
done
split -n l/3 "$e2e/m1.entities.jsonl" shard.
for s in a b c; do
    blink-index build --partial -c ./m1.kb -o $s.blx <shard.a$s
done
run blink-retrieve -x ./c.blx -x ./a.blx -x ./b.blx -c ./m1.kb -k 20 \
    <"$e2e/m1.mentions.jsonl"
is "$(cmp out whole 2>&1)" '' 'the same bytes from three shards'
run blink-retrieve -x ./m1.blx -x ./a.blx -c ./m1.kb -k 20 \
    <"$e2e/m1.mentions.jsonl"
is "$(cmp out whole 2>&1)" '' 'the same bytes when shards overlap'
for dtype in f16 int8; do
    blink-index build --dtype $dtype -c ./m1.kb -o $dtype.blx \
        <"$e2e/m1.entities.jsonl"
    run blink-retrieve -x ./$dtype.blx -c ./m1.kb -k 1 \
        <"$e2e/m1.mentions.jsonl"
    same=$(jq -c '.candidates[0].id | tonumber' out |
        paste - <(jq -c '.nns[0]' "$e2e/m1.nns.jsonl") | awk '$1 == $2' |
        wc -l)
    ok "$dtype: nearly the same best ($same of 64)" test "$same" -ge 60
done

# Codes beside f32 and f16 change the time alone, also in some shards only.
for dtype in f32 f16; do
    blink-index build --dtype $dtype+int8 -c ./m1.kb -o both.blx \
        <"$e2e/m1.entities.jsonl"
    blink-index build --dtype $dtype -c ./m1.kb -o plain.blx \
        <"$e2e/m1.entities.jsonl"
    for opts in '-k 10' '-k 300 --batch 1' '-k 20 --threads 4 --batch 1000'; do
        # shellcheck disable=SC2086
        blink-retrieve -x ./plain.blx -c ./m1.kb $opts \
            <"$e2e/m1.mentions.jsonl" >want
        # shellcheck disable=SC2086
        run blink-retrieve -x ./both.blx -c ./m1.kb $opts \
            <"$e2e/m1.mentions.jsonl"
        is "$status$(cmp out want 2>&1)" 0 "$dtype+int8: the same bytes, $opts"
    done
done
for s in a b c; do
    type=f32+int8
    [ $s != b ] || type=f32
    blink-index build --partial --dtype $type -c ./m1.kb -o $s.blx <shard.a$s
done
run blink-retrieve -x ./c.blx -x ./a.blx -x ./b.blx -c ./m1.kb -k 20 \
    <"$e2e/m1.mentions.jsonl"
is "$(cmp out whole 2>&1)" '' 'the same bytes from shards of two types'

# ---- k, order, fields ----
head -n 1 "$e2e/m1.mentions.jsonl" >one
retrieve -k 1000 <one
is "$(jq '.candidates | length' out)" 200 'k above the number of entities'
is "$(jq '[.candidates[].score] == ([.candidates[].score] | sort | reverse)' \
    out)" true 'best first'
is "$(jq -c '[keys_unsorted, .catalogue_size]' out)" \
    '[["id","candidates","catalogue_size"],200]' \
    'candidates in place of embedding, and of how many'
is "$(jq -c '.candidates[0] | keys_unsorted' out)" \
    '["id","title","score","bi_score"]' 'what a candidate has'
is "$(jq '[.candidates[] | .score == .bi_score] | all' out)" true \
    'score is bi_score'
retrieve --keep <one
is "$(jq -c '.embedding' out)" "$(jq -c .embedding one)" '--keep'
blink-kb build -q -o none.kb /dev/null
blink-index build -c ./none.kb -o none.blx </dev/null
run blink-retrieve -x ./none.blx -c ./none.kb <one
is "$status$(jq -c .candidates out)" '0[]' 'an empty index gives []'

# The catalogue's fields, ties by row, and names.
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
jq -c '{id, embedding: {model: "m", dim: 2, values: [1,
    (if .title == "Paris" then -1 elif .title == "France" then 2 else 0 end)]}}' \
    "$fixtures/mini.jsonl" | blink-index build -c ./k.kb -o k.blx
mention() { echo '{"id":1,"mention":"'"$1"'","embedding":{"model":"m","dim":2,"values":[1,1]}}'; }
run blink-retrieve -x ./k.blx -c ./k.kb -k 4 < <(mention Paris)
is "$(jq -c '[.candidates[] | [.title, .score]] | .[0]' out)" \
    '["France",3]' 'the best'
is "$(jq -c '[.candidates[].id] | .[1:]' out)" \
    "$(jq -cs '[.[] | select(.title != "Paris" and .title != "France") | .id] | .[:3]' \
        "$fixtures/mini.jsonl")" 'equal scores go by row'
is "$(jq -c '.candidates[0] | [.id, .url, .qid, .type]' out)" \
    '["1","https://en.wikipedia.org/wiki/France","Q142","LOC"]' \
    'url, qid and type'
is "$(jq -c '[.candidates[] | has("prior")] | any' out)" false \
    'no prior unless asked'
run blink-retrieve -x ./k.blx -c ./k.kb -k 4 --aliases < <(mention paris)
is "$(jq -c '[.candidates[] | select(.title == "Paris") | .bi_score]' out)" \
    '[0]' 'a name brings its entity, with its exact score'
is "$(jq -c '[.candidates[] | select(.title == "Paris") | .prior > 0 and
    .prior <= 1] | all' out)" true 'and its prior'
is "$(jq '[.candidates[].score] == ([.candidates[].score] | sort | reverse)' \
    out)" true 'in its place'
is "$(jq -c '.candidates[0] | has("prior")' out)" false \
    'no prior for what the mention does not name'
cp out asked
wanted() { mention "$1" | sed 's/]}/],"names":true}/'; }
run blink-retrieve -x ./k.blx -c ./k.kb -k 4 < <(wanted paris)
is "$(cmp out asked 2>&1)" '' 'a model may ask for names'
run blink-retrieve -x ./k.blx -c ./k.kb -k 4 --no-aliases < <(wanted paris)
cp out refused
run blink-retrieve -x ./k.blx -c ./k.kb -k 4 < <(mention paris)
is "$(cmp out refused 2>&1)" '' '--no-aliases: the nearest alone'
run blink-retrieve -x ./k.blx -c ./k.kb -k 4 \
    < <(wanted paris | jq -c 'del(.mention)')
is "$status$(jq '.candidates | length' out)" 04 \
    'without a mention there is no name'
run blink-retrieve -x ./k.blx -c ./k.kb \
    < <(wanted paris | sed 's/"names":true/"names":1/')
is "$status|$(cat err)" "1|blink-retrieve: stdin:1: field 'embedding': 'names': \
expected true or false, found number" 'names: true or false'
run blink-retrieve --aliases --no-aliases </dev/null
is "$status|$(head -n 1 err)" "2|blink-retrieve: options '--aliases' and \
'--no-aliases' exclude each other" 'with and without names'
run blink-retrieve -x ./k.blx -c ./k.kb -k 50 --aliases < <(mention Paris)
is "$(jq -c '[.candidates[].id] | length == (unique | length)' out)" true \
    'nothing comes twice'
run blink-retrieve -x ./k.blx -c ./k.kb --aliases < <(mention 'Nobody At All')
is "$status$(jq '.candidates | length' out)" 010 'a name that nobody has'

# An abbreviation that no alias explains.
printf '%s\n' '{"id":"a","title":"Iron Coast Junction","text":"a station"}' \
    '{"id":"b","title":"International Court of Justice","text":"a court"}' \
    '{"id":"c","title":"Isle","text":"land","aliases":["ICJ"]}' |
    blink-kb build -q -o icj.kb
for id in a b c; do
    jq -nc --arg id $id '{$id, embedding: {model: "m", dim: 2, values:
        ({a: [0.5, 0], b: [0.6, 0], c: [1, 0]}[$id])}}'
done | blink-index build -c ./icj.kb -o icj.blx
initials() {
    jq -nc --arg mention "$1" '{$mention,
        embedding: {model: "m", dim: 2, values: [1, 0]}}' |
        blink-retrieve -x ./icj.blx -c ./icj.kb -k 1 "${2:---aliases}" |
        jq -c '[.candidates[] | [.id, .prior]]'
}
is "$(initials ICJ) $(initials I.C.J.)" \
    '[["c",1],["b",null],["a",null]] [["c",null],["b",null],["a",null]]' \
    'initials of a title bring it, without a prior'
is "$(initials icj) $(initials ICX) $(initials ICJ --no-aliases)" \
    '[["c",1]] [["c",null]] [["c",null]]' 'other words and --no-aliases do not'
is "$(blink-ner -d ./icj.kb --text <<<'The ICJ met.' | jq -c .mention)" \
    '"ICJ"' 'the dictionary knows the alias'
is "$(sed -n 1p <(blink-kb cat -c ./icj.kb) | jq -c '.aliases')" null \
    'initials are no alias'
is "$(printf '%s\n' '{"id":"b","title":"Iron Coast Junction","text":""}' |
    blink-kb build -q -o only.kb &&
    blink-ner -d ./only.kb --text <<<'The ICJ met.')" '' \
    'nor a name to the dictionary'

# ---- Bad records ----
fails() {
    retrieve <<<"$3"
    is "$status|$(jq -r .error.code out)|$(cat err)" \
        "1|$1|blink-retrieve: stdin:1: $2" "$1: $2"
}
# What every record would lack is said once; one good record, and it is a fault
# of the others alone.
none="field 'embedding': expected object, found nothing: run blink-embed first"
other="field 'embedding': made by model 'm2' where './m1.blx' has 'm1': give \
blink-embed -m the same model"
for errors in keep drop stop; do
    retrieve --errors "$errors" < <(printf '{"id":1}\n{"id":2}\n')
    is "$status|$(cat out)|$(cat err)" "3||blink-retrieve: stdin:1: $none" \
        "no vectors: said once, with --errors $errors"
done
retrieve <"$e2e/m2.mentions.jsonl"
is "$status|$(cat out)|$(cat err)" "3||blink-retrieve: stdin:1: $other" \
    'another model: said once'
retrieve --batch 8 < <(printf '{"id":0,"error":{}}\n{"id":1\n{"id":2}\n')
is "$status|$(jq -c .id out | tr '\n' ' ')|$(tail -n 1 err)" \
    "3|0 null |blink-retrieve: stdin:3: $none" \
    'behind records that failed, which are written'
retrieve < <(
    cat one
    echo '{"id":1}'
    head -n 1 "$e2e/m2.mentions.jsonl"
    cat one
)
is "$status|$(jq -r '.error.code // "good"' out | tr '\n' ' ')" \
    '1|good no-stage model-mismatch good ' 'behind a good record'
fails bad-vector "field 'embedding': 3 numbers where './m1.blx' has 24" \
    '{"embedding":{"model":"m1","dim":3,"values":[1,2,3]}}'
fails bad-vector \
    "field 'embedding': 8 characters of base64 where 24 numbers take 128" \
    '{"embedding":{"model":"m1","dim":24,"f32":"AAAAAAAA"}}'
fails bad-field "field 'candidates' is there already (see --overwrite)" \
    "$(jq -c '. + {candidates: []}' one)"
retrieve --overwrite < <(jq -c '. + {candidates: []}' one)
is "$status$(jq '.candidates | length' out)" 010 '--overwrite'
run blink-retrieve -x ./k.blx -c ./k.kb --aliases \
    <<<'{"embedding":{"model":"m","dim":2,"values":[1,1]}}'
is "$status|$(jq -r .error.code out)" '1|bad-field' '--aliases need a mention'
run blink-retrieve -x ./k.blx -c ./k.kb \
    <<<'{"embedding":{"model":"m","dim":2,"values":[3e38,3e38]}}'
is "$status|$(jq -r .error.code out)" '1|non-finite' 'a score beyond floats'
{ echo '{"error":{"code":"x"}}'; cat one; } >two
retrieve <two
is "$status|$(head -n 1 out)" '1|{"error":{"code":"x"}}' \
    'earlier failures pass untouched'
is "$(sed -n 2p out | jq '.candidates | length')" 10 'the others are done'

# ---- Bad files, before anything is read ----
refuse() {
    run blink-retrieve "${@:2}" <one
    is "$status|$(cat out)|$(cat err)" "3||blink-retrieve: $1" "$1"
}
refuse "'./m1.blx': made for a catalogue of 200 entities, but './k.kb' has 42; make it again, see blink-index(1)" \
    -x ./m1.blx -c ./k.kb
sed 's/"id":"7"/"id":"x"/' "$e2e/m1.entities.jsonl" >other.jsonl
blink-kb build -q -o other.kb other.jsonl
run blink-retrieve -x ./m1.blx -c ./other.kb <one
like "$status|$(cat err)" "^3.*: made for catalogue [0-9a-f]{16}, but './other.kb' is [0-9a-f]{16}; make it again, see blink-index\(1\)$" \
    'a catalogue with one other id'
refuse "'./m2.blx': made with model m2, but './m1.blx' with m1" \
    -x ./m1.blx -x ./m2.blx -c ./m1.kb
sed 's/"dim":20/"dim":24/; s/"f32":"[^"]*"/"values":[1,2,3]/; s/"dim":24/"dim":3/; s/"model":"m2"/"model":"m1"/' \
    "$e2e/m2.entities.jsonl" | blink-index build -c ./m1.kb -o d3.blx
refuse "'./d3.blx': vectors of 3 numbers, but './m1.blx' has 24" \
    -x ./m1.blx -x ./d3.blx -c ./m1.kb
head -c 9999 m1.blx >cut.blx
refuse "'./cut.blx': truncated: 9999 bytes, but the header says 30528" \
    -x ./cut.blx -c ./m1.kb
run blink-retrieve -x ./none-such.blx -c ./m1.kb <one
is "$status" 3 'a missing index'
retrieve -k 0 <one
is "$status" 2 '-k 0'
retrieve -k 1e3 <one
is "$status" 2 '-k 1e3'
blink-retrieve -x ./m1.blx -c ./m1.kb <one 2>err >/dev/full
is "$?|$(wc -l <err)" '4|1' 'a full disk'
finish
