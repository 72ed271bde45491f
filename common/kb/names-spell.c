/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/mem.h"
#include "kb/names-file.h"

enum { MOST_COPIED = 255, MOST_CHANGED = 15, AGREE = 3 };

bool bl_names_respell(struct bl_span folded, const unsigned char *steps,
                      size_t n_steps, struct bl_buf *out)
{
    size_t at = 0, i = 0;

    while (i < n_steps) {
        size_t copied = steps[i], left, put;

        if (n_steps - i < 2)
            return false;
        left = steps[i + 1] >> 4;
        put = steps[i + 1] & 15;
        i += 2;
        if (copied + left > folded.n - at || put > n_steps - i)
            return false;
        bl_buf_put(out, folded.p + at, copied);
        bl_buf_put(out, steps + i, put);
        at += copied + left;
        i += put;
    }
    bl_buf_put(out, folded.p + at, folded.n - at);
    return true;
}

/* Whether the two go on alike behind what is left out and put in. */
static bool agree(struct bl_span folded, size_t from, struct bl_span title,
                  size_t to)
{
    size_t n = BL_MIN(BL_MIN(folded.n - from, title.n - to), AGREE);

    if (n < AGREE && folded.n - from != title.n - to)
        return false;
    return !memcmp(folded.p + from, title.p + to, n);
}

/* The smallest change behind which the two agree for a while; where none is
 * small enough, as much as a step can hold. */
static void find_change(struct bl_span folded, size_t from,
                        struct bl_span title, size_t to, size_t *left,
                        size_t *put)
{
    size_t most_left = BL_MIN(folded.n - from, MOST_CHANGED);
    size_t most_put = BL_MIN(title.n - to, MOST_CHANGED);

    for (size_t both = 1; both <= most_left + most_put; both++) {
        for (*left = 0; *left <= BL_MIN(both, most_left); ++*left) {
            *put = both - *left;
            if (*put <= most_put
                && agree(folded, from + *left, title, to + *put))
                return;
        }
    }
    *left = most_left;
    *put = most_put;
}

void bl_names_spell(struct bl_span folded, struct bl_span title,
                    struct bl_buf *steps)
{
    size_t from = 0, to = 0;

    while (from < folded.n || to < title.n) {
        size_t copied = 0, left = 0, put = 0;

        while (from + copied < folded.n && to + copied < title.n
               && copied < MOST_COPIED
               && folded.p[from + copied] == title.p[to + copied])
            copied++;
        from += copied;
        to += copied;
        if (from == folded.n && to == title.n)
            return;             /* the rest is copied unasked */
        if (copied < MOST_COPIED)
            find_change(folded, from, title, to, &left, &put);
        bl_buf_putc(steps, (char)copied);
        bl_buf_putc(steps, (char)(left << 4 | put));
        bl_buf_put(steps, title.p + to, put);
        from += left;
        to += put;
    }
}
