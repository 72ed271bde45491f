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
rule '605 lines' k.c < <(printf 'int bl_x;\n%.0s' {1..604})
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
    return snprintf(text, 1, "x") + my_strcpy(1);
}
X
run "$check" "$T/good.c"
is "$status$(cat "$T/out")" 0 'good code passes'
finish
