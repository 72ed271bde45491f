#!/bin/bash
# SPDX-License-Identifier: MIT
# Every man page is clean mdoc; every program has one.
. "$top_srcdir/tests/lib.sh"
command -v mandoc >/dev/null || skip_all 'no mandoc'

for page in "$top_srcdir"/man/*.[1-8]; do
    [ -e "$page" ] || continue
    name=${page##*/}
    run mandoc -Tlint -W warning "$page"
    is "$(cat "$T/out")" '' "$name is clean"
    # An escape that roff did not take is shown as it stands.
    shown=$(mandoc -Tutf8 "$page" | sed 's/.\x08//g' |
        grep -F '\-' || true)
    is "$shown" '' "$name shows no stray backslash"
    for part in NAME DESCRIPTION 'SEE ALSO'; do
        ok "$name has $part" grep -q "^\.Sh $part\$" "$page"
    done
    [ "${name##*.}" = 1 ] || continue
    for part in SYNOPSIS 'EXIT STATUS' EXAMPLES; do
        ok "$name has $part" grep -q "^\.Sh $part\$" "$page"
    done
done
for program in "$top_builddir"/bin/blink*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    ok "${program##*/} has a page" \
        test -e "$top_srcdir/man/${program##*/}.1"
done
finish
