/* SPDX-License-Identifier: MIT */
/* fuzz-doc: any text as a document.  Words lie inside the text and in order,
 * contexts touch their mention and are valid UTF-8, and a folded
 * name is valid UTF-8. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "feed.h"
#include "text/doc.h"

static void contexts(const struct bl_doc *d, size_t i, size_t max)
{
    struct bl_span l, r;

    bl_doc_context(d, d->v[i].start, d->v[i].end, max, &l, &r);
    CHECK(l.p + l.n == d->text.p + d->v[i].start);
    CHECK(r.p == d->text.p + d->v[i].end);
    CHECK(l.p >= d->text.p && r.p + r.n <= d->text.p + d->text.n);
    CHECK(bl_utf8_valid(l.p, l.n) == l.n && bl_utf8_valid(r.p, r.n) == r.n);
    CHECK(bl_utf8_count(l.p, l.n) <= max && bl_utf8_count(r.p, r.n) <= max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bl_span text = { (const char *)data, size };
    struct bl_doc d = { 0 };
    struct bl_buf fold = BL_BUF_INIT;
    size_t end = 0;

    if (bl_utf8_valid(text.p, text.n) != text.n)
        return 0;
    bl_doc_set(&d, text);
    for (size_t i = 0; i < d.n; i++) {
        CHECK(d.v[i].start <= d.v[i].end && d.v[i].end <= size);
        CHECK(d.v[i].start >= end || d.v[i].end <= end);
        end = d.v[i].end;
        if (i < 64) {
            contexts(&d, i, i);
            contexts(&d, i, 500);
        }
    }
    bl_fold(&fold, text);
    CHECK(!fold.len || bl_utf8_valid(fold.data, fold.len) == fold.len);
    bl_buf_free(&fold);
    bl_doc_free(&d);
    return 0;
}
