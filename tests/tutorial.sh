#!/bin/bash
# SPDX-License-Identifier: MIT
# The commands of share/doc/own-catalogue.md, in their order: "$ COMMAND" lines
# of its indented blocks, with the output that follows; "..." stands for
# anything, on a line of its own for any lines.
. "${top_srcdir:?}/tests/lib.sh"
[ -s "$top_srcdir/share/models/mini/bi/config.json" ] ||
    skip_all 'no share/models/mini'
command -v jq >/dev/null || skip_all 'no jq'
[ -z "${sanitizers:-}" ] || skip_all 'too slow under sanitizers'
page=$top_srcdir/share/doc/own-catalogue.md
cp -R "$top_srcdir/share/doc/examples" "$T/examples"
mkdir -p "$T/run/share/doc"
cp -R "$T/examples" "$T/run/share/doc"
export BLINK_DATA=$T/data
cd "$T/run" || exit

check() {
    [ -n "$1" ] || return 0
    run bash -c "set -o pipefail; $1"
    # 141: head has seen enough.
    if [ "$status" -gt 1 ] && [ "$status" -ne 141 ]; then
        fail "$1"
        sed 's/^/# /' "$T/err"
    elif [ -n "$2" ] && [ ! -s "$T/out" ]; then
        fail "$1 (prints nothing)"
    elif [ -z "$2" ] || same "$(tr -d '\r' <"$T/out")" "${2%$'\n'}"; then
        pass "$1"
    else
        is "$(cat "$T/out")" "${2%$'\n'}" "$1"
    fi
}

command='' want=''
while IFS= read -r line; do
    case $line in
        '    $ '*)
            check "$command" "$want"
            command=${line#'    $ '} want='' ;;
        '    '*) want+=${line#'    '}$'\n' ;;
        *)
            check "$command" "$want"
            command='' want='' ;;
    esac
done < <(cat "$page" - <<<'')
ok 'there were commands' [ "$tests" -gt 15 ]
finish
