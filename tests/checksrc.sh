#!/bin/bash
# SPDX-License-Identifier: MIT
# The sources keep the rules of scripts/checksrc, and checksrc sees breaches.
. "$top_srcdir/tests/lib.sh"
command -v perl >/dev/null || skip_all 'no perl'
check=$top_srcdir/scripts/checksrc

run "$check"
is "$(cat "$T/out")" '' 'the sources break no rule'
is "$status" 0 'and checksrc ends with 0'

# rule TEXT FILE: FILE (from stdin) breaks exactly one rule, named TEXT.
rule() {
    { echo '/* SPDX-License-Identifier: MIT */'; cat; } >"$T/$2"
    run "$check" "$T/$2"
    like "$(cut -d: -f3- "$T/out")" "^ [^"$'\n'"]*$1[^"$'\n'"]*\$" \
        "seen: $1"
}
rule 'longer than 79 columns' a.c <<<"int bl_$(printf 'x%.0s' {1..80});"
rule 'tab' b.c <<<$'int\tbl_x;'
rule 'blanks at the end' c.c <<<'int bl_x; '
rule 'strcpy\(\) is banned' d.c <<<'int bl_x = strcpy(a, b);'
rule 'sprintf\(\) is banned' d.c <<<'int bl_x = sprintf(a, b);'
rule 'atoi\(\) is banned' d.c <<<'int bl_x = atoi(a);'
rule 'carriage return' e.c <<<$'int bl_x;\r'
rule 'note to self' f.c <<<"/* TO""DO */"
rule 'path of one machine' g.c <<<"/* see /ho""me/me/x */"
rule "'&&' at the end" h.c <<<$'#define X if (x && \\\n    y)'
rule "'\|\|' at the end" h.c <<<$'int bl_x = a ||    /* why */\n    b;'
rule "'sizeof\(...\)' of an object" h.c <<<'int bl_x = sizeof(*bl_y);'
rule "'sizeof\(...\)' of an object" h.c <<<'int bl_x = sizeof(bl_y->z);'
rule 'BL_GROW doubles' h.c <<<'#define X n = n ? 2 * n : 16;'
rule "'!rc'" h.c <<<$'#define X if (!rc)'
rule "'a/y.h' is included after 'b/x.h'" h.c <<<$'#include "b/x.h"\n#include "a/y.h"'
rule 'BL_COUNT counts' h.c <<<'enum { N = sizeof bl_x / sizeof *bl_x };'
rule 'BL_MIN or BL_MAX' h.c <<<'int bl_x = a->n > b ? b : a->n;'
rule 'BL_INLINE and BL_UNROLL' h.c <<<'#pragma GCC unroll 4'
rule 'space missing after a keyword' h.c <<<'#define X if(x)'
rule 'a function that leaves its file is named bl_' i.c <<'X'
int leaves(void)
{
    return 0;
}
X
rule 'a function of 61 lines' j.c < <(
    printf 'static int f(void)\n{\n'; printf '    g();\n%.0s' {1..61}
    echo '}')
rule '805 lines' k.c < <(printf 'int bl_x;\n%.0s' {1..804})
is "$(cat "$T/err")" '' 'a file that is refused gets no warning'
{ echo '/* SPDX-License-Identifier: MIT */'; yes 'int bl_x;'; } |
    head -n 601 >"$T/k.c"
run "$check" "$T/k.c"
is "$status$(cat "$T/out" "$T/err")" \
    "0$T/k.c:1: warning: 601 lines; is it one thing?" \
    'a long file gets a warning and passes'
mkdir "$T/common"
rule 'bl_x\(\) has no comment' common/l.h <<<$'\nint bl_x(void);'
printf 'int x;\n' >"$T/m.c"
run "$check" "$T/m.c"
like "$(cat "$T/out")" 'no SPDX' 'seen: no SPDX line'
cat >"$T/good.c" <<'X'
/* SPDX-License-Identifier: MIT */
/* strcpy(a, b) in prose, "sprintf(" in a string: both are fine. */
static const char *text = "sprintf(x)";

int bl_long_name(int a,
                 int b)
{
    return a + b;
}

static int inner(void)
{
    memset(text, 0, sizeof *text + sizeof(char *) + sizeof(struct bl_x));
    return snprintf(text, 1, "x") + my_strcpy(1);
}
X
run "$check" "$T/good.c"
is "$status$(cat "$T/out")" 0 'good code passes'

# figures LINES HEAD: what code-figures --check says of a tree of two
# functions; the first is HEAD and LINES calls.
figures() {
    rm -rf "$T/tree"
    mkdir -p "$T/tree/common/base" "$T/tree/bin"
    {
        printf '%s\n' "$2"
        yes '    g();' | head -n "$1"
        printf '}\n\nint bl_g(int n)\n{\n    return n;\n}\n'
    } >"$T/tree/common/base/a.c"
    run env top_srcdir="$T/tree" "$top_srcdir/scripts/code-figures" --check
}
run "$top_srcdir/scripts/code-figures" --check
is "$status" 0 'comments, names and lengths are no worse than the limits'
[ "$status" = 0 ] || sed 's/^/# /' "$T/out"
good=$'/* Why. */\nint bl_f(int count,\n         char *name)\n{\n    int sum; int rest;'
figures 19 "$good"
is "$status$(sed -n 3p "$T/out")" '020.0 % of the 5 names have one letter' \
    'code-figures counts the names of parameters and locals'
figures 19 "${good#*$'\n'}"
is "$status$(sed -n '5,$p' "$T/out")" '1code-figures: under 90 % commented' \
    'and refuses long functions without comments'
figures 60 "$good"
is "$status$(sed -n '5,$p' "$T/out")" '1code-figures: a function over 60 lines' \
    'functions that are too long'
figures 19 $'int bl_f(int c)\n{\n    int sum;    /* Why. */'
is "$status$(sed -n '5,$p' "$T/out")" \
    '1code-figures: over 20 % of one letter' 'and names of one letter'
figures 18 $'int bl_f(int *c,\n         int n)\n{'
is "$status" 1 'a function of 20 lines is long'
run "$top_srcdir/scripts/code-figures" "$T/tree/common/base/a.c"
is "$(cut -d: -f2- "$T/out")" "3: bl_f(): 20 lines and no comment
3: bl_f(): one letter: c (1) n (2)
25: bl_g(): one letter: n (24)" 'and both are listed by line'
finish
