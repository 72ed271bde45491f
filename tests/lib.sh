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

skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }

finish() {
    echo "1..$tests"
    [ "$failed" -eq 0 ]
    exit
}
