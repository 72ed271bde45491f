/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/window.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ner/tagset.h"
#include "text/input.h"
#include "text/wordpiece.h"

enum { MOST_PIECES = 16 };

/* A model without shapes has one or two segments, and its words get the
 * first. */
static int32_t segment_of(const struct bl_model *model,
                          const struct bl_doc_word *word)
{
    return model->shape.types >= BL_TAG_SHAPES ? 1 + word->shape : 0;
}

static void note_first(struct bl_windows *windows, size_t token)
{
    BL_GROW(windows->first, windows->n_first + 1, windows->cap_first);
    windows->first[windows->n_first++] = windows->batch.n_tokens + token;
}

/* The pieces of a word.  One that has none (control characters, say) is an
 * unknown one, because every word needs a token whose logits are its own. */
static size_t pieces_of(const struct bl_model *model, const struct bl_doc *doc,
                        const struct bl_doc_word *word, int32_t *pieces)
{
    struct bl_span text = { doc->read.p + word->start,
                            word->end - word->start };
    size_t n = bl_wordpiece_ids(model->words, text, BL_LITERAL_NONE, pieces,
                                MOST_PIECES, NULL);

    if (!n)
        pieces[n++] = bl_wordpiece_specials(model->words)->unk;
    return n;
}

/* Fills ids and segments, of `most` tokens; returns the word behind the
 * window, and in *n the tokens.  Only a first word that does not fit alone is
 * cut. */
static size_t fill(struct bl_windows *windows, const struct bl_model *model,
                   const struct bl_doc *doc, size_t from, int32_t *ids,
                   int32_t *segments, size_t *n)
{
    const struct bl_specials *sp = bl_wordpiece_specials(model->words);
    size_t most = model->input->context_length, i;

    *n = 1;
    ids[0] = sp->cls;
    for (i = from; i < doc->n; i++) {
        int32_t pieces[MOST_PIECES];
        size_t n_pieces = pieces_of(model, doc, &doc->v[i], pieces);

        if (*n + n_pieces + 1 > most && i > from)
            break;
        n_pieces = *n + n_pieces + 1 > most ? most - *n - 1 : n_pieces;
        note_first(windows, *n);
        for (size_t j = 0; j < n_pieces; j++, ++*n) {
            ids[*n] = pieces[j];
            segments[*n] = segment_of(model, &doc->v[i]);
        }
    }
    note_first(windows, *n);
    ids[(*n)++] = sp->sep;
    return i;
}

size_t bl_windows_add(struct bl_windows *windows, const struct bl_model *model,
                      const struct bl_doc *doc, size_t from)
{
    size_t most = model->input->context_length, n, to;
    int32_t *ids = bl_xmalloc(most, sizeof *ids);
    int32_t *segments = bl_xcalloc(most, sizeof *segments);
    size_t first = windows->n_first;

    to = fill(windows, model, doc, from, ids, segments, &n);
    bl_batch_add(&windows->batch, ids, segments, NULL, n);
    free(ids);
    free(segments);
    BL_GROW(windows->v, windows->n + 1, windows->cap);
    windows->v[windows->n++] = (struct bl_window){ from, to, first };
    /* The next one sees the last quarter of this one again. */
    return to < doc->n && to - from > 3 ? to - (to - from) / 4 : to;
}

void bl_windows_clear(struct bl_windows *windows)
{
    bl_batch_clear(&windows->batch);
    windows->n = windows->n_first = 0;
}

void bl_windows_free(struct bl_windows *windows)
{
    bl_batch_free(&windows->batch);
    free(windows->v);
    free(windows->first);
    *windows = (struct bl_windows){ .n = 0 };
}

size_t bl_windows_own(const struct bl_window *window, size_t before)
{
    size_t shared = before > window->from ? before - window->from : 0;

    return window->from + shared / 2;
}
