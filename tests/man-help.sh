#!/bin/bash
# SPDX-License-Identifier: MIT
# The options and defaults that --help prints are those of the man page.
# Options that many programs share are described in blink(7): the page lists
# the ones it has in "Shared options", with the default where that depends on
# the program.
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

# shared_options PAGE: "NAME<tab>default" for each option that the page says is
# in blink(7), the default being empty where the page gives none.
shared_options() {
    awk '
        /^\.S[hs] / { on = $0 == ".Ss Shared options"; next }
        !on { next }
        /^\.Fl [^ ]+( [,.])?$/ {
            if (name != "") print name "\t" value
            name = $2; value = ""
        }
        /^\.Pq default [^ ]+( ,)?$/ { value = $3 }
        / \.$/ && name != "" { on = 0 }
        END { if (name != "") print name "\t" value }' "$1"
}

# same_item PAGE NAME: the other names of that option.
same_item() {
    page_options "$1" | awk -F '\t' -v name="$2" '
        { text[$1] = $2 }
        END { for (other in text)
                  if (text[other] == text[name]) print other }'
}

# help_options: "NAME<tab>default" from --help on stdin; an explanation goes on
# in lines that begin in its column.
help_options() {
    awk '
    n && substr($0, 1, 28) ~ /^ *$/ && length($0) > 28 { held = held " " substr($0, 29); next }
    { if (held != "") print held; held = $0; n = /^  (-., |    )--[a-z]/ }
    END { if (held != "") print held }' |
    awk '/^  (-., |    )--[a-z]/ {
        n = 0; rest = $0; sub(/^ +/, "", rest)
        while (rest ~ /^-/) {
            name = rest; sub(/,? .*/, "", name); sub(/^-/, "", name)
            names[++n] = name
            if (!sub(/^[^ ]+, /, "", rest)) break
        }
        value = ""
        if (match($0, /\[[^]]*\]$/))
            value = substr(text, RSTART + 1, RLENGTH - 2)
        for (i = 1; i <= n; i++) print names[i] "\t" value
    }'
}

tokens_of() { tr -c 'A-Za-z0-9.,_/+-' '\n' | sed 's/[.,]*$//'; }

check_program() {
    local name=$1 page=$top_srcdir/man/$1.1 tour=$top_srcdir/man/blink.7
    local sub value text own option other
    "$name" --help >"$T/help"
    awk '/^Commands:/ { on = 1; next } !NF { on = 0 } on { print $1 }' \
        "$T/help" >"$T/commands"
    while read -r sub; do
        "$name" "$sub" --help >>"$T/help"
    done <"$T/commands"
    is "$(awk 'length > 80' "$T/help")" '' "$name: --help fits 80 columns"
    help_options <"$T/help" | sort -u >"$T/options"
    page_options "$page" | sort -u >"$T/page"
    : >"$T/shared"
    while IFS=$'\t' read -r option value; do
        for other in $(same_item "$tour" "$option"); do
            printf '%s\t%s\n' "$other" "$value" >>"$T/shared"
        done
        grep -q "^$option$(printf '\t')" "$T/shared" ||
            fail "$name: blink(7) describes $option"
    done < <(shared_options "$page")
    cut -f1 "$T/options" | sort -u >"$T/a"
    cut -f1 "$T/page" | sort -u >"$T/b"
    cut -f1 "$T/shared" | sort -u >"$T/c"
    is "$(comm -23 "$T/a" <(sort -u "$T/b" "$T/c"))" '' \
        "$name: the page has every option of --help"
    is "$(comm -13 "$T/a" <(sort -u "$T/b" "$T/c"))" '' \
        "$name: --help has every option of the page"
    is "$(comm -12 "$T/b" "$T/c")" '' \
        "$name: no option is described twice"
    while IFS=$'\t' read -r option value; do
        [ -n "$value" ] || continue
        own=$(awk -F '\t' -v o="$option" '$1 == o { print $2 }' "$T/shared")
        if [ -n "$own" ]; then
            is "$own" "$value" "$name: the default of $option on the page"
            continue
        fi
        text=$(awk -F '\t' -v o="$option" '$1 == o' "$T/page")
        if [ -z "$text" ]; then
            text=$(page_options "$tour" | awk -F '\t' -v o="$option" '$1 == o')
        fi
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
