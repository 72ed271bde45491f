/* SPDX-License-Identifier: MIT */
/* kb-wiki-stream: sorted records read forward, for the join and for the
 * mentions, which the join calls: neither can have them. */
#include "config.h"

#include <string.h>

#include "base/bug.h"
#include "base/mem.h"
#include "kb/kb-wiki-parts.h"

int bl_wiki_advance(struct bl_wiki_stream *stream, struct bl_err *err)
{
    int rc = bl_sorter_next(stream->sorter, &stream->record, &stream->sum,
                            err);
    const char *nul;

    stream->more = rc == 1;
    if (rc <= 0)
        return rc;
    nul = memchr(stream->record.p, '\0', stream->record.n);
    BL_ASSERT(nul);
    stream->key = (struct bl_span){ stream->record.p,
                                    (size_t)(nul - stream->record.p) };
    stream->rest = (struct bl_span){ nul + 1,
                                     stream->record.n - stream->key.n - 1 };
    return 1;
}

int bl_wiki_start(struct bl_wiki_stream *stream, struct bl_sorter *sorter,
                  struct bl_err *err)
{
    *stream = (struct bl_wiki_stream){ .sorter = sorter };
    if (bl_sorter_start(sorter, err) < 0)
        return -1;
    return bl_wiki_advance(stream, err);
}

int bl_wiki_compare(struct bl_span a, struct bl_span b)
{
    size_t shorter = BL_MIN(a.n, b.n);
    int order = shorter ? memcmp(a.p, b.p, shorter) : 0;

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

int bl_wiki_seek(struct bl_wiki_stream *stream, struct bl_span key,
                 struct bl_err *err)
{
    while (stream->more) {
        int order = bl_wiki_compare(stream->key, key);

        if (order >= 0)
            return order == 0;
        if (bl_wiki_advance(stream, err) < 0)
            return -1;
    }
    return 0;
}
