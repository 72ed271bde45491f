#!/bin/bash
# SPDX-License-Identifier: MIT
# blink tune: weights fitted to labelled mentions of a catalogue, which are
# used with it from then on, and with no other.
. "${top_srcdir:?}/tests/lib.sh"
mini=$top_srcdir/share/models/mini
[ -s "$mini/bi/config.json" ] || skip_all 'no share/models/mini'
command -v jq >/dev/null || skip_all 'no jq'
[ -z "${sanitizers:-}" ] || skip_all 'too slow under sanitizers'
cd "$T" || exit
export BLINK_DATA=$T/data
mkdir -p data/catalogues data/indexes

# A museum of things whose names are two words each, of which people write the
# second alone, in a text that does not say what it is about: the usual weights
# say "none" to half of them.
awk 'BEGIN {
    n = split("Anchor Bell Compass Dory Ensign Figurehead Grapnel Harpoon " \
              "Jib Keel Lantern Mast Net Oar Pulley Quadrant Rudder Sextant " \
              "Tiller Windlass", thing)
    m = split("Moss Tarn Vale Wick Holm Fenn", place)
    for (i = 1; i <= n; i++)
        printf "{\"id\":\"%d\",\"title\":\"%s %s\",\"text\":\"%s\"}\n", i,
            place[i % m + 1] "ley", thing[i], "Kept in room " i % 4 "."
}' >museum.jsonl
blink-kb build -q --names none -o museum.kb museum.jsonl
blink-kb cat -c ./museum.kb | blink-embed -m "$mini" --entities |
    blink-index build -q -c ./museum.kb -o museum.blx
# A third is of things that the museum has not.
awk 'BEGIN {
    n = split("anchor bell compass dory ensign figurehead grapnel harpoon " \
              "jib keel lantern mast net oar pulley quadrant rudder sextant " \
              "tiller windlass", thing)
    m = split("Rotterdam Mozart photosynthesis Congress basalt cricket " \
              "insulin Shakespeare inflation Kyoto", other)
    for (i = 1; i <= 60; i++) {
        none = i % 3 == 0
        printf "{\"doc\":\"%d\",\"context_left\":\"On day %d we saw the \"," \
            "\"mention\":\"%s\",\"context_right\":\" again.\"," \
            "\"label_id\":%s}\n", int(i / 4), i,
            none ? other[i / 3 % m + 1] : thing[i % n + 1],
            none ? "null" : "\"" i % n + 1 "\""
    }
}' >labelled.jsonl
tune=(blink tune --kb ./museum.kb)
linked() {
    blink link --kb ./museum.kb --input mentions "$@" \
        labelled.jsonl
}
right() {
    jq -s 'map(select(.label_id != null and .entity.id == .label_id)) | length'
}

# ---- Too little to fit to ----
head -n 20 labelled.jsonl >few.jsonl
run "${tune[@]}" few.jsonl
is "$status:$(cat out err)" "3:blink: 20 labelled mentions, 14 of them with an entity of the catalogue: at least 30 and 10 are needed, and 100 are better" \
    'too few mentions'
jq -c 'del(.label_id)' labelled.jsonl >bare.jsonl
run "${tune[@]}" bare.jsonl
is "$status:$(cat out err)" "3:blink: none of 60 records has a label: the field label_id is the id of the right entity, or null" \
    'no labels'
run "${tune[@]}"
is "$status" 2 'no file'
run "${tune[@]}" --kb ./museum.kb labelled.jsonl
is "$status" 2 'two catalogues'
run "${tune[@]}" no-such.jsonl
is "$status:$(wc -l <err)" 3:1 'a file that is not there'
ok 'nothing is made' [ ! -e museum.calibration.json ]
run "${tune[@]}" --reset
is "$status:$(cat err)" "0:blink: there is no '$T/museum.calibration.json'" \
    'nothing to take back'

# ---- Weights that are better ----
linked >before
run "${tune[@]}" labelled.jsonl
is "$status:$(cat err)" "0:blink: wrote '$T/museum.calibration.json', which blink link uses with this catalogue" \
    'it says what it wrote'
is "$(sed -n '1p;$p' out | tr -s ' ')" 'ON MENTIONS HELD OUT BEFORE AFTER
60 mentions, 40 with an entity of the catalogue' 'and what it changed'
like "$(tr -s ' ' <out)" 'right, of those in it [01]\.[0-9]{3} [01]\.[0-9]{3}
F1 of none .*
false none .*
calibration error' 'in four figures'
cp museum.calibration.json first.json
is "$(jq -c '.provenance | [.by, .mentions, .with_entity, .rows,
    .after.loss < .before.loss]' first.json)" \
    '["blink tune",60,40,20,true]' 'the file says what it was made of'
linked >after
ok "more are right: $(right <before), now $(right <after)" \
    [ "$(right <after)" -gt "$(right <before)" ]
ok 'blink link --show has the file where weights are read' \
    [ "$(blink link --kb ./museum.kb --show |
        grep -c museum.calibration.json)" -ge 2 ]
linked --calibration "$top_srcdir/share/calibration/default.json" >named
is "$(right <named)" "$(right <before)" '--calibration comes first'
run "${tune[@]}" --json labelled.jsonl
is "$status:$(jq -c '[.mentions, .written, .after.right >= .before.right]' out)" \
    '0:[60,true,true]' '--json'
ok 'once more gives the same' cmp -s museum.calibration.json first.json
jq -c '.candidates = [] | .entity = null' labelled.jsonl >again.jsonl
run "${tune[@]}" again.jsonl
is "$status" 0 'records that were linked before'
ok 'count as they are' cmp -s museum.calibration.json first.json

# ---- Weights that are not ----
jq -c '.label_id = (input_line_number * 7 % 20 + 1 | tostring)' \
    labelled.jsonl >wrong.jsonl
run "${tune[@]}" wrong.jsonl
is "$status:$(tail -n 1 err)" "0:blink: nothing was written: the weights are no better than the usual ones" \
    'labels that mean nothing'
ok 'leave the file as it was' cmp -s museum.calibration.json first.json
grep -v null labelled.jsonl >known.jsonl
run "${tune[@]}" known.jsonl
like "$(head -n 1 err)" '^blink: 0 mentions are labelled as none, fewer than 5' \
    'without any "none" that part stays'
cp first.json museum.calibration.json

# ---- The catalogue changes, or is another ----
cp museum.kb data/catalogues/default.kb
cp museum.blx data/indexes/default.blx
cp first.json data/catalogues/default.calibration.json
doctor() { blink doctor | grep -E '^[a-zA-Z]+ +weights ' | tr -s ' '; }
is "$(doctor)" "ok weights $T/data/catalogues/default.calibration.json: tuned to the catalogue" \
    'doctor: tuned weights'
like "$(blink list)" '20 entities, tuned' 'list: a catalogue that is tuned'
is "$(blink list --json | jq -c 'select(.kind == "catalogue") | .tuned')" true \
    'list --json'
uses() {
    blink link --kb "$1" --show 2>err | grep -q calibration.json && echo yes
}
echo '{"id":"41","title":"Mossley Yawl","text":"Kept outside."}' |
    blink-kb add data/catalogues/default.kb
is "$(doctor)" "note weights $T/data/catalogues/default.calibration.json: the catalogue changed since they were tuned to it; they are used" \
    'doctor: a changed catalogue'
is "$(uses default)$(cat err)" yes 'which still uses them'
blink-kb build -q --names none -o data/catalogues/default.kb \
    "$fixtures/mini.jsonl"
like "$(doctor)" 'tuned to another catalogue, so not used' \
    'doctor: another catalogue'
uses default >count
is "$(cat count):$(cat err)" ":blink: '$T/data/catalogues/default.calibration.json' is not used: it was made for another catalogue; blink tune makes it anew" \
    'which does not'
jq -c '.provenance.model = "x"' first.json >museum.calibration.json
run blink link --kb ./museum.kb --show
like "$(cat err)" 'is not used: it was made for another model' 'another model'
echo '{}' >museum.calibration.json
run blink link --kb ./museum.kb --show
like "$status:$(cat err)" "^3:blink: '$T/museum.calibration.json': .*provenance" \
    'a file that is none'

# ---- Back ----
run "${tune[@]}" --reset
is "$status:$(cat err)" "0:blink: removed '$T/museum.calibration.json'" \
    '--reset'
linked >reset
is "$(right <reset)" "$(right <before)" 'all is as it was'
run "${tune[@]}" --reset labelled.jsonl
is "$status" 2 '--reset takes no files'
finish
