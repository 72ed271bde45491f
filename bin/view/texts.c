/* SPDX-License-Identifier: MIT */
/* Whole texts of documents, by their ids. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "view.h"

struct document {
    struct bl_span id, text;
};

struct bl_texts {
    struct bl_arena arena;
    struct document *v;            /* [n] sorted by id */
    size_t n, cap;
};

void bl_texts_free(struct bl_texts *texts)
{
    if (!texts)
        return;
    bl_arena_free(&texts->arena);
    free(texts->v);
    free(texts);
}

static int order(const void *left, const void *right)
{
    const struct document *a = left, *b = right;
    int way = memcmp(a->id.p, b->id.p, BL_MIN(a->id.n, b->id.n));

    return way ? way : (a->id.n > b->id.n) - (a->id.n < b->id.n);
}

static int add(void *ctx, const struct bl_record *record, struct bl_err *err)
{
    struct bl_texts *texts = ctx;
    struct document document;

    if (bl_record_id(record, "id", &texts->arena, &document.id, err) < 0
        || bl_record_string(record, "text", &texts->arena, &document.text,
                            err) < 0)
        return -1;
    BL_GROW(texts->v, texts->n + 1, texts->cap);
    texts->v[texts->n++] = document;
    return 0;
}

struct bl_texts *bl_texts_open(const char *path, struct bl_err *err)
{
    struct bl_texts *texts = BL_NEW(struct bl_texts);

    if (bl_view_read(path, add, texts, err) < 0) {
        bl_texts_free(texts);
        return NULL;
    }
    if (texts->n)
        qsort(texts->v, texts->n, sizeof *texts->v, order);
    return texts;
}

bool bl_texts_find(const struct bl_texts *texts, struct bl_span id,
                   struct bl_span *text)
{
    struct document key = { .id = id };
    const struct document *found = texts->n
        ? bsearch(&key, texts->v, texts->n, sizeof key, order) : NULL;

    if (found)
        *text = found->text;
    return found != NULL;
}
