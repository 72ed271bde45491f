#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes ./configure from configure.ac (for a git checkout only).
set -e
cd "$(dirname "$0")"
mkdir -p m4 build-aux
exec autoreconf --install --warnings=all,no-obsolete "$@"
