/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/loop.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "json/lines.h"
#include "json/writer.h"

/* Lines of one batch together; keeps memory flat when lines are huge. */
enum { BATCH_BYTES = 64 << 20 };
/* A longer table of fields is not kept for the next record. */
enum { MANY_FIELDS = 4096 };

enum fate { GOOD, FAILED, UNPARSED, PASSED, MARK };

struct slot {
    struct bl_item item;
    enum fate fate;
};

struct state {
    const struct bl_loop *loop;
    struct bl_lines *lines;
    struct bl_arena arena;
    struct slot **slots;        /* slots keep their field tables */
    size_t n, cap, bytes;
    struct bl_item **good;
    struct bl_buf out, scratch;
    struct bl_edits edits;
    struct bl_progress progress;
    bool any_failed, any_good, stop;
    /* With a window. */
    struct bl_buf doc;          /* raw `doc` of the document in the batch, */
    bool open, loose;           /* while there is one; records without one */
    bool settled;               /* which of the two the batch has */
    bool carried;               /* the document began in an earlier batch */
    struct bl_buf held;         /* the line that begins the next batch, */
    size_t held_number;         /* and its number; 0: none */
};

void bl_item_fail(struct bl_item *item, enum bl_code code, const char *fmt,
                  ...)
{
    va_list ap;

    va_start(ap, fmt);
    bl_vfail(&item->err, code, fmt, ap);
    va_end(ap);
    item->failed = true;
}

static struct slot *slot_new(struct state *state)
{
    struct slot *slot;

    if (state->n == state->cap) {
        state->cap = bl_grown(state->cap, state->n + 1);
        state->slots = bl_xrealloc(state->slots, state->cap,
                                   sizeof *state->slots);
        state->good = bl_xrealloc(state->good, state->cap,
                                  sizeof *state->good);
        for (size_t i = state->n; i < state->cap; i++)
            state->slots[i] = BL_NEW(struct slot);
    }
    slot = state->slots[state->n++];
    if (slot->item.rec.cap_fields > MANY_FIELDS)
        bl_record_free(&slot->item.rec);
    slot->fate = GOOD;
    slot->item.data = NULL;
    slot->item.failed = slot->item.continues = false;
    slot->item.err.code = BL_OK;
    return slot;
}

/* ---- Reading a batch ---- */

/* PASSED when an earlier stage put an error into the record; MARK when that
 * "error" only says where something ends. */
static enum fate fate_of(const struct state *state, struct bl_item *item)
{
    struct bl_span v;

    switch (bl_record_get(&item->rec, "error", &v, &item->err)) {
    case 1:
        if (bl_json_type(v) == BL_JSON_NULL)
            return GOOD;
        if (!bl_record_is_mark(&item->rec))
            return PASSED;
        return state->loop->marks ? GOOD : MARK;
    case 0:
        return GOOD;
    default:
        return FAILED;
    }
}

static void parse(struct state *state, struct slot *slot, struct bl_span line,
                  size_t number)
{
    struct bl_item *item = &slot->item;
    char *copy = bl_arena_strndup(&state->arena, line.p, line.n);

    line.p = copy;
    state->bytes += line.n;
    item->rec.line = line;
    item->rec.number = number;
    if (state->loop->plain_text)
        return;
    if (bl_record_parse(&item->rec, line, number, &item->err) < 0)
        slot->fate = UNPARSED;
    else
        slot->fate = fate_of(state, item);
}

static void too_long(struct state *state, struct slot *slot,
                     struct bl_span head)
{
    slot->item.rec.number = bl_lines_number(state->lines);
    slot->item.rec.line = (struct bl_span){
        bl_arena_strndup(&state->arena, head.p, head.n), head.n
    };
    bl_fail(&slot->item.err, BL_TOO_LONG,
            "line is longer than %zu bytes (see --max-line)",
            state->loop->opts->max_line);
    slot->fate = UNPARSED;
}

/* Between the elements of an array. */
static void bad_array(struct state *state, struct slot *slot,
                      struct bl_err *err)
{
    slot->item.rec.number = bl_lines_number(state->lines);
    slot->item.rec.line = BL_SPAN_LIT("");
    slot->item.err = *err;
    slot->fate = UNPARSED;
}

/* With --errors stop nothing behind a record that failed is handled. */
static bool is_last(const struct state *state, const struct slot *slot)
{
    return slot->fate != GOOD && slot->fate != MARK
        && state->loop->opts->errors == BL_ERRORS_STOP;
}

/* ---- Batches that are documents ---- */

/* The raw value of `doc`; p == NULL where there is none.  A producer writes
 * the same document's in the same way. */
static struct bl_span doc_of(const struct slot *slot)
{
    struct bl_span value;

    if (slot->fate == UNPARSED
        || bl_record_get(&slot->item.rec, "doc", &value, NULL) != 1
        || bl_json_type(value) == BL_JSON_NULL)
        return (struct bl_span){ NULL, 0 };
    return value;
}

static bool is_open_doc(const struct state *state, struct bl_span doc)
{
    return state->open && doc.p
        && bl_span_eq(doc, (struct bl_span){ state->doc.data,
                                             state->doc.len });
}

static void open_doc(struct state *state, struct bl_span doc)
{
    state->open = doc.p != NULL;
    state->loose = !state->open;
    state->carried = false;
    bl_buf_clear(&state->doc);
    if (doc.p)
        bl_buf_put_span(&state->doc, doc);
}

/* Whether the last record read belongs to the batch.  A line that is no record
 * is of whatever stands around it. */
static bool belongs(struct state *state, const struct slot *slot)
{
    struct bl_span doc = doc_of(slot);

    if (!state->loop->window || slot->fate == UNPARSED || slot->fate == MARK)
        return true;
    if (!is_open_doc(state, doc) && !(state->loose && !doc.p)) {
        if (state->settled)
            return false;
        open_doc(state, doc);
    }
    state->settled = true;
    return true;
}

/* The last record begins the next batch. */
static void hold(struct state *state)
{
    const struct bl_record *rec = &state->slots[--state->n]->item.rec;

    bl_buf_clear(&state->held);
    bl_buf_put_span(&state->held, rec->line);
    state->held_number = rec->number;
    state->open = false;
}

/* Reads a line into the batch.  1 the batch goes on, 0 it is complete. */
static int add_line(struct state *state, struct bl_span line, size_t number)
{
    struct slot *slot = slot_new(state);

    parse(state, slot, line, number);
    if (!belongs(state, slot)) {
        hold(state);
        return 0;
    }
    slot->item.continues = state->open && state->carried;
    if (!state->loop->window || slot->fate != MARK)
        return 1;
    state->open = false;
    return 0;
}

static int take_held(struct state *state)
{
    struct bl_span line = { state->held.data, state->held.len };
    size_t number = state->held_number;

    state->held_number = 0;
    return number ? add_line(state, line, number) : 1;
}

static bool is_full(const struct state *state)
{
    size_t most = state->open && state->loop->window
        ? state->loop->window : state->loop->opts->batch;

    return state->n >= most || state->bytes >= BATCH_BYTES;
}

/* Gathers records until the batch is full or reading would wait.  1 more may
 * follow, 0 end of input, -1 with *err. */
static int read_batch(struct state *state, struct bl_err *err)
{
    struct bl_span line;

    state->carried = state->open;
    state->loose = state->settled = false;
    if (!take_held(state))
        return 1;
    while (!is_full(state)) {
        if (state->n > 0 && is_last(state, state->slots[state->n - 1]))
            return 0;
        if (state->n > 0 && !(state->open && state->loop->window)
            && bl_lines_would_block(state->lines))
            return 1;
        switch (bl_lines_next(state->lines, &line, err)) {
        case BL_LINE_OK:
            if (!bl_span_blank(line)
                && !add_line(state, line, bl_lines_number(state->lines)))
                return 1;
            break;
        case BL_LINE_TOO_LONG:
            too_long(state, slot_new(state), line);
            break;
        case BL_LINE_BAD:
            bad_array(state, slot_new(state), err);
            break;
        case BL_LINE_END:
            return 0;
        case BL_LINE_ERROR:
            return -1;
        }
    }
    return 1;
}

/* ---- The work ---- */

/* Codes from BL_USAGE on are not the fault of a record (a file is missing,
 * memory or a disk fails), so the next record would fare no better: they end
 * the program, as does what is wrong with the pipeline. */
static bool is_fatal(const struct state *state, struct bl_item *item)
{
    struct bl_err *err = &item->err;

    if ((err->code == BL_NO_STAGE || err->code == BL_MODEL_MISMATCH)
        && !state->any_good) {
        err->code = BL_DATA;
        bl_err_prefix(err, "%s:%zu", bl_lines_name(state->lines),
                      item->rec.number);
    }
    return err->code >= BL_USAGE;
}

/* -1 with *err: the batch ends before the record that it is about. */
static int prepare(struct state *state, struct bl_err *err)
{
    const struct bl_loop *loop = state->loop;

    for (size_t i = 0; i < state->n; i++) {
        struct slot *slot = state->slots[i];
        struct bl_item *item = &slot->item;

        if (slot->fate == GOOD && loop->prepare
            && loop->prepare(loop->ctx, item, &state->arena, &item->err) < 0) {
            if (is_fatal(state, item)) {
                *err = item->err;
                state->n = i;
                return -1;
            }
            slot->fate = FAILED;
        }
        state->any_good |= slot->fate == GOOD;
        if (is_last(state, slot))
            state->n = i + 1;
    }
    return 0;
}

static int work(struct state *state, struct bl_err *err)
{
    const struct bl_loop *loop = state->loop;
    size_t n = 0;

    for (size_t i = 0; i < state->n; i++)
        if (state->slots[i]->fate == GOOD)
            state->good[n++] = &state->slots[i]->item;
    if (n > 0 && loop->run
        && loop->run(loop->ctx, state->good, n, &state->arena, err) < 0)
        return -1;
    for (size_t i = 0; i < state->n; i++)
        if (state->slots[i]->fate == GOOD && state->slots[i]->item.failed)
            state->slots[i]->fate = FAILED;
    return 0;
}

/* ---- Writing it ---- */

static void write_error(struct bl_writer *w, const char *key,
                        const struct bl_err *err)
{
    bl_write_object(w, key);
    bl_write_string(w, "by", bl_prog_name());
    bl_write_string(w, "code", bl_code_name(err->code));
    bl_write_string(w, "message", err->msg);
    bl_write_end(w);
}

/* The line could not be read as a record: quoted, made valid. */
static void put_unparsed(struct state *state, const struct bl_item *item)
{
    struct bl_writer w = bl_writer(&state->out, BL_WRITE_COMPACT);
    struct bl_buf safe = BL_BUF_INIT;

    bl_utf8_repair(&safe, item->rec.line.p, item->rec.line.n);
    bl_write_object(&w, NULL);
    write_error(&w, "error", &item->err);
    bl_write_size(&w, "line", item->rec.number);
    bl_write_span(&w, "raw", (struct bl_span){ safe.data, safe.len });
    bl_write_end(&w);
    bl_write_line(&w);
    bl_buf_free(&safe);
}

static void put_failed(struct state *state, const struct bl_item *item)
{
    struct bl_writer w = bl_writer(&state->scratch, BL_WRITE_COMPACT);

    bl_buf_clear(&state->scratch);
    write_error(&w, NULL, &item->err);
    bl_edits_clear(&state->edits);
    bl_edits_set_buf(&state->edits, "error", &state->scratch);
    bl_record_write(&state->out, &item->rec, &state->edits);
}

static void put_good(struct state *state, const struct bl_item *item)
{
    const struct bl_loop *loop = state->loop;

    if (loop->emit_lines) {
        loop->emit_lines(loop->ctx, item, &state->out);
    } else if (loop->emit) {
        bl_edits_clear(&state->edits);
        loop->emit(loop->ctx, item, &state->edits);
        bl_record_write(&state->out, &item->rec, &state->edits);
    }
}

static void put_line(struct state *state, const struct bl_item *item)
{
    bl_buf_put_span(&state->out, item->rec.line);
    bl_buf_putc(&state->out, '\n');
}

/* Whether a line names the columns of a table of texts or mentions. */
static bool names_columns(struct bl_span line)
{
    bool separated = false;

    for (size_t i = 0; i < line.n; i++) {
        if (strchr("{}[]:", line.p[i]))     /* of a NUL too */
            return false;
        separated |= strchr(",;\t|", line.p[i]) != NULL;
    }
    return separated && (memmem(line.p, line.n, "mention", 7)
                         || memmem(line.p, line.n, "text", 4));
}

/* The stage that put an error into a record has warned of it: no other stage
 * of a pipeline warns again, though each of them counts it as failed. */
static void put_bad(struct state *state, const struct slot *slot)
{
    const struct bl_loop *loop = state->loop;
    const struct bl_item *item = &slot->item;

    state->any_failed = true;
    if (slot->fate != PASSED)
        bl_warn("%s:%zu: %s", bl_lines_name(state->lines), item->rec.number,
                item->err.msg);
    if (item->rec.number == 1 && item->err.code == BL_BAD_JSON
        && names_columns(item->rec.line))
        bl_warn("the input is a table: blink-json(5) says how to make records "
                "of it");
    if (loop->opts->errors == BL_ERRORS_STOP)
        state->stop = true;
    if (loop->opts->errors == BL_ERRORS_DROP
        || (!loop->emit && !loop->emit_lines))
        return;
    if (slot->fate == PASSED) {
        put_line(state, item);
    } else if (slot->fate == FAILED && !loop->plain_text) {
        put_failed(state, item);
    } else {
        put_unparsed(state, item);
    }
}

/* The line is our copy, in the arena.  A lone surrogate in a field that nobody
 * read must not stop the reader of our output (jq 1.6 would). */
static void mend(const struct slot *slot)
{
    if (slot->fate != UNPARSED)
        bl_json_mend_surrogates((char *)(uintptr_t)slot->item.rec.line.p,
                                slot->item.rec.line.n);
}

static bool is_dropped(const struct state *state, const struct slot *slot)
{
    const struct bl_record *rec = &slot->item.rec;
    struct bl_span error, by;

    return state->loop->drop_marks
        && bl_record_get(rec, "error", &error, NULL) == 1
        && bl_json_type(error) == BL_JSON_OBJECT
        && bl_json_get(error, "by", &by, NULL) == 1
        && bl_span_is(by, state->loop->drop_marks);
}

static void write_batch(struct state *state)
{
    bl_buf_clear(&state->out);
    for (size_t i = 0; i < state->n && !state->stop; i++) {
        if (!state->loop->plain_text)
            mend(state->slots[i]);
        if (state->slots[i]->fate == GOOD)
            put_good(state, &state->slots[i]->item);
        else if (state->slots[i]->fate != MARK)
            put_bad(state, state->slots[i]);
        else if ((state->loop->emit || state->loop->emit_lines)
                 && !is_dropped(state, state->slots[i]))
            put_line(state, &state->slots[i]->item);
    }
    if (state->out.len > 0)
        bl_out(state->out.data, state->out.len);
    bl_progress_step(&state->progress, state->n);
}

static void state_free(struct state *state)
{
    for (size_t i = 0; i < state->cap; i++) {
        bl_record_free(&state->slots[i]->item.rec);
        free(state->slots[i]);
    }
    free(state->slots);
    free(state->good);
    bl_lines_free(state->lines);
    bl_arena_free(&state->arena);
    bl_buf_free(&state->out);
    bl_buf_free(&state->scratch);
    bl_buf_free(&state->doc);
    bl_buf_free(&state->held);
    bl_edits_free(&state->edits);
}

static int run_batches(struct state *state, struct bl_err *err)
{
    struct bl_err later;
    int more, ready;

    do {
        more = read_batch(state, err);
        if (more < 0 && state->n == 0)
            return -1;
        ready = prepare(state, err);
        /* What comes out does not depend on how records came together. */
        if (work(state, ready < 0 ? &later : err) < 0 && ready == 0)
            return -1;
        write_batch(state);
        if (more < 0 || ready < 0)
            return -1;
        bl_arena_reset(&state->arena);
        state->n = state->bytes = 0;
    } while (more > 0 && !state->stop);
    return 0;
}

/* Where the input is a part of a longer one, its lines are counted as there
 * (scripts/blink-shard). */
static int number_lines(struct bl_lines *lines, struct bl_err *err)
{
    const char *text = getenv("BLINK_FIRST_LINE");
    char *end = NULL;
    unsigned long long first;

    if (!text || !*text)
        return 0;
    errno = 0;
    first = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || first < 1
        || first > SIZE_MAX / 2)
        return bl_fail(err, BL_USAGE, "BLINK_FIRST_LINE='%.*s': expected a "
                       "whole number from 1", BL_SHOWN(40, text));
    bl_lines_count_from(lines, (size_t)first);
    return 0;
}

/* Arrays are taken apart only where lines are JSON: a plain text may begin
 * with a bracket. */
int bl_loop_run(const struct bl_loop *loop)
{
    struct state state = { .loop = loop };
    struct bl_err err = { .code = BL_OK };
    int rc;

    state.lines = bl_lines_new(STDIN_FILENO, "stdin", loop->opts->max_line);
    if (!loop->plain_text)
        bl_lines_take_arrays(state.lines);
    bl_progress_start(&state.progress, "records", 0, loop->opts->progress);
    rc = number_lines(state.lines, &err);
    if (rc == 0)
        rc = run_batches(&state, &err);
    bl_progress_end(&state.progress);
    if (rc < 0) {
        bl_warn("%s", err.msg);
        rc = bl_code_exit(err.code);
    } else {
        rc = state.any_failed && !loop->opts->no_fail;
    }
    state_free(&state);
    return rc;
}
