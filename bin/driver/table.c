/* SPDX-License-Identifier: MIT */
/*
 * blink table: linked records as a table for people.  Columns are as wide as
 * the widest cell of what has come together, and never narrower later on.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "driver.h"
#include "cli/loop.h"
#include "cli/prog.h"

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

static void widen(struct state *s, const struct cells *c)
{
    for (size_t i = 0; i < N_COLUMNS; i++) {
        size_t n = bl_driver_columns(c->v[i]);
        n = n > WIDEST && i != URL && !s->room ? WIDEST : n;
        if (n > s->width[i])
            s->width[i] = n;
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

static void put_cell(const struct state *s, struct bl_buf *out,
                     struct bl_span v, size_t shown)
{
    if (s->room && bl_driver_columns(v) > shown) {
        v.n = bl_driver_cut(v, shown);
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
