/* SPDX-License-Identifier: MIT */
/*
 * blink brief: of linked records what tells the answers, a tenth of their
 * size.
 * blink documents: linked records gathered into one line a document.
 *
 *     {"doc":"d","start":0,"end":5,...}  {"id":"d","text":..., "error":end}
 *  -> {"id":"d","text":...,"links":[{"start":0,"end":5,...}]}
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/loop.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/lines.h"
#include "json/writer.h"

enum { ROWS = 256, MAX_LINE = 64 << 20 };

/* ---- One record in brief ---- */

static const char *const whose[] = { "id", "doc" };

static bool is_among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

/* What is copied, but for fields that are there anyway. */
static int put_copied(struct bl_writer *json, const struct bl_record *record,
                      const struct bl_strings *copy, struct bl_err *err)
{
    for (size_t i = 0; i < copy->n; i++)
        if (!is_among(copy->v[i], whose, BL_COUNT(whose))
            && !bl_driver_is_of_link(copy->v[i])
            && strcmp(copy->v[i], "links")
            && bl_driver_put_fields(json, record, &copy->v[i], 1, err) < 0)
            return -1;
    return 0;
}

/* The line is made here, since a field that is given twice fails the
 * record. */
static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct bl_buf out = BL_BUF_INIT;
    struct bl_writer json = bl_writer(&out, BL_WRITE_COMPACT);
    struct bl_span mention, *line = bl_arena_alloc(arena, 1, sizeof *line);
    int rc = bl_record_string(&item->rec, "mention", arena, &mention, err);

    bl_write_object(&json, NULL);
    if (rc == 0
        && (bl_driver_put_fields(&json, &item->rec, whose, BL_COUNT(whose),
                                 err) < 0
            || bl_driver_put_link(&json, &item->rec, err) < 0
            || put_copied(&json, &item->rec, ctx, err) < 0))
        rc = -1;
    if (rc == 0) {
        bl_write_end(&json);
        bl_write_line(&json);
        line->p = bl_arena_strndup(arena, out.data, out.len);
        line->n = out.len;
        item->data = line;
    }
    bl_buf_free(&out);
    return rc;
}

static void emit_lines(void *ctx, const struct bl_item *item,
                       struct bl_buf *out)
{
    const struct bl_span *line = item->data;

    (void)ctx;
    bl_buf_put_span(out, *line);
}

int bl_driver_brief(const struct bl_strings *copy)
{
    struct bl_loop_opts loop = BL_LOOP_OPTS_DEFAULT(ROWS);

    return bl_loop_run(&(struct bl_loop){
        .opts = &loop, .ctx = (void *)(uintptr_t)copy, .prepare = prepare,
        .emit_lines = emit_lines
    });
}

/* ---- Documents ---- */

struct gathering {
    const struct bl_strings *copy;
    bool brief;
    struct bl_record record;
    struct bl_arena arena;      /* of one record */
    bool open;                  /* links of `doc` have come */
    struct bl_buf doc, links;   /* its id as JSON; "{...},{...}" */
    struct bl_buf out;
    struct bl_edits edits;
    int status;
};

static struct bl_span list_of(struct gathering *state, struct bl_buf *scratch)
{
    bl_buf_putc(scratch, '[');
    bl_buf_put(scratch, state->links.data, state->links.len);
    bl_buf_putc(scratch, ']');
    bl_buf_clear(&state->links);
    state->open = false;
    return (struct bl_span){ scratch->data, scratch->len };
}

/* A document of which nothing but its links is known. */
static void put_bare(struct gathering *state)
{
    struct bl_writer json = bl_writer(&state->out, BL_WRITE_COMPACT);
    struct bl_buf list = BL_BUF_INIT;

    if (!state->open)
        return;
    bl_write_object(&json, NULL);
    bl_write_raw(&json, "id", (struct bl_span){ state->doc.data,
                                                state->doc.len });
    bl_write_raw(&json, "links", list_of(state, &list));
    bl_write_end(&json);
    bl_write_line(&json);
    bl_buf_free(&list);
}

/* The document itself came to mark its end. */
static int put_whole(struct gathering *state, struct bl_err *err)
{
    struct bl_buf list = BL_BUF_INIT;
    struct bl_writer json = bl_writer(&state->out, BL_WRITE_COMPACT);
    struct bl_span links = list_of(state, &list);
    size_t before = state->out.len;
    int rc = 0;

    if (state->brief) {
        bl_write_object(&json, NULL);
        rc = bl_driver_put_fields(&json, &state->record, whose, 1, err);
        if (rc == 0)
            rc = put_copied(&json, &state->record, state->copy, err);
        bl_write_raw(&json, "links", links);
        bl_write_end(&json);
        bl_write_line(&json);
    } else {
        bl_edits_clear(&state->edits);
        bl_edits_drop(&state->edits, "error");
        bl_edits_set(&state->edits, "links", links);
        bl_record_write(&state->out, &state->record, &state->edits);
    }
    if (rc < 0)
        state->out.len = before;
    bl_buf_free(&list);
    return rc;
}

/* Makes the document with this id the one whose links are gathered.  An id
 * counts by its text: a document's may be a number, its mentions say it as a
 * string. */
static int turn_to(struct gathering *state, const char *name,
                 struct bl_err *err)
{
    struct bl_span value, text = BL_SPAN_LIT("");
    struct bl_buf id = BL_BUF_INIT;
    int rc = bl_record_get(&state->record, name, &value, err);

    if (rc > 0)
        rc = bl_json_text(value, "string or integer", &state->arena, &text,
                          err);
    if (rc < 0)
        return bl_err_prefix(err, "field '%s'", name);
    bl_json_put_string(&id, text.p, text.n);
    if (id.len != state->doc.len || memcmp(id.data, state->doc.data, id.len))
        put_bare(state);
    bl_buf_free(&state->doc);
    state->doc = id;
    return 0;
}

static int add_link(struct gathering *state, struct bl_err *err)
{
    struct bl_writer json;
    size_t before;
    int rc = turn_to(state, "doc", err);

    before = state->links.len;
    if (rc == 0) {
        bl_buf_puts(&state->links, state->open ? "," : "");
        json = bl_writer(&state->links, BL_WRITE_COMPACT);
        bl_write_object(&json, NULL);
        rc = bl_driver_put_link(&json, &state->record, err);
        bl_write_end(&json);
    }
    if (rc < 0)
        state->links.len = before;
    state->open |= rc == 0;
    return rc;
}

static int add_mark(struct gathering *state, struct bl_err *err)
{
    return turn_to(state, "id", err) < 0 ? -1 : put_whole(state, err);
}

/* A mention that failed is a link with its error; a document that did comes
 * out as it is. */
static int add_line(struct gathering *state, struct bl_span line,
                    size_t number, struct bl_err *err)
{
    struct bl_span v;
    int failed, mention;

    if (bl_record_parse(&state->record, line, number, err) < 0)
        return -1;
    failed = bl_record_get(&state->record, "error", &v, err);
    failed = failed > 0 ? bl_json_type(v) != BL_JSON_NULL : failed;
    mention = bl_record_get(&state->record, "mention", &v, err);
    if (failed < 0 || mention < 0)
        return -1;
    if (failed && bl_record_is_mark(&state->record))
        return add_mark(state, err);
    if (failed)
        state->status = 1;
    if (mention)
        return add_link(state, err);
    if (!failed)
        return bl_fail(err, BL_BAD_FIELD, "field 'mention': expected string, "
                                          "found nothing");
    put_bare(state);
    bl_buf_put_span(&state->out, state->record.line);
    bl_buf_putc(&state->out, '\n');
    return 0;
}

static void flush(struct gathering *state)
{
    if (state->out.len)
        bl_out(state->out.data, state->out.len);
    bl_buf_clear(&state->out);
}

/* Every document goes out as soon as it is whole: somebody may wait for it to
 * send the next. */
static void take(struct gathering *state, struct bl_lines *lines,
                 struct bl_span line)
{
    struct bl_err err;

    if (bl_span_blank(line))
        return;
    if (add_line(state, line, bl_lines_number(lines), &err) < 0) {
        bl_warn("%s:%zu: %s", bl_lines_name(lines), bl_lines_number(lines),
                err.msg);
        state->status = 1;
    }
    bl_arena_reset(&state->arena);
    flush(state);
}

int bl_driver_documents(bool brief, const struct bl_strings *copy)
{
    /* Not the shared loop: a failed record belongs into its document. */
    struct gathering state = { .copy = copy, .brief = brief };
    struct bl_lines *lines = bl_lines_new(STDIN_FILENO, "stdin", MAX_LINE);
    enum bl_line_status st;
    struct bl_span line;
    struct bl_err err;

    while ((st = bl_lines_next(lines, &line, &err)) < BL_LINE_END) {
        if (st == BL_LINE_OK) {
            take(&state, lines, line);
        } else {
            bl_warn("stdin:%zu: left out: longer than %d bytes",
                    bl_lines_number(lines), MAX_LINE);
            state.status = 1;
        }
    }
    put_bare(&state);
    flush(&state);
    if (st == BL_LINE_ERROR) {
        bl_warn("%s", err.msg);
        state.status = bl_code_exit(err.code);
    }
    bl_lines_free(lines);
    bl_record_free(&state.record);
    bl_arena_free(&state.arena);
    bl_edits_free(&state.edits);
    bl_buf_free(&state.doc);
    bl_buf_free(&state.links);
    bl_buf_free(&state.out);
    return state.status;
}
