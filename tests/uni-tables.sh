#!/bin/bash
# SPDX-License-Identifier: MIT
# The character tables are what their script makes.
. "$top_srcdir/tests/lib.sh"
version=$(perl -MUnicode::UCD -e 'print Unicode::UCD::UnicodeVersion()' \
    2>/dev/null)
[ "$version" = 14.0.0 ] || skip_all 'needs a Perl with Unicode 14.0.0'
run "$top_srcdir/scripts/gen-uni-tables"
is "$status" 0 'the script runs'
ok 'common/text/uni-tables.c is what it makes' \
    cmp -s "$T/out" "$top_srcdir/common/text/uni-tables.c"
finish
