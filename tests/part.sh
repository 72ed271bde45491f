# SPDX-License-Identifier: MIT
# part.sh: a part of scripts/check --long as a test.
#   . "$top_srcdir/tests/part.sh"
#   part NAME [OPTION...]
# shellcheck shell=bash
part() {
    cd "$top_builddir" || exit
    run env PART_STATE="$T/state" "$top_srcdir/scripts/check.d/$1" "${@:2}"
    [ "$status" != 77 ] || skip_all "$(cat "$T/err")"
    sed 's/^/# /' "$T/err"
    grep -v '^[a-z]*: [0-9]* rounds' "$T/out" | sed 's/^/# /'
    like "$status:$(tail -n 1 "$T/out")" \
        '^0:[a-z]*: [1-9][0-9]* rounds, [1-9][0-9]* inputs, 0 findings$' \
        "scripts/check.d/$*"
    rm -rf "$T/state"
}
