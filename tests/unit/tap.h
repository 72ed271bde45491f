/* SPDX-License-Identifier: MIT */
/* tap: the few lines that a unit test needs to print TAP. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

/* Prints "ok N - text" or "not ok N - text"; returns cond. */
__attribute__((format(printf, 2, 3), unused))
static bool ok(bool cond, const char *fmt, ...)
{
    va_list ap;

    printf("%sok %d - ", cond ? "" : "not ", ++tap_count);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);             /* tests fork */
    tap_failed += !cond;
    return cond;
}

__attribute__((unused))
static bool is_str(const char *got, const char *want, const char *text)
{
    bool same = !strcmp(got, want);

    ok(same, "%s", text);
    if (!same)
        printf("# got:  '%s'\n# want: '%s'\n", got, want);
    return same;
}

__attribute__((unused))
static void skip(const char *text, const char *why)
{
    printf("ok %d - %s # SKIP %s\n", ++tap_count, text, why);
}

/* Last line of main: return tap_done(); */
__attribute__((unused))
static int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}

#endif
