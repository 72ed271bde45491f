#!/bin/bash
# SPDX-License-Identifier: MIT
# The options and defaults that --help prints are those of the man page.
# Options that many programs share may be in blink(7) instead, when the page
# points there.
. "$top_srcdir/tests/lib.sh"

# page_options PAGE: "NAME<tab>text of the item" for each long option, and
# for each letter.
page_options() {
    sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$1" | awk '
        function flush(  i) {
            for (i = 1; i <= n; i++) print names[i] "\t" text
            n = 0; text = ""
        }
        /^\.It .*Fl / {
            flush()
            line = $0
            sub(/^\.It /, "", line)
            words = split(line, w, / +/)
            for (i = 1; i <= words; i++) {
                if (w[i] == "Fl") { on = 1; continue }
                if (w[i] == ",") continue
                if (w[i] == "Ar" || w[i] == "Cm") { on = 0; i++; continue }
                if (on || w[i] ~ /^-/) names[++n] = w[i]
                on = 0
                if (w[i + 1] == "," ) on = 1
            }
            text = line; next
        }
        /^\.(It|El|Sh|Ss)/ { flush(); next }
        n { text = text " " $0 }
        END { flush() }'
}

# help_options: "NAME<tab>default" from --help on stdin.
help_options() {
    awk '/^  (-., |    )--[a-z]/ {
        n = 0; rest = $0; sub(/^ +/, "", rest)
        while (rest ~ /^-/) {
            name = rest; sub(/,? .*/, "", name); sub(/^-/, "", name)
            names[++n] = name
            if (!sub(/^[^ ]+, /, "", rest)) break
        }
        if (length($0) < 29 || substr($0, 28, 1) != " ") {
            text = $0
            if ((getline following) > 0) text = following
        } else text = $0
        value = ""
        if (match(text, /\[[^]]*\]$/))
            value = substr(text, RSTART + 1, RLENGTH - 2)
        for (i = 1; i <= n; i++) print names[i] "\t" value
    }'
}

tokens_of() { tr -c 'A-Za-z0-9.,_/+-' '\n' | sed 's/[.,]*$//'; }

check_program() {
    local name=$1 page=$top_srcdir/man/$1.1 sub value text
    "$name" --help >"$T/help"
    awk '/^Commands:/ { on = 1; next } !NF { on = 0 } on { print $1 }' \
        "$T/help" >"$T/commands"
    while read -r sub; do
        "$name" "$sub" --help >>"$T/help"
    done <"$T/commands"
    help_options <"$T/help" | sort -u >"$T/options"
    page_options "$page" | sort -u >"$T/page"
    : >"$T/shared"
    if grep -q '^\.Xr blink 7' "$page"; then
        page_options "$top_srcdir/man/blink.7" | sort -u >"$T/shared"
    fi
    cut -f1 "$T/options" | sort -u >"$T/a"
    cut -f1 "$T/page" | sort -u >"$T/b"
    cut -f1 "$T/shared" | sort -u >"$T/c"
    is "$(comm -23 "$T/a" <(sort -u "$T/b" "$T/c"))" '' \
        "$name: the page has every option of --help"
    is "$(comm -13 "$T/a" "$T/b")" '' \
        "$name: --help has every option of the page"
    while IFS=$'\t' read -r option value; do
        [ -n "$value" ] || continue
        text=$(awk -F '\t' -v o="$option" '$1 == o' "$T/page" "$T/shared")
        tokens_of <<<"$text" | grep -qxF -e "$value" ||
            fail "$name: the page says that -$option is $value by default"
    done <"$T/options"
    pass "$name: defaults compared"
}

for program in "$top_builddir"/bin/blink*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    name=${program##*/}
    if [ -e "$top_srcdir/man/$name.1" ]; then check_program "$name"; fi
done
[ "$tests" -gt 0 ] || skip_all 'no programs'
finish
