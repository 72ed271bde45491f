#!/bin/bash
# SPDX-License-Identifier: MIT
# The table of SECURITY.md names tests that are there.
. "${top_srcdir:?}/tests/lib.sh"
page=$top_srcdir/SECURITY.md
rows=0
while IFS='|' read -r _ row fault file words _; do
    file=${file// /}
    words=${words#*\`}
    words=${words%\`*}
    rows=$((rows + 1))
    if [ ! -e "$top_srcdir/tests/$file" ] && [[ $file == ../* ]]; then
        skip "${row// /}:$fault" "no $file in this copy"
        continue
    fi
    ok "${row// /}:$fault: $file" \
        grep -qF -e "$words" "$top_srcdir/tests/$file"
done < <(grep -E '^\| ([0-9]+ )?\| ' "$page" | grep -v '^| | fault')
is "$((rows > 40))" 1 'the table was read'
finish
