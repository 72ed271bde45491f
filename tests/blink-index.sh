#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-index: an index is made whole or not at all, says what it is, and
# gives its vectors back; each damaged file is refused.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit

# 42 entities with vectors of five whole numbers, so that f16 is exact.
head -n 3 "$fixtures/mini.jsonl" >three.jsonl
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
blink-kb build -q -o three.kb three.jsonl
jq -c '(input_line_number - 1) as $r | {id, embedding: {model: "m0", dim: 5,
    values: [range(5) | ($r * 7 + . * 3) % 11 - 5]}}' \
    "$fixtures/mini.jsonl" >v.jsonl

build() { run blink-index build -c ./k.kb -o ./k.blx "$@"; }

# ---- Made and read ----
build <v.jsonl
is "$status$(cat out err)" 0 'build is silent'
run blink-index info -x ./k.blx --json
is "$(jq -c '[.count,.dim,.dtype,.model,.entities,.segments,.format,.bytes]' out)" \
    '[42,5,"f32","m0",42,1,1,6976]' 'info as JSON'
fingerprint=$(blink-kb info -c ./k.kb --json | jq -r .fingerprint)
is "$(jq -r .catalogue out)" "$fingerprint" 'the catalogue is named'
run blink-index info -x ./k.blx
is "$(head -n 4 out)" 'index        ./k.blx
vectors      42
dimension    5
numbers      f32' 'info for people'
run blink-index verify -x ./k.blx
is "$status$(cat out err)" 0 'verify is silent'
run blink-index verify -v -x ./k.blx
is "$(cat err)" "blink-index: './k.blx' is intact: 42 vectors" \
    'unless it is asked to speak'
run blink-index cat -x ./k.blx -c ./k.kb --floats json
is "$(cmp out v.jsonl 2>&1)" '' 'cat gives back what build was given'
cp k.blx first.blx
blink-index cat -x ./k.blx -c ./k.kb >base64.jsonl
build <base64.jsonl
is "$status$(cmp k.blx first.blx 2>&1)" 0 'from base64, the same file'
shuf --random-source=v.jsonl v.jsonl >mixed.jsonl
build <mixed.jsonl
run blink-index cat -x ./k.blx -c ./k.kb --floats json
is "$(cmp out mixed.jsonl 2>&1)" '' 'any order will do'
for dtype in f16 int8; do
    build --dtype "$dtype" <v.jsonl
    is "$status$(blink-index verify -x ./k.blx 2>&1)" 0 "$dtype verifies"
    blink-index cat -x ./k.blx -c ./k.kb --floats json >out
    is "$(jq -s '[.[].embedding.values[]] | length' out)" 210 \
        "$dtype has all numbers"
done
build --dtype f16 <v.jsonl
run blink-index cat -x ./k.blx -c ./k.kb --floats json
is "$(cmp out v.jsonl 2>&1)" '' 'f16 is exact for small whole numbers'

# ---- f32 and f16 with int8 codes beside them ----
for dtype in f32 f16; do
    build --dtype "$dtype+int8" <v.jsonl
    is "$status$(blink-index verify -x ./k.blx 2>&1)" 0 "$dtype+int8 verifies"
    is "$(blink-index info -x ./k.blx --json | jq -c '[.dtype,.format]')" \
        "[\"$dtype+int8\",2]" 'info names both, and the format'
    run blink-index cat -x ./k.blx -c ./k.kb --floats json
    is "$(cmp out v.jsonl 2>&1)" '' "cat prints the $dtype"
done
build --dtype f32+int8 <v.jsonl
is "$(wc -c <k.blx)" 10048 'a line for 5 codes, and 8 bytes, a vector'
printf '\377' | dd of=k.blx bs=1 seek=7000 conv=notrunc status=none
run blink-index verify -x ./k.blx
is "$status|$(cat err)" "3|blink-index: './k.blx': segment 0 (offset 4096 to 10048): wrong checksum: damaged" \
    'a byte of the codes: verify sees it'
run blink-index build --dtype f64 -c ./k.kb -o k.blx <v.jsonl
is "$status|$(head -n 1 err)" \
    "2|blink-index: option '--dtype': expected one of f32|f16|int8|f32+int8|f16+int8, found 'f64'" \
    'another type of numbers'

# ---- Refused, and nothing left behind ----
cp first.blx k.blx
refuse() {
    build "${@:3}"
    is "$status|$(cat out)|$(cat err)" "3||blink-index: $1" "$2"
    is "$(cmp k.blx first.blx 2>&1)$(find . -name '*.tmp')" '' \
        'the old file stays, and nothing else'
}
refuse "stdin:43: no entity 'nobody' in './k.kb'" 'an unknown id' \
    < <(cat v.jsonl; echo '{"id":"nobody","embedding":{"model":"m0","dim":5,"values":[1,2,3,4,5]}}')
refuse "stdin:43: row 0: a second vector for one entity" 'an id twice' \
    < <(cat v.jsonl; head -n 1 v.jsonl)
last=$(tail -n 1 v.jsonl | jq -r .id)
refuse "1 of the 42 entities of './k.kb' have no vector, the first is '$last' (row 41); --partial allows it" \
    'an entity without vector' < <(head -n 41 v.jsonl)
refuse "stdin:3: row 2 of './k.kb': field 'embedding': value 1 is not a finite 32-bit number" \
    'a row with NaN' \
    < <(sed '3s/"values":.*]/"f32":"AAAAAAAAwH8AAAAAAAAAAAAAAAA="/' v.jsonl)
refuse "stdin:2: row 1 of './k.kb': field 'embedding': 4 numbers where the first record has 5" \
    'another dimension' \
    < <(sed '2s/"dim":5/"dim":4/' v.jsonl)
refuse "stdin:2: row 1 of './k.kb': field 'embedding': made by model 'm1' where the first record has 'm0': give blink-embed -m the same model" \
    'another model' < <(sed '2s/m0/m1/' v.jsonl)
refuse "stdin:7: row 6: value 0 is 70000, too large for f16" 'too large for f16' \
    --dtype f16 < <(sed '7s/"values":\[[^,]*/"values":[70000/' v.jsonl)
build < <(sed '5s/.*/{"id":/' v.jsonl)
is "$status$(grep -c 'have no vector' err)" 31 'a line that is no record'

# ---- Partial, and empty ----
build --partial < <(head -n 2 v.jsonl
    echo '{"id":"3","error":{"by":"x","code":"y","message":"z"}}')
is "$status" 1 'partial: a failed record is left out and told'
build --partial < <(head -n 2 v.jsonl)
is "$status$(blink-index info -x ./k.blx --json | jq -c '[.count,.entities]')" \
    '0[2,42]' 'partial: two of 42'
: >none.jsonl
blink-kb build -q -o none.kb none.jsonl
run blink-index build -c ./none.kb -o none.blx </dev/null
is "$status$(blink-index info -x ./none.blx --json | jq -c '[.count,.model]')" \
    '0[0,"-"]' 'an empty catalogue has an empty index'
is "$(blink-index verify -x ./none.blx 2>&1)" '' 'which is intact'

# ---- Bad files: the unit test has every field; here the exit status ----
bad() {
    for command in info verify cat; do
        opts=()
        [ $command = cat ] && opts=(-c ./k.kb)
        run blink-index $command -x ./bad.blx "${opts[@]}"
        is "$status|$(cat out)|$(cat err)" "3||blink-index: './bad.blx': $1" \
            "$command: $2"
    done
}
head -c 5000 first.blx >bad.blx
bad 'truncated: 5000 bytes, but the header says 6976' 'truncated'
{ cat first.blx; echo; } >bad.blx
bad 'bytes at the end: 6977 bytes, but the header says 6976' 'longer'
cp "$fixtures/mini.jsonl" bad.blx
bad 'not a blink index (offset 0: other magic bytes)' 'another file'
printf '\200\2\212\nand so on' >bad.blx
bad 'a torch.save file, not a blink index; blink-index import makes an index from it' \
    'vectors of BLINK'
cp -f "$fixtures/mini.jsonl" bad.blx
cp first.blx bad.blx
chmod u+w bad.blx
printf '\377' | dd of=bad.blx bs=1 seek=1000 conv=notrunc status=none
bad 'offset 192: wrong checksum: the header is damaged' 'header damaged'
cp first.blx bad.blx
printf '\377' | dd of=bad.blx bs=1 seek=4200 conv=notrunc status=none
run blink-index verify -x ./bad.blx
is "$status|$(cat err)" "3|blink-index: './bad.blx': segment 0 (offset 4096 to 6976): wrong checksum: damaged" \
    'a byte of the vectors: verify sees it'
run blink-index cat -x ./first.blx -c ./three.kb
is "$status|$(cat err)" "3|blink-index: './first.blx': made for a catalogue of 42 entities, but './three.kb' has 3; make it again, see blink-index(1)" \
    'another catalogue'
run blink-index info -x ./none-such.blx
is "$status" 3 'a missing file'
run blink-index build -c ./k.kb </dev/null
is "$status|$(head -n 1 err)" "2|blink-index: option '--output' is required" \
    'build needs -o'
run blink-index build -c ./k.kb -o ./no/such/dir.blx <v.jsonl
is "$status" 4 'a folder that is not there'
run blink-index build --dtype f64 -o x -c ./k.kb </dev/null
is "$status" 2 'another dtype'
run blink-index frobnicate
is "$status" 2 'another command'
blink-index cat -x ./first.blx -c ./k.kb 2>err >/dev/full
is "$?|$(wc -l <err)" '4|1' 'a full disk'
finish
