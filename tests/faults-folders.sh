#!/bin/bash
# SPDX-License-Identifier: MIT
# Folders in which somebody else may have put things: above an installation,
# and the current one.  Neither code nor data comes from there unasked.
. "$top_srcdir/tests/lib.sh"
only_plain
for name in kb embed index; do
    [ -x "$top_builddir/bin/blink-$name" ] || skip_all "no blink-$name"
done
cd "$T" || exit
unset BLINK_MODULES
export HOME=$T/home
g=$fixtures/golden/m2-bi

# ---- A folder above the program that looks like a build tree ----
mkdir -p p/pfx/bin p/common/.libs p/data/catalogues
cp "$top_builddir/bin/blink-embed" "$top_builddir/bin/blink-kb" p/pfx/bin
: >p/common/libcommon.la
echo 'no library' >p/common/.libs/libblink-torch.so
cp p/common/.libs/libblink-torch.so planted
blink-kb build -q -o p/data/catalogues/default.kb "$fixtures/mini.jsonl"
run env -u BLINK_DATA p/pfx/bin/blink-embed -m "$g" --engine torch </dev/null
is "$status:$(grep -c "$T/p/common" "$T/err")" 3:0 \
    'no module from beside an installation'
run env -u BLINK_DATA p/pfx/bin/blink-kb info
is "$status:$(grep -c "$T/p/data" "$T/err")" 3:0 'nor data'

# A tree, but one in which others can write, and a prefix of that kind.
mkdir -p p/bin
cp p/pfx/bin/blink-embed p/bin
asked() { run env -u BLINK_DATA "$@" -m "$g" --engine torch </dev/null; }
asked p/bin/blink-embed
like "$status:$(<"$T/err")" "^3:.*$T/p/common/.libs/libblink-torch.so' cannot be" \
    'a tree of its own is one'
for folder in p p/common p/common/.libs p/common/.libs/libblink-torch.so; do
    chmod o+w "$folder"
    asked p/bin/blink-embed
    is "$status:$(grep -c "$T/p/common" "$T/err")" 3:0 \
        "not when others can write to $folder"
    chmod o-w "$folder"
done
mkdir -p q/bin q/lib/blink
cp p/bin/blink-embed q/bin
cp planted q/lib/blink/libblink-torch.so
asked q/bin/blink-embed
like "$status:$(<"$T/err")" "^3:.*$T/q/lib/blink/libblink-torch.so' cannot be" \
    'the module of a prefix'
chmod o+w q/lib/blink
asked q/bin/blink-embed
is "$status:$(grep -c "$T/q/lib" "$T/err")" 3:0 \
    'not when others can write to its folder'

# ---- The current folder ----
export BLINK_DATA=$T/data
mkdir -p data/catalogues data/indexes here
blink-kb build -q -o data/catalogues/plants.kb "$fixtures/mini.jsonl"
cd here || exit
head -n 2 "$fixtures/mini.jsonl" | blink-kb build -q -o plants.kb -
cp plants.kb plants
entities() { blink-kb info "$@" --json | jq .count; }
is "$(entities -c plants)" "$(wc -l <"$fixtures/mini.jsonl")" \
    'a name means the data folder, whatever lies here'
is "$(entities -c ./plants) $(entities -c plants.kb)" '2 2' \
    'a path, or a name with its suffix, means the file here'
mv plants.kb only
rm plants
is "$(entities -c only)" 2 'what is nowhere else may be called by its name'
mkdir plants default-cross default-ner mini
blink-kb cat -c plants | blink-embed -m "$g" --entities --engine reference |
    blink-index build -q -c plants -o ../data/indexes/plants.blx
run blink link --kb ../data/catalogues/plants.kb -m "$g" --dictionary \
    --input mentions --fast <<<'{"id":"1","mention":"Paris"}'
is "$(grep -c 'is a directory' "$T/err")" 0 \
    'a name that was derived from another is not looked for here'
finish
