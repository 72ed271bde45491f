#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/train-mini: its command line, and its first stages on invented data.
. "${top_srcdir:?}/tests/lib.sh"
export BLINK_BUILD=$top_builddir BLINK_DATA=$T/data
mini=$top_srcdir/scripts/train-mini

run "$mini" --help
is "$status" 0 'it explains itself'
ok 'with its stages' grep -q '^  calibrate ' "$T/out"
run "$mini" --frobnicate
is "$status" 2 'an unknown option'
run "$mini" --steps 1,2
is "$status" 2 'two numbers of steps'
is "$(cat "$T/err")" \
    "train-mini: --steps needs three numbers, '1,2' is something else" \
    'and what was wrong'
run env BLINK_BUILD="$T" "$mini"
is "$status" 3 'no programs'
ok 'nothing is made of it' test ! -e "$T/data"
finish
