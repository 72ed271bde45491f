/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "link/alias-title.h"

#include <string.h>

#include "base/mem.h"
#include "text/fold.h"

enum { WINDOW = 150 };          /* bytes of a text, about what a pair shows */

/* The normal form between blanks, so that words are found as wholes. */
static void put_words(struct bl_buf *out, struct bl_span text)
{
    bl_buf_clear(out);
    bl_buf_putc(out, ' ');
    bl_fold(out, text);
    bl_buf_putc(out, ' ');
}

static bool holds(const struct bl_buf *text, const struct bl_buf *words)
{
    return memmem(text->data, text->len, words->data, words->len) != NULL;
}

/* Whole characters. */
static struct bl_span beginning(struct bl_span text)
{
    size_t n = BL_MIN(text.n, WINDOW);

    while (n && n < text.n && (text.p[n] & 0xc0) == 0x80)
        n--;
    return (struct bl_span){ text.p, n };
}

static bool comparable(struct bl_span title, const struct bl_buf *name,
                       struct bl_buf *scratch)
{
    put_words(scratch, title);
    if (holds(scratch, name))
        return true;
    bl_fold_bare(title, &title);
    put_words(scratch, title);
    return holds(name, scratch);
}

void bl_alias_titles(const struct bl_candidates *list, struct bl_span mention,
                     struct bl_entity_text *texts, size_t n)
{
    struct bl_buf name = BL_BUF_INIT, scratch = BL_BUF_INIT;
    bool found = false;

    put_words(&name, mention);
    for (size_t i = 0; i < n && !found; i++)
        found = comparable(texts[i].title, &name, &scratch);
    for (size_t i = 0; i < n && !found; i++) {
        if (!(list->v[i].prior > 0))
            continue;
        put_words(&scratch, beginning(texts[i].text));
        if (!holds(&scratch, &name))
            texts[i].title = mention;
    }
    bl_buf_free(&name);
    bl_buf_free(&scratch);
}
