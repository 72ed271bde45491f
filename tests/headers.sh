#!/bin/bash
# SPDX-License-Identifier: MIT
# Every header compiles by itself, blink.h brings in every public one, and
# they serve C++ as well.
. "$top_srcdir/tests/lib.sh"
cc=${CC:-cc}

for h in "$top_srcdir"/common/*.h "$top_srcdir"/common/*/*.h; do
    case $h in
    *-template.h | *-default.h) continue ;;     # parts of a .c file
    esac
    echo "#include \"$h\"" >"$T/x.c"
    run $cc -std=gnu11 -Wall -Wextra -Werror -I"$top_srcdir/common" \
        -fsyntax-only "$T/x.c"
    is "$status$(cat "$T/err")" 0 "${h##*/} stands alone"
done

# An array can be counted, a pointer to one cannot.
count='#include "base/mem.h"
size_t f(void); size_t f(void) { static int v[3], *p = v; return BL_COUNT('
for what in v p; do
    printf '%s%s) + (size_t)*p; }\n' "$count" $what >"$T/x.c"
    run $cc -std=gnu11 -Wall -Wextra -Werror -I"$top_srcdir/common" \
        -fsyntax-only "$T/x.c"
    is "$what:$status" "$what:$([ $what = v ] && echo 0 || echo 1)" \
        "BL_COUNT of $what"
done

# What is installed is what blink.h brings in.  A client may be compiled as
# strict C11, where POSIX's types are unknown.
installed=$(sed -n '/_HEADERS = /,/[^\\]$/s,.*common/\(.*\.h\).*,\1,p' \
            "$top_srcdir/common/local.mk" | sort)
included=$(sed -n 's/^#include "\(.*\)"/\1/p' \
           "$top_srcdir/common/blink.h" | sort)
is "$included" "$installed" 'blink.h includes what is installed'
for h in blink.h $installed; do
    printf '#include "%s"\nint unit;\n' "$h" >"$T/x.c"
    run $cc -std=c11 -pedantic -Wall -Wextra -Werror \
        -I"$top_srcdir/common" -fsyntax-only "$T/x.c"
    is "$status$(cat "$T/err")" 0 "$h is strict C11"
done
if command -v c++ >/dev/null; then
    for h in blink.h $installed; do
        echo "#include \"$h\"" >"$T/x.cc"
        run c++ -std=c++11 -Wall -Wextra -Werror -I"$top_srcdir/common" \
            -fsyntax-only "$T/x.cc"
        is "$status$(cat "$T/err")" 0 "$h is good C++"
        case $h in blink.h | base/decls.h) continue ;; esac
        ok "$h says that its functions are C's" \
            grep -qx BL_END_DECLS "$top_srcdir/common/$h"
    done
fi
finish
