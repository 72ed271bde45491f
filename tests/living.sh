#!/bin/bash
# SPDX-License-Identifier: MIT
# Catalogues that change: entities added, changed and removed, whole or not at
# all; what an index of an earlier state knows; and one brought up to date.
. "$top_srcdir/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
cd "$T" || exit
leftovers() { find . -name '.*.tmp' | wc -l; }
info() { blink-kb info --json -c ./"$1" | jq -r ".$2"; }

cat >plants.jsonl <<'X'
{"id":"1","title":"Urtica dioica","text":"A plant with stinging hairs.","aliases":["nettle",{"name":"stinger","count":7}]}
{"id":"2","title":"Betula pendula","text":"A tree with white bark.","url":"http://x/2","type":"tree"}
{"id":"3","title":"Bellis perennis","text":"Common in lawns.","aliases":["daisy"]}
X
build() {
    blink-kb build -q --names none -o "$1" --licence 'CC0' --source 'a field' \
        --attribution 'Ada' --site plantwiki plants.jsonl
}
build k.kb
old=$(info k.kb fingerprint)

# ---- update ----
cat >changes.jsonl <<'X'
{"id":"1","text":"It stings.","aliases":["big nettle"]}
{"id":"2","url":null,"type":"birch","title":"Silver birch"}
X
run blink-kb update k.kb changes.jsonl
is "$status$(cat out err)" 0 'update is silent'
is "$(blink-kb cat -c ./k.kb)" '{"id":"1","title":"Urtica dioica","text":"It stings.","aliases":["big nettle"]}
{"id":"2","title":"Silver birch","text":"A tree with white bark.","type":"birch"}
{"id":"3","title":"Bellis perennis","text":"Common in lawns.","aliases":["daisy"]}' \
    'fields that are given take the place of old ones, null takes away'
is "$(blink-kb search -c ./k.kb -k 9 big nettle | jq -r .id)" 1 \
    'new names are found'
is "$(blink-kb search -c ./k.kb -k 9 hairs; blink-kb search -c ./k.kb stinger)" \
    '' 'old words and names are not'
is "$(for i in licence source attribution site; do info k.kb $i; done | xargs)" \
    'CC0 a field Ada plantwiki' 'licence, source, attribution and site stay'
ok 'it is intact' blink-kb verify -c ./k.kb
ok 'a new text gives another fingerprint' test "$(info k.kb fingerprint)" != "$old"
now=$(info k.kb fingerprint)
echo '{"id":"3","aliases":["lawn daisy"],"url":"http://x/3"}' |
    blink-kb update k.kb
is "$(info k.kb fingerprint)" "$now" 'a name or an address does not'
for bad in '{"id":"4","text":"x"}' '{"id":"1","title":""}' \
    '{"id":"1","title":null}' '{"id":"1","aliases":[3]}' '{"title":"x"}' \
    '{"id":"1"' '{"id":"1","text":5}'; do
    cp k.kb before.kb
    { echo '{"id":"3","text":"Not kept."}'; echo "$bad"; } >bad.jsonl
    run blink-kb update -c ./k.kb bad.jsonl
    like "$status$(cat err)" "^3blink-kb: bad.jsonl:2: [^"$'\n'"]*$" \
        "update: $bad"
    ok 'nothing was changed' cmp -s k.kb before.kb
done
is "$(blink-kb update -c ./k.kb <<<'{"id":"4"}' 2>&1)" \
    "blink-kb: stdin:1: no entity '4' in '$T/k.kb'" 'an unknown id is named'
run blink-kb update --errors drop k.kb bad.jsonl
is "$status$(blink-kb get -c ./k.kb 3 | jq -r .text)" '1Not kept.' \
    '--errors drop leaves out what is wrong'
cp k.kb before.kb
run blink-kb update k.kb /dev/null
ok 'an update of nothing leaves the file as it is' cmp k.kb before.kb


# ---- update from a table ----
build k.kb
printf 'ID;description;variants\n2;A birch.;\n3;;"lawn daisy|daisy"\n' >t.csv
run blink-kb update k.kb t.csv
is "$status$(cat err)$(blink-kb cat -c ./k.kb | tail -n 2)" \
    '0{"id":"2","title":"Betula pendula","text":"A birch.","url":"http://x/2","type":"tree"}
{"id":"3","title":"Bellis perennis","text":"Common in lawns.","aliases":["lawn daisy","daisy"]}' \
    'a table changes what it has values for'
printf 'title,text\nBetula pendula,x\n' >t.csv
run blink-kb update k.kb t.csv
is "$status$(cat err)" "3blink-kb: t.csv:1: expected a column 'id' of what is to be changed" \
    'by ids'

# ---- remove ----
build k.kb
run blink-kb remove k.kb 2
is "$status$(cat out err)" 0 'remove is silent'
is "$(blink-kb cat -c ./k.kb | jq -r .id | xargs)" '1 3' 'cat leaves it out'
run blink-kb get -c ./k.kb 2
is "$status$(cat out)" 1 'get does not know it'
is "$(blink-kb search -c ./k.kb betula; blink-kb search -c ./k.kb white bark)" \
    '' 'search finds neither its name nor its text'
is "$(info k.kb count)$(info k.kb removed)" 21 'info counts what is left'
ok 'it is intact' blink-kb verify -c ./k.kb
if command -v sqlite3 >/dev/null; then
    is "$(sqlite3 k.kb "INSERT INTO fts(fts, rank)
        VALUES('integrity-check', 1)" 2>&1)" '' \
        'and the full-text table agrees with the rows'
fi
run blink-kb remove k.kb 2
is "$status$(cat err)" "3blink-kb: no entity '2' in '$T/k.kb'" \
    'what is removed is not there to be removed'
run blink-kb update k.kb <<<'{"id":"2","text":"x"}'
is "$status" 3 'nor to be changed'
echo '{"id":"2","title":"Alder"}' | blink-kb add k.kb
is "$(blink-kb cat -c ./k.kb | jq -r .title | paste -sd,)" \
    'Urtica dioica,Alder,Bellis perennis' 'added again, it has its row again'
is "$(info k.kb removed)" null 'and nothing is removed'
ok 'it is intact' blink-kb verify -c ./k.kb
printf '1\n  3 \r\n' >ids
printf '{"id":2,"title":"any"}\n\n' >records
run blink-kb remove k.kb -f ids -f records
is "$status$(info k.kb count)$(blink-kb cat -c ./k.kb)" 00 'ids from files'
ok 'an empty catalogue is intact' blink-kb verify -c ./k.kb
build k.kb
cp k.kb before.kb
run blink-kb remove k.kb 1 nobody
is "$status$(cat err)" "3blink-kb: no entity 'nobody' in '$T/k.kb'" \
    'all or nothing'
ok 'nothing was removed' cmp k.kb before.kb
run blink-kb remove k.kb --errors drop 1 nobody
is "$status$(info k.kb count)" 12 'but what is there, where that is asked for'
run blink-kb remove k.kb
is "$status" 2 'remove needs an id'
is "$(leftovers)" 0 'no temporary file is left'

# ---- The fingerprint ----
build k.kb
build l.kb
echo '{"id":"2","text":"One."}' | blink-kb update k.kb
echo '{"id":"2","text":"Two."}' | blink-kb update l.kb
ok 'other changes of one catalogue are told apart' \
    test "$(info k.kb fingerprint)" != "$(info l.kb fingerprint)"
build l.kb
echo '{"id":"2","text":"One."}' | blink-kb update l.kb
is "$(info l.kb fingerprint)" "$(info k.kb fingerprint)" \
    'the same changes give the same fingerprint'
build l.kb
echo '{"id":"9","title":"Alder"}' | blink-kb add l.kb
cat plants.jsonl - <<<'{"id":"9","title":"Alder"}' |
    blink-kb build -q --names none -o m.kb
is "$(info l.kb fingerprint)" "$(info m.kb fingerprint)" \
    'what was only added has that of a catalogue built at once'

# ---- What an index of an earlier state knows ----
mkdir -p data/models data/catalogues data/indexes
export BLINK_DATA=$T/data
cp -R "$fixtures/golden/m2-bi" data/models/default
chmod -R u+w data
embed() { blink-embed -m default "$@"; }
new_index() {
    build k.kb
    rm -f k.blx.changes
    blink-kb cat -c ./k.kb | embed --entities |
        blink-index build -c ./k.kb -o k.blx "$@"
}
# retrieve MENTION: titles and scores of all candidates, best first.
retrieve() {
    jq -nc --arg m "$1" '{context_left:"A ",mention:$m,context_right:"."}' |
        embed | blink-retrieve -x ./k.blx -c ./k.kb -k 9 --aliases |
        jq -r '.candidates[] | [.title, .score] | join(" ")'
}
anew() {
    blink-kb cat -c ./k.kb | embed --entities |
        blink-index build -c ./k.kb -o anew.blx
    blink-index cat -x ./"${1:-anew.blx}" -c ./k.kb | sort
}
new_index
before=$(retrieve nettle 2>&1)
echo '{"id":"4","title":"Alder","text":"A tree.","aliases":["nettle"]}' |
    blink-kb add k.kb
is "$(retrieve nettle 2>err)" "$before" \
    'an index of before finds what it has'
is "$(cat err)" "blink-retrieve: 1 entities of './k.kb' are newer than './k.blx'; 'blink-index refresh -c ./k.kb -x ./k.blx' brings it up to date" \
    'and says once that there is more'
run blink-index refresh k.kb
is "$status$(cat out err)" 0 'refresh is silent'
run retrieve nettle
all=$(cat out)
is "$(cat err)$(cut -d' ' -f1 out | sort | xargs)" 'Alder Bellis Betula Urtica' \
    'and then all is found'
is "$(anew k.blx)" "$(anew)" 'the vectors are those of an index made anew'
ok 'it is intact' blink-index verify -x ./k.blx
run blink-index refresh k.kb -v
is "$(cat err)" "blink-index: 'k.blx' is up to date" 'no work, where nothing is new'
cp k.blx before.blx
echo '{"id":"1","url":"http://x/1"}' | blink-kb update k.kb
is "$(retrieve nettle 2>&1)" "$all" 'an address makes no vector old'
echo '{"id":"1","text":"Another text."}' | blink-kb update k.kb
like "$(retrieve nettle 2>&1 >out)" '^blink-retrieve: 1 entities of ' \
    'a new text is told'
run blink-index refresh -c ./k.kb
is "$status$(anew k.blx)" "0$(anew)" 'and gets its new vector'
blink-kb remove k.kb 2
run retrieve nettle
is "$(cat err)$(cut -d' ' -f1 out | sort | xargs)" 'Alder Bellis Urtica' \
    'what is removed is not found, by an index of before either'
run blink-index cat -x ./k.blx -c ./k.kb
is "$status$(jq -r .id out | sort | xargs)" '01 3 4' 'nor is its vector printed'
run blink-index refresh k.kb
is "$status$(blink-index info -x ./k.blx --json | jq .count)" 03 \
    'refresh removes it'
is "$(anew k.blx)" "$(anew)" 'and is what would be made anew'
echo '{"id":"2","title":"Betula","text":"Back."}' | blink-kb add k.kb
echo '{"id":"5","title":"Oak","text":"x"}' | blink-kb add k.kb
blink-kb remove k.kb 4
like "$(retrieve oak 2>&1 >out)" '^blink-retrieve: 2 entities' 'all at once'
run blink-index refresh k.kb
is "$status$(anew k.blx)" "0$(anew)" 'all of it'
for dtype in f16 int8 f32+int8 f16+int8; do
    new_index --dtype $dtype
    printf '%s\n' '{"id":"1","title":"U","text":"One."}' \
        '{"id":"7","title":"Ash"}' | blink-kb add k.kb --replace
    blink-kb remove k.kb 3
    run blink-index refresh k.kb
    blink-kb cat -c ./k.kb | embed --entities |
        blink-index build -c ./k.kb -o anew.blx --dtype $dtype
    is "$status$(blink-index verify -x ./k.blx 2>&1)$(
        blink-index cat -x ./k.blx -c ./k.kb | sort)" \
        "0$(blink-index cat -x ./anew.blx -c ./k.kb | sort)" "refresh of $dtype"
done

# ---- In one command ----
cp k.kb alone.kb
for change in 'add alone.kb' 'update alone.kb' 'remove alone.kb 1'; do
    read -ra words <<<"$change"
    run blink-kb "${words[@]}" --refresh \
        <<<'{"id":"1","title":"Alder","text":"A tree."}'
    like "$status$(cat err)" "^3blink-index: no index of '.*alone.kb' beside it .*-o FILE.blx"$'\n'"blink-kb: '.*alone.kb' was not changed$" \
        "$change --refresh without an index"
    ok 'changes nothing' cmp -s k.kb alone.kb
done
new_index
run blink-kb add k.kb --refresh <<<'{"id":"4","title":"Alder","text":"A tree."}'
is "$status$(cat err)$(blink-index info -x ./k.blx --json | jq .count)" 04 \
    'add --refresh'
blink-kb update k.kb --refresh <<<'{"id":"4","text":"No tree."}'
is "$(anew k.blx)" "$(anew)" 'update --refresh'
blink-kb remove k.kb --refresh 4 1
is "$(anew k.blx)" "$(anew)" 'remove --refresh'
run blink-kb remove k.kb --refresh --errors drop 2 nobody
is "$status$(anew k.blx)" "1$(anew)" 'with the status of the change'

# ---- An index of another catalogue, or of another change ----
new_index
build l.kb
echo '{"id":"1","text":"One."}' | blink-kb update k.kb
echo '{"id":"1","text":"Two."}' | blink-kb update l.kb
blink-index refresh k.kb
run blink-index refresh -x ./k.blx -c ./l.kb
like "$status$(cat err)" "^3blink-index: './k.blx': made for catalogue .* make it again" \
    'is refused'
sed 's/Betula/Alnus/; s/"id":"2"/"id":"x"/' plants.jsonl |
    blink-kb build -q -o l.kb
run blink-index refresh -x ./k.blx -c ./l.kb
is "$status" 3 'and so are other ids'
cp -R data/models/default data/models/other
sed -i 's/"id"/"id"/' data/models/other/config.json
rm -r data/models/default
cp -R "$fixtures/golden/m2-cross" data/models/default
echo '{"id":"1","text":"Three."}' | blink-kb update k.kb
run blink-index refresh k.kb
is "$status$(cat err)$(anew() { embed() { blink-embed -m other "$@"; }
    blink-kb cat -c ./k.kb | embed --entities |
    blink-index build -c ./k.kb -o anew.blx
    blink-index cat -x ./"$1" -c ./k.kb | sort; }; anew anew.blx)" \
    "0$(blink-index cat -x ./k.blx -c ./k.kb | sort)" \
    'the model is found by its fingerprint'
mv data/models/other elsewhere
echo '{"id":"1","text":"Four."}' | blink-kb update k.kb
run blink-index refresh k.kb
like "$status$(cat err)" "^3blink-index: 'k.blx': made with model [0-9a-f]{16}, which is not the default one nor in the data folder: give it with -m" \
    'or asked for'
run blink-index refresh k.kb -m ./elsewhere
is "$status$(cat err)" 0 'and given'
rm -r data/models/default
mv elsewhere data/models/default

# ---- Vectors of one's own ----
vectors() { # vectors ID VALUE...
    jq -nc --arg id "$1" --argjson v "$2" '{id:$id,embedding:{model:"m0",
        dim:3,values:$v}}'
}
build k.kb
for i in 1 2 3; do vectors $i "[$i,0,0]"; done |
    blink-index build -c ./k.kb -o k.blx
vectors 2 '[9,9,9]' | blink-index add -c ./k.kb -x ./k.blx
is "$(blink-index cat -c ./k.kb -x ./k.blx --floats json |
    jq -c '[.id,.embedding.values]' | sort | xargs)" \
    '[1,[1,0,0]] [2,[9,9,9]] [3,[3,0,0]]' 'a vector is replaced'
printf '{"id":"8","title":"A"}\n{"id":"9","title":"B"}\n' | blink-kb add k.kb
run blink-index add -c ./k.kb -x ./k.blx < <(vectors 8 '[8,0,0]')
is "$status$(cat err)" "3blink-index: 1 more entities of './k.kb' are newer than './k.blx'; --partial leaves them without a vector" \
    'all that is new needs one'
run blink-index add --partial -c ./k.kb -x ./k.blx < <(vectors 8 '[8,0,0]')
is "$status$(blink-index cat -c ./k.kb -x ./k.blx | jq -r .id | xargs)" \
    '01 3 2 8' 'unless it is allowed'
run blink-index remove -c ./k.kb -x ./k.blx 1 8
is "$status$(blink-index cat -c ./k.kb -x ./k.blx | jq -r .id | xargs)" \
    '03 2' 'remove'
cp k.blx before.blx
for bad in '{"id":"3"}' '{"id":"none"}' 'x' \
    '{"id":"3","embedding":{"model":"m1","dim":3,"values":[1,2,3]}}' \
    '{"id":"3","embedding":{"model":"m0","dim":2,"values":[1,2]}}'; do
    run blink-index add -c ./k.kb -x ./k.blx <<<"$bad"
    like "$status$(cat err)" '^3blink-index: stdin:1: [^'$'\n'']*$' "add: $bad"
    ok 'nothing was changed' cmp k.blx before.blx
done
run blink-index remove -c ./k.kb -x ./k.blx none
is "$status$(cat err)" "3blink-index: no entity 'none' in './k.kb'" \
    'no such entity'

# ---- Changes of a large index are kept beside it ----
# 80 vectors of 65536 numbers are more than the 16 MiB that are written anew.
large() { # large FROM TO NUMBER
    jq -nc "range($1; $2) | {id:\"e\\(.)\",embedding:{model:\"m0\",dim:65536,
        values:[. + $3, (range(65535) | 0)]}}"
}
jq -nc 'range(80) | {id:"e\(.)",title:"E \(.)"}' | blink-kb build -q -o k.kb
large 0 80 0 | blink-index build -c ./k.kb -o k.blx --dtype f32+int8
firsts() {
    blink-index cat -c ./k.kb -x ./k.blx --floats json |
        jq -c '[.id, .embedding.values[0]]' | sort -V | tr -d '\n'
}
cp k.blx base.blx
large 3 5 100 | blink-index add -c ./k.kb -x ./k.blx
ok 'the file itself stays as it was' cmp -s k.blx base.blx
ok 'the changes are beside it' test -s k.blx.changes
all=$(firsts)
like "$all" '\["e2",2\]\["e3",103\]\["e4",104\]\["e5",5\]' \
    'and hide the old vectors'
is "$(blink-index info -x ./k.blx --json | jq -c '[.count,.segments,.changes > 0]')" \
    '[80,2,true]' 'info tells'
ok 'both are intact' blink-index verify -x ./k.blx
jq -nc '{id:"e80",title:"New"}' | blink-kb add k.kb
blink-kb remove k.kb e0 e3
large 80 81 0 | blink-index add -c ./k.kb -x ./k.blx
ok 'the file itself stays as it was' cmp -s k.blx base.blx
is "$(firsts | head -c 50)...$(firsts | tail -c 20)" \
    '["e1",1]["e2",2]["e4",104]["e5",5]["e6",6]["e7",7]...["e79",79]["e80",80]' \
    'they gather'
run blink-index info -x ./k.blx.changes
is "$status$(cat err)" "3blink-index: './k.blx.changes': the changes of an index, which are used with it; name the index itself" \
    'they are no index'
ln -s k.blx link.blx
is "$(blink-index cat -c ./k.kb -x ./link.blx | wc -l)" 79 'also through a link'
cp k.blx.changes kept
all=$(firsts)
large 20 32 500 | blink-index add -c ./k.kb -x ./k.blx
ok 'more than an eighth: one file again' test ! -e k.blx.changes
is "$(blink-index info -x ./k.blx --json | jq -c '[.count,.segments]')" \
    '[79,1]' 'without what was removed'
ok 'which is intact' blink-index verify -x ./k.blx
all=$(firsts)
cp kept k.blx.changes
is "$(firsts)" "$all" 'changes of another file are not used'
cp base.blx k.blx
printf '\377' | dd of=k.blx.changes bs=1 seek=1000 conv=notrunc status=none
run blink-index info -x ./k.blx
is "$status$(cat err)" "3blink-index: '$T/k.blx.changes': offset 192: wrong checksum: the header is damaged" \
    'damaged changes are told'
cp kept k.blx.changes
printf '\377' | dd of=k.blx.changes bs=1 seek=5000 conv=notrunc status=none
run blink-index verify -x ./k.blx
like "$status$(cat err)" "^3blink-index: '$T/k.blx.changes': segment 0 .*: wrong checksum: damaged" \
    'also their vectors'
rm k.blx.changes
like "$(blink-index verify -x ./k.blx 2>&1; firsts | head -c 20)" \
    '^\["e1",1\]\["e2",2\]' 'without them the index is what it was'
large 0 81 0 | grep -v '"e[03]"' | blink-index build -c ./k.kb -o k.blx
cp kept k.blx.changes
large 0 81 0 | grep -v '"e[03]"' | blink-index build -c ./k.kb -o k.blx
ok 'who makes an index anew takes old changes away' test ! -e k.blx.changes
is "$(leftovers)" 0 'no temporary file is left'

# ---- Two catalogues at once ----
mkdir two
cat >two/own.jsonl <<'X'
{"id":"1","title":"Paris","text":"A painting.","aliases":["the tower"]}
{"id":"2","title":"Zorb","text":"A clock."}
X
blink-kb build -q --names none -o data/catalogues/own.kb two/own.jsonl
blink-kb build -q --names none -o data/catalogues/wiki.kb --site plantwiki \
    "$fixtures/mini.jsonl"
for kb in own wiki; do
    blink-kb cat -c $kb | embed --entities |
        blink-index build -c $kb -o data/indexes/$kb.blx
done
both=(-c own -x own -c wiki -x wiki)
mention() {
    jq -nc --arg m "$1" '{context_left:"In ",mention:$m,context_right:"."}' |
        embed
}
# ids MENTION OPTION...: the candidates that are called so.
ids() {
    mention "$1" | blink-retrieve --aliases "${@:2}" |
        jq -r '.candidates[] | select(.prior) | .id' | sort | xargs
}
# list MENTION OPTION...: its candidates and how many entities there are.
list() {
    mention "$1" | blink-retrieve --aliases "${@:2}" -k 3 |
        jq -c '[.candidates, .catalogue_size]'
}
swapped=(-c wiki -x wiki -c own -x own)
is "$(ids Paris "${both[@]}"); $(ids Paris "${swapped[@]}")" \
    'own:1; wiki:2 wiki:3 wiki:4' 'a name means what the first catalogue says'
is "$(ids Paris -c wiki -x wiki) $(ids Paris -c own -x own)" '2 3 4 1' \
    'one catalogue alone needs no name'
is "$(ids Zorb "${both[@]}")$(ids France "${both[@]}")" 'own:2wiki:1' \
    'each finds what only one has'
is "$(list Paris "${both[@]}")" "$(list Paris -c own -x own |
    jq -c '.[0][].id |= "own:" + .')" 'as if it were the only one'
is "$(list France "${both[@]}")" "$(list France -c wiki -x wiki |
    jq -c '.[0][].id |= "wiki:" + .')" 'and so where only the second has it'
for kb in own wiki; do
    mention Nowhere | blink-retrieve --aliases -c $kb -x $kb -k 3 |
        jq -c --arg kb $kb '.candidates[] | .id = $kb + ":" + .id'
done | jq -s -c 'sort_by(-.score)[:3]' >want
is "$(list Nowhere "${both[@]}")" "[$(cat want),44]" \
    'what is no name of any is looked for in all'
cp -R "$fixtures/golden/m2-cross" data/models/default-cross
mention Nowhere | blink-retrieve --aliases "${both[@]}" -k 3 |
    blink-rerank -m default-cross -c own -c wiki >reranked
is "$(jq -r '.candidates[] | select(.cross_score == null) | .id' reranked)$(
    jq -r '.candidates[].id' reranked | sort | xargs)" \
    "$(jq -r '.[].id' want | sort | xargs)" 'each is read with its own text'
run blink-rerank -m default-cross -c own -c own2 <reranked
is "$status" 3 'a catalogue that is not there'
is "$(jq -c '.candidates[0].id = "elsewhere:1"' reranked |
    blink-rerank -m default-cross -c own -c wiki | jq -r .error.code)" \
    no-entity 'and an id of none of them'
echo '{"id":"d","text":"Zorb came to Paris in France."}' |
    blink-ner -d own -d wiki | jq -r .mention | xargs >got
is "$(cat got)" 'Zorb Paris France' 'names of both are found'
run blink-retrieve -c own -c wiki -x own
is "$status$(head -n 1 err)" "2blink-retrieve: with several catalogues, option '--index' is needed once for each, in their order" \
    'each needs its index'
cp data/catalogues/own.kb two/
run blink-retrieve -c own -c two/own.kb -x own -x own
is "$status$(head -n 1 err)" "2blink-retrieve: two catalogues are called 'own', which their ids would begin with" \
    'and a name of its own'
cp data/catalogues/own.kb two/n.kb
run blink-retrieve -c two/n.kb -c wiki -x own -x wiki
is "$status$(head -n 1 err)" "2blink-retrieve: a catalogue called 'n' cannot be one of several: the ids of pages by name begin with n:" \
    'which is not that of pages by name'
echo 'Zorb came to Paris in France.' >text.txt
run blink link --kb own --kb wiki --fast --dictionary --nil 1 --format jsonl text.txt
is "$status$(jq -r '[.mention, (.candidates[] | select(.prior == 1) | .id)] |
    join(" ")' out | paste -sd,)" '0Zorb own:2,Paris own:1,France wiki:1' \
    'blink link takes several catalogues'
run blink link --kb own --kb wiki -x own text.txt
is "$status$(head -n 1 err)" "2blink: option '--index': with several catalogues the index of each is found by its name" \
    'and finds their indexes'
finish
