/* SPDX-License-Identifier: MIT */
/* fuzz-lexical: the words of any mention and context, looked for in a good
 * catalogue.  Nothing in them is a query's syntax: no text fails, and what is
 * found has a word of it. */
#include <math.h>

#include "catalogue.h"
#include "feed.h"
#include "kb/kb-lexical.h"

enum { MOST = 3 };

static void ask(struct bl_lexical *lexical, struct bl_kb *kb,
                const struct bl_lexical_query *query)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_lexical_hit *hits;
    struct bl_err err;
    double score;
    size_t n;

    CHECK(bl_lexical_search(lexical, query, MOST, &arena, &hits, &n, &err)
          == 0 && n <= MOST);
    for (size_t i = 0; i < n; i++) {
        CHECK(hits[i].row >= 0 && (size_t)hits[i].row < bl_kb_count(kb));
        CHECK(isfinite(hits[i].score) && hits[i].score > 0);
        CHECK(!i || hits[i].score <= hits[i - 1].score);
        CHECK(bl_lexical_score(lexical, hits[i].row, &score, &err) == 0
              && score >= 0 && isfinite(score));
    }
    bl_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bl_lexical *lexical;
    struct feed f = { data, size, 1 };
    struct bl_kb *kb = catalogue_open();
    struct bl_buf part[3] = { BL_BUF_INIT, BL_BUF_INIT, BL_BUF_INIT };
    struct bl_lexical_query query;
    struct bl_err err;

    if (!lexical)
        CHECK((lexical = bl_lexical_open(kb, &err)));
    for (size_t i = 0; i < BL_COUNT(part); i++) {
        struct bl_span piece = feed_piece(&f);

        bl_utf8_repair(&part[i], piece.p, piece.n);
    }
    query = (struct bl_lexical_query){
        .mention = { part[0].data, part[0].len },
        .left = { part[1].data, part[1].len },
        .right = { part[2].data, part[2].len }
    };
    for (int words = BL_LEXICAL_MENTION; words <= BL_LEXICAL_FULL; words++) {
        query.words = (enum bl_lexical_words)words;
        ask(lexical, kb, &query);
    }
    for (size_t i = 0; i < BL_COUNT(part); i++)
        bl_buf_free(&part[i]);
    return 0;
}
