/* SPDX-License-Identifier: MIT */
/* Documents: shapes, sentence starts, breaks, contexts. */
#include "config.h"

#include "base/mem.h"
#include "tap.h"
#include "text/doc.h"

static void test_shapes(void)
{
    static const struct { const char *text; enum bl_word_shape shape; } t[] = {
        { "water", BL_SHAPE_LOWER }, { "Water", BL_SHAPE_TITLE },
        { "WHO", BL_SHAPE_CAPS }, { "U", BL_SHAPE_CAPS },
        { "iPhone", BL_SHAPE_MIXED }, { "1984", BL_SHAPE_NONE },
        { "B2B", BL_SHAPE_CAPS }, { "McDonald", BL_SHAPE_TITLE },
        { "\xc3\x89tienne", BL_SHAPE_TITLE }, { "\xc3\xa9", BL_SHAPE_LOWER },
        { "\xd0\x9c\xd0\xb8\xd1\x80", BL_SHAPE_TITLE },
        { "\xe6\x9d\xb1", BL_SHAPE_NONE }, { "", BL_SHAPE_NONE }
    };

    for (size_t i = 0; i < BL_COUNT(t); i++)
        ok(bl_shape_of(t[i].text, strlen(t[i].text)) == t[i].shape,
           "shape of '%s'", t[i].text);
}

/* The words that start sentences, each followed by a blank. */
static void starts(const char *text, const char *want)
{
    struct bl_doc d = { 0 };
    struct bl_buf b = BL_BUF_INIT;

    bl_doc_set(&d, bl_span_of(text));
    for (size_t i = 0; i < d.n; i++) {
        if (!d.v[i].first || d.v[i].class != BL_FOLD_WORD)
            continue;
        bl_buf_put(&b, text + d.v[i].start, d.v[i].end - d.v[i].start);
        bl_buf_putc(&b, ' ');
    }
    is_str(b.data ? b.data : "", want, text);
    bl_buf_free(&b);
    bl_doc_free(&d);
}

static void test_sentences(void)
{
    starts("One two. Three", "One Three ");
    starts("In St. Louis, Mr. Smith of J. Corp. then. Then", "In Then ");
    starts("Is it? Yes! \"No,\" he said.", "Is Yes No ");
    starts("Line\nNext line", "Line Next ");
    starts("In those years in Paris the well known physicist\n"
           "Curie found radium. It was\nHers.", "In Curie It Hers ");
    starts("In those years in Paris the well known physicist\n"
           "Curie found radium, and then the other thing which\n"
           "was polonium. It made\nHer known", "In It Her ");
    starts("a 3.5 b", "a ");
    starts("(First) then", "First ");
    starts("It said \"Help\" to", "It Help ");
    starts("...", "");
    starts("", "");
}

static void test_contexts(void)
{
    static const char text[] = "A b. C d. E fff g. H i.";
    struct bl_doc d = { 0 };
    struct bl_span l, r;

    bl_doc_set(&d, bl_span_of(text));
    bl_doc_context(&d, 12, 15, 100, &l, &r);
    ok(l.n == 12 && r.n == sizeof text - 1 - 15, "everything");
    bl_doc_context(&d, 12, 15, 8, &l, &r);
    ok(bl_span_is(l, "C d. E ") && bl_span_is(r, " g. H i."), "sentences");
    bl_doc_context(&d, 12, 15, 5, &l, &r);
    ok(bl_span_is(l, "E ") && bl_span_is(r, " g."), "one sentence");
    bl_doc_context(&d, 12, 15, 1, &l, &r);
    ok(l.n == 0 && r.n == 0, "not a whole word");
    bl_doc_context(&d, 0, 1, 5, &l, &r);
    ok(l.n == 0 && bl_span_is(r, " b."), "at the start");
    bl_doc_set(&d, bl_span_of("A bcd\nE"));
    bl_doc_context(&d, 0, 1, 2, &l, &r);
    ok(r.n == 0, "the last word of a line is beyond reach");
    bl_doc_free(&d);
}

static void test_apart(void)
{
    static const char *const gaps[] = { "\n", "\r\n", "\n\n", "\r", "\n \n" };
    struct bl_doc d = { 0 };
    struct bl_buf b = BL_BUF_INIT;

    for (size_t i = 0; i < BL_COUNT(gaps); i++) {
        bl_buf_clear(&b);
        bl_buf_printf(&b, "%s%sCurie %s", "In those years in Paris the well "
                      "known physicist Marie", gaps[i], "found radium, and "
                      "then the other thing which he\nsaid was");
        bl_doc_set(&d, (struct bl_span){ b.data, b.len });
        ok(d.v[10].apart == (i > 1) && d.v[10].breaks == (i > 1)
           && !d.v[11].apart, "gap %zu", i);
    }
    bl_buf_free(&b);
    bl_doc_free(&d);
}

static void test_loud(void)
{
    struct bl_doc d = { 0 };

    bl_doc_set(&d, bl_span_of("NEWS FROM PARIS\nThe US won"));
    ok(d.n == 6 && d.v[2].loud && !d.v[4].loud, "a line of capitals");
    ok(d.v[3].breaks && !d.v[2].breaks, "a line end parts names");
    bl_doc_free(&d);
}

int main(void)
{
    test_shapes();
    test_sentences();
    test_contexts();
    test_apart();
    test_loud();
    return tap_done();
}
