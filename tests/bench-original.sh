#!/bin/bash
# SPDX-License-Identifier: MIT
# What scripts/bench says where there is no original BLINK to compare with;
# the comparison itself takes minutes and gigabytes.
. "${top_srcdir:?}/tests/lib.sh"
only_plain
cd "$T" || exit
export BLINK_BUILD=$top_builddir

run "$top_srcdir/scripts/bench" --only original
is "$status" 0 'without --original'
is "$(cat out)" '| what | blink | compared with | ratio |
| --- | --- | --- | --- |' 'without --original: no rows'
is "$(cat err)" \
    'bench: no rows of the original BLINK: --original DIR names a checkout' \
    'without --original: it says so'

mkdir empty
run "$top_srcdir/scripts/bench" --only original --original empty
is "$status" 0 'no checkout'
is "$(tail -n 1 out)" '| original | - | - | - |' 'no checkout: a row without'
is "$(cat err)" "bench-original: 'empty' is no checkout of BLINK
bench: original: ended with 77" 'no checkout: it says so'

mkdir -p checkout/blink
: >checkout/blink/main_dense.py
if type -P time >/dev/null; then
    PYTHON=/nowhere/python run "$top_srcdir/scripts/bench.d/bench-original" checkout
    is "$status" 77 'no Python'
else
    skip 'no Python' 'no GNU time'
fi
run "$top_srcdir/scripts/bench" --original
is "$status:$(cat err)" "2:bench: --original needs a value, DIR; try \
'$top_srcdir/scripts/bench --help'" 'no folder named'
finish
