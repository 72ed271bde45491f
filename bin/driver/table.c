/* SPDX-License-Identifier: MIT */
/*
 * blink table: linked records as a table for people.  Columns are as wide as
 * the widest cell of what has come together, and never narrower later on.
 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/loop.h"
#include "cli/prog.h"
#include "driver.h"

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
    struct cells *cells = bl_arena_alloc(arena, 1, sizeof *cells);

    (void)ctx;
    if (bl_driver_row(&item->rec, arena, &row, err) < 0)
        return -1;
    cells->v[DOC] = row.doc;
    cells->v[MENTION] = row.mention;
    cells->v[TITLE] = row.title.p ? row.title : BL_SPAN_LIT("-");
    cells->v[URL] = row.url;
    cells->v[PROBABILITY] = bl_span_of(bl_arena_strndup(arena, row.p,
                                                        strlen(row.p)));
    item->data = cells;
    return 0;
}

static void widen(struct state *table, const struct cells *cells)
{
    for (size_t i = 0; i < N_COLUMNS; i++) {
        size_t columns = bl_driver_columns(cells->v[i]);
        if (i != URL && !table->room)
            columns = BL_MIN(columns, WIDEST);
        if (columns > table->width[i])
            table->width[i] = columns;
    }
}

static size_t row_width(const struct state *table)
{
    size_t sum = 0, columns = 0;

    for (size_t i = 0; i < N_COLUMNS; i++) {
        sum += table->shown[i];
        columns += table->shown[i] > 0;
    }
    return sum + 2 * (columns - 1);
}

/* Where a terminal is too narrow, addresses go first, as a part of one is of
 * no use, and then the widest texts give way. */
static void fit(struct state *table)
{
    memcpy(table->shown, table->width, sizeof table->shown);
    if (!table->documents)
        table->shown[DOC] = 0;
    if (!table->room || row_width(table) <= table->room)
        return;
    table->shown[URL] = 0;
    while (row_width(table) > table->room) {
        size_t widest = DOC;
        for (size_t i = DOC; i <= TITLE; i++)
            widest = table->shown[i] > table->shown[widest] ? i : widest;
        if (table->shown[widest] <= NARROWEST)
            break;
        table->shown[widest]--;
    }
}

static void put_cell(const struct state *table, struct bl_buf *out,
                     struct bl_span text, size_t shown)
{
    if (table->room && bl_driver_columns(text) > shown) {
        text.n = bl_driver_cut(text, shown);
        bl_driver_put_safe(out, text);
        bl_buf_puts(out, "\xE2\x80\xA6");
    } else {
        bl_driver_put_safe(out, text);
    }
}

static void put_row(struct state *table, const struct cells *cells)
{
    size_t blanks = 0;

    for (size_t i = 0; i < N_COLUMNS; i++) {
        size_t columns = bl_driver_columns(cells->v[i]);
        if (table->shown[i] == 0)
            continue;
        if (columns == 0) {
            blanks += table->shown[i] + 2;
            continue;
        }
        for (; blanks > 0; blanks--)
            bl_buf_putc(&table->out, ' ');
        put_cell(table, &table->out, cells->v[i], table->shown[i]);
        blanks = BL_MAX(columns, table->shown[i]) - columns + 2;
    }
    bl_buf_putc(&table->out, '\n');
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    static const struct cells heads = { {
        BL_SPAN_LIT("DOCUMENT"), BL_SPAN_LIT("MENTION"),
        BL_SPAN_LIT("LINKED TO"), BL_SPAN_LIT("URL"), BL_SPAN_LIT("P")
    } };
    struct state *table = ctx;

    (void)arena;
    (void)err;
    bl_buf_clear(&table->out);
    widen(table, &heads);
    for (size_t i = 0; i < n; i++)
        widen(table, items[i]->data);
    /* All rows of a batch are measured before the first is printed, so that
     * they line up with each other.  Rows of earlier batches are already on
     * the screen: columns only ever grow. */
    fit(table);
    if (!table->headed)
        put_row(table, &heads);
    table->headed = true;
    for (size_t i = 0; i < n; i++)
        put_row(table, items[i]->data);
    bl_out(table->out.data, table->out.len);
    return 0;
}

int bl_driver_table(bool documents)
{
    struct state table = { .documents = documents,
                       .room = bl_driver_width(0) };
    struct bl_loop_opts opts = BL_LOOP_OPTS_DEFAULT(ROWS);
    int status = bl_loop_run(&(struct bl_loop){
        .opts = &opts, .ctx = &table, .prepare = prepare, .run = run
    });

    if (!table.headed && status == 0)
        bl_warn("no mention of an entity found");
    bl_buf_free(&table.out);
    return status;
}
