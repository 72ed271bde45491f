#!/bin/bash
# SPDX-License-Identifier: MIT
# The folders of common/ are layers in the order of ARCHITECTURE.md's table:
# files include by folder, never from a folder below their own, and neither
# includes of headers nor calls between objects go in a circle.
. "$top_srcdir/tests/lib.sh"

sed -n '/^## The layers/,/^## Ten/s/^| `\([a-z]*\)` |.*/\1/p' \
    "$top_srcdir/ARCHITECTURE.md" >"$T/order"
ok 'there is a table' [ -s "$T/order" ]
cd "$top_srcdir/common" || exit 1
is "$(for d in */; do echo "${d%/}"; done | sort)" "$(sort "$T/order")" \
    'it has every folder of common/'
is "$(ls -- *.c *.h *.cc 2>/dev/null)" 'blink.h' \
    'only the header of all headers is in no folder'

# Lines "FOLDER/FILE INCLUDED", both without what follows the file's name.
grep -H '^#include "' ./*/*.c ./*/*.h ./*/*.cc ./*/*.hh |
    sed 's,^\./,,; s/\.[a-z]*:#include "/ /; s/\.hh*".*//' |
    grep -v ' config$' | sort -u >"$T/uses"
is "$(grep -v '/.* .*/' "$T/uses")" '' 'includes name their folder'
# upward PAIRS: those whose second file is of a higher layer.
upward() {
    awk 'NR == FNR { row[$1] = NR; next }
        { split($1, from, "/"); split($2, to, "/") }
        row[to[1]] > row[from[1]]' "$T/order" "$1"
}
is "$(upward "$T/uses")" '' 'nothing includes from a folder below'
is "$(grep -H '^#include "' ./*/*.h | grep -v config.h |
      sed 's,^\./,,; s/:#include "/ /; s/"$//' | tsort 2>&1 >/dev/null)" '' \
    'no circle of headers'

# An object uses what it lacks from the one that defines it.  Objects whose
# source is gone may still lie in the build tree.
objects=$(for c in */*.c; do echo "common/${c%.c}.o"; done)
cd "$top_builddir" || exit 1
# shellcheck disable=SC2086     # names of ours, without blanks
nm -g -A $objects | sed 's,^common/,,; s/\.o:[0-9a-f ]*/ /' |
    awk '$3 ~ /^bl_/ { if ($2 == "U") uses[$1, $3]; else by[$3] = $1 }
    END {
        for (use in uses) {
            split(use, name, SUBSEP)
            if (name[2] in by) print name[1], by[name[2]]
        }
    }' |
    sort -u >"$T/calls"
ok 'objects call each other' [ -s "$T/calls" ]
is "$(tsort "$T/calls" 2>&1 >/dev/null)" '' 'no circle of objects'
is "$(upward "$T/calls")" '' 'nothing calls up'
finish
