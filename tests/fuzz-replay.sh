#!/bin/bash
# SPDX-License-Identifier: MIT
# Every fuzz target survives every input that was kept for it.
. "$top_srcdir/tests/lib.sh"

shopt -s nullglob
for target in "$top_builddir"/tests/fuzz/fuzz-*; do
    [ -x "$target" ] || continue
    name=${target##*/}
    inputs=("$fixtures/fuzz/$name"/*)
    ok "$name has inputs" test "${#inputs[@]}" -gt 0
    run "$target" "${inputs[@]}"
    is "$status$(head -c 2000 "$T/err")" 0 "$name survives them"
done
finish
