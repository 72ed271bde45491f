#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-shard on three hosts of which one is cut off: a round of
# scripts/check.d/shards.
. "$top_srcdir/tests/lib.sh"
only_plain
. "$top_srcdir/tests/part.sh"
part shards --sample
finish
