#!/bin/bash
# SPDX-License-Identifier: MIT
# The files of common/ keep to the layers that ARCHITECTURE.md has: each is in
# the table once, and includes nothing from a row below its own.
. "$top_srcdir/tests/lib.sh"

# Lines "ROW NAME", rows counted from the bottom layer.
awk -F'|' '/^## The layers/ { on = 1 } /^## Ten/ { on = 0 }
    on && /^\| / && $2 !~ /layer|front/ {
        row++
        n = split($3, names, /[ `]+/)
        for (i = 1; i <= n; i++)
            if (names[i]) print row, names[i]
    }' "$top_srcdir/ARCHITECTURE.md" >"$T/rows"
ok 'there is a table' [ -s "$T/rows" ]

# The public header of all stands outside.
cd "$top_srcdir/common" || exit 1
for f in *.c *.h *.cc; do echo "${f%.*}"; done | sort -u |
    grep -vx blink >"$T/files"
is "$(cut -d' ' -f2 "$T/rows" | sort | diff - "$T/files")" '' \
    'every file is in it once'

grep -H '^#include "' ./*.c ./*.h ./*.cc |
    sed 's,^\./,,; s/\.[a-z]*:#include "/ /; s/\.h".*//' | sort -u >"$T/uses"
is "$(awk 'NR == FNR { row[$2] = $1; next }
    $1 == "blink" || $2 == "config" || ($1 == "mem" && $2 == "file") { next }
    row[$2] > row[$1] { print $1, "includes", $2 }' "$T/rows" "$T/uses")" '' \
    'nothing includes what stands below it'
finish
