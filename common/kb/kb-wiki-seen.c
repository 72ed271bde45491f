/* SPDX-License-Identifier: MIT */
/* kb-wiki-seen: which ids of pages were there before. */
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "kb/kb-wiki-parts.h"

/* Bits of a piece: 4 KiB.  Ids of a wiki lie close together. */
enum { PIECE = 1 << 15, WORD = 64 };

static const int64_t most_id = INT64_C(1) << 30;

/* Doubling the list of pieces keeps the work linear in the ids. */
bool bl_wiki_see(struct bl_wiki_seen *seen, int64_t id)
{
    size_t number = (size_t)(id / PIECE), bit = (size_t)(id % PIECE);
    uint64_t mask = UINT64_C(1) << bit % WORD, *word;
    bool before;

    if (id < 0 || id >= most_id)
        return false;
    if (number >= seen->n_pieces) {
        size_t n = BL_MAX(number + 1, 2 * seen->n_pieces);

        seen->pieces = bl_xrealloc(seen->pieces, n, sizeof *seen->pieces);
        while (seen->n_pieces < n)
            seen->pieces[seen->n_pieces++] = NULL;
    }
    if (!seen->pieces[number])
        seen->pieces[number] = BL_NEW_ARRAY(uint64_t, PIECE / WORD);
    word = &seen->pieces[number][bit / WORD];
    before = *word & mask;
    *word |= mask;
    return before;
}

void bl_wiki_seen_free(struct bl_wiki_seen *seen)
{
    for (size_t i = 0; i < seen->n_pieces; i++)
        free(seen->pieces[i]);
    free(seen->pieces);
}
