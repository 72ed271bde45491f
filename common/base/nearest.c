/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/nearest.h"

#include <string.h>

#include "base/mem.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters inserted, left out, changed or swapped with their neighbour
 * between a[0..n) and b[0..m): the "optimal string alignment" distance, by
 * its usual recurrence with the last three rows of the table. */
static size_t slips_between(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][BL_NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2], *free_row;

    for (size_t j = 0; j <= m; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);

            now[j] = BL_MIN(last[j], now[j - 1]) + 1;
            now[j] = BL_MIN(now[j], last[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2])
                && lower(a[i - 2]) == lower(b[j - 1]))
                now[j] = BL_MIN(now[j], before[j - 2] + 1);
        }
        free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[m];
}

static bool begins(const char *word, size_t n, const char *known)
{
    for (size_t i = 0; i < n; i++) {
        if (lower(word[i]) != lower(known[i]))
            return false;
    }
    return true;
}

/* A third of a word may be wrong, three letters at most; a single letter says
 * nothing about what was meant. */
void bl_nearest_try(struct bl_nearest *nearest, const char *known)
{
    size_t n = strlen(nearest->word), m = strlen(known), slips;

    if (n < 2 || n >= BL_NEAREST_MAX || m >= BL_NEAREST_MAX)
        return;
    slips = slips_between(nearest->word, n, known, m);
    if (slips > 1 && m > n && begins(nearest->word, n, known))
        slips = 1;
    if (slips > BL_MIN((n + 1) / 3, 3)
        || (*nearest->best && slips >= nearest->slips))
        return;
    memcpy(nearest->best, known, m + 1);
    nearest->slips = slips;
}
