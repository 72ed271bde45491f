/* SPDX-License-Identifier: MIT */
/* fuzz-wikitext: any text as a page.  Blocks lie in the text, in order and
 * not empty; links lie in blocks and are called what stands there; all is
 * valid UTF-8. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "feed.h"
#include "wiki/wikitext.h"

static void check(const struct bl_wikipage *p)
{
    size_t end = 0;

    CHECK(bl_utf8_valid(p->text.p, p->text.n) == p->text.n);
    for (size_t i = 0; i < p->n_blocks; i++) {
        CHECK(p->blocks[i].start >= end);
        CHECK(p->blocks[i].start < p->blocks[i].end);
        end = p->blocks[i].end;
        CHECK(end < p->text.n && p->text.p[end] == '\n');
    }
    for (size_t i = 0; i < p->n_links; i++) {
        const struct bl_wikilink *l = &p->links[i];

        CHECK(l->key.n > 0 && l->anchor.n > 0);
        if (l->end == 0)
            continue;
        CHECK(l->start < l->end && l->end <= p->text.n);
        CHECK(l->anchor.n == l->end - l->start);
        CHECK(!memcmp(l->anchor.p, p->text.p + l->start, l->anchor.n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_wikisite *site = bl_wikisite_new();
    struct bl_wikitext *w = bl_wikitext_new();
    struct bl_span source = { (const char *)data, size };

    if (bl_utf8_valid(source.p, size) == size) {
        check(bl_wikitext_read(w, site, source));
        check(bl_wikitext_read(w, site, source));
    }
    bl_wikitext_free(w);
    bl_wikisite_free(site);
    return 0;
}
