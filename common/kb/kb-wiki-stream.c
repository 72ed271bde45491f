/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "kb/kb-wiki-parts.h"
#include "base/mem.h"

int bl_wiki_advance(struct bl_wiki_stream *t, struct bl_err *err)
{
    int rc = bl_sorter_next(t->s, &t->record, &t->sum, err);
    const char *nul;

    t->more = rc == 1;
    if (rc <= 0)
        return rc;
    nul = memchr(t->record.p, '\0', t->record.n);
    BL_ASSERT(nul);
    t->key = (struct bl_span){ t->record.p, (size_t)(nul - t->record.p) };
    t->rest = (struct bl_span){ nul + 1, t->record.n - t->key.n - 1 };
    return 1;
}

int bl_wiki_start(struct bl_wiki_stream *t, struct bl_sorter *s,
                  struct bl_err *err)
{
    *t = (struct bl_wiki_stream){ .s = s };
    if (bl_sorter_start(s, err) < 0)
        return -1;
    return bl_wiki_advance(t, err);
}

int bl_wiki_compare(struct bl_span a, struct bl_span b)
{
    size_t n = BL_MIN(a.n, b.n);
    int c = n ? memcmp(a.p, b.p, n) : 0;

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

int bl_wiki_seek(struct bl_wiki_stream *t, struct bl_span key,
                 struct bl_err *err)
{
    while (t->more) {
        int c = bl_wiki_compare(t->key, key);

        if (c >= 0)
            return c == 0;
        if (bl_wiki_advance(t, err) < 0)
            return -1;
    }
    return 0;
}
