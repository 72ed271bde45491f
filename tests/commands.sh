#!/bin/bash
# SPDX-License-Identifier: MIT
# The command line as a newcomer meets it: other programs by the name of a
# command, help, what is there, and names that are mistyped.
. "$top_srcdir/tests/lib.sh"
export BLINK_DATA=$T/data
mkdir -p "$T/data/catalogues" "$T/data/indexes" "$T/data/models" \
    "$T/data/names"
cd "$T" || exit
model=$fixtures/golden/m2-bi
blink-kb build -q --site exwiki -o data/catalogues/plants.kb \
    "$fixtures/mini.jsonl"
blink-kb cat -c plants | blink-embed -m "$model" --entities \
    --engine reference | blink-index build -q -c plants -o data/indexes/plants.m2.blx
ln -s "$(cd "$model" && pwd)" data/models/m2
ln -s plants.kb data/catalogues/default.kb
ln -s plants.m2.blx data/indexes/default.blx

# ---- blink kb is blink-kb ----
for words in 'kb info' 'ner --version' 'index nonsense' 'score --help'; do
    # shellcheck disable=SC2086
    blink $words >one 2>one.err </dev/null
    one=$?
    # shellcheck disable=SC2086
    blink-$words >two 2>two.err </dev/null
    two=$?
    is "$one:$(cat one one.err)" "$two:$(cat two two.err)" \
        "blink $words is blink-$words"
done
blink --help >help
for program in "$top_builddir"/bin/blink-*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    ok "blink --help names ${program##*/}" \
        grep -q "^  ${program##*/blink-} " help
done
like "$(cat help)" 'blink\(7\)' 'blink --help names the tour'
run blink shard --help
like "$status:$(cat out)" '^0:.*blink-shard' 'blink shard is a script'
is "$(blink help)" "$(cat help)" 'blink help is blink --help'
# Nobody else's program is taken for one of ours.
mkdir alone
cp -L "$top_builddir/bin/blink" alone/
printf '#!/bin/sh\necho foreign\n' >blink-kb
chmod +x blink-kb
run env PATH="$T:$PATH" alone/blink kb info
case $(cat out) in
foreign) fail 'a program of PATH is not taken' ;;
*) is "$status:$(cat err)" '3:blink: blink-kb is not installed beside blink' \
    'a program of PATH is not taken' ;;
esac
rm blink-kb

# ---- blink help COMMAND ----
mkdir bare man
for tool in cat sh; do ln -s "$(command -v "$tool")" bare/; done
PATH=$T/bare "$top_builddir/bin/blink" help link >out
like "$(head -1 out)" '^Usage: blink link ' 'help: without man(1), --help'
PATH=$T/bare "$top_builddir/bin/blink" help kb build >out
like "$(head -1 out)" '^Usage: blink-kb build ' 'help: of a command of a program'
# shellcheck disable=SC2016 # for the script
printf '#!/bin/sh\necho "man $*"\n' >man/man
chmod +x man/man
if [ -e "$top_builddir/man/blink-kb.1" ]; then
    for pair in link:blink.1 kb:blink-kb.1 blink-kb:blink-kb.1 json:blink-json.5 \
        tour:blink.7; do
        PATH=$T/man:$PATH run blink help "${pair%:*}"
        like "$(cat out)" "^man -l /.*/${pair#*:}$" "help: ${pair%:*}"
    done
else
    skip 'help: pages' 'they are in another folder'
fi
run blink help jsno
is "$status:$(head -1 err)" "2:blink: no command 'jsno'; did you mean 'json'?" \
    'help: of nothing'

# ---- blink list ----
blink list >out
ok 'list: the folder' grep -qxF "catalogues in $T/data/catalogues" out
like "$(grep '^  plants ' out)" ' kB  default; [0-9]+ entities, pages of exwiki$' \
    'list: a catalogue'
like "$(grep '^  plants.m2 ' out)" \
    'default; [0-9]+ vectors, f32; of catalogue plants, by model m2$' \
    'list: an index, and what it belongs to'
like "$(grep '^  m2 ' out)" 'bi-encoder$' 'list: a model'
is "$(grep -c '^  default  *.* = ' out)" 0 'list: no rows for default links'
ln -s plants.kb data/catalogues/flora.kb
touch data/catalogues/broken.kb
blink list >out
like "$(grep '^  flora ' out)" '= plants$' 'list: a link'
like "$(grep '^  broken ' out)" 'broken.kb' 'list: what cannot be opened'
blink list --json >out
is "$(jq -r 'select(.kind == "index" and .name == "plants.m2")
        | "\(.catalogue) \(.model) \(.default)"' out)" 'plants m2 true' \
    'list: --json'
is "$(jq -r 'select(.kind == "catalogue" and .name == "flora") | .link_to' \
    out)" plants 'list: --json, a link'
rm data/catalogues/broken.kb data/catalogues/flora.kb

# ---- What does not belong together ----
run blink table <<<'{"mention":"x"}'
is "$status:$(cat out err)" "3:blink: stdin:1: field 'entity': expected object, \
found nothing: run blink-score first" 'table: no answers'
cp -rL "$model" data/models/m1
chmod -R u+w data/models/m1
echo "{\"format\":1,\"licence\":\"another\"}" >data/models/m1/blink.json
run blink link -m m1 -x plants.m2 -c plants --dictionary <<<'Paris'
like "$status:$(cat out err)" "^3:blink: the index '[^']*/plants.m2.blx' was \
made with model [0-9a-f]{16}, but '[^']*/models/m1' is [0-9a-f]{16}: [^"$'\n'"]*-x[^"$'\n'"]*\$" \
    'link: an index of another model: said once'
run blink link -m m2 -x plants.m2 -c plants --dictionary --json <<<'Paris'
like "$status:$(cat err)" "^0:blink: 'm2' has no cross-encoder: not reranking" \
    'link: the cross-encoder that is missed'
run blink link -m m2 -x plants.m2 -c plants --dictionary --json --fast <<<'Paris'
is "$status:$(cat err)" 0: 'link: not where it is not wanted'

# ---- Mistyped names ----
run blink link --fsat
is "$status:$(cat err)" "2:blink: unknown option '--fsat'; did you mean --fast?
try 'blink link --help'" 'an option'
run blink --fsat
is "$(tail -1 err)" "try 'blink link --help'" 'an option without a command'
run blink -fast
is "$(head -1 err)" "blink: unknown option '-a'; did you mean --fast?" \
    'one dash too few'
run blink-kb info --calatogue x
is "$(head -1 err)" \
    "blink-kb: unknown option '--calatogue'; did you mean --catalogue?" \
    'an option of a command'
run blink link --cali x
is "$(head -1 err)" \
    "blink: unknown option '--cali'; did you mean --calibration?" \
    'the beginning of one'
run blink link --qqqqqq
is "$(head -1 err)" "blink: unknown option '--qqqqqq'" 'nothing like any'
run blink lnik
is "$(head -1 err)" "blink: unknown command 'lnik'; did you mean 'link'?" \
    'a command'
run blink rertieve
is "$(head -1 err)" \
    "blink: unknown command 'rertieve'; did you mean 'retrieve'?" 'a program'
run blink-kb biuld
is "$(head -1 err)" "blink-kb: unknown command 'biuld'; did you mean 'build'?" \
    'a command of a program'
run blink-kb info -c plnats
is "$status:$(cat err)" "3:blink-kb: no catalogue 'plnats' here or in \
$T/data/catalogues; did you mean 'plants'? there are default, plants" \
    'a catalogue'
run blink link -m m22 <<<x
like "$status:$(cat err)" "^3:blink: no model 'm22' .*; did you mean 'm2'\\? there " \
    'a model'
run blink-kb info -c whatever
like "$(cat err)" '; there are default, plants$' 'the names that there are'
finish
