# SPDX-License-Identifier: MIT
# lib.sh: TAP for shell tests.
#   . "$top_srcdir/tests/lib.sh"
#   run blink-kb info -c x.kb          -> $status, $T/out, $T/err
#   is "$status" 3 'missing catalogue'
#   finish
# $T is a fresh folder, removed at the end.  $golden is the folder of the big
# golden data, empty when it is not there.
# shellcheck shell=bash
set -u
# Whoever started the tests may ignore signals (a background job ignores
# SIGINT, some CI systems SIGPIPE), and a shell cannot take that back: begin
# again with the usual ones.
if [ -z "${BLINK_TEST_SIGNALS:-}" ]; then
    export BLINK_TEST_SIGNALS=default
    exec env --default-signal=INT,HUP,PIPE,TERM bash "$0" "$@"
fi
export LC_ALL=C.UTF-8
: "${top_srcdir:?}" "${top_builddir:?}"
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
tests=0
failed=0
fixtures=$top_srcdir/tests/data
shared=${BLINK_SHARED:-$top_srcdir/../shared}
golden=''
[ -d "$shared/golden" ] && golden=$shared/golden

# Under `make check-valgrind` the programs are found as scripts that start
# them under valgrind, blink with the stages that it starts.  libtorch is
# beyond it.
if [ -n "${BLINK_VALGRIND:-}" ]; then
    mkdir "$T/wrapped"
    for program in "$top_builddir"/bin/blink*; do
        name=${program##*/}
        if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
        [ "$name" != blink-train ] ||
            [ ! -e "$top_builddir/common/libblink-train.la" ] || continue
        children=''
        [ "$name" != blink ] || children=--trace-children=yes
        printf '#!/bin/sh\nexec %s %s "%s" "$@"\n' "$BLINK_VALGRIND" \
            "$children" "$program" >"$T/wrapped/$name"
        chmod +x "$T/wrapped/$name"
    done
    PATH=$T/wrapped:$PATH
fi

# Skips the whole test where the programs are not as they will be used.
only_plain() {
    [ -z "${sanitizers:-}" ] || skip_all 'built with sanitizers'
    [ -z "${BLINK_VALGRIND:-}" ] || skip_all 'under valgrind'
}

# run COMMAND...: stdin is passed on.
run() {
    status=0
    "$@" >"$T/out" 2>"$T/err" || status=$?
}

pass() { tests=$((tests + 1)); echo "ok $tests - $1"; }
fail() { tests=$((tests + 1)); failed=$((failed + 1)); echo "not ok $tests - $1"; }

# ok TEXT COMMAND...: passes when the command succeeds.
ok() {
    local text=$1
    shift
    if "$@"; then pass "$text"; else fail "$text"; fi
}

# is GOT WANT TEXT
is() {
    if [ "$1" = "$2" ]; then pass "$3"; return; fi
    fail "$3"
    printf '# got:  %s\n# want: %s\n' "${1//$'\n'/$'\n'#}" "${2//$'\n'/$'\n'#}"
}

# like GOT REGEX TEXT (extended regular expression)
like() {
    if [[ $1 =~ $2 ]]; then pass "$3"; return; fi
    fail "$3"
    printf '# got:   %s\n# like:  %s\n' "${1//$'\n'/$'\n'#}" "$2"
}

# same GOT WANT: equal, where "..." in WANT is anything.
same() {
    local pattern=${2//\\/\\\\}
    pattern=${pattern//\*/\\*}
    pattern=${pattern//\?/\\?}
    pattern=${pattern//\[/\\[}
    pattern=${pattern//.../*}
    # shellcheck disable=SC2053
    [[ $1 == $pattern ]]
}

skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }

# no_module NAME: why this build has no libblink-NAME, for skip(): the
# scripts leave out a module that does not compile (scripts/lib/setup.sh).
no_module() {
    grep -sE -m 1 "^libblink-($1) " "$top_builddir/config.without" ||
        echo "built without libblink-${1%%|*}"
}

finish() {
    echo "1..$tests"
    [ "$failed" -eq 0 ]
    exit
}
