/* SPDX-License-Identifier: MIT */
/*
 * blink count: how often linked records name each entity, how it is written
 * and in which documents; and the same for names without one.  Memory grows
 * with the number of different entities and names, not with the input.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/intern.h"
#include "base/mem.h"
#include "cli/loop.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/writer.h"

enum {
    ROWS = 256,
    MOST_FORMS = 100            /* of one entity; others are counted alone */
};

/* A text and how often it came; the text is ours. */
struct tally {
    struct bl_span text;
    size_t count;
};

struct tallies {
    struct tally *v;
    size_t n, cap;
};

struct entry {
    struct bl_span key;         /* the text of its number in state.keys */
    struct bl_span id, title, url;      /* p == NULL: none */
    size_t count, unsure, documents, last;      /* last: state.document */
    struct tallies forms, in;
    size_t other_forms;
};

struct state {
    const struct bl_count_opts *opts;
    struct bl_arena kept;       /* all texts of entries */
    struct bl_intern *keys;
    struct entry **entries;     /* [n] by the numbers of their keys until they
                                 * are sorted */
    size_t n, cap;
    struct bl_span doc;         /* of the record before, */
    size_t document;            /* which had this number, from 1 */
    struct bl_buf doc_text, key;
    bool any_record;            /* a line was JSON */
};

/* ---- The entries ---- */

static struct entry *entry_of(struct state *state,
                              const struct bl_link_row *row)
{
    uint32_t number;

    bl_driver_key(row, &state->key);
    number = bl_intern_add(state->keys, (struct bl_span){ state->key.data,
                                                          state->key.len });
    if (number == state->n) {
        BL_GROW(state->entries, state->n + 1, state->cap);
        state->entries[state->n] = BL_NEW(struct entry);
        state->entries[state->n++]->key = bl_intern_text(state->keys, number);
    }
    return state->entries[number];
}

/* ---- Counting ---- */

/* False when there is no room for one more. */
static bool add_tally(struct state *state, struct tallies *list,
                      struct bl_span text, size_t most)
{
    for (size_t i = list->n; i-- > 0;) {
        if (!bl_span_eq(list->v[i].text, text))
            continue;
        list->v[i].count++;
        return true;
    }
    if (list->n >= most)
        return false;
    BL_GROW(list->v, list->n + 1, list->cap);
    list->v[list->n++] = (struct tally){
        bl_arena_copy(&state->kept, text), 1
    };
    return true;
}

/* The records of a document come together, so that one number says whether
 * an entity was seen in this document before. */
static void turn_to(struct state *state, struct bl_span doc)
{
    if (state->document && bl_span_eq(doc, state->doc))
        return;
    bl_buf_clear(&state->doc_text);
    bl_buf_put_span(&state->doc_text, doc);
    state->doc = (struct bl_span){ state->doc_text.data,
                                   state->doc_text.len };
    state->document++;
}

/* Of the document that came last the count may still grow; no more names are
 * kept than were asked for. */
static void add_document(struct state *state, struct entry *entry,
                         struct bl_span doc)
{
    struct tallies *in = &entry->in;

    if (entry->last == state->document) {
        if (in->n && in->n == entry->documents)
            in->v[in->n - 1].count++;
        return;
    }
    entry->last = state->document;
    entry->documents++;
    if (!doc.p || in->n >= state->opts->documents)
        return;
    BL_GROW(in->v, in->n + 1, in->cap);
    in->v[in->n++] = (struct tally){ bl_arena_copy(&state->kept, doc), 1 };
}

static void count(struct state *state, const struct bl_link_row *row)
{
    struct entry *entry = entry_of(state, row);

    turn_to(state, row->doc.p ? row->doc : BL_SPAN_LIT(""));
    if (entry->count++ == 0) {
        entry->id = bl_arena_copy(&state->kept, row->id);
        entry->title = bl_arena_copy(&state->kept, row->plain_title);
        entry->url = bl_arena_copy(&state->kept, row->url);
    }
    entry->unsure += row->unsure && row->id.p;
    add_document(state, entry, row->doc);
    if (!add_tally(state, &entry->forms, row->mention, MOST_FORMS))
        entry->other_forms++;
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct bl_link_row *row = bl_arena_alloc(arena, 1, sizeof *row);

    ((struct state *)ctx)->any_record = true;
    item->data = row;
    return bl_driver_row(&item->rec, arena, row, err);
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    (void)arena;
    (void)err;
    for (size_t i = 0; i < n; i++)
        count(ctx, items[i]->data);
    return 0;
}

/* ---- Order ---- */

static int compare_spans(struct bl_span a, struct bl_span b)
{
    int order = memcmp(a.p ? a.p : "", b.p ? b.p : "", BL_MIN(a.n, b.n));

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_count(const void *a, const void *b)
{
    const struct tally *left = a, *right = b;

    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return compare_spans(left->text, right->text);
}

/* Entities first, then names without one. */
static int by_kind_and_count(const void *a, const void *b)
{
    const struct entry *left = *(struct entry *const *)a;
    const struct entry *right = *(struct entry *const *)b;

    if (!left->id.p != !right->id.p)
        return left->id.p ? -1 : 1;
    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return compare_spans(left->key, right->key);
}

static void sort(struct state *state)
{
    size_t n = 0;

    for (size_t i = 0; i < state->n; i++) {
        struct tallies *forms = &state->entries[i]->forms;

        qsort(forms->v, forms->n, sizeof *forms->v, by_count);
    }
    if (state->n)
        qsort(state->entries, state->n, sizeof *state->entries,
              by_kind_and_count);
    for (size_t i = 0; i < state->n && state->opts->not_found; i++)
        n += state->entries[i]->id.p != NULL;
    /* What is not to be printed is freed here, and the rest moves up. */
    for (size_t i = 0; i < n; i++) {
        free(state->entries[i]->forms.v);
        free(state->entries[i]->in.v);
        free(state->entries[i]);
    }
    state->n -= n;
    if (n && state->n)
        memmove(state->entries, state->entries + n,
                state->n * sizeof *state->entries);
}

/* ---- Printing ---- */

/* "Paris (10), City of Light (2)"; one that came once has no number. */
static void put_list(struct bl_buf *out, const struct tallies *list,
                     size_t more, const char *comma)
{
    for (size_t i = 0; i < list->n; i++) {
        bl_buf_puts(out, i ? comma : "");
        bl_buf_put_span(out, list->v[i].text);
        if (list->v[i].count > 1)
            bl_buf_printf(out, " (%zu)", list->v[i].count);
    }
    if (more)
        bl_buf_printf(out, "%sand %zu more", list->n ? comma : "", more);
}

static void write_list(struct bl_writer *json, const char *key,
                       const char *what, const struct tallies *list)
{
    bl_write_array(json, key);
    for (size_t i = 0; i < list->n; i++) {
        bl_write_object(json, NULL);
        bl_write_span(json, what, list->v[i].text);
        bl_write_size(json, "count", list->v[i].count);
        bl_write_end(json);
    }
    bl_write_end(json);
}

static void put_record(struct bl_buf *out, const struct entry *entry)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&json, NULL);
    if (entry->id.p) {
        bl_write_object(&json, "entity");
        bl_write_span(&json, "id", entry->id);
        bl_write_optional(&json, "title", entry->title);
        bl_write_optional(&json, "url", entry->url);
        bl_write_end(&json);
    } else {
        bl_write_null(&json, "entity");
    }
    bl_write_size(&json, "count", entry->count);
    bl_write_size(&json, "unsure", entry->unsure);
    bl_write_size(&json, "documents", entry->documents);
    write_list(&json, "forms", "mention", &entry->forms);
    if (entry->other_forms)
        bl_write_size(&json, "other_forms", entry->other_forms);
    write_list(&json, "in", "doc", &entry->in);
    bl_write_end(&json);
    bl_write_line(&json);
}

static const char *const heads[] = { "count", "unsure", "documents", "id",
                                     "title", "url", "forms", "in" };
enum { COUNT, UNSURE, DOCUMENTS, ID, TITLE, URL, FORMS, IN, N_COLUMNS };

/* As texts; *text holds the lists. */
static void fill(const struct entry *entry, struct bl_buf text[5],
                 const char *comma, struct bl_span cells[N_COLUMNS])
{
    size_t more = entry->documents - BL_MIN(entry->documents, entry->in.n);

    for (size_t i = 0; i < 5; i++)
        bl_buf_clear(&text[i]);
    bl_buf_printf(&text[0], "%zu", entry->count);
    bl_buf_printf(&text[1], "%zu", entry->unsure);
    bl_buf_printf(&text[2], "%zu", entry->documents);
    put_list(&text[3], &entry->forms, entry->other_forms, comma);
    put_list(&text[4], &entry->in, entry->in.n ? more : 0, comma);
    cells[COUNT] = (struct bl_span){ text[0].data, text[0].len };
    cells[UNSURE] = (struct bl_span){ text[1].data, text[1].len };
    cells[DOCUMENTS] = (struct bl_span){ text[2].data, text[2].len };
    cells[ID] = entry->id;
    cells[TITLE] = entry->title;
    cells[URL] = entry->url;
    cells[FORMS] = (struct bl_span){ text[3].data, text[3].len };
    cells[IN] = (struct bl_span){ text[4].data ? text[4].data : "",
                                  text[4].len };
}

static void flush(struct bl_buf *out)
{
    if (out->len)
        bl_out(out->data, out->len);
    bl_buf_clear(out);
}

static void print_csv(const struct state *state, struct bl_buf text[5],
                      struct bl_buf *out)
{
    struct bl_cells csv = { .out = out,
                          .tabs = state->opts->format == BL_LINK_TSV };
    struct bl_span cells[N_COLUMNS];

    for (size_t i = 0; i < N_COLUMNS; i++)
        bl_cells_number(&csv, bl_span_of(heads[i]));
    bl_cells_end(&csv);
    for (size_t i = 0; i < state->n; i++) {
        fill(state->entries[i], text, "; ", cells);
        for (size_t j = 0; j < N_COLUMNS; j++) {
            if (j <= DOCUMENTS)
                bl_cells_number(&csv, cells[j]);
            else
                bl_cells_text(&csv, cells[j]);
        }
        bl_cells_end(&csv);
        flush(out);
    }
}

/* ---- The table ---- */

/* Numbers stand at the right of their column, the last text is as long as it
 * is, or as the terminal is wide. */
static void put_line(struct bl_buf *out, const struct bl_span *cells,
                     const size_t *width, size_t n)
{
    size_t blanks = 0;

    for (size_t i = 0; i < n; i++) {
        struct bl_span text = cells[i];
        size_t columns = bl_driver_columns(text);
        bool cut = columns > width[i];

        blanks += i < 2 ? width[i] - BL_MIN(columns, width[i]) : 0;
        for (; columns && blanks > 0; blanks--)
            bl_buf_putc(out, ' ');
        if (cut) {
            text.n = bl_driver_cut(text, width[i]);
            columns = bl_driver_columns(text) + 1;
        }
        bl_driver_put_safe(out, text);
        bl_buf_puts(out, cut ? "\xE2\x80\xA6" : "");
        blanks += 2 + (i < 2 ? 0 : width[i] - BL_MIN(columns, width[i]));
    }
    bl_buf_putc(out, '\n');
}

enum { SHOWN = 6 };

static void pick(const struct bl_span cells[N_COLUMNS],
                 struct bl_span shown[SHOWN])
{
    static const size_t columns[SHOWN] = { COUNT, DOCUMENTS, TITLE, ID,
                                           FORMS, IN };

    for (size_t i = 0; i < SHOWN; i++)
        shown[i] = cells[columns[i]].p ? cells[columns[i]] : BL_SPAN_LIT("");
    if (!shown[2].n)
        shown[2] = cells[ID].p ? cells[ID] : BL_SPAN_LIT("-");
}

/* All is known before the first row is printed: a column is as wide as its
 * widest cell, but no wider than it may be. */
static void lay_out(const struct state *state, struct bl_buf text[5],
                    const struct bl_span *names, size_t width[SHOWN])
{
    static const size_t most[SHOWN] = { 20, 20, 40, 20, 48, SIZE_MAX };
    size_t room = bl_driver_width(0), used = 0;
    struct bl_span cells[N_COLUMNS], shown[SHOWN];

    for (size_t i = 0; i < SHOWN; i++)
        width[i] = names[i].n;
    for (size_t i = 0; i < state->n; i++) {
        fill(state->entries[i], text, ", ", cells);
        pick(cells, shown);
        for (size_t j = 0; j < SHOWN; j++) {
            size_t columns = BL_MIN(bl_driver_columns(shown[j]), most[j]);

            width[j] = BL_MAX(width[j], columns);
        }
    }
    /* A narrow terminal takes from the texts what it must, evenly. */
    for (size_t i = 0; i < SHOWN; i++)
        used += width[i] + 2;
    for (size_t widest = 2; room && used > room + 2; used--) {
        widest = 2;
        for (size_t i = 2; i < SHOWN; i++)
            widest = width[i] > width[widest] ? i : widest;
        if (width[widest] <= 8)
            break;
        width[widest]--;
    }
}

static void print_table(const struct state *state, struct bl_buf text[5],
                        struct bl_buf *out)
{
    static const struct bl_span names[SHOWN] = {
        { "COUNT", 5 }, { "DOCS", 4 }, { "ENTITY", 6 }, { "ID", 2 },
        { "WRITTEN", 7 }, { "IN", 2 }
    };
    struct bl_span cells[N_COLUMNS], shown[SHOWN];
    size_t width[SHOWN];

    if (!state->n)
        return;
    lay_out(state, text, names, width);
    put_line(out, names, width, SHOWN);
    for (size_t i = 0; i < state->n; i++) {
        fill(state->entries[i], text, ", ", cells);
        pick(cells, shown);
        put_line(out, shown, width, SHOWN);
        flush(out);
    }
}

static void print(struct state *state)
{
    struct bl_buf out = BL_BUF_INIT, text[5] = { BL_BUF_INIT };

    if (state->opts->format == BL_LINK_TABLE)
        print_table(state, text, &out);
    else if (state->opts->format != BL_LINK_JSON)
        print_csv(state, text, &out);
    for (size_t i = 0; state->opts->format == BL_LINK_JSON && i < state->n;
         i++) {
        put_record(&out, state->entries[i]);
        flush(&out);
    }
    flush(&out);
    bl_buf_free(&out);
    for (size_t i = 0; i < 5; i++)
        bl_buf_free(&text[i]);
}

static void state_free(struct state *state)
{
    for (size_t i = 0; i < state->n; i++) {
        free(state->entries[i]->forms.v);
        free(state->entries[i]->in.v);
        free(state->entries[i]);
    }
    free(state->entries);
    bl_intern_free(state->keys);
    bl_arena_free(&state->kept);
    bl_buf_free(&state->doc_text);
    bl_buf_free(&state->key);
}

int bl_driver_count(const struct bl_count_opts *opts)
{
    struct state state = { .opts = opts, .keys = bl_intern_new() };
    struct bl_loop_opts loop = BL_LOOP_OPTS_DEFAULT(ROWS);
    int status = bl_loop_run(&(struct bl_loop){
        .opts = &loop, .ctx = &state, .prepare = prepare, .run = run
    });

    if (status == 0 && state.n == 0)
        bl_driver_say_nothing();
    else if (status == 1 && !state.any_record)
        bl_warn("no line is a linked record: blink link --brief FILE | "
                "blink count");
    if (status <= 1) {
        sort(&state);
        print(&state);
    }
    state_free(&state);
    return status;
}
