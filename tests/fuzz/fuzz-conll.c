/* SPDX-License-Identifier: MIT */
/* fuzz-conll: any text as tagged columns.  Tokens lie in the text in order and
 * are valid, sentences cover them all, and every tag is IOB2. */
#include "base/utf8.h"
#include "feed.h"
#include "train/conll.h"

static void check_tokens(const struct bl_conll *c)
{
    size_t end = 0;

    CHECK(bl_utf8_valid(c->text.data, c->text.len) == c->text.len);
    for (size_t i = 0; i < c->n; i++) {
        const struct bl_conll_token *t = &c->v[i];

        CHECK(t->start >= end && t->start < t->end && t->end <= c->text.len);
        end = t->end;
        CHECK(strchr("OBI", t->kind) && t->kind);
        CHECK(t->kind == 'O' || t->type < c->n_types);
        CHECK(t->kind != 'I' || (i > 0 && t[-1].kind != 'O'
                                 && t[-1].type == t->type));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = feed_file("x.conll", data, size);
    struct bl_err err = { .code = BL_OK };
    struct bl_conll *c = bl_conll_read(path, &err);
    size_t at = 0;

    CHECK(c ? c->n_sentences > 0 : err.code == BL_DATA);
    if (c) {
        check_tokens(c);
        for (size_t i = 0; i < c->n_sentences; i++) {
            CHECK(c->sentences[i].from == at && c->sentences[i].to > at);
            at = c->sentences[i].to;
            CHECK(c->v[at - 1].end <= c->text.len);
            CHECK(c->v[c->sentences[i].from].kind != 'I');
        }
        CHECK(at == c->n);
    }
    bl_conll_free(c);
    feed_remove(path);
    return 0;
}
