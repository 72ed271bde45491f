/* SPDX-License-Identifier: MIT */
/*
 * blink table: linked records as a table for people.  Columns are as wide as
 * the widest cell of what has come together, and never narrower later on.
 */
#include "config.h"

#include <string.h>

#include "buf.h"
#include "driver.h"
#include "loop.h"
#include "prog.h"
#include "utf8.h"

enum { DOC, MENTION, TITLE, URL, PROBABILITY, N_COLUMNS };
enum {
    WIDEST = 44,                /* a longer cell sticks out, */
    NARROWEST = 8,              /* or is cut where the terminal ends */
    ROWS = 256                  /* laid out together */
};

struct cells {
    struct bl_span v[N_COLUMNS];
};

struct state {
    bool documents, headed;
    size_t room;                /* columns of the terminal; 0: there is none */
    size_t width[N_COLUMNS];    /* of the widest cell */
    size_t shown[N_COLUMNS];    /* what it gets; 0: left out */
    struct bl_buf out;
};

/* ---- The table ---- */

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct bl_link_row row;
    struct cells *c = bl_arena_alloc(arena, 1, sizeof *c);

    (void)ctx;
    if (bl_driver_row(&item->rec, arena, &row, err) < 0)
        return -1;
    c->v[DOC] = row.doc;
    c->v[MENTION] = row.mention;
    c->v[TITLE] = row.title.p ? row.title : BL_SPAN_LIT("-");
    c->v[URL] = row.url;
    c->v[PROBABILITY] = bl_span_of(bl_arena_strndup(arena, row.p,
                                                    strlen(row.p)));
    item->data = c;
    return 0;
}

/* Columns of a terminal that a character takes: 0 for what combines with
 * the one before, 2 for East Asian wide ones, by block. */
static unsigned columns_of(uint32_t c)
{
    if ((c >= 0x300 && c < 0x370) || (c >= 0x200B && c < 0x2010) ||
        (c >= 0xFE00 && c < 0xFE10))
        return 0;
    if ((c >= 0x1100 && c < 0x1160) || (c >= 0x2E80 && c < 0xA4D0) ||
        (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xF900 && c < 0xFB00) ||
        (c >= 0xFF00 && c < 0xFF61) || (c >= 0x1F300 && c < 0x1FA00) ||
        (c >= 0x20000 && c < 0x40000))
        return 2;
    return 1;
}

size_t bl_driver_columns(struct bl_span s)
{
    size_t n = 0;
    unsigned len;

    for (size_t i = 0; i < s.n; i += len)
        n += columns_of(bl_utf8_decode(s.p + i, s.n - i, &len));
    return n;
}

static void widen(struct state *s, const struct cells *c)
{
    for (size_t i = 0; i < N_COLUMNS; i++) {
        size_t n = bl_driver_columns(c->v[i]);
        n = n > WIDEST && i != URL && !s->room ? WIDEST : n;
        if (n > s->width[i])
            s->width[i] = n;
    }
}

/* A line break or a tab in a mention would break the row, and other control
 * characters steer the terminal: each is a blank. */
void bl_driver_put_safe(struct bl_buf *out, struct bl_span v)
{
    unsigned len;

    for (size_t i = 0; i < v.n; i += len) {
        uint32_t c = bl_utf8_decode(v.p + i, v.n - i, &len);
        if (c < 0x20 || (c >= 0x7F && c < 0xA0))
            bl_buf_putc(out, ' ');
        else
            bl_buf_put(out, v.p + i, len);
    }
}

static size_t row_width(const struct state *s)
{
    size_t sum = 0, columns = 0;

    for (size_t i = 0; i < N_COLUMNS; i++) {
        sum += s->shown[i];
        columns += s->shown[i] > 0;
    }
    return sum + 2 * (columns - 1);
}

/* Where a terminal is too narrow, addresses go first, as a part of one is of
 * no use, and then the widest texts give way. */
static void fit(struct state *s)
{
    memcpy(s->shown, s->width, sizeof s->shown);
    if (!s->documents)
        s->shown[DOC] = 0;
    if (!s->room || row_width(s) <= s->room)
        return;
    s->shown[URL] = 0;
    while (row_width(s) > s->room) {
        size_t widest = DOC;
        for (size_t i = DOC; i <= TITLE; i++)
            widest = s->shown[i] > s->shown[widest] ? i : widest;
        if (s->shown[widest] <= NARROWEST)
            break;
        s->shown[widest]--;
    }
}

/* Bytes of the cell that fit into n - 1 columns: one is for the ellipsis. */
static size_t cut(struct bl_span v, size_t n)
{
    size_t used = 0;
    unsigned len;

    for (size_t i = 0; i < v.n; i += len) {
        used += columns_of(bl_utf8_decode(v.p + i, v.n - i, &len));
        if (used >= n)
            return i;
    }
    return v.n;
}

static void put_cell(const struct state *s, struct bl_buf *out,
                     struct bl_span v, size_t shown)
{
    if (s->room && bl_driver_columns(v) > shown) {
        v.n = cut(v, shown);
        bl_driver_put_safe(out, v);
        bl_buf_puts(out, "\xE2\x80\xA6");
    } else {
        bl_driver_put_safe(out, v);
    }
}

static void put_row(struct state *s, const struct cells *c)
{
    size_t blanks = 0;

    for (size_t i = 0; i < N_COLUMNS; i++) {
        size_t n = bl_driver_columns(c->v[i]);
        if (s->shown[i] == 0)
            continue;
        if (n == 0) {
            blanks += s->shown[i] + 2;
            continue;
        }
        for (; blanks > 0; blanks--)
            bl_buf_putc(&s->out, ' ');
        put_cell(s, &s->out, c->v[i], s->shown[i]);
        blanks = (n < s->shown[i] ? s->shown[i] - n : 0) + 2;
    }
    bl_buf_putc(&s->out, '\n');
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    static const struct cells heads = { {
        BL_SPAN_LIT("DOCUMENT"), BL_SPAN_LIT("MENTION"),
        BL_SPAN_LIT("LINKED TO"), BL_SPAN_LIT("URL"), BL_SPAN_LIT("P")
    } };
    struct state *s = ctx;

    (void)arena;
    (void)err;
    bl_buf_clear(&s->out);
    widen(s, &heads);
    for (size_t i = 0; i < n; i++)
        widen(s, items[i]->data);
    fit(s);
    if (!s->headed)
        put_row(s, &heads);
    s->headed = true;
    for (size_t i = 0; i < n; i++)
        put_row(s, items[i]->data);
    bl_out(s->out.data, s->out.len);
    return 0;
}

int bl_driver_table(bool documents)
{
    struct state s = { .documents = documents,
                       .room = bl_driver_width(0) };
    struct bl_loop_opts opts = BL_LOOP_OPTS_DEFAULT(ROWS);
    int status = bl_loop_run(&(struct bl_loop){
        .opts = &opts, .ctx = &s, .prepare = prepare, .run = run
    });

    if (!s.headed && status == 0)
        bl_warn("no mention of an entity found");
    bl_buf_free(&s.out);
    return status;
}
