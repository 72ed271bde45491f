#!/bin/bash
# SPDX-License-Identifier: MIT
# Eight readers of a catalogue and its index that one writer changes, and is
# killed at: some seconds of scripts/check.d/living.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/part.sh"
command -v jq >/dev/null || skip_all 'no jq'
only_plain
part living --seconds 10
finish
