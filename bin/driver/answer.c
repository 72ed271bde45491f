/* SPDX-License-Identifier: MIT */
/*
 * What blink -i prints for a sentence: the sentence with its mentions
 * marked, then for each mention the title it is linked to, the probability,
 * the address, the start of the entity's text, and the runners-up.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json/candidates.h"
#include "driver.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { RUNNERS_UP = 3, COLOURS = 6 };

struct answer {
    struct bl_link_row row;
    int64_t start, end;         /* code points; -1: not known */
    bool has_nil;
    char nil_p[16];
    struct bl_candidates others;
};

struct bl_answers {
    struct bl_kb *kb;
    size_t width;
    bool colour;
    struct bl_record record;
    struct bl_arena arena;      /* what the answers point to */
    struct answer *v;
    size_t n, cap;
    struct bl_buf line;
};

struct bl_answers *bl_answers_new(struct bl_kb *kb, size_t width,
                                  bool colour)
{
    struct bl_answers *a = BL_NEW(struct bl_answers);

    a->kb = kb;
    a->width = width;
    a->colour = colour;
    return a;
}

static void forget(struct bl_answers *a)
{
    a->n = 0;
    bl_arena_reset(&a->arena);
}

void bl_answers_free(struct bl_answers *a)
{
    free(a->v);
    bl_buf_free(&a->line);
    bl_record_free(&a->record);
    bl_arena_free(&a->arena);
    free(a);
}

/* ---- Reading ---- */

static void read_nil(const struct bl_record *r, struct answer *to)
{
    struct bl_err err;
    struct bl_span v;
    double p;

    to->has_nil = bl_record_get(r, "nil_p", &v, &err) == 1
        && bl_json_type(v) == BL_JSON_NUMBER
        && bl_json_number(v, &p, &err) == 0 && p >= 0 && p <= 1;
    if (to->has_nil)
        bl_driver_put_p(to->nil_p, p);
}

void bl_answers_add(struct bl_answers *a, struct bl_span line)
{
    struct answer to = { .start = -1, .end = -1 };
    struct bl_err err;

    line.p = bl_arena_strndup(&a->arena, line.p, line.n);
    if (bl_record_parse(&a->record, line, 0, &err) < 0
        || bl_driver_row(&a->record, &a->arena, &to.row, &err) < 0)
        return;
    if (bl_candidates_read(&a->record, &a->arena, &to.others, &err) < 0)
        to.others.n = 0;
    if (bl_record_integer_opt(&a->record, "start", 0, INT32_MAX, &to.start,
                              &err) < 0
        || bl_record_integer_opt(&a->record, "end", 0, INT32_MAX, &to.end,
                                 &err) < 0)
        to.start = to.end = -1;
    read_nil(&a->record, &to);
    BL_GROW(a->v, a->n + 1, a->cap);
    a->v[a->n++] = to;
}

/* ---- Writing ---- */

/* Black on one of six colours, as the original has it; brackets where there
 * are no colours. */
static void put_marked(const struct bl_answers *a, struct bl_buf *out,
                       size_t i, struct bl_span text)
{
    if (a->colour)
        bl_buf_printf(out, "\033[30;4%zum", 1 + i % COLOURS);
    else
        bl_buf_putc(out, '[');
    bl_driver_put_safe(out, text);
    bl_buf_puts(out, a->colour ? "\033[0m" : "]");
}

/* The byte n code points behind byte `at`, or the text's end. */
static size_t forward(struct bl_span text, size_t at, int64_t n)
{
    unsigned len;

    for (; n > 0 && at < text.n; n--, at += len)
        bl_utf8_decode(text.p + at, text.n - at, &len);
    return at;
}

static void put_sentence(const struct bl_answers *a, struct bl_span text,
                         struct bl_buf *out)
{
    int64_t point = 0;
    size_t at = 0;

    for (size_t i = 0; i < a->n; i++) {
        const struct answer *x = &a->v[i];
        if (x->start < point || x->end <= x->start)
            continue;           /* inside the one before, or not known */
        size_t from = forward(text, at, x->start - point);
        size_t to = forward(text, from, x->end - x->start);
        bl_driver_put_safe(out, (struct bl_span){ text.p + at, from - at });
        put_marked(a, out, i, (struct bl_span){ text.p + from, to - from });
        at = to;
        point = x->end;
    }
    bl_driver_put_safe(out, (struct bl_span){ text.p + at, text.n - at });
    bl_buf_puts(out, "\n\n");
}

/* How much of the text goes into `width` columns, cut between words, for
 * prose rather behind a sentence, where that leaves half of it. */
static size_t fitting(struct bl_span text, size_t width, bool prose)
{
    size_t cut = 0, stop = 0, used = 0;
    unsigned len;

    for (size_t i = 0; i < text.n; i += len) {
        bl_utf8_decode(text.p + i, text.n - i, &len);
        used += bl_driver_columns((struct bl_span){ text.p + i, len });
        if (used > width)
            return stop > i / 2 ? stop : cut > i / 2 ? cut : i;
        if (text.p[i] == ' ' || text.p[i] == '\n')
            cut = i;
        if (prose && cut == i && i > 0 && text.p[i - 1] == '.')
            stop = i;
    }
    return text.n;
}

/* Columns behind the indentation, and before a sign that something was cut. */
static size_t room(const struct bl_answers *a)
{
    return a->width > 23 ? a->width - 3 : 20;
}

/* "  TEXT" as one line that fits. */
static void put_cut(const struct bl_answers *a, struct bl_buf *out,
                    struct bl_span text, bool prose)
{
    size_t n;

    while (text.n && strchr(" \t\r\n", *text.p)) {
        text.p++;
        text.n--;
    }
    while (text.n && strchr(" \t\r\n", text.p[text.n - 1]))
        text.n--;
    n = fitting(text, room(a), prose);
    bl_buf_puts(out, "  ");
    bl_driver_put_safe(out, (struct bl_span){ text.p, n });
    prose = prose && n && text.p[n - 1] == '.';
    bl_buf_puts(out, n == text.n || prose ? "\n" : "\xE2\x80\xA6\n");
}

/* The entity's text; a catalogue that cannot be read leaves the line out. */
static void put_text(struct bl_answers *a, struct bl_span id,
                     struct bl_buf *out)
{
    struct bl_entity e;
    struct bl_err err;

    if (a->kb && id.p && bl_kb_get(a->kb, id, &a->arena, &e, &err) == 1
        && e.text.n)
        put_cut(a, out, e.text, true);
}

static bool same(struct bl_span a, struct bl_span b)
{
    return a.p && b.p && bl_span_eq(a, b);
}

/* As many as a line holds, but at least one. */
static void put_others(struct bl_answers *a, const struct answer *x,
                       struct bl_buf *out)
{
    size_t shown = 0, before;
    char p[16];

    bl_buf_clear(&a->line);
    for (size_t i = 0; i < x->others.n && shown < RUNNERS_UP; i++) {
        const struct bl_candidate *c = &x->others.v[i];
        if (same(c->id, x->row.id) || c->p < 0.0005)
            continue;
        before = a->line.len;
        bl_buf_puts(&a->line, shown++ ? ", " : "or: ");
        bl_buf_put_span(&a->line, c->title.p ? c->title : c->id);
        if (c->p >= 0 && c->p <= 1) {
            bl_driver_put_p(p, c->p);
            bl_buf_printf(&a->line, " %s", p);
        }
        if (shown > 1 && bl_driver_columns((struct bl_span){
                a->line.data, a->line.len }) > room(a)) {
            a->line.len = before;
            break;
        }
    }
    if (shown)
        put_cut(a, out, (struct bl_span){ a->line.data, a->line.len }, false);
}

static void put_answer(struct bl_answers *a, size_t i, struct bl_buf *out)
{
    const struct answer *x = &a->v[i];

    if (a->colour)
        put_marked(a, out, i, x->row.mention);
    else
        bl_driver_put_safe(out, x->row.mention);
    bl_buf_puts(out, " -> ");
    if (x->row.title.p)
        bl_driver_put_safe(out, x->row.title);
    else
        bl_buf_puts(out, "(nothing)");
    if (x->row.title.p ? x->row.p[0] : x->has_nil)
        bl_buf_printf(out, "  %s", x->row.title.p ? x->row.p : x->nil_p);
    bl_buf_putc(out, '\n');
    if (x->row.url.p) {
        bl_buf_puts(out, "  ");
        bl_driver_put_safe(out, x->row.url);
        bl_buf_putc(out, '\n');
    }
    put_text(a, x->row.id, out);
    put_others(a, x, out);
    bl_buf_putc(out, '\n');
}

void bl_answers_put(struct bl_answers *a, struct bl_span sentence,
                    struct bl_buf *out)
{
    if (a->n == 0) {
        bl_buf_puts(out, "(no mention of an entity found)\n\n");
    } else {
        put_sentence(a, sentence, out);
        for (size_t i = 0; i < a->n; i++)
            put_answer(a, i, out);
    }
    forget(a);
}
