/* SPDX-License-Identifier: MIT */
/*
 * blink table: linked records as a table for people.  How wide a column is
 * depends on the terminal alone and not on what comes, so that the first row
 * can be printed at once and the last still stands below it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/loop.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/candidates.h"

enum { DOC, MENTION, TITLE, PROBABILITY, ID, URL, COPIED };
enum {
    NARROWEST = 8,              /* columns of a text, */
    LEAST_URL = 42,             /* and of an address, worth showing */
    ROWS = 256                  /* printed together */
};

struct state {
    const struct bl_table_opts *opts;
    bool headed;
    size_t room;                /* columns of the terminal; 0: there is none */
    size_t n;                   /* columns of the table */
    size_t *width;              /* [n]; 0: left out */
    struct bl_buf out;
};

/* The rows of one record, in the arena. */
struct rows {
    struct bl_span *cells;      /* [n_rows][columns] */
    size_t n;
};

/* ---- Widths ---- */

/* Of the texts document, mention, title and id by 2 : 3 : 4 : 2, in `room`
 * columns of which each has two behind it; none is wider than it needs to be
 * for most names. */
static void share(struct state *table, size_t room)
{
    static const struct { size_t column, parts, most; } texts[] = {
        { DOC, 2, 30 }, { MENTION, 3, 36 }, { TITLE, 4, 48 }, { ID, 2, 28 }
    };
    size_t first = !table->opts->documents, all = 0;

    for (size_t i = first; i < BL_COUNT(texts); i++)
        all += texts[i].parts;
    for (size_t i = first; i < BL_COUNT(texts); i++) {
        size_t width = room * texts[i].parts / all;

        table->width[texts[i].column] =
            BL_MIN(BL_MAX(width, NARROWEST + 2) - 2, texts[i].most);
    }
}

/* Without a terminal a longer cell sticks out; on one it is cut, and there is
 * a column of addresses if these have a chance to be whole. */
static void lay_out(struct state *table)
{
    size_t texts = table->opts->documents ? 74 : 60, rest;
    size_t fixed = (table->n - COPIED) * (NARROWEST + 2);

    table->width[PROBABILITY] = 5;
    for (size_t i = COPIED; i < table->n; i++)
        table->width[i] = NARROWEST;
    table->width[URL] = table->opts->no_url ? 0 : LEAST_URL;
    fixed += table->width[PROBABILITY];
    if (!table->room) {
        share(table, table->opts->documents ? 104 : 84);
        return;
    }
    rest = table->room - BL_MIN(table->room, fixed);
    if (!table->width[URL] || rest < texts + 2 + LEAST_URL) {
        table->width[URL] = 0;
        share(table, rest);
        return;
    }
    share(table, texts + (rest - texts - 2 - LEAST_URL) / 2);
    table->width[URL] = rest - 2;
    for (size_t i = DOC; i <= ID; i++)
        if (i != PROBABILITY && table->width[i])
            table->width[URL] -= table->width[i] + 2;
}

/* ---- Printing ---- */

/* Returns the columns that it takes. */
static size_t put_cell(struct state *table, struct bl_span text, size_t width)
{
    size_t columns = bl_driver_columns(text);

    if (!table->room || columns <= width) {
        bl_driver_put_safe(&table->out, text);
        return columns;
    }
    text.n = bl_driver_cut(text, width);
    bl_driver_put_safe(&table->out, text);
    bl_buf_puts(&table->out, "\xE2\x80\xA6");
    return bl_driver_columns(text) + 1;
}

/* Copied fields stand before the address, which may be of any length. */
static void put_row(struct state *table, const struct bl_span *cells)
{
    size_t blanks = 0;

    for (size_t place = 0; place < table->n; place++) {
        size_t i = place < URL ? place
            : place + 1 < table->n ? place + 1 : URL;
        size_t columns;

        if (table->width[i] == 0)
            continue;
        if (cells[i].n == 0) {
            blanks += table->width[i] + 2;
            continue;
        }
        for (; blanks > 0; blanks--)
            bl_buf_putc(&table->out, ' ');
        columns = put_cell(table, cells[i], table->width[i]);
        blanks = BL_MAX(columns, table->width[i]) - columns + 2;
    }
    bl_buf_putc(&table->out, '\n');
}

static void put_heads(struct state *table)
{
    struct bl_span *heads = BL_NEW_ARRAY(struct bl_span, table->n);

    heads[DOC] = BL_SPAN_LIT("DOCUMENT");
    heads[MENTION] = BL_SPAN_LIT("MENTION");
    heads[TITLE] = BL_SPAN_LIT("LINKED TO");
    heads[ID] = BL_SPAN_LIT("ID");
    heads[PROBABILITY] = BL_SPAN_LIT("P");
    heads[URL] = BL_SPAN_LIT("URL");
    for (size_t i = COPIED; i < table->n; i++)
        heads[i] = bl_span_of(table->opts->copy.v[i - COPIED]);
    put_row(table, heads);
    free(heads);
    table->headed = true;
}

/* ---- Rows ---- */

static struct bl_span kept(struct bl_arena *arena, struct bl_span text)
{
    return (struct bl_span){ bl_arena_strndup(arena, text.p, text.n),
                             text.n };
}

/* The best candidate, or the one behind the answer. */
static const struct bl_candidate *
next_best(const struct bl_candidates *list, const struct bl_link_row *row,
          size_t *at)
{
    while (*at < list->n) {
        const struct bl_candidate *other = &list->v[(*at)++];

        if (!row->id.p || !bl_span_eq(other->id, row->id))
            return other;
    }
    return NULL;
}

static struct bl_span title_of(const struct bl_candidate *candidate)
{
    return candidate->title.p ? candidate->title : candidate->id;
}

/* "- (or Fog 0.210)": what it would be if it were anything. */
static struct bl_span none(const struct bl_link_row *row,
                           const struct bl_candidates *list,
                           struct bl_arena *arena)
{
    struct bl_buf text = BL_BUF_INIT;
    struct bl_span span;
    char p[16];
    size_t at = 0;
    const struct bl_candidate *other = next_best(list, row, &at);

    bl_buf_puts(&text, "-");
    if (other && other->p >= 0.0005 && other->p <= 1) {
        bl_driver_put_p(p, other->p);
        bl_buf_puts(&text, " (or ");
        bl_buf_put_span(&text, title_of(other));
        bl_buf_printf(&text, " %s)", p);
    }
    span = kept(arena, (struct bl_span){ text.data, text.len });
    bl_buf_free(&text);
    return span;
}

/* Beside a title stands the probability of that entity; beside "-" that of
 * there being none. */
static void fill_answer(const struct state *table, struct bl_span *cells,
                        const struct bl_link_row *row,
                        const struct bl_candidates *list,
                        struct bl_arena *arena)
{
    const char *p = row->title.p ? row->p : row->nil_p;

    cells[DOC] = row->doc;
    cells[MENTION] = row->mention;
    cells[ID] = row->id;
    cells[URL] = row->url;
    cells[PROBABILITY] = kept(arena, bl_span_of(p));
    if (row->title.p)
        cells[TITLE] = row->title;
    else if (table->opts->top > 1)
        cells[TITLE] = BL_SPAN_LIT("-");
    else
        cells[TITLE] = none(row, list, arena);
}

static void fill_candidate(struct bl_span *cells,
                           const struct bl_candidate *other,
                           struct bl_arena *arena)
{
    char p[16] = "";

    if (other->p >= 0 && other->p <= 1)
        bl_driver_put_p(p, other->p);
    cells[TITLE] = title_of(other);
    cells[ID] = other->id;
    cells[URL] = other->url;
    cells[PROBABILITY] = kept(arena, bl_span_of(p));
}

static int fill(const struct state *table, const struct bl_record *record,
                const struct bl_link_row *row,
                const struct bl_candidates *list, struct rows *rows,
                struct bl_arena *arena, struct bl_err *err)
{
    bool list_all = table->opts->top > 1;
    /* The answer is the first of the candidates, "-" stands before them. */
    size_t lines = list_all ? table->opts->top + !row->title.p : 1, at = 0;
    const struct bl_candidate *other;

    rows->cells = bl_arena_alloc(arena, lines * table->n,
                                 sizeof *rows->cells);
    memset(rows->cells, 0, lines * table->n * sizeof *rows->cells);
    fill_answer(table, rows->cells, row, list, arena);
    for (size_t i = COPIED; i < table->n; i++)
        if (bl_driver_copied(record, table->opts->copy.v[i - COPIED], arena,
                             &rows->cells[i], err) < 0)
            return -1;
    rows->n = 1;
    while (rows->n < lines && (other = next_best(list, row, &at)))
        fill_candidate(rows->cells + rows->n++ * table->n, other, arena);
    return 0;
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct rows *rows = bl_arena_alloc(arena, 1, sizeof *rows);
    struct bl_candidates list = { NULL };
    struct bl_link_row row;
    struct bl_span unused;
    int got;

    if (bl_driver_row(&item->rec, arena, &row, err) < 0)
        return -1;
    got = bl_record_get(&item->rec, "candidates", &unused, err);
    if (got < 0
        || (got && bl_candidates_read(&item->rec, arena, &list, err) < 0)
        || fill(ctx, &item->rec, &row, &list, rows, arena, err) < 0)
        return -1;
    item->data = rows;
    return 0;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *table = ctx;

    (void)arena;
    (void)err;
    bl_buf_clear(&table->out);
    if (!table->headed)
        put_heads(table);
    for (size_t i = 0; i < n; i++) {
        const struct rows *rows = items[i]->data;

        for (size_t j = 0; j < rows->n; j++)
            put_row(table, rows->cells + j * table->n);
    }
    bl_out(table->out.data, table->out.len);
    return 0;
}

int bl_driver_table(const struct bl_table_opts *opts)
{
    struct state table = { .opts = opts, .room = bl_driver_width(0),
                           .n = COPIED + opts->copy.n };
    struct bl_loop_opts loop = BL_LOOP_OPTS_DEFAULT(ROWS);
    int status;

    table.width = BL_NEW_ARRAY(size_t, table.n);
    lay_out(&table);
    status = bl_loop_run(&(struct bl_loop){
        .opts = &loop, .ctx = &table, .prepare = prepare, .run = run
    });
    if (!table.headed && status == 0)
        bl_driver_say_nothing();
    free(table.width);
    bl_buf_free(&table.out);
    return status;
}
