#!/bin/bash
# SPDX-License-Identifier: MIT
# Every program on a disk that is full or nearly so: a few of the sizes of
# scripts/check.d/space.
. "$top_srcdir/tests/lib.sh"
only_plain
. "$top_srcdir/tests/part.sh"
part space --sample
finish
