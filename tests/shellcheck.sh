#!/bin/bash
# SPDX-License-Identifier: MIT
# Every shell script passes shellcheck.
. "$top_srcdir/tests/lib.sh"
command -v shellcheck >/dev/null || skip_all 'no shellcheck'
cd "$top_srcdir" || exit

# SC1091, SC2154: a sourced file and its variables; SC2034: variables that
# the sourced file reads; SC2016: $ in single quotes is meant for jq and sh.
quiet=SC1091,SC2154,SC2034,SC2016
while IFS= read -r file; do
    # What is sourced has no "#!", but a name that says what it is.
    [[ $file == *.sh ]] || head -c 64 "$file" | head -n 1 |
        grep -qaE '^#!.*[/ ](ba|da)?sh( |$)' || continue
    run shellcheck -e "$quiet" -s bash "$file"
    is "$(cat "$T/out")" '' "$file"
done < <(find . .ci -type f \
             \( -name '*.sh' -o -path '*/scripts/*' -o -path './.ci/*' \) \
             ! -path './build*' ! -path './.git/*' ! -path './asan/*' \
             ! -path './data/*' ! -path './check-long/*' 2>/dev/null | sort -u)
finish
