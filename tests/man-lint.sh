#!/bin/bash
# SPDX-License-Identifier: MIT
# Every man page is clean mdoc, starts with an example, and uses the words of
# the glossary in blink(7); every program has one.
. "$top_srcdir/tests/lib.sh"
command -v mandoc >/dev/null || skip_all 'no mandoc'

# starts_with_example PAGE: a command in a display of DESCRIPTION, before any
# list or subsection.
starts_with_example() {
    awk '/^\.S[hs] / { on = $0 == ".Sh DESCRIPTION" }
         /^\.Bl / { on = 0 }
         on && /^\.Bd .*-literal/ { display = 1 }
         /^\.Ed/ { display = 0 }
         on && display && /^\$ / { found = 1 }
         END { exit !found }' "$1"
}

# Other words for what the glossary calls calibration and cross-encoder.
other_words='coefficients?|profiles?|re-rank(s|ed|er|ers|ing)?|judges?'

for page in "$top_srcdir"/man/*.[1-8]; do
    [ -e "$page" ] || continue
    name=${page##*/}
    run mandoc -Tlint -W warning "$page"
    is "$(cat "$T/out")" '' "$name is clean"
    # An escape that roff did not take is shown as it stands.
    shown=$(mandoc -Tutf8 "$page" | sed 's/.\x08//g' |
        grep -F '\-' || true)
    is "$shown" '' "$name shows no stray backslash"
    # To roff they are a register and a tab: a printf has to write \e first.
    is "$(grep -nE '\\[nt]' "$page")" '' "$name shows its escapes"
    for part in NAME DESCRIPTION 'SEE ALSO'; do
        ok "$name has $part" grep -q "^\.Sh $part\$" "$page"
    done
    ok "$name starts with an example" starts_with_example "$page"
    is "$(grep -vE '^\.(Xr|Cm|It)' "$page" | grep -nwiE "$other_words")" '' \
        "$name uses the words of the glossary"
    [ "${name##*.}" = 1 ] || continue
    for part in SYNOPSIS 'EXIT STATUS' EXAMPLES; do
        ok "$name has $part" grep -q "^\.Sh $part\$" "$page"
    done
done
for program in "$top_builddir"/bin/blink*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    name=${program##*/}
    ok "$name has a page" test -e "$top_srcdir/man/$name.1"
    "$name" --help >"$T/help"
    awk '/^Commands:/ { on = 1; next } !NF { on = 0 } on { print $1 }' \
        "$T/help" >"$T/commands"
    while read -r sub; do
        "$name" "$sub" --help >>"$T/help"
    done <"$T/commands"
    is "$(grep -nwiE "$other_words" "$T/help")" '' \
        "$name --help uses the words of the glossary"
    is "$(awk 'length > 79 && !/^Usage:/' "$T/help")" '' \
        "$name --help fits a terminal"
done
finish
