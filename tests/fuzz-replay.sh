#!/bin/bash
# SPDX-License-Identifier: MIT
# Every fuzz target survives every input that was kept for it, and every reader
# of bytes has a target.
. "$top_srcdir/tests/lib.sh"

shopt -s nullglob
here=$top_srcdir/tests/fuzz
for source in "$here"/fuzz-*.c; do
    name=$(basename "$source" .c)
    target=$top_builddir/tests/fuzz/$name
    ok "$name is built" test -x "$target"
    inputs=("$fixtures/fuzz/$name"/*)
    ok "$name has inputs" test "${#inputs[@]}" -gt 0
    run "$target" "${inputs[@]}"
    is "$status$(head -c 2000 "$T/err")" 0 "$name survives them"
    ok "$name has a row in README.md" grep -q "^| $name |" "$here/README.md"
done

# A block of the full text that says it has 900 MB, on pages in a circle.
if [ -z "${sanitizers-}${BLINK_VALGRIND-}" ]; then
    "$top_builddir/tests/maxrss" "$top_builddir/tests/fuzz/fuzz-kb" \
        "$fixtures/fuzz/fuzz-kb/block-circle" 3>"$T/rss"
    ok 'a small catalogue takes little memory' \
        test "$(cat "$T/rss")" -lt 100000
fi

# Functions that read, by their names, without a word in any target.
grep -ohE '\bbl_[a-z0-9_]+_(open|read|parse|load) ?\(' \
    "$top_srcdir"/common/*/*.h | tr -d ' (' | sort -u >"$T/readers"
cat "$here"/*.c "$here"/*.h "$here/README.md" |
    grep -oE '\bbl_[a-z0-9_]+\b' | sort -u >"$T/covered"
is "$(comm -23 "$T/readers" "$T/covered" | paste -s -d ' ')" '' \
    'each reader has a target'
ok 'there are readers' test "$(wc -l <"$T/readers")" -gt 30
finish
