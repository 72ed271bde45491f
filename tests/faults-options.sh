#!/bin/bash
# SPDX-License-Identifier: MIT
# Wrong command lines: exit status 2, one line and a hint, standard input
# untouched, nothing on standard output; --help and --version need nothing.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit
echo '{"untouched":true}' >in
export BLINK_DATA=$T/nowhere

# misuse MESSAGE COMMAND...
misuse() {
    local message=$1
    shift
    { status=0; "$@" >out 2>err || status=$?; cat >rest; } <in
    is "$status$(cat out)" 2 "$*: exit status, no output"
    is "$(sed "2s/'${1##*/} ${2:-} --help'/'${1##*/} --help'/" err)" \
        "${1##*/}: $message
try '${1##*/} --help'" "$*: message"
    ok "$*: standard input is untouched" cmp -s in rest
}

# Words that are no numbers.
numbers=(0 -1 99999999999 1e3 0x10 ' 1' 1.5 10k 10KB 18446744073709551617
         nan +1)

# catalogue HELP PROGRAM [SUBCOMMAND]: the catalogue's option has the same
# names wherever there is one, and both names do the same.
catalogue() {
    local lines name names
    lines=$(grep -E -e '-c,|--catalogue|--kb' <<<"$1" | grep -v '^Usage: ')
    shift
    [ -n "$lines" ] || return 0
    is "$lines" '  -c, --catalogue, --kb CATALOGUE' \
        "$*: the catalogue's option"
    for name in -c --catalogue --kb; do
        misuse "option '--catalogue': expected CATALOGUE, found nothing" \
            "$@" $name ''
    done
    misuse "option '--catalogue': expected CATALOGUE, found nothing" \
        "$@" --kb=
    names=$("$1" --complete "${@:2}" -- | grep -oE -e '^--(catalogue|kb)\b')
    is "$names" $'--catalogue\n--kb' "$*: completion has both names"
    catalogues+="$1 "
}
catalogues=''

# common PROGRAM [SUBCOMMAND]
common() {
    local choices help option range
    help=$("$@" --help </dev/null 2>err)
    is "$?$(cat err)" 0 "$*: --help"
    like "$help" "^Usage: $* " "$*: --help starts with its usage"
    misuse "unknown option '--nonsense'" "$@" --nonsense
    misuse "unknown option '--nonsense'" "$@" --nonsense=3
    misuse "unknown option '-%'" "$@" -%
    misuse "option '--help' takes no value" "$@" --help=3
    if grep -qE -e '--batch( |$)' <<<"$help"; then
        misuse "option '--batch': expected N, found nothing" "$@" --batch
        range='expected a number from 1 to 1048576'
        misuse "option '--batch': $range, found ''" "$@" --batch=
        misuse "option '--batch': $range, found ''" "$@" --batch ''
        for number in "${numbers[@]}"; do
            misuse "option '--batch': $range, found '$number'" \
                "$@" --batch "$number"
        done
    fi
    if grep -q -e '--max-line' <<<"$help"; then
        misuse "option '--max-line': expected a number from 256 to 1073741824, found '2G'" \
            "$@" --max-line 2G
    fi
    choices=$(sed -nE 's/^ +--errors ([a-z|]+).*/\1/p' <<<"$help")
    if [ -n "$choices" ]; then
        misuse "option '--errors': expected one of $choices, found 'Keep'" \
            "$@" --errors Keep
        misuse "option '--errors': expected $choices, found nothing" \
            "$@" --errors
    fi
    catalogue "$help" "$@"
    option=$(sed -nE 's/^  (-., |    )(--[a-z-]+)(, --[a-z-]+)* (MODEL|CATALOGUE|INDEX|FILE).*/\2/p' \
             <<<"$help" | head -n 1)
    [ -z "$option" ] || {
        run "$@" "$option" '' <in
        is "$status" 2 "$*: $option without a name"
    }
    run "$@" --help </dev/null >/dev/null
    { "$@" --help >/dev/full 2>err; status=$?; } <in
    is "$status $(cat err)" \
        "4 $1: cannot write standard output: No space left on device" \
        "$*: --help into a full disk"
    { "$@" --help >&- 2>err; status=$?; } <in
    is "$status $(cat err)" \
        "4 $1: cannot write standard output: Bad file descriptor" \
        "$*: --help without standard output"
    run "$@" --help <&-
    is "$status" 0 "$*: --help without standard input"
    run env -i "$(command -v "$1")" "${@:2}" --help </dev/null
    is "$(cat "$T/out")" "$help" "$*: --help with no environment"
}

for file in "$top_builddir"/bin/blink*; do
    if [ ! -f "$file" ] || [ ! -x "$file" ]; then continue; fi
    name=${file##*/}
    run "$name" --version
    like "$status $(cat "$T/out")$(cat "$T/err")" \
        "^0 $name [0-9]+\.[0-9]+\.[0-9]+\$" "$name --version"
    { "$name" -V >/dev/full 2>err; status=$?; } <in
    is "$status" 4 "$name -V into a full disk"
    "$name" --help >help
    commands=$(awk '/^Commands:/ { on = 1; next } !NF { on = 0 }
                    on { print $1 }' help)
    if [ -n "$commands" ]; then
        is "$(awk '/^Commands:/ { on = 1; next } !NF { on = 0 }
                   on { match($0, /^  [^ ]+ +/); print RLENGTH }' help |
              sort -u | wc -l)" 1 "$name --help: the commands line up"
        if [ "$name" != blink ]; then
            misuse 'expected a command' "$name"
            misuse "unknown command 'nonsense'" "$name" nonsense
        fi
        for sub in $commands; do common "$name" "$sub"; done
    else
        common "$name"
        # blink-merge takes files, blink-serve a pipeline.
        [[ $name = blink-@(merge|serve) ]] ||
            misuse "unexpected argument 'nonsense'" "$name" nonsense
    fi
done
[ "$tests" -gt 0 ] || skip_all 'no programs'
if [ -x "$top_builddir/bin/blink" ]; then
    like "$catalogues" 'blink .*blink-kb .*blink-kb ' \
        'the catalogue was looked for'
fi
finish
