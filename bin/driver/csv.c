/* SPDX-License-Identifier: MIT */
/*
 * blink table --format csv or tsv: linked records as rows for a spreadsheet
 * or a data frame.  The columns are the same whatever comes, under one head.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/loop.h"
#include "cli/prog.h"
#include "driver.h"

enum { DOC, START, END, MENTION, TYPE, ID, TITLE, PROBABILITY, NIL, UNSURE,
       URL, SOURCE, ENTITY_TYPE, COPIED };
enum { ROWS = 256 };

static const char *const heads[COPIED] = {
    "document", "start", "end", "mention", "type", "id", "title", "p",
    "nil_p", "unsure", "url", "source", "entity_type"
};

struct state {
    const struct bl_table_opts *opts;
    bool headed;
    struct bl_buf out;
};

/* ---- Cells ---- */

/* What a spreadsheet takes for a formula by its first character, the wide
 * forms of Japanese keyboards included; a negative number is none. */
static bool is_formula(struct bl_span text)
{
    static const char *const wide[] = {
        "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D", "\xEF\xBC\xA0"
    };

    if (text.n && text.p[0] == '-' && bl_json_check(text.p, text.n, NULL) == 0)
        return false;
    if (text.n && strchr("=+-@\t\r\n", text.p[0]))
        return true;
    for (size_t i = 0; i < BL_COUNT(wide); i++)
        if (text.n >= 3 && !memcmp(text.p, wide[i], 3))
            return true;
    return false;
}

/* Characters that steer a terminal, and those that a format has no way to
 * write, become blanks.  In CSV a tab and a line break are text. */
static void put_plain(struct bl_buf *out, struct bl_span text, bool breaks)
{
    size_t from = 0;

    for (size_t i = 0; breaks && i < text.n; i++) {
        if (!text.p[i] || !strchr("\t\r\n", text.p[i]))
            continue;
        bl_utf8_show(out, text.p + from, i - from);
        bl_buf_putc(out, text.p[i]);
        from = i + 1;
    }
    if (from < text.n)
        bl_utf8_show(out, text.p + from, text.n - from);
}

/* RFC 4180: in quotes where it must be, and quotes doubled. */
static void put_quoted(struct bl_buf *out, struct bl_span text)
{
    bool quoted = text.n && (memchr(text.p, '"', text.n)
                             || memchr(text.p, ',', text.n)
                             || memchr(text.p, '\n', text.n)
                             || memchr(text.p, '\r', text.n));

    if (quoted)
        bl_buf_putc(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            bl_buf_putc(out, '"');
        bl_buf_putc(out, text.p[i]);
    }
    if (quoted)
        bl_buf_putc(out, '"');
}

void bl_cells_text(struct bl_cells *csv, struct bl_span text)
{
    struct bl_buf plain = BL_BUF_INIT;

    if (is_formula(text))
        bl_buf_putc(&plain, '\'');
    put_plain(&plain, text, !csv->tabs);
    bl_cells_number(csv, (struct bl_span){ plain.data ? plain.data : "",
                                         plain.len });
    bl_buf_free(&plain);
}

void bl_cells_number(struct bl_cells *csv, struct bl_span text)
{
    if (csv->n++)
        bl_buf_putc(csv->out, csv->tabs ? '\t' : ',');
    if (csv->tabs)
        bl_buf_put_span(csv->out, text);
    else
        put_quoted(csv->out, text);
}

void bl_cells_end(struct bl_cells *csv)
{
    csv->n = 0;
    bl_buf_puts(csv->out, csv->tabs ? "\n" : "\r\n");
}

/* ---- Rows ---- */

static struct bl_cells csv_of(struct state *state)
{
    return (struct bl_cells){ .out = &state->out,
                            .tabs = state->opts->format == BL_LINK_TSV };
}

/* A field that is called as a column of ours gets another name. */
static void put_copied_head(struct bl_cells *csv, const char *name)
{
    bool taken = false;
    char *full;

    for (size_t i = 0; i < COPIED; i++)
        taken |= !strcmp(name, heads[i]);
    full = bl_xasprintf("%s%s", taken ? "document." : "", name);
    bl_cells_text(csv, bl_span_of(full));
    free(full);
}

static void put_heads(struct state *state)
{
    struct bl_cells csv = csv_of(state);

    for (size_t i = 0; i < COPIED; i++)
        bl_cells_number(&csv, bl_span_of(heads[i]));
    for (size_t i = 0; i < state->opts->copy.n; i++)
        put_copied_head(&csv, state->opts->copy.v[i]);
    bl_cells_end(&csv);
    state->headed = true;
}

/* Numbers stay as the record writes them. */
static int raw(const struct bl_record *record, const char *name,
               struct bl_span *out, struct bl_err *err)
{
    struct bl_span v;
    int rc = bl_record_get(record, name, &v, err);

    if (rc > 0 && bl_json_type(v) == BL_JSON_NUMBER)
        *out = v;
    return rc < 0 ? -1 : 0;
}

static int raw_p(const struct bl_record *record, struct bl_span *out,
                 struct bl_err *err)
{
    struct bl_span entity, v;
    int rc = bl_record_get(record, "entity", &entity, err);

    rc = rc > 0 ? bl_json_get(entity, "p", &v, err) : rc;
    if (rc > 0 && bl_json_type(v) == BL_JSON_NUMBER)
        *out = v;
    return rc < 0 ? -1 : 0;
}

/* The cells that a row for people has as well. */
static void fill_shown(const struct bl_link_row *row, struct bl_span *cells)
{
    cells[DOC] = row->doc;
    cells[MENTION] = row->mention;
    cells[ID] = row->id;
    cells[TITLE] = row->plain_title;
    cells[URL] = row->url;
    cells[SOURCE] = row->source;
    cells[ENTITY_TYPE] = row->type;
    if (row->unsure)
        cells[UNSURE] = BL_SPAN_LIT("true");
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    const struct bl_table_opts *opts = ((struct state *)ctx)->opts;
    const struct bl_record *record = &item->rec;
    size_t n = COPIED + opts->copy.n;
    struct bl_span *cells = bl_arena_alloc(arena, n, sizeof *cells);
    struct bl_link_row row;

    memset(cells, 0, n * sizeof *cells);
    if (bl_driver_row(record, arena, &row, err) < 0)
        return -1;
    fill_shown(&row, cells);
    /* Mentions that were given have no document, but a name. */
    if ((!row.doc.p && bl_driver_copied(record, "id", arena, &cells[DOC],
                                        err) < 0)
        || bl_record_string_opt(record, "type", arena, &cells[TYPE], err) < 0
        || raw(record, "start", &cells[START], err) < 0
        || raw(record, "end", &cells[END], err) < 0
        || raw(record, "nil_p", &cells[NIL], err) < 0
        || raw_p(record, &cells[PROBABILITY], err) < 0)
        return -1;
    for (size_t i = 0; i < opts->copy.n; i++)
        if (bl_driver_copied(record, opts->copy.v[i], arena,
                             &cells[COPIED + i], err) < 0)
            return -1;
    item->data = cells;
    return 0;
}

static void put_row(struct state *state, const struct bl_span *cells)
{
    struct bl_cells csv = csv_of(state);

    for (size_t i = 0; i < COPIED + state->opts->copy.n; i++) {
        if (i == START || i == END || i == PROBABILITY || i == NIL)
            bl_cells_number(&csv, cells[i]);
        else
            bl_cells_text(&csv, cells[i]);
    }
    bl_cells_end(&csv);
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;

    (void)arena;
    (void)err;
    bl_buf_clear(&state->out);
    if (!state->headed)
        put_heads(state);
    for (size_t i = 0; i < n; i++)
        put_row(state, items[i]->data);
    bl_out(state->out.data, state->out.len);
    return 0;
}

int bl_driver_csv(const struct bl_table_opts *opts)
{
    struct state state = { .opts = opts };
    struct bl_loop_opts loop = BL_LOOP_OPTS_DEFAULT(ROWS);
    int status = bl_loop_run(&(struct bl_loop){
        .opts = &loop, .ctx = &state, .prepare = prepare, .run = run
    });

    /* What reads columns needs their names, also when no row follows. */
    if (!state.headed && status <= 1) {
        put_heads(&state);
        bl_out(state.out.data, state.out.len);
        if (status == 0)
            bl_driver_say_nothing();
    }
    bl_buf_free(&state.out);
    return status;
}
